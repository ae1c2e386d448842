"""Lanczos resampling of 8-bit grey images (a = 3), bit for bit as Pillow 13 resizes them.

Pillow weighs with integers of 22 fractional bits, one direction after the other, and rounds to
bytes in between. Bits of hashes hang on that rounding, so the weights are computed here step by
step in C doubles (`math.sin` is the C library's; `numpy.sin` differs in the last place). Source of
the arithmetic: Pillow, src/libImaging/Resample.c.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numba import int32, int64, uint8
from numpy.typing import NDArray

from backlabel.kernels.compiled import kernel, reads, writes

GreyImage = NDArray[np.uint8]
"""(H, W)."""

_FRACTION_BITS = 22
_LOBES = 3.0
_STEP = 4  # products that are added at once


def resize(image: GreyImage, shape: tuple[int, ...]) -> GreyImage:
    """`image` (H, W) resampled to `shape`; itself if it has it. ValueError if a side is below 1."""
    if image.shape == tuple(shape):
        return image
    if min(*shape, *image.shape) < 1:
        raise ValueError(f"cannot resize {image.shape} to {shape}")
    if height_first(image.shape, shape):
        return _in_width(_in_height(image, shape[0]), shape[1])
    if image.shape[1] == shape[1]:
        return _in_height(image, shape[0])
    return resize_columns(transposed(image), shape)


def resize_columns(columns: GreyImage, shape: tuple[int, ...]) -> GreyImage:
    """`resize` of the image whose columns are the rows of `columns`, its width first."""
    return _in_height(transposed(_in_height(columns, shape[1])), shape[0])


def resize_reference(image: GreyImage, shape: tuple[int, ...]) -> GreyImage:
    """The same from Pillow."""
    from PIL import Image  # noqa: PLC0415 - not needed otherwise

    resized = Image.fromarray(image).resize((shape[1], shape[0]), Image.Resampling.LANCZOS)
    return np.asarray(resized)


def to_common_size(a: GreyImage, b: GreyImage) -> tuple[GreyImage, GreyImage]:
    """Both images in the shape of the larger one; equal shapes come back as they are.

    Larger means more pixels, then more rows, so that the order of the two does not matter.
    """
    shape = max(a.shape, b.shape, key=_size)
    return resize(a, shape), resize(b, shape)


def _size(shape: tuple[int, ...]) -> tuple[int, int]:
    return shape[0] * shape[1], shape[0]


def height_first(source: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether Pillow 13 changes the height before the width: where that leaves less to do.

    Found by experiment, and without exception: the height loses pixels, and more than twice as
    many as the width.
    """
    lost = source[0] - target[0]
    return lost > 0 and lost > 2 * (source[1] - target[1])


def _in_height(image: GreyImage, rows: int) -> GreyImage:
    if len(image) == rows:
        return image
    out = np.empty((rows, image.shape[1]), np.uint8)
    _weigh_rows(np.ascontiguousarray(image), *weights(len(image), rows), out)
    return out


def _in_width(image: GreyImage, columns: int) -> GreyImage:
    if image.shape[1] == columns:
        return image
    return transposed(_in_height(transposed(image), columns))


def transposed(image: GreyImage) -> GreyImage:
    """A copy of `image` (H, W) as (W, H), for which NumPy takes twelve times as long."""
    return np.asarray(cv2.transpose(image))


@lru_cache(maxsize=256)
def weights(source: int, target: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """For each of `target` pixels its first of `source` pixels, and its weights (target, n).

    The weights of a pixel add up to about 2**22; n is a multiple of four, unused ones at the end
    are 0.
    """
    rows = [_weights_of(i, source, target) for i in range(target)]
    longest = max(len(row) for _, row in rows)
    taps = np.zeros((target, -(-longest // _STEP) * _STEP), np.int32)
    for i, (_, row) in enumerate(rows):
        taps[i, : len(row)] = row
    return np.array([first for first, _ in rows], np.int64), taps


def _weights_of(i: int, source: int, target: int) -> tuple[int, list[int]]:
    scale = source / target
    stretch = max(scale, 1.0)  # when shrinking, the kernel widens to cover what it replaces
    support = _LOBES * stretch
    centre = (i + 0.5) * scale
    first = max(int(centre - support + 0.5), 0)
    stop = min(int(centre + support + 0.5), source)
    inverse = 1.0 / stretch
    raw = [_lanczos((x - centre + 0.5) * inverse) for x in range(first, stop)]
    total = 0.0
    for value in raw:  # in order: sum() compensates rounding from Python 3.12 on, Pillow does not
        total += value
    return first, [_fixed(value / total if total else value) for value in raw]


def _lanczos(x: float) -> float:
    return _sinc(x) * _sinc(x / _LOBES) if -_LOBES <= x < _LOBES else 0.0


def _sinc(x: float) -> float:
    return math.sin(x * math.pi) / (x * math.pi) if x else 1.0


def _fixed(value: float) -> int:
    """Rounded half away from zero."""
    return int(value * (1 << _FRACTION_BITS) + (-0.5 if value < 0 else 0.5))


@kernel(reads(uint8, 2), reads(int64, 1), reads(int32, 2), writes(uint8, 2))
def _weigh_rows(
    image: GreyImage, first: NDArray[np.int64], taps: NDArray[np.int32], out: GreyImage
) -> None:
    """`out[i] = sum(taps[i, k] * image[first[i] + k] for k) / 2**22`, rounded and clipped.

    Four products a step, so that sums are seldom loaded and stored. Sums fit 32 bits, since the
    magnitudes of a pixel's weights add up to less than 2**23. Rows beyond the image have weight 0.
    """
    total = np.empty(image.shape[1], np.int32)
    last = image.shape[0] - 1
    for i in range(out.shape[0]):
        total[:] = 1 << (_FRACTION_BITS - 1)
        for k in range(0, taps.shape[1], _STEP):
            a, b, c, d = taps[i, k], taps[i, k + 1], taps[i, k + 2], taps[i, k + 3]
            row = first[i] + k
            p, q = image[min(row, last)], image[min(row + 1, last)]
            r, s = image[min(row + 2, last)], image[min(row + 3, last)]
            for j in range(total.size):
                total[j] += (
                    a * np.int32(p[j])
                    + b * np.int32(q[j])
                    + c * np.int32(r[j])
                    + d * np.int32(s[j])
                )
        for j in range(total.size):
            out[i, j] = min(max(total[j] >> _FRACTION_BITS, 0), 255)
