"""Typed records to CSV files and back.

A record is a frozen dataclass; its fields are the columns, in order. `FileName` fields pass through
`backlabel.names`, so that any file name survives. None is an empty cell; floats are written with
the fewest digits that give the same number again.
"""

from __future__ import annotations

import csv
import dataclasses
import enum
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from backlabel import names
from backlabel.errors import TableError
from backlabel.files import atomic_write

FileName = Annotated[str, "file name"]
"""A file name or path as `os.fsdecode` gives it."""

Record = TypeVar("Record")


def write(path: Path, record: type[Record], rows: Iterable[Record]) -> None:
    """Write `rows` of the dataclass `record` to `path`, whole or not at all."""
    kinds = _kinds(record)
    with atomic_write(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(kinds)
        for row in rows:
            writer.writerow([_to_cell(getattr(row, name), kinds[name]) for name in kinds])


def read(path: Path, record: type[Record]) -> list[Record]:
    """The rows of `path`. Raises TableError if it is missing or not a table of `record`."""
    kinds = _kinds(record)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if header != list(kinds):
                raise TableError(
                    f"{path}: columns {header}, expected {list(kinds)}. Run its stage again."
                )
            return [_row(path, reader.line_num, cells, record, kinds) for cells in reader]
    except FileNotFoundError as error:
        raise TableError(f"{path}: not found. Run the stage that writes it.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path}: not a CSV table in UTF-8 ({error}).") from error


def plain_kinds(record: type[Any]) -> dict[str, type]:
    """The columns of `record` and the plain type of their values: str, int, float or bool."""
    return {name: _plain_kind(_bare(kind)[0]) for name, kind in _kinds(record).items()}


def plain_values(record: type[Record], row: Record) -> list[str | int | float | bool | None]:
    """The cells of `row`, typed as `plain_kinds` says; file names are escaped as in `write`."""
    return [_plain(getattr(row, name), kind) for name, kind in _kinds(record).items()]


def _plain_kind(bare: Any) -> type:
    if bare == FileName or issubclass(bare, str):
        return str
    return next(kind for kind in (bool, int, float) if issubclass(bare, kind))


def _plain(value: Any, kind: Any) -> str | int | float | bool | None:
    if value is None:
        return None
    bare, _ = _bare(kind)
    if bare == FileName:
        return names.to_cell(value)
    plain: str | int | float | bool = _plain_kind(bare)(value)
    return plain


def _row(
    path: Path, line: int, cells: list[str], record: type[Record], kinds: dict[str, Any]
) -> Record:
    if len(cells) != len(kinds):
        raise TableError(f"{path}, line {line}: {len(cells)} cells, expected {len(kinds)}.")
    try:
        values = {
            name: _from_cell(cell, kind)
            for (name, kind), cell in zip(kinds.items(), cells, strict=True)
        }
    except (ValueError, KeyError) as error:
        raise TableError(f"{path}, line {line}: {error}") from error
    return record(**values)


def _kinds(record: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(record, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(record)}


def _bare(kind: Any) -> tuple[Any, bool]:
    """The type without `| None`, and whether None was allowed."""
    if typing.get_origin(kind) in {typing.Union, types.UnionType}:
        parts = [part for part in typing.get_args(kind) if part is not type(None)]
        return parts[0], True
    return kind, False


def _to_cell(value: Any, kind: Any) -> str:
    if value is None:
        return ""
    bare, _ = _bare(kind)
    if bare == FileName:
        return names.to_cell(value)
    if isinstance(value, float):
        return repr(float(value))
    return str(value)


def _from_cell(cell: str, kind: Any) -> Any:
    bare, optional = _bare(kind)
    if optional and cell == "":
        return None
    if bare == FileName:
        return names.from_cell(cell)
    if bare is bool:
        return {"True": True, "False": False}[cell]
    if isinstance(bare, type) and issubclass(bare, enum.Enum):
        return bare(cell)
    return bare(cell)
