"""How many pairs are right, wrong and missed, by kind of change and by rule.

    python benchmarks/quality/quality.py FOLDER [FOLDER ...] --out OUT [--kinds N] [--every N]

Every TIFF below the folders is published once per kind of change, together with a copy of a
simulated next frame of the same field (fresh noise, moved by 0 to 5 pixels). Each TIFF is then
decided twice: with its copy among the JPEGs, and without, when nothing may be accepted. Real
look-alikes among the TIFFs are wrong candidates of each other.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import sys
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backlabel.calibration.degrade import COPIES, Copy, copy, next_frame
from backlabel.hashing import phash, standardise
from backlabel.matching.decide import Candidate
from backlabel.matching.variants import SOURCES, Variant, apply, expand, hashes
from backlabel.matching.verify import verify

DRIFTS = ((0.0, 0.0), (0.5, 0.3), (1.0, 0.0), (2.0, 1.0), (5.0, 3.0))  # pixels: rows, columns
WIDEST = 200  # bits; candidates beyond it are not scored
MOST = 6  # candidates a TIFF


@dataclass(frozen=True)
class Picture:
    name: str
    family: str
    label: str
    grey: NDArray[np.uint8]


@dataclass(frozen=True)
class Row:
    """One scored candidate."""

    kind: str
    tiff: str
    family: str
    label: str
    jpeg: int
    jpeg_label: str
    is_copy: bool
    is_frame: bool
    variant: str
    hamming: int
    hamming_grey: int
    hamming_64: int
    ssim: float | None
    ssim_matched: float | None
    residual: float | None
    residual_alike: float | None
    residual_chance: float | None


def pictures(folders: list[Path], every: int) -> list[Picture]:
    """The TIFFs, with category and family where a SOURCES.csv beside them says so."""
    found = []
    for folder in folders:
        sources = folder / "SOURCES.csv"
        rows = csv.DictReader(sources.open()) if sources.exists() else []
        labels = {row["file"]: row["category"] for row in rows}
        for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".tif", ".tiff"}):
            name = path.relative_to(folder).as_posix()
            family = name.replace("__", "/").split("/")[0]
            found.append(Picture(name, family, labels.get(name, family), read(path)))
    return found[::every]


def read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


def dedup_hash(grey: NDArray[np.uint8]) -> int:
    """64-bit pHash as imagededup's documentation has it: the median leaves the mean out."""
    small = np.asarray(Image.fromarray(grey).resize((32, 32), Image.Resampling.LANCZOS))
    from scipy.fftpack import dct

    low = dct(dct(small.astype(float), axis=0), axis=1)[:8, :8]
    bits = (low >= np.median(low.ravel()[1:])).ravel()
    return int("".join("1" if bit else "0" for bit in bits), 2)


def frames_of(found: list[Picture]) -> list[NDArray[np.uint8]]:
    """Per picture its next frame; the drifts take turns."""
    return [
        next_frame(one.grey, DRIFTS[number % len(DRIFTS)], zlib.crc32(one.name.encode()))
        for number, one in enumerate(found)
    ]


def published(found: list[Picture], frames: list[NDArray[np.uint8]], kind: str) -> list[Copy]:
    """Per picture its copy, then a copy of its next frame."""
    copies = []
    for picture, frame in zip(found, frames, strict=True):
        seed = zlib.crc32(f"{picture.name} {kind}".encode())
        copies += [copy(picture.grey, COPIES[kind], seed), copy(frame, COPIES[kind], seed)]
    return copies


def bits(query: NDArray[np.uint8], base: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.bitwise_count(query ^ base).sum(axis=1, dtype=np.int64)


def rows_of(
    kind: str, all_pictures: list[Picture], frames: list[NDArray[np.uint8]]
) -> Iterator[Row]:
    copies = published(all_pictures, frames, kind)
    standard = np.array([phash(standardise(one.pixels)) for one in copies])
    plain = np.array([phash(one.pixels) for one in copies])
    short = [dedup_hash(one.pixels) for one in copies]
    shapes = {one.pixels.shape for one in copies}
    for number, picture in enumerate(all_pictures):
        best: dict[int, tuple[int, int, int, Variant]] = {}
        first = None
        for variant, ours, ours_plain in hashes(picture.grey, expand(SOURCES, picture.grey.shape, shapes)):
            far, far_plain = bits(ours, standard), bits(ours_plain, plain)
            first = (far, far_plain) if first is None else first
            near = np.minimum(far, far_plain)
            for row in np.flatnonzero(near < WIDEST):
                entry = (int(near[row]), int(far[row]), int(far_plain[row]), variant)
                if row not in best or entry[0] < best[row][0]:
                    best[int(row)] = entry
        kept = sorted(best, key=lambda row: best[row][0])[:MOST]
        own = dedup_hash(picture.grey)
        kept += [row for row in (2 * number, 2 * number + 1) if row not in kept]
        kept += [r for r in range(len(copies)) if r not in kept and (own ^ short[r]).bit_count() <= 10]
        for row in kept:
            other = all_pictures[row // 2]
            if row in best:
                _, far_row, plain_row, variant = best[row]
                candidate = Candidate(row, far_row, plain_row, str(variant))
                scored = verify(candidate, picture.grey, copies[row].pixels, variant, copies[row].table)
            else:
                scored = Candidate(row, int(first[0][row]), int(first[1][row]), "none")
            yield Row(
                kind, picture.name, picture.family, picture.label, row, other.label,
                row == 2 * number, row % 2 == 1, scored.variant, scored.hamming,
                scored.hamming_grey or 0, (own ^ short[row]).bit_count(), scored.ssim,
                scored.ssim_matched, scored.residual, scored.residual_alike, scored.residual_chance,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kinds", nargs="*", default=list(COPIES))
    parser.add_argument("--every", type=int, default=1)
    args = parser.parse_args()
    found = pictures(args.folders, args.every)
    frames = frames_of(found)
    with args.out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in fields(Row)])
        for kind in args.kinds:
            start = time.monotonic()
            rows = list(rows_of(kind, found, frames))
            writer.writerows(asdict(row).values() for row in rows)
            file.flush()
            print(f"{kind}: {len(rows)} candidates, {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
