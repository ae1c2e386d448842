"""The pages of TIFFs that are pictures of their own: hashed, and told apart.

By its headers a page may be a picture and yet show what another page shows: the same pixels once
more, or a smaller copy that nobody marked as such (preview, level of a pyramid). Such pages get no
row; the note of the file's first picture says what each is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np

from backlabel.errors import UnreadableImageError
from backlabel.hashing import engine
from backlabel.hashing.cache import Entry, Hashed
from backlabel.hashing.engine import PageOutcome, Settings
from backlabel.hashing.file import PageOf, hash_page, pages_of
from backlabel.hashing.identity import Content
from backlabel.hashing.outcomes import Outcome
from backlabel.inventory.files import Listed

# Measured on 16 micrographs, bits of 1,024 between a picture and its smaller copy: averaged to any
# size at most 48; every fourth pixel taken at most 156; taken down to 160 pixels a row up to 292.
# Pictures of other things lie at about 512.
MAX_COPY_BITS = 160
MAX_THUMBNAIL_BITS = 300
_THUMBNAIL = 256  # pixels; the longer side of what can only be a preview
_ROUNDING = 1.0  # pixels by which a side of a smaller copy may be off


@dataclass(frozen=True)
class _File:
    """A TIFF of several pages."""

    content: Content
    main: int
    others: tuple[int, ...]


def every_page(
    items: Sequence[Listed], mains: Sequence[Outcome], settings: Settings, cache_folder: Path
) -> Iterator[list[PageOutcome]]:
    """For each file of `items` its pictures in the order of pages; `mains` has their main ones.

    A page that cannot be read is an error by itself.
    """
    files = _files(items, mains, settings)
    wanted = [
        PageOf(items[i].path, items[i].kind, page, file.content)
        for i, file in files.items()
        for page in file.others
    ]
    found = _hashed(wanted, settings, cache_folder)
    return (
        _of_file(file.main, main, {page: found[item.path, page] for page in file.others})
        if (file := files.get(i))
        else [PageOutcome(main.entry.page if isinstance(main, Hashed) else None, main)]
        for i, (item, main) in enumerate(zip(items, mains, strict=True))
    )


def _files(
    items: Sequence[Listed], mains: Sequence[Outcome], settings: Settings
) -> dict[int, _File]:
    """The files that have, or may have, more pages than their main one, by number."""
    failed = [
        item
        for item, main in zip(items, mains, strict=True)
        if item.kind == "tiff" and isinstance(main, UnreadableImageError)
    ]
    listing = partial(pages_of, limits=settings.limits)
    asked = {item.path: result for item, result in engine.mapped(listing, failed, settings)}
    found = {}
    for i, (item, main) in enumerate(zip(items, mains, strict=True)):
        if isinstance(main, Hashed):
            if main.entry.others or main.entry.apart:
                found[i] = _File(main.content, main.entry.page, main.entry.others)
        else:
            listed = asked.get(item.path)
            if isinstance(listed, tuple) and listed[1].others:
                found[i] = _File(listed[0], listed[1].main, listed[1].others)
    return found


def _hashed(
    wanted: Sequence[PageOf], settings: Settings, cache_folder: Path
) -> dict[tuple[str, int], Outcome]:
    """What comes of each page, by path and page."""
    cache = engine.cache_for(settings, cache_folder)
    known = {
        (one.path, one.page): cache.get_page(one.kind, one.page, one.content) if cache else None
        for one in wanted
    }
    new = [one for one in wanted if known[one.path, one.page] is None]
    hashing = partial(hash_page, limits=settings.limits, hash_image=engine.hash_image_of(settings))
    fresh = engine.cached((result for _, result in engine.mapped(hashing, new, settings)), cache)
    found = {(one.path, one.page): result for one, result in zip(new, fresh, strict=True)}
    return {key: one or found[key] for key, one in known.items()}


def _of_file(main: int, outcome: Outcome, others: Mapping[int, Outcome]) -> list[PageOutcome]:
    """The pictures of one file, without the pages that show what another shows."""
    every = {main: outcome, **others}
    entries = {page: one.entry for page, one in every.items() if isinstance(one, Hashed)}
    copies = told_apart(entries)
    kept = [PageOutcome(page, every[page]) for page in sorted(every) if page not in copies]
    apart = {page: what for entry in entries.values() for page, what in entry.apart} | copies
    for i, one in enumerate(kept):
        if apart and isinstance(one.outcome, Hashed):
            kept[i] = replace(one, outcome=_noted(one.outcome, apart))
            break
    return kept


def told_apart(entries: Mapping[int, Entry]) -> dict[int, str]:
    """The pages of one file that show what another page shows, and what each is.

    `entries` are its pictures by page. Of equal pages the first stays.
    """
    largest_first = sorted(entries, key=lambda page: (-_pixels(entries[page]), page))
    kept: list[int] = []
    found: dict[int, str] = {}
    for page in largest_first:
        reasons = (_copy_of(entries[page], entries[other], other) for other in kept)
        reason = next((reason for reason in reasons if reason), "")
        if reason:
            found[page] = reason
        else:
            kept.append(page)
    return found


def _copy_of(entry: Entry, other: Entry, page: int) -> str:
    if (entry.pixels, entry.height, entry.width) == (other.pixels, other.height, other.width):
        return f"page {page} once more"
    limit = MAX_COPY_BITS
    if max(entry.height, entry.width) <= _THUMBNAIL:
        limit = MAX_THUMBNAIL_BITS
    is_copy = _is_smaller(entry, other) and _bits(entry, other) <= limit
    return f"a smaller copy of page {page}" if is_copy else ""


def _is_smaller(entry: Entry, other: Entry) -> bool:
    """Whether it is `other` reduced, by its proportions."""
    expected = other.height * entry.width / other.width
    across = other.width * entry.height / other.height
    near = min(abs(expected - entry.height), abs(across - entry.width)) <= _ROUNDING
    return near and entry.height < other.height and entry.width < other.width


def _bits(entry: Entry, other: Entry) -> int:
    ours, theirs = entry.hashes, other.hashes
    return min(
        int(np.bitwise_count(ours.standardised ^ theirs.standardised).sum()),
        int(np.bitwise_count(ours.grey ^ theirs.grey).sum()),
    )


def _pixels(entry: Entry) -> int:
    return entry.height * entry.width


def _noted(one: Hashed, apart: Mapping[int, str]) -> Hashed:
    by_reason: dict[str, list[int]] = {}
    for page in sorted(apart):
        by_reason.setdefault(apart[page], []).append(page)
    told = [f"{_ranges(pages)}: {reason}" for reason, pages in by_reason.items()]
    note = "; ".join(part for part in (one.entry.note, *told) if part)
    return replace(one, entry=replace(one.entry, note=note))


def _ranges(pages: Iterable[int]) -> str:
    """Ascending page numbers as people write them: `page 2`, `pages 2, 4-9`."""
    runs = [
        [page for _, page in run]
        for _, run in groupby(enumerate(pages), key=lambda numbered: numbered[1] - numbered[0])
    ]
    words = [f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
    several = len(runs) > 1 or len(runs[0]) > 1
    return f"page{'s' if several else ''} {', '.join(words)}"
