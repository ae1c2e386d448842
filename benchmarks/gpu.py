"""How many pairs a second a GPU scores by plain torch, what handing pixels over costs, the stage.

    PYTHONPATH=src python benchmarks/gpu.py [--device cuda] [--n 200]

First pairs per second of images that lie on the device, beside what one core does by the compiled
kernels; then the same with stacking and transfer; then what it costs to hand pairs from
worker processes to this one; and `backlabel compare` as a whole process beside the CPU's.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from statistics import median

import end_to_end
import numpy as np
import torch
from numpy.typing import NDArray
from timing import in_turn, ratio, seconds

from backlabel.images import GreyImage
from backlabel.matching import tensors
from backlabel.matching.ssim import ssim, ssim_batch
from backlabel.workers.pool import Workers, cores

Call = Callable[[], object]


def main() -> None:
    options = _options()
    print(f"{name_of(options.device)}, torch {torch.__version__}\n")
    report_on_device(options)
    report_transfer(options)
    report_handing_over(options)
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
    parser.add_argument("--set", nargs="*", default=[], help="of the stage, as compare=seed")
    parser.add_argument("--folder", type=Path, help="where the stage's throw-away folder is made")
    return parser.parse_args()


def report_on_device(options: argparse.Namespace) -> None:
    """Images that lie on the device, in one batch, beside one core of the CPU."""
    images = noise(2 * options.batch_size, options)
    pair = images[0], images[1]
    a, b = (torch.from_numpy(images[i::2]).to(options.device) for i in (0, 1))
    ways: Mapping[str, Mapping[str, Call]] = {
        "SSIM": {
            "device": partial(tensors.ssim_uniform, a, b),
            "core": partial(ssim, *pair),
        },
    }
    print("| score | pairs/s on the device | on one core |")
    print("|---|---|---|")
    for name, own in ways.items():
        calls = {way: waiting(call, options.device) for way, call in own.items()}
        took = in_turn(calls, rounds=options.rounds)
        rates = options.batch_size / median(took["device"]), 1 / median(took["core"])
        print(f"| {name} | {rates[0]:,.0f} | {rates[1]:,.0f} |")


def report_transfer(options: argparse.Namespace) -> None:
    images = noise(2 * options.pairs, options)
    pairs = list(zip(images[::2], images[1::2], strict=True))
    bounds = {
        "device": options.device,
        "batch_size": options.batch_size,
        "memory_mib": options.memory_mib,
    }
    calls: dict[str, Call] = {
        "SSIM": partial(ssim_batch, pairs, **bounds),
        "Gaussian SSIM": partial(ssim_batch, pairs, window="gaussian", **bounds),
    }
    print("\n| with stacking and transfer | pairs/s |")
    print("|---|---|")
    for name, call in calls.items():
        call()
        took = median(seconds(call) for _ in range(options.rounds))
        print(f"| {name} | {len(pairs) / took:,.0f} |")


@lru_cache(maxsize=1)
def _pair(shape: tuple[int, int]) -> tuple[GreyImage, GreyImage]:
    tiff, jpeg = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    return tiff, jpeg


def report_handing_over(options: argparse.Namespace) -> None:
    """Workers that have their pair at hand, so that the pipe alone counts."""
    shapes = [(options.height, options.width)] * options.pairs
    print("\n| workers | handed over, pairs/s |")
    print("|---|---|")
    for count in sorted({1, cores()}):
        with Workers(count, max_seconds=60, max_memory_mib=1024) as workers:
            call = partial(_taken, workers, shapes)
            call()
            took = median(seconds(call) for _ in range(options.rounds))
        print(f"| {count} | {len(shapes) / took:,.0f} |")


def _taken(workers: Workers, shapes: list[tuple[int, int]]) -> int:
    return sum(1 for _ in workers.map(_pair, shapes, what="hand over", chunk=4))


SCORES = Path(".backlabel/cache/scores.sqlite")
"""Where `compare` keeps what it computed."""


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
                [
                    f"compare.device={device}",
                    f"compare.batch_size={options.batch_size}",
                    *options.set,
                ],
            )
            for device in devices
        }
        for place in places.values():  # every kernel is compiled after it, too
            end_to_end.run_stages(place)
        for _ in range(options.rounds):
            for device, place in places.items():
                (place / SCORES).unlink()  # else they would be known
                took[device].append(end_to_end.run_stages(place).compare.wall)
                end_to_end.require_all_right(place, images)
    print(f"\n| compare, {options.n} x {options.n} {' '.join(options.set)} | s | CPU / it |")
    print("|---|---|---|")
    for device, turns in took.items():
        print(f"| {device} | {median(turns):.1f} | {ratio(took['cpu'], turns):.2f} |")


def noise(count: int, options: argparse.Namespace) -> NDArray[np.uint8]:
    shape = count, options.height, options.width
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
