"""A CSV table of file and label: the categories of copies that neither folder nor name tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from backlabel.errors import TableError
from backlabel.storage import names

FILE, LABEL = "file", "label"


def read(path: Path, keys: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """The label of each file that the table `path` names.

    `keys` are the names that each copy may have in it; a name that several copies have says nothing
    of either and is refused. Raises TableError for what is no such table, a file that stands under
    two labels, or a label that cannot be a folder's name.
    """
    try:
        # A spreadsheet's byte-order mark does no harm here.
        table = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise TableError(
            f"{path}: not a CSV table in UTF-8 ({error}). See labels.table."
        ) from error
    missing = [name for name in (FILE, LABEL) if name not in table]
    if missing:
        raise TableError(
            f"{path}: has no column {missing[0]!r} among its columns {', '.join(table.columns)}. "
            "A label table has the columns file and label, separated by commas."
        )
    distinct = table[[FILE, LABEL]].drop_duplicates()
    twice = distinct[distinct[FILE].duplicated()][FILE]
    if len(twice):
        raise TableError(f"{path}: {twice.iloc[0]} stands under two labels.")
    try:
        cells = {names.from_cell(key): cell for key, cell in distinct.itertuples(index=False)}
    except ValueError as error:
        raise TableError(f"{path}: {error}; paths are written with /.") from error
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
