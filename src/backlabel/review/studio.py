"""Pictures on request: made by workers with limits, kept on disk."""

from __future__ import annotations

import queue
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.microscope.acquisition import Acquisition
from backlabel.review import pictures
from backlabel.review.pictures import Request
from backlabel.storage.bounded import BoundedFolder
from backlabel.storage.rows import PageKey
from backlabel.workers.pool import Workers

WORKERS_IMPORT = ["backlabel.review.pictures", "backlabel.images.reading"]
_CREWS = 2  # pictures that are made at once
_HOPELESS = ("too slow", "too much memory", "crashed the decoder")  # not tried again

Item = TypeVar("Item")
Result = TypeVar("Result")


class Studio:
    """Makes pictures in worker processes, whatever thread asks; `close` ends them."""

    def __init__(self, kept: BoundedFolder, *, max_seconds: float, max_memory_mib: int) -> None:
        self._kept = kept
        self._crews = [
            Workers(1, max_seconds=max_seconds, max_memory_mib=max_memory_mib)
            for _ in range(_CREWS)
        ]
        # The one that was used last is taken first: it runs already.
        self._free: queue.LifoQueue[Workers] = queue.LifoQueue()
        for crew in self._crews:
            self._free.put(crew)
        self._failed: dict[str, UnreadableImageError] = {}

    def close(self) -> None:
        """End the workers."""
        for crew in self._crews:
            crew.stop()

    def png(self, request: Request) -> bytes:
        """The picture as a PNG. Raises UnreadableImageError."""
        name = f"{request.key}.png"
        kept = self._kept.get(name)
        if kept is not None:
            return kept
        if request.key in self._failed:
            raise self._failed[request.key]
        try:
            made = self._work(pictures.png, request)
        except UnreadableImageError as error:
            if error.reason in _HOPELESS:
                self._failed[request.key] = error
            raise
        self._kept.put(name, made)
        return made

    def taken(self, tiff: PageKey, limits: images.Limits) -> Acquisition:
        """How a TIFF was taken; a note where it cannot be read."""
        try:
            return self._work(partial(pictures.taken, limits=limits), tiff)
        except UnreadableImageError as error:
            return Acquisition(note=f"metadata were not read: {error}")

    def _work(self, function: Callable[[Item], Result], item: Item) -> Result:
        crew = self._free.get()
        try:
            ((_, result),) = crew.map(function, [item], what="", chunk=1)
        finally:
            self._free.put(crew)
        if isinstance(result, UnreadableImageError):
            raise result
        return result
