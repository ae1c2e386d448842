"""How many pairs a second a GPU scores, and the whole stage on it.

    python benchmarks/gpu.py [--device cuda] [--n 200]

Pairs per second of images that lie on the device, as a share of its memory's speed too: the bytes
of both images of each pair against those that a copy on the device moves in the same run. Then the
same with stacking and transfer, and `backlabel compare` as a whole process beside `--device cpu`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median

import end_to_end
import numpy as np
import torch
from numpy.typing import NDArray
from timing import in_turn, ratio, seconds
from torch import Tensor

from backlabel.matching import noise_correlation, tensors

GB = 1e9
BLOCK = 64
Call = Callable[[], object]


def main() -> None:
    options = _options()
    print(f"{name_of(options.device)}, torch {torch.__version__}\n")
    report_scores(options)
    report_transfer(options)
    if options.n:
        report_stage(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--pairs", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--memory-mib", type=int, default=8192)
    parser.add_argument("--height", type=int, default=768)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--n", type=int, default=200, help="TIFFs of the stage; 0 leaves it out")
    parser.add_argument("--folder", type=Path, help="where the stage's throw-away folder is made")
    return parser.parse_args()


def report_scores(options: argparse.Namespace) -> None:
    kernel = noise_correlation._half_kernel(1.0)
    images, mirrored = (
        torch.from_numpy(noise(2 * options.batch_size, options, margin)).to(options.device)
        for margin in (0, len(kernel) - 1)
    )
    floats = images.float()
    size = images[0].numel()
    ways = {"copy": floats.clone, **scores(images, mirrored, kernel)}
    took = in_turn(
        {way: waiting(call, options.device) for way, call in ways.items()}, rounds=options.rounds
    )
    copied = 2 * 4 * floats.numel() / median(took.pop("copy")) / GB
    print("| score | pairs/s | input, GB/s | of the copy's |")
    print("|---|---|---|---|")
    for name, turns in took.items():
        rate = options.batch_size / median(turns)
        moved = rate * 2 * size / GB
        print(f"| {name} | {rate:,.0f} | {moved:.1f} | {moved / copied:.1%} of {copied:,.0f} |")


def scores(images: Tensor, mirrored: Tensor, kernel: NDArray[np.float32]) -> Mapping[str, Call]:
    """Each score of the pairs 0 and 1, 2 and 3, ... of images that lie on a device."""
    a, b = images[::2], images[1::2]
    x, y = mirrored[::2], mirrored[1::2]
    weights = torch.from_numpy(kernel).to(images.device)
    return {
        "SSIM": partial(tensors.ssim_uniform, a, b),
        "Gaussian SSIM": partial(tensors.ssim_gaussian, a, b),
        "block correlation": partial(tensors.residual_moments, x, y, BLOCK, weights),
    }


def report_transfer(options: argparse.Namespace) -> None:
    images = noise(2 * options.pairs, options)
    pairs = list(zip(images[::2], images[1::2], strict=True))
    bounds = tensors.Bounds(options.device, options.batch_size, options.memory_mib)
    kernel = noise_correlation._half_kernel(1.0)
    calls: dict[str, Call] = {
        "SSIM": partial(tensors.ssim, pairs, window="uniform", bounds=bounds),
        "Gaussian SSIM": partial(tensors.ssim, pairs, window="gaussian", bounds=bounds),
        "block correlation": partial(
            tensors.block_moments, pairs, block=BLOCK, kernel=kernel, bounds=bounds
        ),
    }
    print("\n| with stacking and transfer | pairs/s |")
    print("|---|---|")
    for name, call in calls.items():
        call()
        took = median(seconds(call) for _ in range(options.rounds))
        print(f"| {name} | {len(pairs) / took:,.0f} |")


def report_stage(options: argparse.Namespace) -> None:
    """`backlabel compare` in turn on the device and on the CPU, on the same hashes."""
    devices = dict.fromkeys(["cpu", options.device])
    took: dict[str, list[float]] = {device: [] for device in devices}
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        images = end_to_end.make(folder / "images", options.n)
        tiffs, jpegs = zip(*images, strict=True)
        places = {
            device: end_to_end.workspace(
                folder / device,
                tiffs,
                jpegs,
                [f"compare.device={device}", f"compare.batch_size={options.batch_size}"],
            )
            for device in devices
        }
        for place in places.values():  # every kernel is compiled after it, too
            end_to_end.run_stages(place)
        for _ in range(options.rounds):
            for device, place in places.items():
                took[device].append(end_to_end.run_stages(place).compare.wall)
                end_to_end.require_all_right(place, images)
    print(f"\n| compare, {options.n} x {options.n} | s | CPU / it |")
    print("|---|---|---|")
    for device, turns in took.items():
        print(f"| {device} | {median(turns):.1f} | {ratio(took['cpu'], turns):.2f} |")


def noise(count: int, options: argparse.Namespace, margin: int = 0) -> NDArray[np.uint8]:
    shape = count, options.height + 2 * margin, options.width + 2 * margin
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def waiting(call: Call, device: str) -> Call:
    """`call` until its results are there."""

    def finished() -> None:
        call()
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    return finished


def name_of(device: str) -> str:
    return torch.cuda.get_device_name() if device.startswith("cuda") else "CPU"


if __name__ == "__main__":
    main()
