"""How many pairs are right, wrong and missed, by kind of change and by rule.

    python benchmarks/quality/quality.py FOLDER [FOLDER ...] --out scores.csv [--every N]
    python benchmarks/quality/report.py scores.csv

Every TIFF below the folders is published once per kind of change, together with a copy of a
simulated next frame of the same field (fresh noise, moved by 0 to 5 pixels); the JPEGs of all
others are distractors. Parts are looked for in every JPEG; of pages both frames stand in one TIFF.
Pairs that a `look_alikes.csv` beside the TIFFs names are scored whatever their distance. This
script writes every scored candidate; `report.py` decides and counts.
"""

from __future__ import annotations

import argparse
import csv
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fftpack import dct

from backlabel import images
from backlabel.calibration.degrade import Copy, copy
from backlabel.calibration.frames import two_frames
from backlabel.calibration.parts_and_pages import EVERY, PAGES, PARTS, as_pages
from backlabel.calibration.trials import DRIFTS, SIGMAS, scored_part
from backlabel.hashing import hash_image
from backlabel.matching import scores
from backlabel.matching.evidence import NearPair, Scores
from backlabel.matching.variants import SOURCES, Variant, expand, hashes
from backlabel.parts.features import Features
from backlabel.parts.registration import place
from backlabel.storage import tables

WIDEST = 200  # bits; candidates beyond it are not scored
MOST = 6  # candidates a TIFF
DEDUP_BITS = 10  # of 64: the default of imagededup


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
    variant: str
    hamming: int
    hamming_grey: int | None
    hamming_64: int
    ssim: float | None
    explained: float | None
    spoke: float | None
    JPEG_covered: float | None = None
    TIFF_covered: float | None = None


def pictures(folders: list[Path], every: int) -> list[Picture]:
    """The TIFFs, with category and family where a SOURCES.csv beside them says so."""
    found = []
    for folder in folders:
        sources = folder / "SOURCES.csv"
        rows = csv.DictReader(sources.open(encoding="utf-8")) if sources.exists() else []
        labels = {row["file"]: row["category"] for row in rows}
        for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".tif", ".tiff"}):
            name = path.relative_to(folder).as_posix()
            family = name.replace("__", "/").split("/")[0]
            found.append(Picture(name, family, labels.get(name, family), images.read(path).grey))
    return found[::every]


def dedup_hash(grey: NDArray[np.uint8]) -> int:
    """64-bit pHash as imagededup's documentation has it: the median leaves the mean out."""
    small = np.asarray(Image.fromarray(grey).resize((32, 32), Image.Resampling.LANCZOS))
    low = dct(dct(small.astype(float), axis=0), axis=1)[:8, :8]
    bits = (low >= np.median(low.ravel()[1:])).ravel()
    return int("".join("1" if bit else "0" for bit in bits), 2)


