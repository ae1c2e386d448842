"""One image file -> its hashes: what a worker process of the hash stage does."""

from __future__ import annotations

from pathlib import Path

from backlabel import hashing, images
from backlabel.hashing.cache import Entry, HashCache, Hashed
from backlabel.hashing.identity import content_of
from backlabel.inventory.scanning import Listed


def hash_file(item: Listed, *, limits: images.Limits, cache: HashCache) -> Hashed:
    """Read and hash one image, unless its content is known. Raises UnreadableImageError."""
    file = Path(item.path)
    # Held open until the end: digest and hashes must be of the same, unchanged file.
    with images.opened(file, max_bytes=limits.max_bytes):
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
