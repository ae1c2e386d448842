"""What of a deep image becomes 0 and what 255: its range of values, without single outliers.

A hot pixel at 65535 in data of 12 bits would leave a sixteenth of the grey levels to the picture.
The rule, for all samples deeper than 8 bits and for floats, with n finite samples:

- At most k = max(n / 100,000, min(10, n / 1,000)) samples, rounded down, may be left out at each
  end: 10 of a usual image.
- low and high are the least and the greatest value of the others; they span high - low.
- A sample is left out only if it lies further than this span below low or above high. The range
  ends with the outermost samples that remain.
- Where the others all have one value, nothing is left out.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError

Numbers: TypeAlias = NDArray[np.integer[Any] | np.floating[Any]]

_SHARE = 100_000  # of a large image, one sample in so many may be left out at each end
_FEW, _SMALL_SHARE = 10, 1_000  # of a small one up to ten, but not more than one in a thousand


def value_range(samples: NDArray[np.generic]) -> tuple[float, float]:
    """The least and the greatest finite value that are no outliers.

    Raises UnreadableImageError ("no values") where nothing is finite.
    """
    finite = _finite(samples)
    low, high = finite.min().item(), finite.max().item()
    allowed = max(finite.size // _SHARE, min(_FEW, finite.size // _SMALL_SHARE))
    if allowed == 0 or not _may_have_outliers(finite, low, high, allowed):
        return low, high
    return _without_outliers(finite, allowed)


def _finite(samples: NDArray[np.generic]) -> Numbers:
    flat: Any = samples.reshape(-1)
    if samples.dtype.kind == "f":
        flat = flat[np.isfinite(flat)]
    if not flat.size:
        raise UnreadableImageError("no values", "not one pixel is a finite number")
    numbers: Numbers = flat
    return numbers


def _may_have_outliers(finite: Numbers, low: float, high: float, allowed: int) -> bool:
    """Whether an outer third of the whole range is nearly empty; it is, if there are outliers.

    Outliers on one side leave a gap that is wider than the rest, up to which the other side may
    have as much again without outliers; those on both sides leave two such gaps. This is far
    quicker than to sort, and enough for most images.
    """
    # Whole numbers are compared as they are, which takes a third of the time.
    third = (high - low) // 3 if isinstance(high, int) else high / 3 - low / 3
    return any(
        np.count_nonzero(outer) <= allowed
        for outer in (finite > high - third, finite < low + third)
    )


def _without_outliers(finite: Numbers, allowed: int) -> tuple[float, float]:
    ordered = np.partition(finite, (allowed, finite.size - 1 - allowed))
    low, high = ordered[allowed].item(), ordered[-1 - allowed].item()
    if low == high:
        return finite.min().item(), finite.max().item()
    below, above = ordered[:allowed], ordered[finite.size - allowed :]
    # Halves: the distance between two float64 may exceed the greatest float64.
    span = high / 2 - low / 2
    kept_below = [one for one in below.tolist() if low / 2 - one / 2 <= span]
    kept_above = [one for one in above.tolist() if one / 2 - high / 2 <= span]
    return min([low, *kept_below]), max([high, *kept_above])
