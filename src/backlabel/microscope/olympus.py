"""Olympus Soft Imaging Solutions: tag 33560 points to a binary structure in the file.

There is no specification; the fields are those that tifffile reads. The two bytes before the
minutes hold the seconds: in the file at hand they agree with its DateTime.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import datetime

from backlabel.errors import UnreadableImageError
from backlabel.microscope.acquisition import Acquisition
from backlabel.microscope.values import LENGTHS, decoded, rounded, text

_HEAD = struct.Struct("<4s4x6h6x32sH")  # mark; second to year; name; number of entries
_ENTRY = struct.Struct("<hhI")  # kind, count, position
_GENERAL = 1
_IMAGE = struct.Struct("<10xhdd8xd2x34s32s")  # exponent, x, y; magnification; camera, picture type
_MAX_EXPONENT = 30  # of ten; metres


def read(fetch: Callable[[int, int], bytes], position: int) -> Acquisition:
    """From the structure at `position`; `fetch(position, length)` reads the file.

    Raises UnreadableImageError where there is none.
    """
    mark, *time, _, count = _HEAD.unpack(fetch(position, _HEAD.size))
    if mark != b"SIS0":
        raise UnreadableImageError("corrupt", "its structure does not begin with SIS0")
    entries = _ENTRY.iter_unpack(fetch(position + _HEAD.size, count * _ENTRY.size))
    general = next((at for kind, _, at in entries if kind == _GENERAL), None)
    date, note = _moment(time)
    if general is None:
        return Acquisition(date=date, note=note)
    exponent, width, _, magnification, camera, _ = _IMAGE.unpack(fetch(general, _IMAGE.size))
    power = 10.0**exponent if abs(exponent) <= _MAX_EXPONENT else float("nan")
    return Acquisition(
        pixel_size_nm=rounded(width * power * LENGTHS["m"]),
        magnification=rounded(magnification),
        detector=text(decoded(camera.partition(b"\0")[0])),
        date=date,
        note=note,
    )


def _moment(time: list[int]) -> tuple[str | None, str]:
    """From second, minute, hour, day, month since January, and year since 1900, as C has them."""
    second, minute, hour, day, month, year = time
    try:
        found = datetime(1900 + year, month + 1, day, hour, minute, second)
    except ValueError:
        return None, "date is not understood"
    return found.isoformat(), ""
