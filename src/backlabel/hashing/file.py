"""One image file -> its hashes: what a worker process of the hash stage does."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from backlabel import hashing, images
from backlabel.hashing.cache import Entry, HashCache, Hashed
from backlabel.hashing.identity import Content, content_of, contents_of, identity
from backlabel.inventory.scanning import Listed
from backlabel.kernels.compiled import compile_all


def look_at(items: Sequence[Listed]) -> list[Content | None]:
    """The contents of several files, as far as they are quicker to tell together."""
    return contents_of([Path(item.path) for item in items])


def hash_file(
    item: Listed, content: Content | None, *, limits: images.Limits, cache: HashCache
) -> Hashed:
    """Read and hash one image, unless its content is known. Raises UnreadableImageError.

    `content` is what the file held when it was last looked at, if that is known.
    """
    file = Path(item.path)
    # Held open until the end: digest and hashes must be of the same, unchanged file.
    with images.opened(file, max_bytes=limits.max_bytes) as source:
        if content is None or content.identity != identity(file, source.status):
            try:
                content = content_of(file)
            except OSError as error:
                raise images.unreadable(error) from error
        entry = cache.get(content.sha256, item.kind) or _hashed(file, limits)
    return Hashed(item.kind, content, entry)


def _hashed(file: Path, limits: images.Limits) -> Entry:
    picture = images.read(file, limits)
    height, width = picture.grey.shape
    return Entry(hashing.hash_image(picture.grey), height, width, picture.note)


def prepare() -> None:
    """Import and compile what `hash_file` runs: seconds on a new machine, a moment later on."""
    importlib.import_module("backlabel.images.reading")
    compile_all()
