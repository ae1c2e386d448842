"""Any TIFF, JPEG, PNG or BMP file -> one grey picture, or one named error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.images import jpeg, raster, tiff
from backlabel.images.picture import Limits, Picture
from backlabel.images.source import Source, opened
from backlabel.inventory.content import HEAD, KINDS, Kind, kind_of, kind_of_name

DEFAULT_LIMITS = Limits()


def read(path: Path, limits: Limits = DEFAULT_LIMITS, page: int | None = None) -> Picture:
    """The picture in the file `path`; what is done to each kind stands in docs/reading.md.

    `page` is that of a TIFF, from 1; without it the main one is read.

    Raises UnreadableImageError, and nothing else, for a file that is no whole image, does
    not hold what its name says, exceeds the limits, or changes while it is read.
    """
    with opened(path, max_bytes=limits.max_bytes) as source:
        return picture(source, path.name, limits, page)


def picture(
    source: Source, name: str, limits: Limits = DEFAULT_LIMITS, page: int | None = None
) -> Picture:
    """The picture in an open file whose name is `name`. Raises UnreadableImageError."""
    kind = require_content(source, name)
    if kind == "jpeg":
        return jpeg.read(source, limits)
    if kind != "tiff":
        return raster.read(source, kind, limits)
    return tiff.read(source, limits, page)


def read_unit(
    path: Path, limits: Limits = DEFAULT_LIMITS, page: int | None = None
) -> NDArray[np.float32]:
    """The picture that `read` gives, (H, W), from 0 black to 1 white, in its full depth.

    Rounded to 255ths it is `read`'s grey. Raises what `read` raises.
    """
    with opened(path, max_bytes=limits.max_bytes) as source:
        kind = require_content(source, path.name)
        if kind == "jpeg":
            return jpeg.read(source, limits).grey.astype(np.float32) / np.float32(255)
        if kind != "tiff":
            return raster.read_unit(source, kind, limits)
        return tiff.read_unit(source, limits, page)


def read_samples(
    path: Path, limits: Limits = DEFAULT_LIMITS, page: int | None = None
) -> NDArray[np.generic]:
    """(H, W, channels): the samples as they are stored, of a JPEG the grey of `read`.

    Raises UnreadableImageError as `read` does.
    """
    with opened(path, max_bytes=limits.max_bytes) as source:
        kind = require_content(source, path.name)
        if kind == "jpeg":
            return jpeg.read(source, limits).grey[..., np.newaxis]
        if kind != "tiff":
            return raster.samples(source, kind, limits)
        return tiff.samples(source, limits, page)


def require_content(source: Source, name: str) -> Kind:
    """What the file is by its first bytes.

    Raises UnreadableImageError where that is no image that is read, or not what the name promises.
    """
    kind = kind_of(source.read(0, min(HEAD, source.size)))
    promised = kind_of_name(name)
    for known in KINDS:
        if kind == known and promised in (None, known):
            return known
    if kind in ("", "NUL bytes", "text"):
        raise UnreadableImageError("not an image", f"the file holds {kind or 'unknown bytes'}")
    promise = f"its name says {promised.upper()}, " if promised else ""
    shown = kind.upper() if kind in KINDS else kind
    raise UnreadableImageError("wrong content", f"{promise}it is {shown}")
