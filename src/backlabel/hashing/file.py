"""One picture -> its hashes: what a worker process of the hash stage does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backlabel import hashing, images
from backlabel.errors import UnreadableImageError
from backlabel.hashing.bits import Hashes
from backlabel.hashing.cache import Entry, HashCache, Hashed
from backlabel.hashing.identity import Content, content_of, identity
from backlabel.images import GreyImage
from backlabel.inventory.files import Listed

HashImage = Callable[[GreyImage], Hashes]


@dataclass(frozen=True)
class PageOf:
    """A page of a TIFF that is to be hashed, and what the file held when its pages were listed."""

    path: str
    kind: str
    page: int
    content: Content


def hash_file(
    item: Listed,
    *,
    limits: images.Limits,
    cache: HashCache | None,
    hash_image: HashImage | None = None,
) -> Hashed:
    """Read and hash the main picture of a file, unless its content is known.

    Raises UnreadableImageError.
    """
    file = Path(item.path)
    # Digest and hashes are of one read of one file, which is open until the end.
    with images.opened(file, max_bytes=limits.max_bytes) as source:
        content = content_of(source)
        known = cache.get(content.sha256, item.kind) if cache else None
        entry = known or _hashed(
            images.picture(source, file.name, limits), hash_image or hashing.hash_image
        )
    return Hashed(item.kind, content, entry)


def hash_page(item: PageOf, *, limits: images.Limits, hash_image: HashImage) -> Hashed:
    """Read and hash one page of a TIFF. Raises UnreadableImageError."""
    file = Path(item.path)
    with images.opened(file, max_bytes=limits.max_bytes) as source:
        # An untouched file needs no digest for each of its pages.
        if not item.content.identity or item.content.identity != identity(source.status):
            _require(source, item.content)
        entry = _hashed(images.picture(source, file.name, limits, item.page), hash_image)
    return Hashed(item.kind, item.content, entry, is_further=True)


def pages_of(item: Listed, *, limits: images.Limits) -> tuple[Content, images.Pages]:
    """What a TIFF holds whose main picture cannot be read. Raises UnreadableImageError."""
    file = Path(item.path)
    with images.opened(file, max_bytes=limits.max_bytes) as source:
        images.require_content(source, file.name)
        return content_of(source), images.read_pages(source, limits)


def _require(source: images.Source, content: Content) -> None:
    if source.sha256() != content.sha256:
        raise UnreadableImageError("changed", "the file was changed while its pages were read")


def _hashed(picture: images.Picture, hash_image: HashImage) -> Entry:
    height, width = picture.size or picture.grey.shape
    several = bool(picture.others or picture.apart)
    return Entry(
        hash_image(picture.grey),
        height,
        width,
        picture.note,
        picture.page,
        picture.others,
        picture.apart,
        hashlib.sha256(picture.grey.data).hexdigest() if several else "",
    )
