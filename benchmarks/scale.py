"""Search at the size of an archive, with hashes alone: recall, time per query, memory.

    PYTHONPATH=src python benchmarks/scale.py [--base 10000000] [--queries 2000]

Makes random hashes in a file, and queries of which half are planted copies with 0 to 119 of their
1,024 bits changed, the others of no copy. The base is searched at each tenth of its size down to
10^5. Seconds are of one processor. Prints a table, and one of recall by bits at the largest size.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backlabel.matching import search
from backlabel.matching.index import MultiHash

Hashes = NDArray[np.uint8]
AT_A_TIME = 1_000_000
FARTHEST = 120  # bits; compare.ssim_hamming_threshold
LEAST = 100_000
MOST_EXACT = 1_000_000
FEW = 50  # queries whose search takes no time beside the index
CANDIDATE = 100  # bits below which recall is promised


def main() -> None:
    options = _options()
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        base = made(Path(folder) / "hashes", options.base, random)
        print("| hashes | index, s | ms per query | exact | recall below 100 bits | peak GiB |")
        print("|---|---|---|---|---|---|")
        for size in sizes(options.base):
            some = base[:size]
            rows = random.integers(0, size, options.queries // 2)
            bits = np.arange(len(rows)) % FARTHEST
            unknown = random.integers(0, 256, (len(rows), search.HASH_BYTES), dtype=np.uint8)
            query = np.concatenate([changed(some[rows], bits, random), unknown])
            built, _ = searched(some, query[:FEW])
            both, found = searched(some, query)
            right = found[: len(rows), 0] == rows
            recall = right[bits < CANDIDATE].mean()
            per_query = (both - built) / (len(query) - FEW) * 1000
            peak = peak_gib()  # exact search holds a copy of all hashes besides
            cells = [f"{size:,}", f"{built:.1f}", f"{per_query:.2f}", exact(some, query[:FEW])]
            print(f"| {' | '.join(cells)} | {recall:.5f} | {peak:.2f} |", flush=True)
    print("\n| bits changed | copies | found |")
    print("|---|---|---|")
    for low in range(0, FARTHEST, 20):
        within = (bits >= low) & (bits < low + 20)
        print(f"| {low} to {low + 19} | {within.sum()} | {right[within].sum()} |")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=int, default=10_000_000, help="hashes of JPEGs")
    parser.add_argument("--queries", type=int, default=2000, help="hashes of TIFFs")
    parser.add_argument("--folder", type=Path, help="where the file of hashes is made")
    return parser.parse_args()


def sizes(largest: int) -> list[int]:
    """`largest` and its tenths down to 10^5, smallest first."""
    found = [largest]
    while found[0] >= 10 * LEAST:
        found.insert(0, found[0] // 10)
    return found


def searched(base: Hashes, query: Hashes) -> tuple[float, NDArray[np.int64]]:
    """Seconds of one processor, and the nearest rows."""
    before = time.process_time()
    rows, _ = MultiHash(base).nearest(query, k=10)
    return time.process_time() - before, rows


def exact(base: Hashes, query: Hashes) -> str:
    """Milliseconds of a query by every distance, where that is a matter of seconds."""
    if len(base) > MOST_EXACT:
        return ""
    search.nearest(query, base[:1], k=1)  # the kernel is loaded
    before = time.process_time()
    search.nearest(query, base, k=10)
    return f"{(time.process_time() - before) / len(query) * 1000:.2f}"


def made(path: Path, rows: int, random: np.random.Generator) -> Hashes:
    """Random hashes in a file that is mapped."""
    with path.open("wb") as file:
        for first in range(0, rows, AT_A_TIME):
            count = min(AT_A_TIME, rows - first)
            file.write(random.bytes(count * search.HASH_BYTES))
    return np.memmap(path, np.uint8, "r", shape=(rows, search.HASH_BYTES))


def changed(rows: Hashes, bits: NDArray[np.int64], random: np.random.Generator) -> Hashes:
    """`rows` with that many bits of each changed."""
    flips = np.arange(8 * search.HASH_BYTES) < bits[:, np.newaxis]
    return rows ^ np.packbits(random.permuted(flips, axis=1), axis=1)


def peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
