"""What `label.group_by` says that originals share: a folder, a cell of a table, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from backlabel.errors import DataError, TableError
from backlabel.storage import names

FOLDER, NEAR_DUPLICATES, COLUMN = "folder", "near_duplicates", "column:"
_KEY = "TIFF_path"


def shared(
    paths: Sequence[str], group_by: str, roots: Sequence[str], table: str | None
) -> list[str | None]:
    """What each TIFF of `paths` shares with others by `group_by`; None where it shares nothing.

    `roots` are the folders of all TIFFs. With `column:<name>` it is the cell of that column in the
    CSV file `table`, whose column TIFF_path names the TIFFs as the tables of hashes do.
    """
    if group_by == FOLDER:
        return [specimen_folder(path, roots) for path in paths]
    if group_by == NEAR_DUPLICATES or table is None:
        return [None for _ in paths]
    cells = _cells(Path(table), group_by.removeprefix(COLUMN))
    missing = [path for path in paths if path not in cells]
    if missing:
        raise DataError(
            f"{table}: has no line for {len(missing)} of {len(paths)} labelled TIFFs, the first "
            f"{names.to_cell(missing[0])}. Add them; an empty cell stands for a TIFF by itself."
        )
    return [cells[path] or None for path in paths]


def specimen_folder(path: str, roots: Sequence[str]) -> str | None:
    """The folder of the TIFF `path`; None directly below a root, which is no specimen's folder."""
    folder = PurePosixPath(path).parent
    return None if folder in map(PurePosixPath, roots) else str(folder)


def _cells(path: Path, column: str) -> dict[str, str]:
    """The cells of `column` by TIFF. Raises TableError for what is no such table."""
    try:
        # A spreadsheet's byte-order mark does no harm here.
        table = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise TableError(
            f"{path}: not a CSV table in UTF-8 ({error}). See label.group_table."
        ) from error
    missing = [name for name in (_KEY, column) if name not in table]
    if missing:
        raise TableError(
            f"{path}: has no column {missing[0]!r} among its columns {', '.join(table.columns)}. "
            "They are separated by commas; see label.group_by and label.group_table."
        )
    distinct = table[[_KEY, column]].drop_duplicates()
    twice = distinct[distinct[_KEY].duplicated()][_KEY]
    if len(twice):
        raise TableError(f"{path}: {twice.iloc[0]} stands under two values of {column!r}.")
    try:
        return {names.from_cell(key): cell for key, cell in distinct.itertuples(index=False)}
    except ValueError as error:
        raise TableError(f"{path}: {error}; paths are written with /.") from error
