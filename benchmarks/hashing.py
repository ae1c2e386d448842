"""Hashing against the plain chain, the decoders alone and peers, in one run.

    python benchmarks/hashing.py [--images FOLDER] [--rounds 7] [--count 24]

Times are taken in turn, one way after the other in each round, and the median of a round's ratios
is printed: neighbours on the machine slow down both sides alike.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from unittest.mock import MagicMock, patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

import imagehash
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from backlabel.hashing import hash_image
from backlabel.images import read
from backlabel.kernels.compiled import compile_all
from backlabel.workers.crew import map_files
from backlabel.workers.worker import keep_freed_memory

Way = Callable[[Path], object]
WARM, LONG = 400, 1600  # images that a pool takes before it is timed, and while it is
KINDS = (
    "JPEG q100 RGB 420",
    "JPEG q100 RGB 420, coloured databar at the bottom",
    "JPEG q100 RGB 420, coloured all over",
    "JPEG q100 grey",
    "TIFF 8 bit",
    "TIFF palette",
    "TIFF LZW",
    "TIFF 16 bit",
)


def plain(path: Path) -> object:
    with Image.open(path) as image:
        standard = ImageOps.autocontrast(ImageOps.equalize(image.convert("L")))
    return imagehash.phash(standard, hash_size=32)


def backlabel(path: Path) -> object:
    return hash_image(read(path).grey)


def reading(path: Path) -> object:
    return read(path).grey


def pillow_decoding(path: Path) -> object:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


def imagehash_64(path: Path) -> object:
    with Image.open(path) as image:
        return imagehash.phash(image)


def peers() -> dict[str, Way]:
    """imagededup's PHash if it is installed: 64 bits of the plain grey image.

    Its package imports torchvision, which PHash does not use and which has no build beside the
    torch that is pinned here: stand-ins let the package be imported without it.
    """
    if importlib.util.find_spec("imagededup") is None:
        return {}
    names = ("", ".transforms", ".models", ".models.vision_transformer", ".models.efficientnet")
    stand_ins = {f"torchvision{name}": MagicMock() for name in names}
    with patch.dict(sys.modules, stand_ins):
        from imagededup.methods.hashing import PHash  # noqa: PLC0415

    encoder = PHash(verbose=False)
    return {"imagededup PHash, 64 bit": encoder.encode_image}


def micrograph(seed: int) -> NDArray[np.uint8]:
    """1024x768, waves with edges, grain and a databar: about 0.5 MB as JPEG of quality 100."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:768, :1024]
    image = np.full((768, 1024), 110.0)
    for fx, fy, phase in rng.uniform(0, 12, (5, 3)):
        image += 35 * np.tanh(3 * np.sin(2 * np.pi * (fx * x / 1024 + fy * y / 768) + phase))
    image = np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
    image[706:] = 0
    image[720:750, 40:300] = 255
    return image


