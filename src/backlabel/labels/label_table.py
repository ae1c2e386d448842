"""A CSV table of file and label: the categories of copies that neither folder nor name tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from backlabel.errors import TableError
from backlabel.storage import lookup, names


def read(path: Path, keys: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """The label of each file that the table `path` names.

    `keys` are the names that each copy may have in it; a name that several copies have says nothing
    of either and is refused. Raises TableError for what is no such table, a file that stands under
    two labels, or a label that cannot be a folder's name.
    """
    cells = lookup.cells_by_file(
        path,
        "file",
        "label",
        remedy="It has the columns file and label, separated by commas; see labels.table.",
    )
    _refuse_unclear(path, cells, keys)
    return {key: cell for key, cell in cells.items() if cell}


def _refuse_unclear(path: Path, cells: dict[str, str], keys: Sequence[tuple[str, ...]]) -> None:
    counts = Counter(key for several in keys for key in {*several})
    for key, cell in cells.items():
        shown = names.to_cell(key)
        if counts[key] > 1:
            raise TableError(f"{path}: {counts[key]} files are called {shown}: write their paths.")
        if cell and (cell.startswith(".") or not cell.isprintable() or {*cell} & {*"/\\"}):
            raise TableError(f"{path}: {shown} has a label that cannot be a folder: {cell!r}.")
