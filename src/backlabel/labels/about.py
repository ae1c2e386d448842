"""What people say of a labelled set, and of which originals they say it.

The words that come with this repository are the sample's. `only_for` binds them to the sample's
files, so that nobody publishes other data under its name and licence by oversight.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class About:
    """What people say of a data set; None where they say nothing. `published` is YYYY-MM-DD."""

    name: str | None = None
    description: str | None = None
    version: str | None = None
    licence: str | None = None
    citation: str | None = None
    creator: str | None = None
    url: str | None = None
    published: str | None = None


def originals_digest(sha256s: NDArray[np.uint8]) -> str:
    """SHA-256 over the SHA-256 of each original (n, 32), sorted, one a line; equal ones count once.

    A line is 64 hexadecimal digits.
    """
    found = hashlib.sha256()
    for digest in np.unique(np.ascontiguousarray(sha256s).view("S32")):
        found.update(digest.ljust(32, b"\0").hex().encode() + b"\n")
    return found.hexdigest()


def applicable(about: About, only_for: str | None, originals: str) -> tuple[About, str]:
    """`about`, or nothing said where `only_for` names other originals; and then a note for people.

    `originals` is the `originals_digest` of the run's TIFFs.
    """
    if only_for in (None, originals):
        return about, ""
    return About(), (
        f"label.about ({about.name!r}) speaks of other data than yours, so none of it is written: "
        "the set has no name, licence or citation. Say what yours is in conf/label/about/mine.yaml "
        "(copy none.yaml) and write `about: mine` in conf/label/default.yaml; `about: none` keeps "
        f"this silent. If it does speak of these originals, set label.about.only_for={originals}."
    )
