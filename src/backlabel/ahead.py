"""Imported once by the process that workers are forked from: imports what they will need.

What cannot be imported is left for whoever needs it: it is told there, and not by two processes.
"""

import contextlib
import importlib
import os

MODULE = "BACKLABEL_AHEAD"
"""Name of the variable of the environment that names the module."""

if MODULE in os.environ:
    with contextlib.suppress(ImportError, OSError):
        importlib.import_module(os.environ[MODULE])
