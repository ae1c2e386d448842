"""The search for parts among images that are left over: most of them have no partner.

    python benchmarks/parts.py [--tiffs 2000] [--images FOLDER] [--folder FOLDER] [--cores 2]

Makes N TIFFs and twice as many JPEGs in a folder that is thrown away: one TIFF in twenty has a
JPEG that shows a part of it, all other images have no partner. A quarter is cut from the
micrographs below `--images` (the left halves for TIFFs, the right halves for JPEGs), the rest is
drawn. Compare runs without parts first: what is timed then is the search for parts alone. It ends
with an error where a pair is wrong.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import tifffile
from end_to_end import ROOT, run, workspace
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from backlabel import composing, config, images
from backlabel.errors import UnreadableImageError
from backlabel.matching.variants import PART

Grey = NDArray[np.uint8]
SHOWN_EVERY, REAL_EVERY = 20, 4
SIZES = ((1024, 768), (1280, 960), (1024, 884))


def main() -> None:
    options = _options()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        true = make(folder / "images", options.tiffs, sorted(options.images.rglob("*.tif")))
        measure(folder, true)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiffs", type=int, default=2000, help="and twice as many JPEGs")
    parser.add_argument("--images", type=Path, default=ROOT / "data/tiff", help="real micrographs")
    parser.add_argument("--folder", type=Path, help="where the throw-away folder is made")
    parser.add_argument("--cores", type=int, default=2)
    return parser.parse_args()


def make(folder: Path, tiffs: int, real: Sequence[Path]) -> dict[str, str]:
    """The images, and the names of the TIFFs that have a JPEG with its name."""
    for name in ("tiff", "jpeg"):
        (folder / name).mkdir(parents=True)
    with multiprocessing.get_context("spawn").Pool(len(os.sched_getaffinity(0))) as pool:
        pairs = pool.map(partial(make_one, folder, tiffs, real), range(2 * tiffs), chunksize=20)
    return {tiff: jpeg for tiff, jpeg in pairs if tiff}


def make_one(folder: Path, tiffs: int, real: Sequence[Path], seed: int) -> tuple[str, str]:
    """TIFF and JPEG number `seed`; their names where the one shows a part of the other."""
    random = np.random.default_rng(seed)
    is_shown = seed < tiffs and seed % SHOWN_EVERY == 0
    ours = micrograph(seed, real, random, "left") if seed < tiffs else None
    theirs = micrograph(2 * tiffs + seed, real, random, "right")
    tiff = f"sample_{seed:05}.tif"
    if ours is not None:
        tifffile.imwrite(folder / "tiff" / tiff, np.asarray(ours), photometric="minisblack")
    shown = (
        part(ours, theirs, seed // SHOWN_EVERY, random) if ours is not None and is_shown else theirs
    )
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=95)
    digest = hashlib.md5(buffer.getvalue(), usedforsecurity=False).hexdigest()
    jpeg = f"L5_{digest}.jpg"
    (folder / "jpeg" / jpeg).write_bytes(buffer.getvalue())
    return (tiff, jpeg) if is_shown else ("", "")


def micrograph(
    seed: int, real: Sequence[Path], random: np.random.Generator, side: str
) -> Image.Image:
    """A picture under a databar: cut from a half of a real micrograph, or drawn."""
    picture = None
    if real and seed % REAL_EVERY == 1:
        picture = _half(real[seed // REAL_EVERY % len(real)], random, side)
    width, height = SIZES[seed % len(SIZES)]
    picture = picture or _drawn(random, (width, height))
    bar = ImageDraw.Draw(picture)
    width, height = picture.size
    bar.rectangle([0, round(0.92 * height), width, height], fill=20)
    text = f"HV 5.00 kV  mag {seed % 90 + 10}000 x  WD {random.uniform(3, 12):.1f} mm  det SE2"
    bar.text((0.02 * width, 0.94 * height), text, fill=255, font_size=round(height / 40))
    return picture


def _half(path: Path, random: np.random.Generator, side: str) -> Image.Image | None:
    """Four fifths of one half of a micrograph, at another scale; None where it cannot be read."""
    try:
        whole = Image.fromarray(images.read(path).grey)
    except UnreadableImageError:
        return None
    middle = whole.width // 2
    half = whole.crop((0, 0, middle, whole.height) if side == "left" else (middle, 0, *whole.size))
    width, height = (round(0.8 * length) for length in half.size)
    x, y = (
        int(random.integers(half.width - width + 1)),
        int(random.integers(half.height - height + 1)),
    )
    factor = 768 / max(width, height) * random.uniform(0.9, 1.3)
    size = (round(factor * width), round(factor * height))
    return half.crop((x, y, x + width, y + height)).resize(size, Image.Resampling.BICUBIC)


def _drawn(random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Spheres or fibres of many sizes, blurred by the beam, with noise."""
    width, height = size
    picture = Image.new("L", size, int(random.integers(40, 120)))
    pen = ImageDraw.Draw(picture)
    is_fibrous = random.random() < 0.5
    for _ in range(int(random.integers(80, 400))):
        x, y = random.uniform(0, width), random.uniform(0, height)
        grey, large = int(random.integers(60, 240)), random.lognormal(3, 0.6)
        if is_fibrous:
            angle = random.uniform(0, np.pi)
            far = (x + 20 * large * np.cos(angle), y + 20 * large * np.sin(angle))
            pen.line([x, y, *far], fill=grey, width=max(2, round(large / 4)))
        else:
            pen.ellipse([x, y, x + large, y + large * random.uniform(0.6, 1)], fill=grey)
    soft = np.asarray(
        picture.filter(ImageFilter.GaussianBlur(random.uniform(0.7, 1.8))), np.float32
    )
    noisy = soft + random.uniform(2, 8) * random.standard_normal(soft.shape, np.float32)
    return Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