def with_coloured_bar(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The databar blue, with a yellow field and fine letters."""
    rgb = np.repeat(grey[..., np.newaxis], 3, axis=2)
    rgb[706:] = (0, 0, 90)
    rgb[720:750, 40:300] = (250, 200, 20)
    rgb[720:750, 500:800:3] = 255
    return rgb


def tinted(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rgb: NDArray[np.uint8] = (grey[..., np.newaxis] * np.array([1.0, 0.8, 0.5])).astype(np.uint8)
    return rgb


def generate(folder: Path, count: int) -> dict[str, list[Path]]:
    """Files of each kind, named by kind."""
    made: dict[str, list[Path]] = {}
    identity = np.repeat(np.arange(256, dtype=np.uint16)[None] * 257, 3, axis=0)
    for i in range(count):
        grey = micrograph(i)
        wide = grey.astype(np.uint16) * 200 + 17
        paths = {
            kind: folder / f"{kind}-{i}{'.jpg' if kind.startswith('JPEG') else '.tif'}"
            for kind in KINDS
        }
        jpeg, bar, tint, grey_jpeg, eight, palette, lzw, sixteen = paths.values()
        Image.fromarray(grey).convert("RGB").save(jpeg, quality=100, subsampling=2)
        Image.fromarray(with_coloured_bar(grey)).save(bar, quality=100, subsampling=2)
        Image.fromarray(tinted(grey)).save(tint, quality=100, subsampling=2)
        Image.fromarray(grey).save(grey_jpeg, quality=100)
        tifffile.imwrite(eight, grey, photometric="minisblack")
        tifffile.imwrite(palette, grey, photometric="palette", colormap=identity)
        Image.fromarray(grey).save(lzw, compression="tiff_lzw")
        tifffile.imwrite(sixteen, wide, photometric="minisblack")
        for kind, path in paths.items():
            made.setdefault(kind, []).append(path)
    return made


def seconds(way: Way, paths: Sequence[Path]) -> float:
    """Of this thread's processor time, an image: all ways have one thread and files in memory."""
    start = time.thread_time()
    for path in paths:
        way(path)
    return (time.thread_time() - start) / len(paths)


def rows(ways: dict[str, Way], paths: Sequence[Path], rounds: int) -> list[str]:
    """A table row for each way: milliseconds, images a second, ratio to the first way."""
    for way in ways.values():
        seconds(way, paths[:2])
    taken = [{name: seconds(way, paths) for name, way in ways.items()} for _ in range(rounds)]
    first = next(iter(ways))
    lines = []
    for name in ways:
        each = statistics.median(turn[name] for turn in taken)
        ratio = statistics.median(turn[first] / turn[name] for turn in taken)
        lines.append(f"| {name} | {each * 1e3:.2f} | {1 / each:.0f} | {ratio:.2f} |")
    floor = statistics.median(
        turn["backlabel, both hashes"] / turn["reading alone"] for turn in taken
    )
    return [*lines, f"| *chain over its own reading* | | | {floor:.2f} |"]


def two_processes(paths: Sequence[Path], rounds: int) -> float:
    """How many times faster two worker processes of the pool are than one, on two cores."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-2:])
    work = list(paths) * -(-(WARM + LONG) // len(paths))
    ratios = [pooled(work, workers=1) / pooled(work, workers=2) for _ in range(rounds)]
    os.sched_setaffinity(0, cores)
    return statistics.median(ratios)


def pooled(work: Sequence[Path], *, workers: int) -> float:
    """Seconds for all but the first WARM items, over which the workers start."""
    results = map_files(
        backlabel_done,
        work,
        workers=workers,
        max_seconds=60,
        max_memory_mib=1024,
        what="benchmark",
        prepare=compile_all,
    )
    deque(islice(results, WARM), maxlen=0)
    start = time.perf_counter()
    deque(results, maxlen=0)
    return time.perf_counter() - start


def backlabel_done(path: Path) -> None:
    backlabel(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="also time the TIFFs and JPEGs below FOLDER")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=24)
    options = parser.parse_args()
    keep_freed_memory()  # as the pipeline's workers do; the plain chain has it too
    ways: dict[str, Way] = {
        "plain chain (Pillow, imagehash 1,024 bit)": plain,
        "backlabel, both hashes": backlabel,
        "reading alone": reading,
        "Pillow open + convert alone": pillow_decoding,
        "imagehash phash, 64 bit, no standardising": imagehash_64,
        **peers(),
    }
    with tempfile.TemporaryDirectory() as folder:
        sets = generate(Path(folder), options.count)
        if options.images:
            found = sorted(
                p for p in options.images.rglob("*") if p.suffix.lower() in {".tif", ".jpg"}
            )
            sets[f"{len(found)} sample images"] = found
        for kind, paths in sets.items():
            print(f"\n**{kind}**\n\n| way | ms an image | images/s | times the plain chain |")
            print("|---|---|---|---|")
            print("\n".join(rows(ways, paths, options.rounds)), flush=True)
        print("\n| two processes against one | |\n|---|---|")
        for kind in ("JPEG q100 RGB 420", "TIFF 8 bit"):
            print(
                f"| {kind} | {two_processes(sets[kind], min(3, options.rounds)):.2f} |", flush=True
            )


if __name__ == "__main__":
    main()
