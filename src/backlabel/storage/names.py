r"""File names as table cells, and back, byte for byte.

A file name on Linux is any bytes but NUL and "/". Inside Python it is a `str` as `os.fsdecode`
gives it (bytes that are no UTF-8 become lone surrogates). In a table it must be valid UTF-8, stay
on one line, and never start a spreadsheet formula. Ordinary names are left as they are; of others

- a backslash becomes `\\`,
- a control character, or a byte that is no UTF-8, becomes `\xHH`,
- a line separator or C1 control beyond ASCII becomes `\uHHHH`,
- a leading `=`, `+`, `-` or `@` becomes `\xHH`.
"""

from __future__ import annotations

import re
import unicodedata

_FORMULA_STARTS = ("=", "+", "-", "@")
_ASCII = 0x80
_SURROGATE_BASE = 0xDC00
_ESCAPE = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4}))")


def to_cell(name: str) -> str:
    """`name` (as `os.fsdecode` gives it) as a printable one-line cell."""
    ordinary = name.isascii() and name.isprintable() and "\\" not in name
    escaped = name if ordinary else "".join(map(_escape, name))
    if escaped.startswith(_FORMULA_STARTS):
        return f"\\x{ord(escaped[0]):02x}{escaped[1:]}"
    return escaped


def from_cell(cell: str) -> str:
    """The name that `to_cell` made `cell` from. Raises ValueError for a lone backslash."""
    if "\\" not in cell:
        return cell
    rest = _ESCAPE.sub("", cell)
    if "\\" in rest:
        raise ValueError(f"{cell!r} holds a backslash that starts no escape")
    return _ESCAPE.sub(_unescape, cell)


def _escape(char: str) -> str:
    code = ord(char)
    if char == "\\":
        return "\\\\"
    if _SURROGATE_BASE + _ASCII <= code < _SURROGATE_BASE + 0x100:
        return f"\\x{code - _SURROGATE_BASE:02x}"
    if unicodedata.category(char) in {"Cc", "Zl", "Zp", "Cs"}:
        return f"\\x{code:02x}" if code < _ASCII else f"\\u{code:04x}"
    return char


def _unescape(match: re.Match[str]) -> str:
    byte, unit = match.groups()
    if byte is not None:
        code = int(byte, 16)
        return chr(code if code < _ASCII else _SURROGATE_BASE + code)
    return chr(int(unit, 16)) if unit is not None else "\\"