def part(
    picture: Image.Image, other: Image.Image, way: int, random: np.random.Generator
) -> Image.Image:
    """A publication of a part of `picture`, in the ways that people publish."""
    width, height = picture.size
    x, y = int(random.integers(width // 4)), int(random.integers(height // 4))
    crop = picture.crop((x, y, x + 3 * width // 4, y + 3 * height // 4))
    figure = Image.new("L", (2 * width + 30, height + 20), 255)
    figure.paste(other.resize(picture.size), (10, 10))
    figure.paste(picture, (20 + width, 10))
    ways = (
        lambda: crop,
        lambda: crop.resize((crop.width // 2, crop.height // 2), Image.Resampling.LANCZOS),
        lambda: ImageOps.expand(picture, 20, 255),
        lambda: picture.rotate(1.5, Image.Resampling.BICUBIC),
        lambda: figure.resize((round(0.6 * figure.width), round(0.6 * figure.height))),
    )
    return ways[way % len(ways)]()


def measure(folder: Path, true: dict[str, str]) -> None:
    """Hash, compare without parts, compare with them; what was found must be right."""
    place = folder / "run"
    tiffs, jpegs = (sorted((folder / "images" / kind).iterdir()) for kind in ("tiff", "jpeg"))
    command = [sys.executable, "-m", "backlabel"]
    every = config.load(ROOT / "params.yaml").compare.variants
    without = ",".join(name for name in every if name != PART)
    workspace(place, tiffs, jpegs, [f"compare.variants=[{without}]"])
    hashed, whole = (run([*command, stage], place) for stage in ("hash", "compare"))
    (place / "params.yaml").write_text(composing.compose(ROOT / "conf"))
    run([*command, "adopt"], place)
    parts = run([*command, "compare"], place)
    effort = json.loads((place / "metrics/compare.json").read_text())["parts"]
    with (place / "csv/n_tiff_to_all_jpeg_mapping/all_tiff.csv").open() as file:
        found = {
            row["TIFF_file"]: row["JPEG_file"]
            for row in csv.DictReader(file)
            if row["verdict"] == "matched"
        }
    wrong = {tiff: jpeg for tiff, jpeg in found.items() if true.get(tiff) != jpeg}
    print("| TIFFs | JPEGs | hash s | compare s | parts s | stolen s | peak MiB | found | wrong |")
    print("|---|---|---|---|---|---|---|---|---|")
    seconds = [f"{one.wall:.1f}" for one in (hashed, whole, parts)]
    shown = [f"{len(found) - len(wrong)} of {len(true)}", f"{len(wrong)}"]
    cells = [len(tiffs), len(jpegs), *seconds, f"{parts.stolen:.1f}", f"{parts.peak_mib:.0f}"]
    print(f"| {' | '.join(map(str, [*cells, *shown]))} |")
    print(", ".join(f"{name} {number:,}" for name, number in effort.items()))
    if wrong:
        raise SystemExit(f"wrong pairs: {wrong}")


if __name__ == "__main__":
    main()
