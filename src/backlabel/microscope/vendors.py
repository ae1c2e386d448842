"""What microscopes write about an image -> one record with units. Texts and mappings in, no files.

Each vendor has names, units and dates of its own; a value that is missing, empty or no number is
None. Sources: the tags of real files for Zeiss and FEI; for TESCAN, Hitachi and JEOL the fields
that gwyddion, Bio-Formats and public readers of these files name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Acquisition:
    """How an image was taken, as its file tells; None where it does not.

    `date` is ISO 8601, with the time of day where it is told, in the microscope's local time.
    `operator` is a person's or an account's name: not for publication. `note` names what was there
    and could not be understood.
    """

    pixel_size_nm: float | None = None
    magnification: float | None = None
    accelerating_voltage_kv: float | None = None
    working_distance_mm: float | None = None
    detector: str | None = None
    date: str | None = None
    instrument: str | None = None
    operator: str | None = None
    note: str = ""


_NM = {"fm": 1e-6, "pm": 1e-3, "nm": 1.0, "um": 1e3, "µm": 1e3, "μm": 1e3, "mm": 1e6, "m": 1e9}
_VOLT = {"v": 1.0, "volt": 1.0, "kv": 1e3}
_TIMES = {"": 1.0, "x": 1.0, "kx": 1e3, "mx": 1e6}
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*)", re.DOTALL)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MAX_TEXT = 200  # letters; a damaged tag may hold the rest of its file
_DIGITS = 9  # significant; metres given in nanometres would show rounding behind them


def zeiss(tag: bytes) -> Acquisition:
    """From CZ_SEM: a line with a key, then one with its value (`AP_WD`, `WD = 4.9 mm`).

    `AP_IMAGE_PIXEL_SIZE` is that of the stored image, `AP_PIXEL_SIZE` that of the screen.
    """
    named = _zeiss_values(tag)
    day, note = day_of(named.get("AP_DATE"))
    return Acquisition(
        pixel_size_nm=_scaled(named.get("AP_IMAGE_PIXEL_SIZE"), _NM),
        magnification=_scaled(named.get("AP_MAG"), _TIMES),
        accelerating_voltage_kv=_scaled(
            named.get("AP_ACTUALKV") or named.get("AP_MANUALKV"), _VOLT, 1e-3
        ),
        working_distance_mm=_scaled(named.get("AP_WD"), _NM, 1e-6),
        detector=text(named.get("DP_DETECTOR_TYPE")) or text(named.get("DP_DETECTOR_CHANNEL")),
        date=_moment(day, named.get("AP_TIME")),
        instrument=text(named.get("DP_SEM")),
        operator=text(named.get("SV_USER_NAME")) or text(named.get("SV_OPERATOR")),
        note=note,
    )


def _zeiss_values(tag: bytes) -> dict[str, str]:
    """Values by key. tifffile's own reader takes every line of capitals, as `EHT = 500 V`, for a
    key, and so loses voltages below 1 kV.
    """
    lines = decoded(tag).splitlines()
    return {
        key: re.split("[=:]", line, maxsplit=1)[-1].strip()
        for key, line in pairwise(lines)
        if re.fullmatch(r"(?:AP|DP|SV)_\w+", key)
    }


def fei(tag: Mapping[str, Any]) -> Acquisition:
    """From SFEG or HELIOS as tifffile gives it, sections of keys; SI units, metres and volts.

    Only what shows the image at a stated width tells a magnification: `MagCanvasRealWidth`.
    """

    def get(section: str, key: str) -> object:
        return tag.get(section, {}).get(key)

    beam = str(get("Beam", "Beam") or "EBeam")
    scan = str(get("Beam", "Scan") or "EScan")
    created, _, clock = str(get("PrivateFei", "TimeOfCreation") or "").partition(" ")
    day, note = day_of(created or get("User", "Date"))
    width, canvas = number(get(beam, "HFW")), number(get("Image", "MagCanvasRealWidth"))
    return Acquisition(
        pixel_size_nm=_times(number(get("Scan", "PixelWidth") or get(scan, "PixelWidth")), 1e9),
        magnification=_times(canvas, 1 / width) if width else None,
        accelerating_voltage_kv=_times(number(get(beam, "HV") or get("Beam", "HV")), 1e-3),
        working_distance_mm=_times(number(get(beam, "WD") or get("Stage", "WorkingDistance")), 1e3),
        detector=text(get("Detectors", "Name")),
        date=_moment(day, clock or get("User", "Time")),
        instrument=text(get("System", "SystemType")),
        operator=text(get("User", "User")),
        note=note,
    )


def tescan(tag: bytes) -> Acquisition:
    """From tag 50431: `[MAIN]` and `[SEM]` as text behind a binary preview; SI units."""
    start = tag.find(b"[MAIN]")
    if start < 0:
        return Acquisition(note="TESCAN's tag holds no [MAIN] section")
    values = pairs(decoded(tag[start:]), "=")
    day, note = day_of(values.get("Date"))
    return Acquisition(
        pixel_size_nm=_times(number(values.get("PixelSizeX")), 1e9),
        magnification=number(values.get("Magnification")),
        accelerating_voltage_kv=_times(number(values.get("HV")), 1e-3),
        working_distance_mm=_times(number(values.get("WD")), 1e3),
        detector=text(values.get("Detector0")) or text(values.get("Detector")),
        date=_moment(day, values.get("Time")),
        instrument=text(values.get("Device")) or text(values.get("DeviceModel")),
        operator=text(values.get("FullUserName")) or text(values.get("UserName")),
        note=note,
    )


def sidecar(content: bytes) -> Acquisition:
    """From the text file that Hitachi or JEOL lays beside an image; other text tells nothing."""
    written = decoded(content)
    if "[SemImageFile]" in written:
        return hitachi(written)
    if re.search(r"^\$CM_", written, re.MULTILINE):
        return jeol(written)
    return Acquisition()


def hitachi(written: str) -> Acquisition:
    """From `[SemImageFile]`; pixels in nanometres, other units behind the numbers."""
    values = pairs(written.partition("[SemImageFile]")[2], "=")
    day, note = day_of(values.get("Date"))
    return Acquisition(
        pixel_size_nm=number(values.get("PixelSize")),
        magnification=number(values.get("Magnification")),
        accelerating_voltage_kv=_scaled(values.get("AcceleratingVoltage"), _VOLT, 1e-3),
        working_distance_mm=_scaled(values.get("WorkingDistance"), _NM, 1e-6),
        detector=text(values.get("SignalName")),
        date=_moment(day, values.get("Time")),
        instrument=text(values.get("InstructName")),
        operator=text(values.get("Operator")) or text(values.get("UserName")),
        note=note,
    )


def jeol(written: str) -> Acquisition:
    """From `$CM_` and `$$SM_` lines; the pixel size follows from the scale bar and its pixels."""
    values = pairs(written, " ")
    bar, marker = number(values.get("$$SM_MICRON_BAR")), values.get("$$SM_MICRON_MARKER")
    day, note = day_of(values.get("$CM_DATE"))
    return Acquisition(
        pixel_size_nm=_scaled(marker, _NM, 1 / bar) if bar else None,
        magnification=number(values.get("$CM_MAG")),
        accelerating_voltage_kv=number(values.get("$CM_ACCEL_VOLT")),
        working_distance_mm=number(values.get("$$SM_WD")),
        detector=text(values.get("$CM_SIGNAL")),
        date=_moment(day, values.get("$CM_TIME")),
        instrument=text(values.get("$CM_INSTRUMENT")),
        operator=text(values.get("$CM_OPERATOR")),
        note=note,
    )


def fibsem(told: Mapping[str, Any]) -> Acquisition:
    """From the JSON that OpenFIBSEM writes as the image's description; SI units."""
    beam = "ib_settings" if told.get("beam_type") == "ION" else "eb_settings"
    state = told.get("microscope_state") or {}
    settings = state.get(beam) or {}
    detector = told.get("detector_settings") or {}
    pixel = told.get("pixel_size") or {}
    return Acquisition(
        pixel_size_nm=_times(number(pixel.get("x")), 1e9),
        accelerating_voltage_kv=_times(number(settings.get("voltage")), 1e-3),
        working_distance_mm=_times(number(settings.get("working_distance")), 1e3),
        detector=text(detector.get("type")),
    )


