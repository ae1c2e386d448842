"""`reviews/decisions.csv` is written by people: what is wrong with it is said as to people."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from backlabel.errors import DataError, TableError
from backlabel.storage import paths, tables
from backlabel.storage.rows import Choice, Decision

_COLUMNS = tuple(tables.plain_kinds(Decision))
_PAGE = "page"  # the last column, which a file may lack
_WITHOUT_PAGE = tuple(name for name in _COLUMNS if name != _PAGE)
_HEADER = ",".join(_COLUMNS)
_SHA256 = re.compile("[0-9a-f]{64}")
_NUMBER_OR_NOTHING = re.compile("([1-9][0-9]{0,8})?")
_DIGITS = "64 digits of 0-9 and a-f, as column sha256 of {} has them"
_TIFF_DIGITS, _JPEG_DIGITS = _DIGITS.format(paths.TIFF_HASHES), _DIGITS.format(paths.JPEG_HASHES)
_WITH_JPEG = (Choice.ACCEPT, Choice.RELABEL)


def read(path: Path) -> list[Decision]:
    """The decisions of the file `path`.

    Raises DataError if it is missing, and TableError that names line, column, what was found and
    what to write for all that is wrong in it.
    """
    text = _text(path)
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(lines, [])
        if tuple(header) not in (_COLUMNS, _WITHOUT_PAGE):
            raise TableError(f"{path}, line 1: {_wrong_header(text)}")
        problems = [
            f"  line {lines.line_num}{problem}"
            for cells in lines
            for problem in _problems(cells, header)
        ]
    except csv.Error as error:
        raise TableError(f"{path}, line {lines.line_num}: {error}. {_QUOTES}") from error
    if problems:
        raise TableError("\n".join([f"{path}: these lines must be written otherwise:", *problems]))
    return tables.read(path, Decision, optional=[_PAGE], remedy="Correct the line by hand.")


_QUOTES = 'A cell that holds a comma or a quotation mark stands in "...", and " is doubled in it.'


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). If it is not found, restore it with "
            f"`git checkout`; where no person has decided anything it holds one line: {_HEADER}"
        ) from error
    if content.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise TableError(
            f"{path}, line 1: starts with a byte-order mark (BOM). Save the file as UTF-8 without "
            'one: "CSV", not "CSV UTF-8" or "Unicode text", in a spreadsheet.'
        )
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TableError(f"{path}, line {line}: is no UTF-8. Save the file as UTF-8.") from error


def _wrong_header(text: str) -> str:
    first = text.partition("\n")[0].rstrip("\r")
    for separator, name in ((";", "semicolons"), ("\t", "tabulators")):
        if separator in first:
            return f"cells are separated by {name}. Separate them by commas: {_HEADER}"
    return f"found {first!r}; write {_HEADER}"


def _problems(cells: list[str], columns: list[str]) -> Iterator[str]:
    if not cells:
        yield ": is empty; remove it"
    elif len(cells) != len(columns):
        wanted = f"write {len(columns)}, separated by commas: {','.join(columns)}"
        yield f": found {len(cells)} cells; {wanted}"
    else:
        row = dict(zip(columns, cells, strict=True))
        for column, wanted in _wanted(row):
            yield f", column {column}: found {row[column]!r}; write {wanted}"


def _wanted(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each column whose cell is wrong by itself, and what to write there."""
    decision = row["decision"]
    with_jpeg = decision in _WITH_JPEG
    if not row["TIFF_path"]:
        yield "TIFF_path", f"the path as {paths.TIFF_HASHES} has it"
    if not _SHA256.fullmatch(row["TIFF_sha256"]):
        yield "TIFF_sha256", _TIFF_DIGITS
    if decision not in list(Choice):
        yield "decision", f"{', '.join(list(Choice)[:-1])} or {list(Choice)[-1]}"
    if with_jpeg and not row["JPEG_path"]:
        yield "JPEG_path", f"the path as {paths.JPEG_HASHES} has it"
    if (with_jpeg or row["JPEG_sha256"]) and not _SHA256.fullmatch(row["JPEG_sha256"]):
        yield "JPEG_sha256", _JPEG_DIGITS
    if with_jpeg and not row["label"]:
        yield "label", "a label of the scheme, for instance L9"
    if not row["who"].strip():
        yield "who", "the name of who decided"
    if decision == Choice.RELABEL and not row["why"].strip():
        yield "why", "why the label is another than the JPEG's"
    if not _NUMBER_OR_NOTHING.fullmatch(row.get(_PAGE, "")):
        yield _PAGE, f"a number as column page of {paths.TIFF_HASHES} has it, or nothing"
