"""The record of how an image was taken, and what its values can physically be."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Acquisition:
    """How an image was taken, as its file says; None where it does not.

    `date` is ISO 8601, with the time of day where it is known, in the microscope's local time, or
    in UTC where it ends in Z. `operator` is a person's or an account's name: not for publication.
    `note` names what was there and could not be understood, or cannot be.
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


@dataclass(frozen=True)
class Bounds:
    """What a value can be: above `low` and up to `high`, both in `unit`."""

    name: str
    unit: str
    low: float
    high: float


BOUNDS = {
    # A tenth of the best resolution of any electron microscope; an image at the least
    # magnification of a light microscope has pixels far below a millimetre.
    "pixel_size_nm": Bounds("pixel size", " nm", 1e-3, 1e6),
    # No screen shows an atom larger than a centimetre.
    "magnification": Bounds("magnification", " x", 0.0, 1e8),
    # The highest that is commercially built is 1 MV, for transmission.
    "accelerating_voltage_kv": Bounds("accelerating voltage", " kV", 0.0, 1e3),
    # From the lens to the specimen, inside the chamber.
    "working_distance_mm": Bounds("working distance", " mm", 0.0, 500.0),
}


def checked(taken: Acquisition) -> Acquisition:
    """`taken` without the numbers that cannot be, each of which is named in the note.

    A reader marks a value that is there, and is not a number in a known unit, by NaN.
    """
    faults = {
        field: fault
        for field, bounds in BOUNDS.items()
        if (fault := _fault(getattr(taken, field), bounds))
    }
    note = joined(taken.note, *faults.values())
    return replace(taken, note=note, **dict.fromkeys(faults))


def has_values(taken: Acquisition) -> bool:
    """Whether anything is known; a note alone is nothing."""
    names = (field.name for field in fields(taken) if field.name != "note")
    return any(getattr(taken, name) is not None for name in names)


def joined(*notes: str) -> str:
    """One note of several, without the empty ones."""
    return "; ".join(note for note in notes if note)


def _fault(value: float | None, bounds: Bounds) -> str:
    if value is None or bounds.low < value <= bounds.high:
        return ""
    if math.isnan(value):
        return f"{bounds.name} is not a number in a known unit"
    limits = f"above {bounds.low:g} and up to {bounds.high:g}{bounds.unit}"
    return f"{bounds.name} of {value:g}{bounds.unit} cannot be ({limits})"
