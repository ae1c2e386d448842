"""Every other TIFF, by way of tifffile: tiles, planes, packed bits, image codecs, floats.

Slower than `strips` and the reference for it.
"""

from __future__ import annotations

import logging
import os

import numpy as np
import tifffile
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.images import ifd
from backlabel.images.faults import library_faults
from backlabel.images.ifd import Directory
from backlabel.images.picture import Limits
from backlabel.images.samples import RGB, YCBCR
from backlabel.images.source import Source

_JPEG_COMPRESSIONS = {6, 7, 33007, 34892}  # their decoder turns YCbCr into RGB itself
_COMPRESSIONS = {int(known): known.name for known in tifffile.COMPRESSION}

# What tifffile has to say about odd tags is no business of the user; refusals are.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


def decode(source: Source, page: Directory, limits: Limits) -> tuple[NDArray[np.generic], int]:
    """Samples (H, W, channels) and the photometric interpretation that they now have."""
    photometric = page.number(ifd.PHOTOMETRIC, 1)
    compression = page.number(ifd.COMPRESSION, 1)
    if compression not in tifffile.TIFF.DECOMPRESSORS:
        name = _COMPRESSIONS.get(compression, "unknown")
        raise UnreadableImageError("unsupported", f"TIFF compression {compression} ({name})")
    samples = _with_tifffile(source, page, limits)
    is_rgb_now = photometric == YCBCR and compression in _JPEG_COMPRESSIONS
    return samples, RGB if is_rgb_now else photometric


def _with_tifffile(source: Source, page: Directory, limits: Limits) -> NDArray[np.generic]:
    with library_faults(), os.fdopen(os.dup(source.descriptor), "rb") as file:
        file.seek(0)
        with tifffile.TiffFile(file, name="image") as tiff:
            tiff.filehandle.seek(page.position)
            there = tifffile.TiffPage(tiff, index=0)
            if there.nbytes > limits.max_decoded_bytes:
                raise UnreadableImageError("bomb", f"decoded it has {there.nbytes} bytes")
            volume = there.asarray(squeeze=False, maxworkers=1)
    if volume.ndim != 5 or volume.size == 0:  # noqa: PLR2004 planes, depth, rows, columns, channels
        raise UnreadableImageError("corrupt", f"samples of shape {volume.shape}")
    if volume.shape[2:4] != (page.number(ifd.LENGTH, 0), page.number(ifd.WIDTH, 0)):
        raise UnreadableImageError("corrupt", f"it decodes to {volume.shape[2:4]} rows and columns")
    planes = volume[:, 0]
    return planes[0] if len(planes) == 1 else np.moveaxis(planes[..., 0], 0, -1)
