"""Gives original SEM TIFFs the labels of their published JPEG copies."""

__version__ = "0.1.0"
