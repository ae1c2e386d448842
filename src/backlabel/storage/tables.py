"""Typed records to CSV files and back.

A record is a frozen dataclass; its fields are the columns, in order. `FileName` fields pass
through `backlabel.storage.names`, so that any file name survives. None is an empty cell; floats
are written with the fewest digits that give the same number again.
"""

from __future__ import annotations

import csv
import dataclasses
import operator
import types
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from backlabel.errors import TableError
from backlabel.storage import names
from backlabel.storage.files import atomic_write

FileName = Annotated[str, "file name"]
"""A file name or path as `os.fsdecode` gives it."""

Record = TypeVar("Record")
_AGAIN = "Run the stage that writes it again."


def write(path: Path, record: type[Record], rows: Iterable[Record]) -> None:
    """Write `rows` of the dataclass `record` to `path`, whole or not at all."""
    with atomic_write(path) as file:
        file.write(header(record))
        file.writelines(lines(record, rows))


def header(record: type[Any]) -> str:
    """The first line of a table of `record`."""
    return ",".join(_kinds(record)) + "\n"


def lines(record: type[Record], rows: Iterable[Record]) -> Iterator[str]:
    """`rows` as the lines that `write` makes of them."""
    kinds = _kinds(record)
    values = operator.attrgetter(*kinds)
    escaped = [i for i, kind in enumerate(kinds.values()) if _bare(kind)[0] == FileName]
    line = csv.writer(_Given(), lineterminator="\r\n").writerow  # so that it quotes both of them
    for row in rows:
        cells = [*values(row)]
        for i in escaped:
            cells[i] = cells[i] and names.to_cell(cells[i])
        yield line(cells)[:-2] + "\n"  # the fewest digits of a float: csv writes what str does


class _Given:
    """A file of which csv gives back what it would write."""

    def write(self, text: str) -> str:
        return text


def read(
    path: Path,
    record: type[Record],
    *,
    optional: Collection[str] = (),
    remedy: str = _AGAIN,
) -> list[Record]:
    """The rows of `path`, as `rows` gives them."""
    return [*rows(path, record, optional=optional, remedy=remedy)]


def rows(
    path: Path,
    record: type[Record],
    *,
    optional: Collection[str] = (),
    remedy: str = _AGAIN,
) -> Iterator[Record]:
    """The rows of `path`. Raises TableError if it is missing or not a table of `record`.

    `optional` are columns that a table by people's hands may lack: their fields have defaults.
    `remedy` says in the error what to do.
    """
    columns = readers(record)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            for name in set(optional).difference(header):
                del columns[name]
            if header != list(columns):
                raise TableError(f"{path}: columns {header}, expected {list(columns)}. {remedy}")
            for cells in reader:
                yield _row(path, reader.line_num, cells, record, columns)
    except FileNotFoundError as error:
        raise TableError(f"{path}: not found. {remedy}") from error
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path}: not a CSV table in UTF-8 ({error}). {remedy}") from error


def readers(record: type[Any]) -> dict[str, Callable[[str], Any]]:
    """The columns of `record`, and what makes a value of a cell of each."""
    return {name: _reader(kind) for name, kind in _kinds(record).items()}


def plain_kinds(record: type[Any]) -> dict[str, type]:
    """The columns of `record` and the plain type of their values: str, int, float or bool."""
    return {name: _plain_kind(_bare(kind)[0]) for name, kind in _kinds(record).items()}


def plain_columns(
    record: type[Record], rows: Sequence[Record]
) -> dict[str, list[str | int | float | bool | None]]:
    """The cells of `rows` by column, typed by `plain_kinds`; names are escaped as in `write`."""
    found = {}
    for name, kind in _kinds(record).items():
        plain = _plain(kind)
        cells = (getattr(row, name) for row in rows)
        found[name] = [None if cell is None else plain(cell) for cell in cells]
    return found


def _plain_kind(bare: Any) -> type:
    if bare == FileName or issubclass(bare, str):
        return str
    return next(kind for kind in (bool, int, float) if issubclass(bare, kind))


def _plain(kind: Any) -> Callable[[Any], str | int | float | bool]:
    """What makes a plain value of one of this kind."""
    bare, _ = _bare(kind)
    return names.to_cell if bare == FileName else _plain_kind(bare)


def _row(
    path: Path,
    line: int,
    cells: list[str],
    record: type[Record],
    columns: Mapping[str, Callable[[str], Any]],
) -> Record:
    if len(cells) != len(columns):
        raise TableError(f"{path}, line {line}: {len(cells)} cells, expected {len(columns)}.")
    try:
        values = {
            name: from_cell(cell)
            for (name, from_cell), cell in zip(columns.items(), cells, strict=True)
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


def _reader(kind: Any) -> Callable[[str], Any]:
    bare, optional = _bare(kind)
    of_cell: Callable[[str], Any] = bare
    if bare == FileName:
        of_cell = names.from_cell
    elif bare is bool:
        of_cell = {"True": True, "False": False}.__getitem__
    if not optional:
        return of_cell
    return lambda cell: None if cell == "" else of_cell(cell)
