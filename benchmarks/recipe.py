"""The earlier scripts' way, written plainly after their documentation: the baseline.

    python benchmarks/recipe.py DATA OUT

Every image is standardised and hashed with imagehash; for every TIFF pandas applies the Hamming
distance to all JPEG hashes; of the ten nearest, those below 120 bits are loaded and compared by one
call of scikit-image each, and the best is taken. Seconds of each phase go to standard output.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pandas as pd
from PIL import Image, ImageOps
from skimage.metrics import structural_similarity

TOP_K = 10
HAMMING_THRESHOLD, SSIM_HAMMING_THRESHOLD = 150, 120  # bits of 1,024


def standardised(path: str) -> Image.Image:
    with Image.open(path) as image:
        return ImageOps.autocontrast(ImageOps.equalize(image.convert("L")))


def hashes(folder: Path, pattern: str) -> pd.DataFrame:
    paths = sorted(str(path) for path in folder.rglob(pattern))
    found = [imagehash.phash(standardised(path), hash_size=32) for path in paths]
    names = [Path(path).name for path in paths]
    return pd.DataFrame({"file": names, "path": paths, "phash": found})


def similarity(a: str, b: str) -> float:
    ours, theirs = standardised(a), standardised(b)
    if ours.size != theirs.size:
        theirs = theirs.resize(ours.size)
    return float(structural_similarity(np.asarray(ours), np.asarray(theirs), data_range=255))


def match(tiff: Any, jpegs: pd.DataFrame, distances: pd.Series[int]) -> dict[str, Any]:
    nearest = distances.nsmallest(TOP_K)
    near = nearest[nearest < HAMMING_THRESHOLD]
    row = {"TIFF_file": tiff.file, "TIFF_path": tiff.path, "used_ssim": False}
    if near.empty:
        return row
    best = near.index[0]
    scores = {
        i: similarity(tiff.path, jpegs.path[i])
        for i in near.index
        if near[i] < SSIM_HAMMING_THRESHOLD
    }
    if scores:
        best = max(scores, key=lambda i: scores[i])
    return row | {
        "JPEG_file": jpegs.file[best],
        "JPEG_path": jpegs.path[best],
        "hamming_distance": int(near[best]),
        "ssim_value": scores.get(best),
        "used_ssim": bool(scores),
    }


def main(data: Path, out: Path) -> None:
    started = time.perf_counter()
    jpegs = hashes(data / "jpeg", "*.jpg")
    jpegs_done = time.perf_counter()
    tiffs = hashes(data / "tiff", "*.tif")
    hashed = time.perf_counter()
    rows, comparing = [], 0.0
    for tiff in tiffs.itertuples():
        distances = jpegs.phash.apply(lambda other, own=tiff.phash: own - other)
        before = time.perf_counter()
        rows.append(match(tiff, jpegs, distances))
        comparing += time.perf_counter() - before
    ended = time.perf_counter()
    pd.DataFrame(rows).to_csv(out, index=False)
    phases = {
        "hash JPEGs": jpegs_done - started,
        "hash TIFFs": hashed - jpegs_done,
        "Hamming": ended - hashed - comparing,
        "SSIM": comparing,
    }
    sys.stdout.write(json.dumps(phases) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
