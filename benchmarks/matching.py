"""Times of the comparison kernels beside public alternatives, on one core, in one run.

    python benchmarks/matching.py ssim verify hamming

prints a table in Markdown for each part named. Run it alone on the machine, with
OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from typing import cast

import faiss
import imagehash
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pytorch_msssim import ssim as msssim
from scipy.ndimage import gaussian_filter
from timing import in_turn, ratio
from torchmetrics.functional.image import structural_similarity_index_measure

from backlabel.kernels.resize import resize, resize_reference
from backlabel.matching import search, tensors
from backlabel.matching.histogram_matching import match_histogram, match_histogram_reference
from backlabel.matching.reference import REFERENCE
from backlabel.matching.ssim import ssim, ssim_reference
from backlabel.matching.verify import verify

ROUNDS = 15
RNG = np.random.default_rng(0)
Hashes = NDArray[np.uint8]


def main() -> None:
    parts = {"ssim": of_ssim, "verify": of_verify, "hamming": of_hamming}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="+", choices=parts)
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    for part in parser.parse_args().parts:
        print(f"\n### {part}\n")
        parts[part]()


def image_pair() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """1024x768, smooth structure and noise; the second is the first with more noise."""
    smooth = gaussian_filter(RNG.normal(size=(768, 1024)), 3)
    smooth = (smooth - smooth.min()) / np.ptp(smooth) * 255
    first = np.clip(smooth + RNG.normal(size=smooth.shape) * 4, 0, 255).astype(np.uint8)
    second = np.clip(first + RNG.normal(size=smooth.shape) * 8, 0, 255).astype(np.uint8)
    return first, second


def of_ssim() -> None:
    a, b = image_pair()
    x, y = (torch.from_numpy(image)[None, None].float() for image in (a, b))
    bounds = tensors.Bounds("cpu", 8, 512)
    calls: dict[str, Callable[[], float]] = {
        "backlabel, compiled": lambda: ssim(a, b),
        "backlabel, torch": lambda: tensors.ssim([(a, b)], window="uniform", bounds=bounds)[0],
        "scikit-image": lambda: ssim_reference(a, b),
        "torchmetrics, 7x7 uniform": lambda: cast(
            torch.Tensor,
            structural_similarity_index_measure(
                x, y, gaussian_kernel=False, kernel_size=7, data_range=255.0
            ),
        ).item(),
        "pytorch-msssim, 7x7 Gaussian": lambda: msssim(x, y, data_range=255, win_size=7).item(),
    }
    expected = ssim_reference(a, b)
    times = in_turn(calls, rounds=ROUNDS)
    print("| SSIM of one 1024x768 pair | ms | times as fast as scikit-image | off it by |")
    print("|---|---|---|---|")
    for name, call in calls.items():
        speed = ratio(times["scikit-image"], times[name])
        print(f"| {name} | {ms(times[name])} | {speed:.1f} | {abs(call() - expected):.1e} |")


def of_verify() -> None:
    a, b = image_pair()
    half = np.ascontiguousarray(a[::2, ::2])
    kinds: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "explained share, cosine transforms (SciPy, NumPy)": (
            lambda: verify(a, b, None),
            lambda: REFERENCE.verify(a, b, None),
        ),
        "histogram matching (scikit-image)": (
            lambda: match_histogram(a, b),
            lambda: match_histogram_reference(a, b),
        ),
        "doubling the size, Lanczos (Pillow)": (
            lambda: resize(half, a.shape),
            lambda: resize_reference(half, a.shape),
        ),
        "all scores of a pair of one size": (lambda: all_scores(a, b), lambda: all_slow(a, b)),
    }
    print("| what (reference) | ms | reference ms | times as fast |")
    print("|---|---|---|---|")
    for name, (fast, slow) in kinds.items():
        times = in_turn({"fast": fast, "slow": slow}, rounds=ROUNDS)
        speed = ratio(times["slow"], times["fast"])
        print(f"| {name} | {ms(times['fast'])} | {ms(times['slow'])} | {speed:.1f} |")


def all_scores(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> tuple[float, float]:
    """What a pair costs once its images are decoded."""
    return ssim(a, b), verify(a, b, None).spoke


def all_slow(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> tuple[float, float]:
    return ssim_reference(a, b), REFERENCE.verify(a, b, None).spoke


def of_hamming() -> None:
    query, base = hashes(10_000), hashes(21_272)
    # Ways of hours or gigabytes are timed on a few queries and scaled up.
    ways: dict[str, tuple[Callable[[Hashes], object], int]] = {
        "backlabel": (lambda some: search.nearest(some, base, k=10), 10_000),
        "faiss IndexBinaryFlat": (lambda some: flat(some, base), 10_000),
        "NumPy bitwise_count, query by query": (lambda some: bitwise_count(some, base), 200),
        "NumPy XOR of unpacked bits": (unpacked(base), 20),
        "pandas apply over imagehash objects": (pandas_apply(base), 3),
    }
    calls = {
        name: (lambda way=way, some=query[:rows]: way(some)) for name, (way, rows) in ways.items()
    }
    times = in_turn(calls, rounds=5)
    scaled = {name: [t * 10_000 / rows for t in times[name]] for name, (_, rows) in ways.items()}
    print("| 10,000 x 21,272 hashes, top 10 | queries timed | s | backlabel is faster by |")
    print("|---|---|---|---|")
    for name, (_, rows) in ways.items():
        speed = ratio(scaled[name], scaled["backlabel"])
        print(f"| {name} | {rows:,} | {median(scaled[name]):.2f} | {speed:.1f} |")


def hashes(rows: int) -> Hashes:
    return RNG.integers(0, 256, (rows, search.HASH_BYTES), dtype=np.uint8)


def changed(rows: Hashes, *, bits: int) -> Hashes:
    flips = np.zeros((len(rows), 1024), np.uint8)
    flips[:, :bits] = 1
    return rows ^ np.packbits(RNG.permuted(flips, axis=1), axis=1)


def flat(query: Hashes, base: Hashes) -> object:
    table = faiss.IndexBinaryFlat(8 * search.HASH_BYTES)
    table.add(base)
    return table.search(query, 10)


def bitwise_count(query: Hashes, base: Hashes) -> None:
    words = base.view(np.uint64)
    for one in query.view(np.uint64):
        distance = np.bitwise_count(words ^ one).sum(axis=1, dtype=np.int32)
        np.argpartition(distance, 10)[:10]


def unpacked(base: Hashes) -> Callable[[Hashes], None]:
    bits = np.unpackbits(base, axis=1)

    def find(query: Hashes) -> None:
        for one in np.unpackbits(query, axis=1):
            np.argsort((bits ^ one).sum(axis=1), kind="stable")[:10]

    return find


def pandas_apply(base: Hashes) -> Callable[[Hashes], None]:
    objects = pd.Series([as_object(row) for row in base])

    def find(query: Hashes) -> None:
        for one in map(as_object, query):
            objects.apply(lambda other: one - other).nsmallest(10)  # noqa: B023 - used at once

    return find


def as_object(row: Hashes) -> imagehash.ImageHash:
    return imagehash.ImageHash(np.unpackbits(row).reshape(32, 32).astype(bool))


def ms(times: list[float]) -> str:
    return f"{median(times) * 1000:.2f}"


if __name__ == "__main__":
    main()
