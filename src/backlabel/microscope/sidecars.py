"""Hitachi, JEOL and TESCAN: the text file that their programs lay beside an image."""

from __future__ import annotations

import re

from backlabel.microscope import tescan
from backlabel.microscope.acquisition import Acquisition
from backlabel.microscope.values import (
    LENGTHS,
    MM,
    TIMES,
    VOLTAGES,
    decoded,
    first,
    moment,
    number,
    pairs,
    rounded,
    scaled,
    text,
)

# The unit that counts where none is written.
_NANOMETRES = {**LENGTHS, "": LENGTHS["nm"]}
_MICROMETRES = {**LENGTHS, "": LENGTHS["um"]}
_MILLIMETRES = {**LENGTHS, "": LENGTHS["mm"]}
_KILOVOLTS = {**VOLTAGES, "": VOLTAGES["kv"]}


def read(content: bytes) -> Acquisition | None:
    """None for any other text."""
    written = decoded(content)
    heading = re.search(r"^\[[ST]emImageFile\]", written, re.MULTILINE)
    if heading:
        return _hitachi(written[heading.end() :])
    if re.search(r"^\$CM_", written, re.MULTILINE):
        return _jeol(written)
    if "[MAIN]" in written and "PixelSizeX" in written:
        return tescan.understand(written)
    return None


def _hitachi(written: str) -> Acquisition:
    """From what is below the heading; pixels in nanometres, other units behind the numbers.

    `InstructName` and `AcceleratingVoltage` have other names in some versions.
    """
    values = pairs(written, "=")
    date, note = moment(values.get("Date"), values.get("Time"))
    return Acquisition(
        pixel_size_nm=scaled(values.get("PixelSize"), _NANOMETRES),
        magnification=scaled(values.get("Magnification"), TIMES),
        accelerating_voltage_kv=scaled(
            values.get("AcceleratingVoltage") or values.get("AccVoltage"), VOLTAGES
        ),
        working_distance_mm=scaled(values.get("WorkingDistance"), LENGTHS, 1 / MM),
        detector=text(values.get("SignalName")),
        date=date,
        instrument=text(values.get("InstructName")) or text(values.get("Instrument name")),
        operator=text(values.get("Operator")) or text(values.get("UserName")),
        note=note,
    )


def _jeol(written: str) -> Acquisition:
    """From `$CM_` and `$SM_` lines; versions differ in whether a key has one dollar or two."""
    values = {key.lstrip("$"): value for key, value in reversed(pairs(written, " ").items())}
    date, note = moment(values.get("CM_DATE"), values.get("CM_TIME"))
    return Acquisition(
        pixel_size_nm=first(_by_scale_bar(values), _by_field_of_view(values)),
        magnification=scaled(values.get("CM_MAG"), TIMES),
        accelerating_voltage_kv=scaled(
            values.get("CM_ACCEL_VOLT") or values.get("CM_ACCEL_VOLTAGE"), _KILOVOLTS
        ),
        working_distance_mm=scaled(values.get("SM_WD"), _MILLIMETRES, 1 / MM),
        detector=text(values.get("CM_SIGNAL")) or text(values.get("CM_DETECTOR")),
        date=date,
        instrument=text(values.get("CM_INSTRUMENT")),
        operator=text(values.get("CM_OPERATOR")),
        note=note,
    )


def _by_scale_bar(values: dict[str, str]) -> float | None:
    """Nanometres a pixel: the length of the scale bar over its pixels."""
    bar = number(values.get("SM_MICRON_BAR"))
    return scaled(values.get("SM_MICRON_MARKER"), LENGTHS, 1 / bar) if bar else None


def _by_field_of_view(values: dict[str, str]) -> float | None:
    """Nanometres a pixel: width and height of the field, in micrometres, over those in pixels."""
    width, *_ = [*values.get("CM_FIELD_OF_VIEW", "").split(), ""]
    pixels = number(values.get("CM_IMAGE_SIZE") or values.get("CM_FULL_SIZE"))
    field = scaled(width, _MICROMETRES)
    return rounded(field / pixels) if field is not None and pixels else None