Frames = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def frames_of(found: list[Picture]) -> list[Frames]:
    """Per picture two frames of its field; drifts and levels of noise take turns."""
    return [
        two_frames(
            one.grey,
            DRIFTS[number % len(DRIFTS)],
            SIGMAS[number // len(DRIFTS) % len(SIGMAS)],
            zlib.crc32(one.name.encode()),
        )
        for number, one in enumerate(found)
    ]


def published(found: list[Picture], frames: list[Frames], kind: str) -> list[Copy]:
    """Per picture its copy, then a copy of the second frame of its field."""
    copies = []
    for picture, (_, frame) in zip(found, frames, strict=True):
        seed = zlib.crc32(f"{picture.name} {kind}".encode())
        copies += [copy(picture.grey, EVERY[kind], seed), copy(frame, EVERY[kind], seed)]
    return copies


def bits(query: NDArray[np.uint8], base: NDArray[np.uint8]) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bitwise_count(query ^ base).sum(axis=1, dtype=np.int64)
    return counts


def rows_of(kind: str, found: list[Picture], frames: list[Frames]) -> Iterator[Row]:
    """Scored candidates of every picture among all copies of one kind."""
    if kind in PAGES:
        frames = [as_pages(*both)[::-1] for both in frames]
        found = [replace(one, grey=page) for one, (page, _) in zip(found, frames, strict=True)]
    copies = published(found, frames, kind)
    hashed = [hash_image(one.pixels) for one in copies]
    standardised = np.stack([one.standardised for one in hashed])
    plain = np.stack([one.grey for one in hashed])
    short = [dedup_hash(one.pixels) for one in copies]
    for number, picture in enumerate(found):
        own = dedup_hash(picture.grey)
        nearest = _nearest(picture, copies, standardised, plain)
        near = [
            row for row in sorted(nearest, key=lambda r: nearest[r][0]) if nearest[row][0] < WIDEST
        ]
        kept = set(near[:MOST]) | {2 * number, 2 * number + 1}
        kept |= {row for row, other in enumerate(short) if (own ^ other).bit_count() <= DEDUP_BITS}
        for row in sorted(kept):
            distance, far, far_grey, variant = nearest[row]
            known = scored(picture.grey, copies[row], variant) if distance < WIDEST else None
            yield _row(
                kind,
                picture,
                found[row // 2].label,
                NearPair(row, far, far_grey, str(variant)),
                known,
                is_copy=row == 2 * number,
                hamming_64=(own ^ short[row]).bit_count(),
            )
    if kind in PARTS:
        yield from part_rows(kind, found, copies)


def part_rows(kind: str, found: list[Picture], copies: list[Copy]) -> Iterator[Row]:
    """Every place where a copy of one kind may show a part of a picture."""
    features = [Features.of(one.pixels) for one in copies]
    for number, picture in enumerate(found):
        own, short = Features.of(picture.grey), dedup_hash(picture.grey)
        for row, made in enumerate(copies):
            if place(own, features[row]) is None:
                continue
            one = scored_part(picture.grey, made)
            yield _row(
                kind,
                picture,
                found[row // 2].label,
                replace(one.pair, row=row),
                one.scores,
                is_copy=row == 2 * number,
                hamming_64=(short ^ dedup_hash(made.pixels)).bit_count(),
            )


def scored(tiff: NDArray[np.uint8], made: Copy, variant: Variant) -> Scores:
    """All scores of a TIFF and a copy that was found by `variant`."""
    pair = scores.Registered.of(tiff, made.pixels, variant)
    return scores.score(pair, made.table, "uniform", scores.FAST)


def hard_negatives(folder: Path, found: list[Picture], kind: str) -> Iterator[Row]:
    """The pairs that the folder's list names, in both orders, the second one published."""
    listed = folder / "look_alikes.csv"
    named = {picture.name: picture for picture in found}
    if not listed.exists():
        return
    for row in csv.DictReader(listed.open(encoding="utf-8")):
        ends = [named.get(row["file_a"]), named.get(row["file_b"])]
        for ours, theirs in (ends, ends[::-1]):
            if ours is None or theirs is None or row["true_copy"] != "no":
                continue
            made = copy(theirs.grey, EVERY[kind], 0)
            mine, other = hash_image(ours.grey), hash_image(made.pixels)
            far, far_grey = (
                int(bits(a, b[None])[0])
                for a, b in ((mine.standardised, other.standardised), (mine.grey, other.grey))
            )
            known = scored(ours.grey, made, Variant("identity"))
            near = NearPair(0, far, far_grey)
            apart = (dedup_hash(ours.grey) ^ dedup_hash(made.pixels)).bit_count()
            name = f"hard negative, {kind}"
            yield _row(name, ours, theirs.label, near, known, is_copy=False, hamming_64=apart)


Nearest = dict[int, tuple[int, int, int, Variant]]
"""By row: the smaller distance, that of the standardised and of the grey image, the variant."""


def _nearest(
    picture: Picture,
    copies: list[Copy],
    standardised: NDArray[np.uint8],
    plain: NDArray[np.uint8],
) -> Nearest:
    best: Nearest = {}
    shapes = {one.pixels.shape for one in copies}
    expanded = expand(SOURCES, picture.grey.shape, shapes)
    for variant, ours, ours_grey in hashes(
        picture.grey, expanded, scores.FAST.frequencies, scores.FAST.hash_image
    ):
        far, far_grey = bits(ours, standardised), bits(ours_grey, plain)
        for row, distance in enumerate(np.minimum(far, far_grey)):
            if row not in best or distance < best[row][0]:
                best[row] = int(distance), int(far[row]), int(far_grey[row]), variant
    return best


def _row(
    kind: str,
    picture: Picture,
    jpeg_label: str,
    near: NearPair,
    known: Scores | None,
    *,
    is_copy: bool,
    hamming_64: int,
) -> Row:
    return Row(
        kind=kind,
        tiff=picture.name,
        family=picture.family,
        label=picture.label,
        jpeg=near.row,
        jpeg_label=jpeg_label,
        is_copy=is_copy,
        variant=near.variant,
        hamming=near.hamming_standardised,
        hamming_grey=near.hamming_grey,
        hamming_64=hamming_64,
        ssim=known.ssim if known else None,
        explained=known.explained if known else None,
        spoke=known.spoke if known else None,
        JPEG_covered=near.part.jpeg_covered if near.part else None,
        TIFF_covered=near.part.tiff_covered if near.part else None,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kinds", nargs="*", default=list(EVERY))
    parser.add_argument("--every", type=int, default=1, help="use every Nth TIFF only")
    args = parser.parse_args()
    found = pictures(args.folders, args.every)
    frames = frames_of(found)
    rows: list[Row] = []
    for kind in args.kinds:
        start = time.monotonic()
        rows += rows_of(kind, found, frames)
        tables.write(args.out, Row, rows)
        print(f"{kind}: {time.monotonic() - start:.0f} s", flush=True)
    everything = pictures(args.folders, 1) if args.every > 1 else found
    for folder in args.folders:
        for kind in ("quality 100", "half size"):
            rows += hard_negatives(folder, everything, kind)
    tables.write(args.out, Row, rows)


if __name__ == "__main__":
    main()
