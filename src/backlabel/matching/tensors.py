"""SSIM and residual correlation in torch: the same sums as the compiled loops, on any device.

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
from backlabel.matching import torch_sums
from backlabel.matching.ssim import SIDE, Window
from backlabel.matching.torch_sums import ssim_gaussian, ssim_uniform

Pair = tuple[GreyImage, GreyImage]
_MIB = 2**20
_BYTES_PER_PIXEL = 96
"""More than the tensors of a pair hold at once: measured were 56 for uniform windows, 84 for
Gaussian ones (float64, on a CPU) and 31 for residuals."""


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


def block_moments(
    pairs: Sequence[Pair], *, block: int, kernel: NDArray[np.float32], bounds: Bounds
) -> list[NDArray[np.float64]]:
    """For each pair the sums (blocks, 5) that `kernels.residuals.block_moments` makes."""
    radius = len(kernel) - 1
    weights = torch.from_numpy(kernel).to(bounds.device)
    measure = _each(lambda a, b: torch_sums.block_moments(a, b, block, weights))
    images = {id(image): image for pair in pairs for image in pair}
    mirrored = {key: np.pad(image, radius, mode="symmetric") for key, image in images.items()}
    strips = [
        (owner, (mirrored[id(a)][rows], mirrored[id(b)][rows]))
        for owner, (a, b) in enumerate(pairs)
        for rows in _strips(mirrored[id(a)].shape, 2 * radius, block, bounds)
    ]
    found = _run([strip for _, strip in strips], measure, bounds)
    moments: list[list[NDArray[np.float64]]] = [[] for _ in pairs]
    for (owner, _), sums in zip(strips, found, strict=True):
        moments[owner].append(sums.reshape(-1, 5))
    return [np.concatenate(sums) for sums in moments]


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
