"""A CSV file by people's hands, of which one column is looked up by file."""

from __future__ import annotations

import csv
from pathlib import Path

from backlabel.errors import TableError
from backlabel.storage import names


def cells_by_file(path: Path, key: str, column: str, *, remedy: str) -> dict[str, str]:
    """The cells of `column` by the file that the column `key` names; other columns are left alone.

    Raises TableError, which ends with `remedy`, for what is no such table, and for a file with two
    values.
    """
    cells: dict[str, str] = {}
    try:
        # A spreadsheet's byte-order mark does no harm here.
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            columns = next(rows, None)
            if columns is None:
                raise TableError(f"{path}: not a CSV table in UTF-8 (it is empty). {remedy}")
            for name in (key, column):
                if name not in columns:
                    shown = ", ".join(columns)
                    raise TableError(
                        f"{path}: has no column {name!r} among its columns {shown}. {remedy}"
                    )
            for row in filter(None, rows):  # an empty line is no row
                if len(row) != len(columns):
                    raise TableError(
                        f"{path}, line {rows.line_num}: {len(row)} cells in {len(columns)} columns."
                    )
                shown, cell = row[columns.index(key)], row[columns.index(column)]
                if cells.setdefault(names.from_cell(shown), cell) != cell:
                    raise TableError(f"{path}: {shown} stands under two values of {column!r}.")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path}: not a CSV table in UTF-8 ({error}). {remedy}") from error
    except ValueError as error:
        raise TableError(f"{path}: {error}; paths are written with /.") from error
    return cells
