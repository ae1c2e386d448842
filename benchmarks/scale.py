"""Search at the size of an archive, with hashes alone: recall, time per query, memory.

    PYTHONPATH=src python benchmarks/scale.py [--base 10000000] [--queries 1000000]

Makes random hashes in a file, and queries of which half are planted copies with 0 to 119 of their
1,024 bits changed, the others of no copy. The base is searched at each tenth of its size down to
10^5, by worker processes. Memory is that of all processes, pages that they share counted once.
Prints a table, and one of recall by bits at the largest size; draws time against size.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot
from numpy.typing import NDArray

from backlabel.kernels.compiled import compile_all
from backlabel.matching import search
from backlabel.matching.index import MultiHash, Stored
from backlabel.workers.pool import Workers, cores

Hashes = NDArray[np.uint8]
AT_A_TIME = 1_000_000
FEW = 50_000  # queries whose bits are changed at a time
FARTHEST = 120  # bits
LEAST = 100_000
CANDIDATE = 100  # bits below which recall is promised
LOOK_S = 0.2


def main() -> None:
    options = _options()
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        os.chdir(folder)  # where the search keeps what workers map
        file = Path(folder) / "hashes"
        base = made(file, options.base, random)
        print("| hashes | queries | s | ms of a core per query | recall below 100 bits | GiB |")
        print("|---|---|---|---|---|---|")
        times: dict[int, float] = {}
        for size in sizes(options.base):
            rows = random.integers(0, size, options.queries // 2)
            bits = np.arange(len(rows)) % FARTHEST
            query = queries(base, rows, bits, random)
            took, spent, most, found = searched(Stored(str(file), size), query, options.workers)
            right = found[: len(rows)] == rows
            recall = right[bits < CANDIDATE].mean()
            times[size] = spent / len(query) * 1000
            cells = [f"{size:,}", f"{len(query):,}", f"{took:.1f}", f"{times[size]:.3f}"]
            print(f"| {' | '.join(cells)} | {recall:.6f} | {most:.2f} |", flush=True)
    print("\n| bits changed | copies | found |")
    print("|---|---|---|")
    for low in range(0, FARTHEST, 20):
        within = (bits >= low) & (bits < low + 20)
        print(f"| {low} to {low + 19} | {within.sum():,} | {right[within].sum():,} |")
    draw(times, options.plot)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=int, default=10_000_000, help="hashes of JPEGs")
    parser.add_argument("--queries", type=int, default=1_000_000, help="hashes of TIFFs")
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--folder", type=Path, help="where the file of hashes is made")
    parser.add_argument("--plot", type=Path, default=Path(__file__).with_suffix(".png").resolve())
    return parser.parse_args()


def sizes(largest: int) -> list[int]:
    """`largest` and its tenths down to 10^5, smallest first."""
    found = [largest]
    while found[0] >= 10 * LEAST:
        found.insert(0, found[0] // 10)
    return found


def searched(
    base: Stored, query: Hashes, workers: int
) -> tuple[float, float, float, NDArray[np.int64]]:
    """Seconds by the clock and of processors, GiB of all processes, nearest row of each query."""
    with Workers(workers, max_seconds=600, max_memory_mib=2048, prepare=compile_all) as crew:
        list(crew.map(abs, range(workers), what="", chunk=1))  # started, kernels loaded
        with peak() as most:
            before, used_before = time.perf_counter(), used()
            rows, _ = MultiHash(base, crew=crew).nearest(query, k=10)
            took, spent = time.perf_counter() - before, used() - used_before
    return took, spent, max(most), rows[:, 0]


def used() -> float:
    """Seconds of processors that this process and its workers have used so far."""
    ticks = 0
    for one in multiprocessing.active_children():
        after_name = Path(f"/proc/{one.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, after_name[11:13]))  # utime and stime, proc(5)
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def peak() -> Iterator[list[float]]:
    """GiB that this process and its workers hold, now and then while the block runs."""
    seen = [_held()]
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_S):
            seen.append(_held())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        ended.set()
        looking.join()


def _held() -> float:
    kib = 0
    for process in [os.getpid(), *(one.pid for one in multiprocessing.active_children())]:
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended
            continue
        kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 2**20


def made(path: Path, rows: int, random: np.random.Generator) -> Hashes:
    """Random hashes in a file that is mapped."""
    with path.open("wb") as file:
        for first in range(0, rows, AT_A_TIME):
            count = min(AT_A_TIME, rows - first)
            file.write(random.bytes(count * search.HASH_BYTES))
    return np.memmap(path, np.uint8, "r", shape=(rows, search.HASH_BYTES))


def queries(
    base: Hashes, rows: NDArray[np.int64], bits: NDArray[np.int64], random: np.random.Generator
) -> Hashes:
    """Copies of `rows` with `bits` changed, and behind them as many hashes of no copy."""
    found = random.integers(0, 256, (2 * len(rows), search.HASH_BYTES), dtype=np.uint8)
    for first in range(0, len(rows), FEW):
        some = slice(first, min(first + FEW, len(rows)))
        flips = np.arange(8 * search.HASH_BYTES) < bits[some, np.newaxis]
        found[some] = base[rows[some]] ^ np.packbits(random.permuted(flips, axis=1), axis=1)
    return found


def draw(times: dict[int, float], path: Path) -> None:
    """Time of a query against the number of hashes, both in powers of ten."""
    mpl.use("Agg")
    figure, axes = pyplot.subplots(figsize=(5, 3.5), layout="constrained")
    axes.loglog([*times], [*times.values()], "o-")
    axes.set(xlabel="hashes searched", ylabel="ms of a core per query")
    axes.grid(visible=True, which="both", alpha=0.3)
    figure.savefig(path, dpi=120)
    print(f"\n{path.name}: time of a query against hashes searched")


if __name__ == "__main__":
    main()
