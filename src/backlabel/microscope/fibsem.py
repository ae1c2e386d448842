"""OpenFIBSEM: JSON as the image's description, in SI units."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from backlabel.microscope.acquisition import Acquisition
from backlabel.microscope.values import LENGTHS, decoded, moment, number, text

MARK = b'"microscope_state"'
"""What makes a description one of OpenFIBSEM's."""

_UNKNOWN = ("Unknown", "null", "username")  # what the program writes where it does not know


def read(description: bytes) -> Acquisition:
    """Versions of before 2024 keep the image's settings on top and name beams `eb_settings`;
    later ones keep them in `image` and name beams `electron_beam`. Raises ValueError.
    """
    written = json.loads(decoded(description).rstrip("\0"))
    state = written["microscope_state"]
    image = written.get("image") or written
    old, new = ("ib", "ion") if image.get("beam_type") == "ION" else ("eb", "electron")
    beam = state.get(f"{new}_beam") or state.get(f"{old}_settings") or {}
    detector = state.get(f"{new}_detector") or written.get("detector_settings") or {}
    date, note = _moment(state.get("timestamp"))
    return Acquisition(
        pixel_size_nm=number((written.get("pixel_size") or {}).get("x"), LENGTHS["m"]),
        accelerating_voltage_kv=number(beam.get("voltage"), 1e-3),
        working_distance_mm=number(beam.get("working_distance"), 1e3),
        detector=_known(detector.get("type")),
        date=date,
        operator=_known((written.get("user") or {}).get("name")),
        note=note,
    )


def _moment(timestamp: Any) -> tuple[str | None, str]:
    """Seconds since 1970 are in UTC; a text is a date and a time of the microscope's own clock."""
    if not isinstance(timestamp, int | float):
        day, _, clock = str(timestamp or "").partition(" ")
        return moment(day, clock)
    try:
        found = datetime.fromtimestamp(timestamp, UTC)
    except (ValueError, OverflowError, OSError):
        return None, f"date {timestamp!r} is not understood"
    return f"{found:%Y-%m-%dT%H:%M:%S}Z", ""


def _known(value: object) -> str | None:
    return None if value in _UNKNOWN else text(value)
