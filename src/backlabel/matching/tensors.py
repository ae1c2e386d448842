"""SSIM in torch: the same sums as the compiled loops, on any device.

Pairs are cut into strips of rows that fit the memory; strips of one shape go through together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backlabel.images import GreyImage
from backlabel.matching.ssim import C1, C2, SIDE, SIGMA, Window

Pair = tuple[GreyImage, GreyImage]
_MIB = 2**20
_BYTES_PER_PIXEL = 96
"""More than the tensors of a pair hold at once: measured were 56 for uniform windows and 84
for Gaussian ones (float64, on a CPU)."""


@dataclass(frozen=True)
class Bounds:
    """Where to compute, and how much may be there at once."""

    device: str
    batch_size: int
    memory_mib: int
    bytes_per_pixel: int = _BYTES_PER_PIXEL

    @property
    def pixels(self) -> int:
        """Pixels of a pair that fit the memory."""
        return self.memory_mib * _MIB // self.bytes_per_pixel


Measure: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Sums (n, ...) of pairs (n, 2) among images (m, h, w)."""


def ssim(pairs: Sequence[Pair], *, window: Window, bounds: Bounds) -> NDArray[np.float64]:
    """Mean SSIM (n,) of pairs of equal shape, each at least a window large."""
    halo = SIDE[window] - 1
    measure = _each(ssim_uniform if window == "uniform" else ssim_gaussian)
    strips = [
        (owner, (a[rows], b[rows]))
        for owner, (a, b) in enumerate(pairs)
        for rows in _strips(a.shape, halo, 1, bounds)
    ]
    total = np.zeros(len(pairs))
    sums = _run([strip for _, strip in strips], measure, bounds)
    for (owner, _), value in zip(strips, sums, strict=True):
        total[owner] += value
    windows = [(a.shape[0] - halo) * (a.shape[1] - halo) for a, _ in pairs]
    return total / np.array(windows, np.float64)


def _each(sums: Callable[[Tensor, Tensor], Tensor]) -> Measure:
    """`sums` of two stacks of images, as a measure of pairs among one stack."""
    return lambda images, pairs: sums(images[pairs[:, 0]], images[pairs[:, 1]])


def _strips(shape: tuple[int, ...], halo: int, step: int, bounds: Bounds) -> Iterator[slice]:
    """Slices of rows whose insides, a `halo` smaller, tile the image in multiples of `step`."""
    inside = shape[0] - halo
    rows = max(bounds.pixels // shape[1] - halo, step) // step * step
    for first in range(0, inside // step * step, rows):
        yield slice(first, min(first + rows, inside) + halo)


def _run(pairs: Sequence[Pair], measure: Measure, bounds: Bounds) -> list[NDArray[np.float64]]:
    """`measure` of every pair, in batches of one shape that keep to the bounds."""
    shapes = defaultdict(list)
    for place, (a, _) in enumerate(pairs):
        shapes[a.shape].append(place)
    results: list[NDArray[np.float64]] = [np.empty(0)] * len(pairs)
    for shape, places in shapes.items():
        size = max(1, min(bounds.batch_size, bounds.pixels // (shape[0] * shape[1])))
        done = 0
        while done < len(places):
            batch = [pairs[place] for place in places[done : done + size]]
            try:
                values = _measure(batch, measure, bounds.device)
            except torch.cuda.OutOfMemoryError:
                if size == 1:
                    raise
                size //= 2
                continue
            for place, value in zip(places[done:], values, strict=False):
                results[place] = value
            done += len(batch)
    return results


def _measure(batch: Sequence[Pair], measure: Measure, device: str) -> NDArray[np.float64]:
    """Every image is sent once, however many pairs of the batch it is in."""
    images = {_address(image): image for pair in batch for image in pair}
    place = {address: i for i, address in enumerate(images)}
    stack = torch.from_numpy(np.stack(list(images.values()))).to(device)
    places = [[place[_address(image)] for image in pair] for pair in batch]
    sums = measure(stack, torch.tensor(places).to(device))
    return np.asarray(sums.cpu().numpy(), np.float64)


def _address(image: GreyImage) -> tuple[int, tuple[int, ...]]:
    """Equal for two views of the same pixels."""
    return image.__array_interface__["data"][0], image.strides


def ssim_uniform(a: Tensor, b: Tensor) -> Tensor:
    """Sum of the SSIM map of each pair (n, h, w): exact in integers up to the final quotient."""
    a, b = a.to(torch.int32), b.to(torch.int32)
    square, product = _box((a - b).square_()), _box(a * b)
    sum_a, sum_b = _box(a), _box(b)
    apart = (sum_a - sum_b).square_()
    variance = square.mul_(49).sub_(apart).float()
    means = sum_a.mul_(sum_b)
    both = product.mul_(49).sub_(means).mul_(2).float().add_(C2 * 49 * 48)
    means = means.mul_(2).float().add_(C1 * 49 * 49)
    quotient = (means * both).div_(means.add_(apart)).div_(both.add_(variance))
    return quotient.sum(dim=(1, 2), dtype=torch.float64)


def _box(x: Tensor) -> Tensor:
    return _seven(_seven(x, 1), 2)


def _seven(x: Tensor, axis: int) -> Tensor:
    """Sums of seven neighbours along `axis`, from sums of two."""
    size = x.shape[axis]
    two = x.narrow(axis, 0, size - 1) + x.narrow(axis, 1, size - 1)
    total = two.narrow(axis, 0, size - 6) + two.narrow(axis, 2, size - 6)
    return total.add_(two.narrow(axis, 4, size - 6)).add_(x.narrow(axis, 6, size - 6))


def ssim_gaussian(a: Tensor, b: Tensor) -> Tensor:
    """The same with Gaussian windows and their plain (not sample) covariance.

    Grey values are counted from 128, where squares are smallest and lose least; only the means
    need them from 0. In float64 except on a GPU, where it would cost more than it gives.
    """
    real = torch.float64 if a.device.type == "cpu" else torch.float32
    a, b = a.to(real).sub_(128), b.to(real).sub_(128)
    taps = torch.arange(SIDE["gaussian"] // 2 + 1, dtype=real)
    weights = torch.exp(-0.5 * (taps / SIGMA) ** 2)
    weights /= 2 * weights.sum() - weights[0]
    mean_a, mean_b = _blur(a, weights), _blur(b, weights)
    covariance = _blur(a * b, weights) - mean_a * mean_b
    variances = _blur(a * a + b * b, weights) - mean_a.square() - mean_b.square()
    mean_a.add_(128)
    mean_b.add_(128)
    above = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
    below = (mean_a.square() + mean_b.square() + C1) * (variances + C2)
    return above.div_(below).sum(dim=(1, 2), dtype=torch.float64)


def _blur(x: Tensor, weights: Tensor) -> Tensor:
    """Symmetric separable filter where it fits; `weights` is its half, from the centre outwards."""
    radius = len(weights) - 1
    for axis in (1, 2):
        size = x.shape[axis] - 2 * radius
        total = x.narrow(axis, radius, size) * float(weights[0])
        for tap in range(1, radius + 1):
            sides = x.narrow(axis, radius - tap, size) + x.narrow(axis, radius + tap, size)
            total.add_(sides, alpha=float(weights[tap]))
        x = total
    return x
