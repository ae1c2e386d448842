"""The small filter that makes one image of another: blur, sharpening, another way of resampling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.kernels import block_dct as dct
from backlabel.matching.coefficients import Published

Picture: TypeAlias = NDArray[np.float32]  # (H, W)
Weights: TypeAlias = NDArray[np.float64]  # (2 RADIUS + 1, 2 RADIUS + 1)

MEDIAN = np.full((3, 3), 0.408 / 3)
"""The filter that leaves as much of normal noise as a median of 3x3 pixels: 0.408 of its standard
deviation, which is 1.22 times what their mean leaves, and spread over the coefficients as there."""
RADIUS = 6  # pixels: four standard deviations of a blur of 1.5
_TIMES = 12
_STRIDE = 4 / 3
"""Only the part of a difference that lies outside of what the JPEG rounds shows. With momentum,
steps that are longer than this would grow where all of a difference shows."""
_RIDGE = 1e-9  # of the image's power, so that the equations of a smooth image can be solved
_LEAST_POWER = 1.0  # squared grey levels a pixel: below it a flat image's equations are singular
_KEPT = 0.75  # share of the squares that fit best and alone count: others may be annotated
_SQUARE = 16  # pixels


def fitted(image: Picture, published: Published) -> tuple[Weights, float]:
    """Weights and an offset that bring `image` nearest to what the JPEG states.

    Least squares, first to the JPEG's pixels, then `_TIMES` - 1 times to the nearest image that
    the JPEG would state as well: what its rounding took away must not pull the filter towards a
    blur. Each time goes on in the direction of the last one (Nesterov's momentum). The filter is
    symmetric but for a shift.
    """
    from scipy import fft  # noqa: PLC0415 - slow to import, seldom needed

    margin = np.pad(image, RADIUS, mode="symmetric").astype(np.float64)
    mean = float(margin.mean())
    shape = tuple(fft.next_fast_len(size, real=True) for size in margin.shape)
    spectrum = fft.rfft2(margin - mean, shape)
    power = fft.irfft2(np.abs(spectrum) ** 2, shape)
    equations = np.array([[_overlap(power, a, b) for b in _SHAPES] for a in _SHAPES])
    equations += np.eye(len(_SHAPES)) * _RIDGE * max(power[0, 0], _LEAST_POWER * margin.size)
    spectrum = spectrum.astype(np.complex64)  # enough for steps, whose errors the next one undoes
    inside = np.s_[RADIUS : RADIUS + image.shape[0], RADIUS : RADIUS + image.shape[1]]
    weights = reached = np.zeros(len(_SHAPES))
    offset = 0.0
    made = np.full(image.shape, mean, np.float32)
    for time in range(_TIMES):
        if time == 0:
            missing = published.pixels - made
        else:
            missing = _STRIDE * _agreeing(published.nearest(made) - made)
        offset += float(missing.mean())
        lacking = np.zeros(shape, np.float32)
        lacking[inside] = missing - missing.mean()
        shifts = fft.irfft2(fft.rfft2(lacking) * spectrum.conj(), shape)
        step = np.linalg.solve(equations, [_at(shifts, one) for one in _SHAPES])
        before, reached = reached, weights + step
        weights = reached + time / (time + 3) * (reached - before)
        kernel = fft.rfft2(_placed(weights, shape).astype(np.float32))
        found = fft.irfft2(spectrum * kernel, shape)[inside] + mean + offset
        made = found.astype(np.float32)
    side = 2 * RADIUS + 1
    whole = np.roll(_placed(weights, shape), (RADIUS, RADIUS), (0, 1))[:side, :side]
    return whole, offset + mean * (1 - float(weights @ [one[2].sum() for one in _SHAPES]))


def filtered(image: Picture, weights: Weights, offset: float) -> Picture:
    """`image` through the filter, its edges mirrored."""
    from scipy.signal import oaconvolve  # noqa: PLC0415 - as above

    margin = np.pad(image, RADIUS, mode="symmetric")
    found = oaconvolve(margin, weights.astype(np.float32), mode="valid")
    return (found + np.float32(offset)).astype(np.float32)


def noise_left(weights: Weights) -> NDArray[np.float64]:
    """How much of white noise the filter leaves in each coefficient, (8, 8).

    The share of its standard deviation. It is the norm of the coefficient's pattern through the
    filter: the root of the mean over all frequencies of |H|^2 |B_u|^2 |B_v|^2 (Parseval), where H
    is the filter's transform and B_u that of the cosine u.
    """
    size = dct.SIDE + len(weights) - 1
    passed = np.abs(np.fft.fft2(weights, (size, size))) ** 2
    patterns = np.abs(np.fft.fft(dct.MATRIX, size)) ** 2
    left: NDArray[np.float64] = np.sqrt(patterns @ passed @ patterns.T) / size
    return left


def _agreeing(missing: Picture) -> Picture:
    """`missing` without the squares that differ most, as if it were the same everywhere else."""
    rows, columns = (size // _SQUARE for size in missing.shape)
    whole = missing[: rows * _SQUARE, : columns * _SQUARE]
    squares = np.square(whole).reshape(rows, _SQUARE, columns, _SQUARE).mean(axis=(1, 3))
    agrees = squares <= np.quantile(squares, _KEPT)
    kept = np.zeros_like(missing)
    mask = np.repeat(np.repeat(agrees, _SQUARE, 0), _SQUARE, 1)
    kept[: rows * _SQUARE, : columns * _SQUARE] = whole * mask
    return kept / np.float32(max(agrees.mean(), 1e-6))


_Shape: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]


def _shapes() -> Iterator[_Shape]:
    """Rows, columns and signs of the weights that are one number."""
    rings: dict[tuple[int, int], list[tuple[int, int, float]]] = {}
    for i in range(-RADIUS, RADIUS + 1):
        for j in range(-RADIUS, RADIUS + 1):
            ring = min(abs(i), abs(j)), max(abs(i), abs(j))
            rings.setdefault(ring, []).append((i, j, 1.0))
    shifts = [[(i, j, 1.0), (-i, -j, -1.0)] for i, j in ((0, 1), (1, 0), (0, 2), (2, 0))]
    for places in [*rings.values(), *shifts]:
        rows, columns, signs = zip(*places, strict=True)
        yield np.array(rows), np.array(columns), np.array(signs)


_SHAPES = tuple(_shapes())


def _overlap(power: NDArray[np.float64], a: _Shape, b: _Shape) -> float:
    rows = np.subtract.outer(a[0], b[0])
    columns = np.subtract.outer(a[1], b[1])
    return float((power[rows, columns] * np.multiply.outer(a[2], b[2])).sum())


def _at(shifts: NDArray[np.float64], one: _Shape) -> float:
    return float(shifts[one[0], one[1]] @ one[2])


def _placed(weights: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """An image with the filter's centre at its first pixel, going round its edges."""
    placed = np.zeros(shape)
    for weight, (rows, columns, signs) in zip(weights, _SHAPES, strict=True):
        placed[rows, columns] += weight * signs
    return placed
