"""The unnormalised DCT-II of 128 numbers, bit for bit as SciPy's `dct` has it, for any arithmetic.

The hash compares coefficients with their median, and images of few frequencies have many that are
equal in truth: another order of additions flips hundreds of bits there. So the steps are those of
SciPy's pocketfft: the cosine transform by way of a real FFT of the same length (Makhoul 1980,
doi:10.1109/TASSP.1980.1163351), that by Swarztrauber's FFTPACK with radices 2, 4, 4, 4, and the
roots of unity as products of two rounded ones.

The numbers only need to know +, - and *: rows of an array, or a compiler's vectors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from backlabel.hashing.weights import SIDE

_RADICES = (2, 4, 4, 4)
_SQRT_2 = math.sqrt(2.0)
_Numbers: TypeAlias = list[Any]
_Turns: TypeAlias = list[list[tuple[float, float]]]
"""Of each part of a butterfly, the cosines and sines of its pairs."""


def dct(values: Sequence[Any]) -> list[Any]:
    """The SIDE coefficients, lowest first: 2 * sum(x[n] * cos(pi * k * (2 n + 1) / (2 SIDE)))."""
    found = _fft(_folded(values))
    turns = [cosine for cosine, _ in roots_of_unity(4 * SIDE)[1 : SIDE + 1]]
    middle = SIDE // 2
    for k in range(1, middle):
        low, high, near, far = found[k], found[-k], turns[k - 1], turns[SIDE - k - 1]
        one, other = high * near + low * far, low * near - high * far
        found[k], found[-k] = (one + other) * 0.5, (one - other) * 0.5
    found[middle] = found[middle] * turns[middle - 1]
    return found


def _folded(values: Sequence[Any]) -> _Numbers:
    """Sums and differences of neighbours: what the FFT turns into the cosine transform."""
    ends = values[0] * 2.0, values[-1] * 2.0
    inner = [
        both
        for left, right in zip(values[1:-1:2], values[2:-1:2], strict=True)
        for both in (right + left, right - left)
    ]
    return [ends[0], *inner, ends[1]]


def _fft(values: _Numbers) -> _Numbers:
    """Of half-complex numbers: real 0, real 1, imaginary 1, ..., real SIDE / 2."""
    done = 1
    for radix in _RADICES:
        size = SIDE // (done * radix)
        butterfly = _by_two if radix == 2 else _by_four  # noqa: PLR2004
        out: _Numbers = [None] * SIDE
        for k in range(done):
            start = size * radix * k
            parts = [values[start + size * i : start + size * (i + 1)] for i in range(radix)]
            for i, part in enumerate(butterfly(parts, _turns(radix, size, done))):
                at = size * (k + done * i)
                out[at : at + size] = part
        values, done = out, done * radix
    return values


@lru_cache
def _turns(radix: int, size: int, done: int) -> _Turns:
    roots = roots_of_unity(SIDE)
    return [[roots[j * done * i] for i in range((size + 1) // 2)] for j in range(1, radix)]


def _by_two(parts: Sequence[_Numbers], turns: _Turns) -> Sequence[_Numbers]:
    one, two = parts
    size = len(one)
    first, second = [None] * size, [None] * size
    first[0], second[0] = one[0] + two[-1], one[0] - two[-1]
    first[-1], second[-1] = one[-1] * 2.0, two[0] * -2.0
    for i in range(2, size, 2):
        mirrored = size - i
        first[i - 1], real = _both(one[i - 1], two[mirrored - 1])
        imaginary, first[i] = _both(one[i], two[mirrored])
        second[i - 1], second[i] = _turned(real, imaginary, turns[0][i // 2])
    return first, second


def _by_four(parts: Sequence[_Numbers], turns: _Turns) -> Sequence[_Numbers]:
    one, two, three, four = parts
    size = len(one)
    out: list[_Numbers] = [[None] * size for _ in parts]
    total, rest = _both(one[0], four[-1])
    even, odd = two[-1] * 2.0, three[0] * 2.0
    out[0][0], out[2][0] = _both(total, even)
    out[3][0], out[1][0] = _both(rest, odd)
    if size % 2 == 0:
        total, rest = _both(four[0], two[0])
        even, odd = _both(one[-1], three[-1])
        out[0][-1], out[2][-1] = even + even, rest + rest
        out[1][-1], out[3][-1] = (odd - total) * _SQRT_2, (odd + total) * -_SQRT_2
    for i in range(2, size, 2):
        mirrored = size - i
        real, real_odd = _both(one[i - 1], four[mirrored - 1])
        imaginary_odd, imaginary = _both(one[i], four[mirrored])
        across_odd, across_imaginary = _both(three[i], two[mirrored])
        across, across_imaginary_odd = _both(three[i - 1], two[mirrored - 1])
        out[0][i - 1], third_real = _both(real, across)
        out[0][i], third_imaginary = _both(imaginary, across_imaginary)
        fourth_real, second_real = _both(real_odd, across_odd)
        second_imaginary, fourth_imaginary = _both(imaginary_odd, across_imaginary_odd)
        turned = (second_real, second_imaginary), (third_real, third_imaginary)
        for j, pair in enumerate((*turned, (fourth_real, fourth_imaginary))):
            out[j + 1][i - 1], out[j + 1][i] = _turned(*pair, turns[j][i // 2])
    return out


def _both(one: Any, other: Any) -> tuple[Any, Any]:
    return one + other, one - other


def _turned(real: Any, imaginary: Any, turn: tuple[float, float]) -> tuple[Any, Any]:
    cosine, sine = turn
    return real * cosine - imaginary * sine, imaginary * cosine + real * sine


@lru_cache
def roots_of_unity(n: int) -> list[tuple[float, float]]:
    """Cosine and sine of 2 pi k / n for k < n; `n` is a multiple of 8.

    Each is the product of a coarse and a fine root that are taken from the first octant.
    """
    fine = 1 << max(1, math.ceil(math.log2(n // 2 + 1) / 2))
    half = [_product(_octants(k % fine, n), _octants(k - k % fine, n)) for k in range(n // 2 + 1)]
    return half + [(cosine, -sine) for cosine, sine in half[n // 2 - 1 : 0 : -1]]


def _product(one: tuple[float, float], two: tuple[float, float]) -> tuple[float, float]:
    return one[0] * two[0] - one[1] * two[1], one[0] * two[1] + one[1] * two[0]


def _octants(k: int, n: int) -> tuple[float, float]:
    """Cosine and sine of 2 pi k / n for k <= n / 2, computed between 0 and pi / 4."""
    step, eighths = 0.25 * math.pi / n, 8 * k
    if eighths >= 2 * n:  # the second quadrant, from the first
        cosine, sine = _octants(k - n // 4, n)
        return -sine, cosine
    if eighths >= n:
        rest = (2 * n - eighths) * step
        return math.sin(rest), math.cos(rest)
    return math.cos(eighths * step), math.sin(eighths * step)
