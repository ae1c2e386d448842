"""How many pairs a second a device scores, and which share of its memory bandwidth that is.

    python benchmarks/gpu.py --device cuda

Three figures each: from images on the device; with their transfer; and the bandwidth of a copy on
the device in the same run, against which the bytes of the two images of each pair are set.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from timing import seconds
from torch import Tensor

from backlabel.matching import residual, tensors

GB = 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--pairs", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--memory-mib", type=int, default=8192)
    parser.add_argument("--height", type=int, default=768)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    bounds = tensors.Bounds(options.device, options.batch_size, options.memory_mib)
    report((options.pairs, options.height, options.width), bounds, options.rounds)


def report(shape: tuple[int, int, int], bounds: tensors.Bounds, rounds: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    pairs = list(zip(*images, strict=True))
    kernel = residual._half_kernel(1.0)
    whole = {
        "SSIM": lambda: tensors.ssim(pairs, window="uniform", bounds=bounds),
        "Gaussian SSIM": lambda: tensors.ssim(pairs, window="gaussian", bounds=bounds),
        "block correlation": lambda: tensors.block_moments(
            pairs, block=64, kernel=kernel, bounds=bounds
        ),
    }
    a, b = (torch.from_numpy(image[: bounds.batch_size]).to(bounds.device) for image in images)
    weights = torch.from_numpy(kernel).to(bounds.device)
    inside = {
        "SSIM": lambda: tensors._ssim_uniform(a, b),
        "Gaussian SSIM": lambda: tensors._ssim_gaussian(a, b),
        "block correlation": lambda: tensors._moments(a, b, 64, weights),
    }
    floats = a.float()
    copied = 2 * 4 * floats.numel() / timed(floats.clone, bounds, rounds) / GB
    print(f"{name_of(bounds.device)}; a copy on it moves {copied:.0f} GB/s\n")
    print("| score | pairs/s on the device | its input, GB/s | pairs/s with transfer |")
    print("|---|---|---|---|")
    for name, call in whole.items():
        on = len(a) / timed(inside[name], bounds, rounds)
        through = len(pairs) / timed(call, bounds, rounds)
        gigabytes = on * 2 * shape[1] * shape[2] / GB
        print(f"| {name} | {on:,.0f} | {gigabytes:.1f} | {through:,.0f} |")


def timed(call: Callable[[], Tensor | object], bounds: tensors.Bounds, rounds: int) -> float:
    def whole() -> None:
        call()
        if bounds.device.startswith("cuda"):
            torch.cuda.synchronize()

    whole()
    return median(seconds(whole) for _ in range(rounds))


def name_of(device: str) -> str:
    return torch.cuda.get_device_name() if device.startswith("cuda") else "CPU"


if __name__ == "__main__":
    main()
