"""Originals of the same bytes, and the pages of one TIFF, are labelled once.

The others are listed with the one that was.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterator

import numpy as np

from backlabel.labels.chosen import Chosen, Decided
from backlabel.storage.rows import Duplicate


def set_apart(chosen: Chosen, named: Container[str]) -> tuple[Chosen, list[Duplicate]]:
    """Those that are to be copied, and their duplicates, both in the order of `chosen`.

    Of equal bytes under one label the one is copied whose path is in `named` already, so that a new
    duplicate renames nothing; else the first by the bytes of its path. Of its pages the first
    stands for it. Equal bytes under two labels are both copied: that is for a person to see, not to
    be hidden.
    """
    some = dict(_alike(chosen))
    kept: dict[tuple[str | None, str | None], Decided] = {}
    for one in sorted(some.values(), key=lambda one: _preference(one, named)):
        kept.setdefault(_identity(one), one)
    duplicates = {
        i: Duplicate(one.match.TIFF_path, first.match.TIFF_path, one.match.page, first.match.page)
        for i, one in some.items()
        if (first := kept[_identity(one)]) is not one
    }
    rest = np.delete(np.arange(len(chosen)), [*duplicates])
    return chosen.taken(rest), [*duplicates.values()]


def _alike(chosen: Chosen) -> Iterator[tuple[int, Decided]]:
    """Those that may have a duplicate, with their numbers: few others share a hash with any."""
    identities = zip(chosen.values("TIFF_sha256"), chosen.values("label"), strict=True)
    hashes = np.fromiter(map(hash, identities), np.int64, len(chosen))
    _, which, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    some = np.flatnonzero(counts[which] > 1)
    return zip(some.tolist(), chosen.taken(some), strict=True)


def _identity(one: Decided) -> tuple[str | None, str | None]:
    return one.match.TIFF_sha256, one.match.label


def _preference(one: Decided, named: Container[str]) -> tuple[bool, bytes, int]:
    path, page = one.match.key
    return path not in named, os.fsencode(path), page
