"""SSIM and block moments of pairs (n, h, w) by plain torch operations, on any device."""

from __future__ import annotations

import torch
from torch import Tensor

from backlabel.matching.ssim import C1, C2, SIDE, SIGMA


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


def block_moments(a: Tensor, b: Tensor, block: int, weights: Tensor) -> Tensor:
    """Sums (n, rows, columns, 5) of x, y, x * x, y * y and x * y over blocks of both residuals."""
    x, y = (_residual(image.float(), weights) for image in (a, b))
    rows, columns = x.shape[1] // block, x.shape[2] // block
    whole = (slice(None), slice(rows * block), slice(columns * block))
    x, y = x[whole], y[whole]
    sums = [
        values.reshape(-1, rows, block, columns, block).sum(dim=(2, 4), dtype=torch.float64)
        for values in (x, y, x * x, y * y, x * y)
    ]
    return torch.stack(sums, dim=-1)


def _residual(image: Tensor, weights: Tensor) -> Tensor:
    radius = len(weights) - 1
    inside = slice(radius, -radius) if radius else slice(None)
    return image[:, inside, inside] - _blur(image, weights)