def pairs(written: str, separator: str) -> dict[str, str]:
    """`key<separator>value` lines; of a key that comes twice the first counts."""
    found: dict[str, str] = {}
    for line in written.splitlines():
        key, between, value = line.strip().partition(separator)
        if between:
            found.setdefault(key.strip(), value.strip())
    return found


def decoded(content: bytes) -> str:
    """UTF-16 by its mark, else UTF-8, else Latin-1, which takes any byte."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def number(value: object) -> float | None:
    """The finite number at the start of `value`, or None."""
    match = _NUMBER.match(str(value).strip()) if value is not None else None
    found = float(match[1]) if match else math.nan
    return found if math.isfinite(found) else None


def text(value: object) -> str | None:
    """`value` on one line without blanks around it, cut at 200 letters; None where none is left."""
    return " ".join(str(value).split())[:_MAX_TEXT] or None if value is not None else None


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
    first, second, third = parts
    if second[:3] in _MONTHS:
        orders = [(third, str(_MONTHS.index(second[:3]) + 1), first)]
    elif len(first) == 4:  # noqa: PLR2004 - a year
        orders = [(first, second, third)]
    elif dotted:
        orders = [(third, second, first)]
    else:
        orders = [(third, second, first), (third, first, second)]
    return {day for order in orders if (day := _day(*order)) is not None}


def _day(year: str, month: str, day: str) -> str | None:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def _moment(day: str | None, clock: object) -> str | None:
    """`day` with the time of day, where that is one."""
    match = re.match(r"(\d{1,2}):(\d\d)(?::(\d\d))?\S*(?:\s*([AP])M)?", str(clock or "").strip())
    if day is None or match is None:
        return day
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if match[4]:
        hour = hour % 12 + (12 if match[4] == "P" else 0)
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 - a day's last hour and second
        return day
    return f"{day}T{hour:02}:{minute:02}:{second:02}"


def _scaled(value: object, units: Mapping[str, float], factor: float = 1.0) -> float | None:
    """The number in `value` times its unit's worth; None for a unit that is not known."""
    match = _NUMBER.match(str(value).strip()) if value is not None else None
    worth = units.get("".join(match[2].lower().split())) if match else None
    return _times(number(value), worth * factor) if worth else None


def _times(value: float | None, factor: float) -> float | None:
    return float(f"{value * factor:.{_DIGITS}g}") if value is not None else None
