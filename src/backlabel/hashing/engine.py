"""Hashes of many files: those that are known from the cache, the others from worker processes."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.hashing.bits import Hashes, to_hex
from backlabel.hashing.cache import HashCache, Hashed
from backlabel.hashing.file import HashImage, hash_file
from backlabel.hashing.identity import here
from backlabel.hashing.outcomes import Outcome, Outcomes
from backlabel.hashing.shards import Shards
from backlabel.inventory.files import Files, Listed
from backlabel.kernels import compile_all
from backlabel.storage.rows import Passed, TiffHash
from backlabel.workers import crew
from backlabel.workers.cluster import Cluster, is_elsewhere
from backlabel.workers.pool import cores

_CACHED_TOGETHER = 64
"""Images whose hashes a kill may lose; each time they are written costs as much as reading one."""
_TASKS, _MOST_A_TASK = 1000, 256
"""Into how many tasks images are divided, and the images of one: a lost worker costs a task."""
Item = TypeVar("Item")
Result = TypeVar("Result")


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


@dataclass(frozen=True)
class PageOutcome:
    """What came of one picture; `page` is None where the file as a whole cannot be read."""

    page: int | None
    outcome: Outcome


def hash_files(items: Files, settings: Settings, cache_folder: Path) -> Outcomes:
    """The hashes of each file, in order, or why it cannot be read.

    The engine `reference` reads no cache and writes none: it is there to check what is cached.
    """
    cache = cache_for(settings, cache_folder)
    there = is_elsewhere(settings.cluster)
    limits = (settings.max_seconds, settings.max_memory_mib)
    shards = Shards(cache_folder, cache, limits) if cache else None
    unread = shards.take_over() if shards else {}
    outcomes = Outcomes(len(items))
    new = array("q")
    for i, item in enumerate(items):
        known = (cache.known(Path(item.path), item.kind) if cache else None) or unread.get(item)
        if known is None:
            new.append(i)
        else:
            outcomes.put(i, known)
    hashing = partial(
        hash_file,
        limits=settings.limits,
        # SQLite is for the processes of one machine: elsewhere a file's content is hashed again.
        cache=None if there else cache,
        hash_image=hash_image_of(settings),
    )
    results = mapped(hashing, items.taken(new), settings, shards if there else None)
    own = (_known_here(*pair) if there else pair[1] for pair in results)
    for i, result in zip(new, cached(own, cache), strict=True):
        outcomes.put(i, result)
    if shards:
        shards.clear()
    return outcomes


def _known_here(item: Listed, outcome: Outcome) -> Outcome:
    """`outcome` with the identity that the file has on this machine: see `identity.here`."""
    if isinstance(outcome, UnreadableImageError) or not outcome.content.identity:
        return outcome
    own = here(outcome.content.identity, Path(item.path))
    return replace(outcome, content=replace(outcome.content, identity=own))


def cache_for(settings: Settings, folder: Path) -> HashCache | None:
    """The cache that an engine uses: what the limits refuse is refused again when they change."""
    fast = settings.engine == "fast"
    return HashCache(folder, asdict(settings.limits)) if fast else None


def hash_image_of(settings: Settings) -> HashImage:
    """What an engine makes of a picture."""
    return _by_kernels if settings.engine == "fast" else _by_reference


def _by_kernels(grey: images.GreyImage) -> Hashes:
    from backlabel.hashing.perceptual import hash_image  # noqa: PLC0415 - only workers need it

    return hash_image(grey)


def _by_reference(grey: images.GreyImage) -> Hashes:
    from backlabel.hashing import reference  # noqa: PLC0415 - slow to import

    return reference.hash_image(grey)


def mapped(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    settings: Settings,
    shards: Shards | None = None,
) -> Iterator[tuple[Item, Result | UnreadableImageError]]:
    """What `function` makes of each item in worker processes; none is started for no item.

    Workers of a cluster put their tasks' results into `shards`.
    """
    if not items:
        return iter(())
    return crew.map_files(
        function,
        items,
        workers=settings.workers or cores(),
        max_seconds=settings.max_seconds,
        max_memory_mib=settings.max_memory_mib,
        what="hash",
        prepare=compile_all if settings.engine == "fast" else None,
        cluster=settings.cluster,
        chunk=min(max(crew.TASK, len(items) // _TASKS), _MOST_A_TASK) if shards else None,
        keep=shards.keep if shards else None,
    )


def cached(results: Iterable[Outcome], cache: HashCache | None) -> Iterator[Outcome]:
    """`results`, each put into the cache, where there is one, soon after it is there."""
    if cache is None:
        yield from results
        return
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


def rows(
    side: str, items: Sequence[Listed], found: Iterable[Sequence[PageOutcome]]
) -> Iterator[TiffHash | Passed]:
    """A row for each picture of each of `items`, and for what gives no hash."""
    for item, pages in zip(items, found, strict=True):
        for one in pages:
            if isinstance(one.outcome, Hashed):
                yield row(item.path, one.outcome)
            else:
                error = one.outcome
                yield Passed(item.path, side, error.reason, error.detail, one.page)


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
