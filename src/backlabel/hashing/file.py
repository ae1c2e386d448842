"""One image file -> its hashes: what a worker process of the hash stage does."""

from __future__ import annotations

from pathlib import Path

from backlabel import hashing, images
from backlabel.hashing.cache import Entry, HashCache, Hashed
from backlabel.hashing.identity import content_of
from backlabel.inventory.scanning import Listed


def hash_file(item: Listed, *, limits: images.Limits, cache: HashCache | None) -> Hashed:
    """Read and hash one image, unless the cache knows its content. Raises UnreadableImageError."""
    file = Path(item.path)
    # Digest and hashes are of one read of one file, which is open until the end.
    with images.opened(file, max_bytes=limits.max_bytes) as source:
        content = content_of(file, source)
        known = cache.get(content.sha256, item.kind) if cache else None
        entry = known or _hashed(source, file.name, limits)
    return Hashed(item.kind, content, entry)


def _hashed(source: images.Source, name: str, limits: images.Limits) -> Entry:
    picture = images.picture(source, name, limits)
    height, width = picture.grey.shape
    return Entry(hashing.hash_image(picture.grey), height, width, picture.note, picture.page)
