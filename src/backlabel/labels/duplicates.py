"""Originals of the same bytes, and the pages of one TIFF, are labelled once.

The others are listed with the one that was.
"""

from __future__ import annotations

import os
from collections.abc import Container, Sequence

from backlabel.labels.decisions import Decided
from backlabel.storage.rows import Duplicate, Match


def set_apart(
    chosen: Sequence[Decided], named: Container[str]
) -> tuple[list[Decided], list[Duplicate]]:
    """Those that are to be copied, and their duplicates, both in the order of `chosen`.

    Of equal bytes under one label the one is copied whose path is in `named` already, so that a new
    duplicate renames nothing; else the first by the bytes of its path. Of its pages the first
    stands for it. Equal bytes under two labels are both copied: that is for a person to see, not to
    be hidden.
    """
    kept: dict[tuple[str | None, str | None], Decided] = {}
    for one in sorted(chosen, key=lambda one: _preference(one, named)):
        kept.setdefault(_identity(one), one)
    originals = [one for one in chosen if kept[_identity(one)] is one]
    duplicates = [
        _duplicate(one.match, kept[_identity(one)].match)
        for one in chosen
        if kept[_identity(one)] is not one
    ]
    return originals, duplicates


def _identity(one: Decided) -> tuple[str | None, str | None]:
    return one.match.TIFF_sha256, one.match.label


def _preference(one: Decided, named: Container[str]) -> tuple[bool, bytes, int]:
    path, page = one.match.key
    return path not in named, os.fsencode(path), page


def _duplicate(one: Match, kept: Match) -> Duplicate:
    return Duplicate(one.TIFF_path, kept.TIFF_path, one.page, kept.page)
