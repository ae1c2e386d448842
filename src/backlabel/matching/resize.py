"""Bringing two images to one size, always the same way: Lanczos, a = 3.

Of nearest, bilinear, bicubic and Lanczos it brought half-size copies (box, bicubic and Lanczos
reduced, JPEG quality 90) nearest to their originals: median SSIM 0.804-0.811 on 20 micrographs,
against 0.799-0.810, 0.773-0.789 and 0.765-0.787 for the others in that order from the end. The
arithmetic is Pillow's (22-bit weights, one direction after the other, bytes in between), so that
results equal those of its `resize(size, LANCZOS)`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage
from backlabel.kernels import pixels

_LOBES = 3
_BITS = 22


def to_common_size(a: GreyImage, b: GreyImage) -> tuple[GreyImage, GreyImage]:
    """Both images in the shape of the larger one; equal shapes come back as they are.

    Larger means more pixels, then more rows, so that the order of the two does not matter.
    """
    shape = max(a.shape, b.shape, key=_size)
    return resize(a, shape), resize(b, shape)


def to_smaller_size(a: GreyImage, b: GreyImage) -> tuple[GreyImage, GreyImage]:
    """Both images in the shape of the smaller one, by the same measure."""
    shape = min(a.shape, b.shape, key=_size)
    return resize(a, shape), resize(b, shape)


def resize(image: GreyImage, shape: tuple[int, ...]) -> GreyImage:
    """`image` (H, W) resampled to `shape`; itself if it has it. ValueError if a side is below 1."""
    if image.shape == tuple(shape):
        return image
    if min(*shape, *image.shape) < 1:
        raise ValueError(f"cannot resize {image.shape} to {shape}")
    if _rows_first(image.shape, shape):
        return _resample_columns(_resample(image, shape[0]), shape[1])
    return _resample(_resample_columns(image, shape[1]), shape[0])


def resize_reference(image: GreyImage, shape: tuple[int, ...]) -> GreyImage:
    """The same as `resize`, as two products with full weight matrices."""
    for axis in (0, 1) if _rows_first(image.shape, shape) else (1, 0):
        length = shape[axis]
        if length != image.shape[axis]:
            first, weights = _weights(image.shape[axis], length)
            matrix = np.zeros((length, image.shape[axis]), np.int64)
            for row, start, taps in zip(matrix, first, weights, strict=True):
                row[start : start + len(taps)] = taps[: len(row) - start]
            sums = np.moveaxis(np.tensordot(matrix, image, (1, axis)), 0, axis)
            image = np.clip((sums + (1 << (_BITS - 1))) >> _BITS, 0, 255).astype(np.uint8)
    return image


def _size(shape: tuple[int, ...]) -> tuple[int, int]:
    return shape[0] * shape[1], shape[0]


def _rows_first(source: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether only the height shrinks: then there is less left to do for the width."""
    return target[0] < source[0] and target[1] >= source[1]


def _resample_columns(image: GreyImage, columns: int) -> GreyImage:
    return np.ascontiguousarray(_resample(np.ascontiguousarray(image.T), columns).T)


def _resample(image: GreyImage, rows: int) -> GreyImage:
    if len(image) == rows:
        return image
    first, weights = _weights(len(image), rows)
    out = np.empty((rows, image.shape[1]), np.uint8)
    pixels.resample_rows(np.ascontiguousarray(image), first, weights, _BITS, out)
    return out


def _weights(source: int, target: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """For each target pixel its first source pixel and its 22-bit weights (target, taps)."""
    scale = source / target
    stretch = max(scale, 1.0)  # when shrinking, the kernel widens to cover what it replaces
    centre = (np.arange(target) + 0.5) * scale
    first = np.maximum((centre - _LOBES * stretch + 0.5).astype(np.int64), 0)
    end = np.minimum((centre + _LOBES * stretch + 0.5).astype(np.int64), source)
    pixel = first[:, None] + np.arange((end - first).max())
    offset = (pixel - centre[:, None] + 0.5) / stretch
    weights = np.where(pixel < end[:, None], np.sinc(offset) * np.sinc(offset / _LOBES), 0)
    weights = np.where(np.abs(offset) < _LOBES, weights, 0)
    weights /= weights.sum(axis=1, keepdims=True)
    scaled = weights * (1 << _BITS)
    return first, np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int32)
