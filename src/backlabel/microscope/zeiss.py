"""Zeiss and LEO: tag 34118, CZ_SEM, as SmartSEM writes it."""

from __future__ import annotations

import re
from itertools import pairwise, takewhile

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
    rounded,
    scaled,
    text,
)

_KEY = re.compile(r"(?:AP|DP|SV)_\w+")
_PIXEL_SIZE = 3  # among the numbers without a name: metres, of the screen
_SCREEN_WIDTH = 1024  # pixels, whatever the width of the stored image


def read(tag: bytes, width: int) -> Acquisition:
    """From a line with a key, then one with its value (`AP_WD`, `WD = 4.9 mm`).

    `width`, in pixels, is that of the image; it counts where the program did not yet write
    `AP_IMAGE_PIXEL_SIZE`, the pixel size of the stored image.
    """
    lines = decoded(tag).splitlines()
    named = _named(lines)
    date, note = moment(named.get("AP_DATE"), named.get("AP_TIME"))
    return Acquisition(
        pixel_size_nm=first(
            scaled(named.get("AP_IMAGE_PIXEL_SIZE"), LENGTHS), _from_screen(lines, named, width)
        ),
        magnification=scaled(named.get("AP_MAG"), TIMES),
        accelerating_voltage_kv=scaled(
            named.get("AP_ACTUALKV") or named.get("AP_MANUALKV"), VOLTAGES
        ),
        working_distance_mm=scaled(named.get("AP_WD"), LENGTHS, 1 / MM),
        detector=text(named.get("DP_DETECTOR_TYPE")) or text(named.get("DP_DETECTOR_CHANNEL")),
        date=date,
        instrument=text(named.get("DP_SEM")) or text(named.get("SV_SERIAL_NUMBER")),
        operator=text(named.get("SV_USER_NAME")) or text(named.get("SV_OPERATOR")),
        note=note,
    )


def _named(lines: list[str]) -> dict[str, str]:
    """Values by key. tifffile's own reader takes every line of capitals, as `EHT = 500 V`, for a
    key, and so loses voltages below 1 kV.
    """
    return {
        key: re.split("[=:]", line, maxsplit=1)[-1].strip()
        for key, line in pairwise(lines)
        if _KEY.fullmatch(key)
    }


def _from_screen(lines: list[str], named: dict[str, str], width: int) -> float | None:
    """Nanometres a pixel of an image that is `width` pixels wide, from the screen's pixel size.

    The fourth of the numbers without a name gives it in full precision, as in RosettaSciIO and
    gwyddion; `AP_PIXEL_SIZE` is the same, rounded. The store resolution, where it is written,
    is the width at which the image was saved, even if it was cropped later.
    """
    numbers = [line for line in takewhile(lambda line: not _KEY.fullmatch(line), lines) if line]
    screen = first(
        number(numbers[_PIXEL_SIZE], LENGTHS["m"]) if len(numbers) > _PIXEL_SIZE else None,
        scaled(named.get("AP_PIXEL_SIZE"), LENGTHS),
    )
    stored = first(number(named.get("DP_IMAGE_STORE")), width)
    return rounded(screen * _SCREEN_WIDTH / stored) if screen and stored else None
