"""Gives original SEM TIFFs the labels of their published JPEG copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backlabel.dataset import LabelledSet, load

__version__ = "0.1.0"
__all__ = ["LabelledSet", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """`load` and `LabelledSet` bring torch, which takes seconds: only where they are asked for."""
    if name in {"LabelledSet", "load"}:
        from backlabel import system  # noqa: PLC0415

        system.refuse_others()
        from backlabel import dataset  # noqa: PLC0415

        return getattr(dataset, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
