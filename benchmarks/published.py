"""The published size, run whole: 21,272 JPEGs and 10,000 TIFFs through hash and compare.

    python benchmarks/published.py make FOLDER    # 18 GB of generated micrographs
    python benchmarks/published.py run FOLDER     # hash and compare, nothing cached

Every TIFF has one JPEG of quality 100; the other JPEGs are of images without a TIFF. The run ends
with an error unless every TIFF is given its own JPEG. `make` goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import tifffile
from end_to_end import LARGE_JPEGS, LARGE_TIFFS, require_all_right, run_stages, workspace
from numpy.typing import NDArray
from PIL import Image

PAIRS = "pairs.csv"
HEIGHT = 768


def main() -> None:
    options = _options()
    if options.step == "make":
        make(options.folder, options.tiffs, options.jpegs, options.height)
    else:
        run(options.folder, options.set)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=["make", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tiffs", type=int, default=LARGE_TIFFS)
    parser.add_argument("--jpegs", type=int, default=LARGE_JPEGS, help="at least as many")
    parser.add_argument("--height", type=int, default=HEIGHT, help="less where only files count")
    parser.add_argument("--set", nargs="*", default=[], help="overrides, as compare=seed")
    return parser.parse_args()


def micrograph(seed: int, height: int = HEIGHT) -> NDArray[np.uint8]:
    """1024x768, waves with edges, grain and a databar: about 0.5 MB as JPEG of quality 100."""
    width = height * 4 // 3
    random = np.random.default_rng(seed)
    rows = np.arange(height, dtype=np.float32)[:, np.newaxis] / height
    columns = np.arange(width, dtype=np.float32) / width
    image = np.full((height, width), 110, np.float32)
    for across, down, phase in random.uniform(0, 12, (5, 3)).astype(np.float32):
        waves = np.sin(np.float32(2 * np.pi) * (across * columns + down * rows) + phase)
        image += 35 * np.tanh(3 * waves)
    image += 6 * random.standard_normal(image.shape, dtype=np.float32)
    grey = np.clip(image, 0, 255).astype(np.uint8)
    bar = grey[height * 706 // 768 :]
    bar[:] = 0
    bar[14:44, 40 * width // 1024 : 300 * width // 1024] = 255
    return grey


def make(folder: Path, tiffs: int, jpegs: int, height: int) -> None:
    """The images, and a table of which JPEG belongs to which TIFF."""
    (folder / "jpeg").mkdir(parents=True, exist_ok=True)
    (folder / "tiff").mkdir(exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(len(os.sched_getaffinity(0))) as pool:
        one = partial(make_one, folder, tiffs, height)
        pairs = list(pool.imap(one, range(jpegs), chunksize=20))
    with (folder / PAIRS).open("w", newline="") as file:
        csv.writer(file).writerows(pairs)


def make_one(folder: Path, tiffs: int, height: int, seed: int) -> tuple[str, str]:
    """The TIFF and the JPEG of one micrograph, by name; no TIFF from seed `tiffs` on."""
    tiff = f"sample_{seed:05}.tif" if seed < tiffs else ""
    note = folder / "jpeg" / f"{seed:05}.name"  # written last: both files are whole
    if note.exists():
        return tiff, note.read_text()
    grey = micrograph(seed, height)
    if tiff:
        tifffile.imwrite(folder / "tiff" / tiff, grey, photometric="minisblack")
    buffer = io.BytesIO()
    Image.fromarray(grey).convert("RGB").save(buffer, "JPEG", quality=100, subsampling=2)
    digest = hashlib.md5(buffer.getvalue(), usedforsecurity=False).hexdigest()
    jpeg = f"L5_{digest}.jpg"
    (folder / "jpeg" / jpeg).write_bytes(buffer.getvalue())
    note.write_text(jpeg)
    return tiff, jpeg


def run(folder: Path, overrides: Sequence[str]) -> None:
    """Hash and compare, timed as whole processes; every pair must be right."""
    with (folder / PAIRS).open(newline="") as file:
        pairs = [
            (folder / "tiff" / tiff, folder / "jpeg" / jpeg) for tiff, jpeg in csv.reader(file)
        ]
    true = [(tiff, jpeg) for tiff, jpeg in pairs if tiff.suffix]
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name) / "run"
        jpegs = [jpeg for _, jpeg in pairs]
        workspace(place, [tiff for tiff, _ in true], jpegs, list(overrides))
        took = run_stages(place)
        require_all_right(place, true)
        shutil.copytree(place / "metrics", folder / "metrics", dirs_exist_ok=True)
    print("| TIFFs | JPEGs | hash s | compare s | both s | stolen s | peak MiB |")
    print("|---|---|---|---|---|---|---|")
    cells = [
        f"{len(true):,}",
        f"{len(jpegs):,}",
        *(f"{seconds:.1f}" for seconds in (took.hash.wall, took.compare.wall, took.wall)),
        f"{took.stolen:.1f}",
        f"{max(took.hash.peak_mib, took.compare.peak_mib):.0f}",
    ]
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
