"""Hashes of many files: those that are known from the cache, the others from worker processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.hashing.bits import to_hex
from backlabel.hashing.cache import Entry, HashCache, Hashed
from backlabel.hashing.file import hash_file
from backlabel.hashing.identity import Content
from backlabel.inventory.scanning import Listed
from backlabel.kernels.compiled import compile_all
from backlabel.storage.rows import TiffHash
from backlabel.workers import crew
from backlabel.workers.cluster import Cluster
from backlabel.workers.pool import cores

_CACHED_TOGETHER = 64
"""Images whose hashes a kill may lose; each time they are written costs as much as reading one."""
Outcome: TypeAlias = Hashed | UnreadableImageError


@dataclass(frozen=True)
class Settings:
    """How to hash; `max_seconds` and `max_memory_mib` are for one image in its worker process."""

    limits: images.Limits
    engine: Literal["fast", "reference"]
    workers: int
    """Processes; 0: one per core."""
    max_seconds: float
    max_memory_mib: int
    cluster: Cluster | None = None


def hash_files(items: Sequence[Listed], settings: Settings, cache_folder: Path) -> list[Outcome]:
    """The hashes of each file, in order, or why it cannot be read.

    The engine `reference` reads no cache and writes none: it is there to check what is cached.
    """
    if settings.engine == "reference":
        by_reference = partial(hash_file_by_reference, limits=settings.limits)
        return [result for _, result in _mapped(by_reference, items, settings)]
    # What the limits refuse must be refused again when they have changed.
    cache = HashCache(cache_folder, asdict(settings.limits))
    known = {item.path: cache.known(Path(item.path), item.kind) for item in items}
    new = [item for item in items if known[item.path] is None]
    fresh = _cached(_hashed(new, cache, settings), cache)
    found = dict(zip((item.path for item in new), fresh, strict=True))
    return [known[item.path] or found[item.path] for item in items]


def _mapped(
    function: Callable[[Listed], Hashed],
    items: Sequence[Listed],
    settings: Settings,
    prepare: Callable[[], object] | None = None,
) -> Iterator[tuple[Listed, Outcome]]:
    return crew.map_files(
        function,
        items,
        workers=settings.workers or cores(),
        max_seconds=settings.max_seconds,
        max_memory_mib=settings.max_memory_mib,
        what="hash",
        prepare=prepare,
        cluster=settings.cluster,
    )


def hash_file_by_reference(item: Listed, *, limits: images.Limits) -> Hashed:
    """As `hash_file`, by Pillow and imagehash. Raises UnreadableImageError."""
    from backlabel.hashing import reference  # noqa: PLC0415 - slow to import

    file = Path(item.path)
    with images.opened(file, max_bytes=limits.max_bytes) as source:
        digest = source.sha256()
        picture = images.picture(source, file.name, limits)
    height, width = picture.grey.shape
    hashes = reference.hash_image(picture.grey)
    entry = Entry(hashes, height, width, picture.note, picture.page)
    return Hashed(item.kind, Content(digest, b""), entry)


def _hashed(items: Sequence[Listed], cache: HashCache, settings: Settings) -> Iterator[Outcome]:
    if not items:
        return
    is_elsewhere = settings.cluster is not None and settings.cluster.kind != "local"
    # SQLite is for the processes of one machine: elsewhere a file's content is hashed again.
    by_kernels = partial(hash_file, limits=settings.limits, cache=None if is_elsewhere else cache)
    for _, result in _mapped(by_kernels, items, settings, compile_all):
        yield result


def _cached(results: Iterable[Outcome], cache: HashCache) -> Iterator[Outcome]:
    """`results`, each put into the cache soon after it is there."""
    waiting: list[Hashed] = []
    try:
        for result in results:
            if isinstance(result, Hashed):
                waiting.append(result)
            if len(waiting) == _CACHED_TOGETHER:
                together, waiting = waiting, []
                cache.keep(together)
            yield result
    finally:
        if waiting:
            cache.keep(waiting)


def row(path: str, one: Hashed) -> TiffHash:
    """The row of an image in a table of hashes."""
    hashes = one.entry.hashes
    return TiffHash(
        file=os.path.basename(path),  # noqa: PTH119 - a Path each costs more than the row
        path=path,
        page=one.entry.page,
        phash=to_hex(hashes.standardised),
        phash_grey=to_hex(hashes.grey),
        information=hashes.information,
        note=one.entry.note,
        height=one.entry.height,
        width=one.entry.width,
        sha256=one.content.sha256,
    )
