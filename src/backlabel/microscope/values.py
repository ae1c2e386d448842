"""Texts that vendors' programs write -> numbers with units, dates, names.

A value that is missing or empty is None. A number that is there and cannot be understood is NaN,
which `acquisition.checked` turns into a note.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date

_MICRO = dict.fromkeys(("um", "\u00b5m", "\u03bcm"), 1e3)  # the micro sign, and the Greek letter
LENGTHS = {"fm": 1e-6, "pm": 1e-3, "nm": 1.0, **_MICRO, "mm": 1e6, "cm": 1e7, "m": 1e9}
"""Units of length, in nanometres."""

VOLTAGES = {"v": 1e-3, "volt": 1e-3, "kv": 1.0}
"""Units of voltage, in kilovolts."""

TIMES = {"": 1.0, "x": 1.0, "kx": 1e3, "mx": 1e6}
"""How magnifications are written."""

MM = 1e6  # nanometres
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*)", re.DOTALL)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MAX_TEXT = 200  # letters; a damaged tag may hold the rest of its file
_DIGITS = 9  # significant; metres given in nanometres would show rounding behind them
_FIRST_YEAR = 1965  # of the first scanning electron microscope that was sold


def decoded(content: bytes) -> str:
    """UTF-16 by its mark, else UTF-8, else Latin-1, which takes any byte."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def pairs(written: str, separator: str) -> dict[str, str]:
    """`key<separator>value` lines; of a key that comes twice the first counts."""
    found: dict[str, str] = {}
    for line in written.splitlines():
        key, between, value = line.strip().partition(separator)
        if between:
            found.setdefault(key.strip(), value.strip())
    return found


def text(value: object) -> str | None:
    """`value` on one line without blanks around it, cut at 200 letters; None where none is left."""
    if value is None:
        return None
    return " ".join(str(value).replace("\0", " ").split())[:_MAX_TEXT] or None


def number(value: object, factor: float = 1.0) -> float | None:
    """The finite number at the start of `value`, times `factor`."""
    written = text(value)
    if written is None:
        return None
    match = _NUMBER.match(written)
    return rounded(float(match[1]) * factor) if match else math.nan


def scaled(value: object, units: Mapping[str, float], factor: float = 1.0) -> float | None:
    """The number in `value` times its unit's worth and `factor`; NaN for a unit not in `units`."""
    written = text(value)
    if written is None:
        return None
    match = _NUMBER.match(written)
    worth = units.get("".join(match[2].lower().split())) if match else None
    return math.nan if worth is None else number(written, worth * factor)


def rounded(value: float) -> float:
    """To nine significant digits; NaN where it is not finite."""
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else math.nan


def first(*values: float | None) -> float | None:
    """The first value that is there."""
    return next((value for value in values if value is not None), None)


def moment(day: object, clock: object) -> tuple[str | None, str]:
    """The date, with the time of day where `clock` is one, and a note as `day_of` gives it."""
    found, note = day_of(day)
    return (_with_time(found, str(clock or "").strip()) if found else None), note


def day_of(value: object) -> tuple[str | None, str]:
    """A date as YYYY-MM-DD, and a note where it is there but not certain.

    Dots stand in day.month.year. With slashes both day/month and month/day are in use: such a date
    is taken only where one of the two cannot be a month, or where they are equal.
    """
    written = text(value)
    if written is None:
        return None, ""
    parts = [part for part in re.split(r"[-./\s,]+", written.lower()) if part]
    found = _days(parts, dotted="." in written)
    if len(found) == 1:
        return found.pop(), ""
    return None, f"date {written!r} is {'ambiguous' if found else 'not understood'}"


def _days(parts: list[str], *, dotted: bool) -> set[str]:
    """Every date that `parts` may mean."""
    if len(parts) != 3:  # noqa: PLR2004 - day, month, year
        return set()
    first_, second, third = parts
    if second[:3] in _MONTHS:
        orders = [(third, str(_MONTHS.index(second[:3]) + 1), first_)]
    elif len(first_) == 4:  # noqa: PLR2004 - a year
        orders = [(first_, second, third)]
    elif dotted:
        orders = [(third, second, first_)]
    else:
        orders = [(third, second, first_), (third, first_, second)]
    return {day for order in orders if (day := _day(*order)) is not None}


def _day(year: str, month: str, day: str) -> str | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found.isoformat() if found.year >= _FIRST_YEAR else None


def _with_time(day: str, clock: str) -> str:
    half = re.search(r"\b([AP])M\b", clock, re.IGNORECASE)  # before the time or behind it
    match = re.search(r"\b(\d{1,2}):(\d\d)(?::(\d\d))?", clock)
    if match is None:
        return day
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if half:
        hour = hour % 12 + (12 if half[1].upper() == "P" else 0)
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 - a day's last hour and second
        return day
    return f"{day}T{hour:02}:{minute:02}:{second:02}"
