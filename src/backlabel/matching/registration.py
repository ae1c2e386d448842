"""Brings a TIFF and a JPEG to the same pixels before their scores are computed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from backlabel.images import GreyImage
from backlabel.kernels.resize import resize
from backlabel.matching.variants import Variant, apply

_SAME_SCALE = 0.02  # relative; a JPEG this near to the cropped TIFF's size was cropped, not scaled
_SIGMA = 1.0  # pixels; what a Gaussian leaves over is noise and edges, which locate best
_LEAST_OVERLAP = 64  # pixels a side
_GRID = 8  # pixels; what is kept of a JPEG begins with one of its blocks


def register(
    tiff: GreyImage,
    jpeg: GreyImage,
    variant: Variant,
    resize: Callable[[GreyImage, tuple[int, ...]], GreyImage] = resize,
) -> tuple[GreyImage, GreyImage]:
    """The parts of `tiff` (changed as `variant` says) and `jpeg` that show the same.

    The scale of each is kept where the copy is whole, for the caller to bring them to one size.
    Flips and rotations need no search; `body` takes the JPEG's aspect ratio from the TIFF's top;
    `border` looks for the offset by phase correlation (Kuglin and Hines 1975), to whole pixels,
    after it has brought the TIFF to the JPEG's scale by `resize`.
    """
    if variant.source == "body":
        rows = min(round(tiff.shape[1] * jpeg.shape[0] / jpeg.shape[1]), tiff.shape[0])
        return tiff[:rows], jpeg
    if variant.source == "border":
        return _within(tiff, jpeg, variant, resize)
    return apply(variant, tiff), jpeg


def _within(
    tiff: GreyImage,
    jpeg: GreyImage,
    variant: Variant,
    resize: Callable[[GreyImage, tuple[int, ...]], GreyImage],
) -> tuple[GreyImage, GreyImage]:
    cropped = apply(variant, tiff)
    scale = jpeg.shape[1] / cropped.shape[1]
    if abs(scale - 1) > _SAME_SCALE:
        tiff = resize(tiff, (round(tiff.shape[0] * scale), round(tiff.shape[1] * scale)))
    return overlap(tiff, jpeg, offset(tiff, jpeg))


def offset(image: GreyImage, part: GreyImage) -> tuple[int, int]:
    """Row and column of `image` at which `part` begins, by phase correlation; may be negative."""
    shape = tuple(_smooth(a + b) for a, b in zip(image.shape, part.shape, strict=True))
    product = _spectrum(image, shape) * np.conj(_spectrum(part, shape))
    surface = np.fft.irfft2(product / np.maximum(np.abs(product), 1e-9), shape)
    peak = np.unravel_index(int(surface.argmax()), surface.shape)
    row, column = (
        int(at) if at < size else int(at) - whole
        for at, size, whole in zip(peak, image.shape, shape, strict=True)
    )
    return row, column


def overlap(image: GreyImage, part: GreyImage, at: tuple[int, int]) -> tuple[GreyImage, GreyImage]:
    """What both show when `part` begins at `at` of `image`; the corners where that is too small.

    `part`, the JPEG, is cut to begin with one of its blocks of 8x8 pixels.
    """
    starts = [place + -(-max(-place, 0) // _GRID) * _GRID for place in at]
    stops = [
        min(place + size, whole)
        for place, size, whole in zip(at, part.shape, image.shape, strict=True)
    ]
    if min(stop - start for start, stop in zip(starts, stops, strict=True)) < _LEAST_OVERLAP:
        rows, columns = (min(pair) for pair in zip(image.shape, part.shape, strict=True))
        return image[:rows, :columns], part[:rows, :columns]
    (top, left), (bottom, right) = starts, stops
    return (
        np.ascontiguousarray(image[top:bottom, left:right]),
        np.ascontiguousarray(part[top - at[0] : bottom - at[0], left - at[1] : right - at[1]]),
    )


def _spectrum(image: GreyImage, shape: tuple[int, ...]) -> NDArray[np.complexfloating]:
    from scipy import ndimage  # noqa: PLC0415 - slow to import, and only cut copies need it

    floating = image.astype(np.float32)
    return np.fft.rfft2(floating - ndimage.gaussian_filter(floating, _SIGMA), shape)


def _smooth(size: int) -> int:
    """The next length without prime factors above 5: an FFT of others is slow."""
    rest = size
    for factor in (2, 3, 5):
        while rest % factor == 0:
            rest //= factor
    return size if rest == 1 else _smooth(size + 1)
