"""TESCAN: tag 50431, or the `.hdr` file beside the image; `key=value` in SI units."""

from __future__ import annotations

import re
import struct

from backlabel.microscope.acquisition import Acquisition
from backlabel.microscope.values import LENGTHS, decoded, moment, number, text

_BLOCK = struct.Struct("<IH")  # length, with the kind's two bytes; kind
_KIND = 2  # bytes
_PREVIEW = 1  # the kind of the block that holds a small image
_KEY = re.compile(r"\w+\Z", re.ASCII)


def read(tag: bytes) -> Acquisition:
    """From the text behind the preview, with the headings `[MAIN]` and `[SEM]` or without them."""
    return understand(decoded(_texts(tag)))


def understand(written: str) -> Acquisition:
    """From `key=value` lines. Older programs write `Detector` where newer ones number detectors."""
    values = _values(written)
    date, note = moment(values.get("Date"), values.get("Time"))
    return Acquisition(
        pixel_size_nm=number(values.get("PixelSizeX"), LENGTHS["m"]),
        magnification=number(values.get("Magnification")),
        accelerating_voltage_kv=number(values.get("HV"), 1e-3),
        working_distance_mm=number(values.get("WD"), 1e3),
        detector=text(values.get("Detector0")) or text(values.get("Detector")),
        date=date,
        instrument=text(values.get("Device")) or text(values.get("DeviceModel")),
        operator=text(values.get("FullUserName")) or text(values.get("UserName")),
        note=note,
    )


def _texts(tag: bytes) -> bytes:
    """The blocks that are no preview, one after the other.

    Where the tag does not begin with blocks, all from `[MAIN]` on, or else the whole tag.
    """
    found, at = [], 0
    while at + _BLOCK.size <= len(tag):
        length, kind = _BLOCK.unpack_from(tag, at)
        end = at + _BLOCK.size - _KIND + length
        if length < _KIND or end > len(tag):
            break
        if kind != _PREVIEW:
            found.append(tag[at + _BLOCK.size : end])
        at = end
    joined = b"\n".join(found)
    return joined if b"=" in joined else tag[max(0, tag.find(b"[MAIN]")) :]


def _values(written: str) -> dict[str, str]:
    """Values by key; a block's binary header before a key is left out. The first counts."""
    found: dict[str, str] = {}
    for line in written.splitlines():
        before, between, value = line.partition("=")
        key = _KEY.search(before[-64:].strip()) if between else None
        if key:
            found.setdefault(key[0], value.strip())
    return found
