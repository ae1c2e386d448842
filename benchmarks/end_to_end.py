"""Hash and compare as whole processes, beside the documentation's own recipe in the same run.

    python benchmarks/end_to_end.py [--n 600] [--cores 2] [--rounds 3] [--folder FOLDER]

Makes N micrographs as TIFFs and as JPEGs of quality 100 in a folder that is thrown away, runs
everything on the given number of cores, and prints the tables of end_to_end.md. Kernels are
compiled beforehand; "cold" means that no hash is cached.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import psutil
import tifffile
from PIL import Image

from backlabel import composing
from backlabel.hashing import from_hexes
from backlabel.images import read
from backlabel.matching.search import nearest
from hashing import micrograph

ROOT = Path(__file__).resolve().parent.parent
LARGE_JPEGS, LARGE_TIFFS = 21_272, 10_000  # the published set
MIB = 1024  # of ru_maxrss's KiB
CONFIGURATIONS: dict[str, list[str]] = {"combined": [], "compare=seed": ["compare=seed"]}


@dataclass(frozen=True)
class Took:
    """What one process took."""

    wall: float
    peak_mib: float
    stolen: float
    """Seconds that the host gave our cores to others while they had work, all cores together."""
    output: str = ""


@dataclass(frozen=True)
class Stages:
    """`backlabel hash` and `backlabel compare`, one after the other."""

    hash: Took
    compare: Took

    @property
    def wall(self) -> float:
        return self.hash.wall + self.compare.wall

    @property
    def stolen(self) -> float:
        return self.hash.stolen + self.compare.stolen


def main() -> None:
    options = _options()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        images = make(folder / "images", options.n)
        warm_up(folder / "warm-up", images[:8], options.cores)
        found = measure(folder, images, options)
        report(found, options.rounds)
        extrapolate(folder, images, found, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=600, help="TIFFs, and as many JPEGs")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the throw-away folder is made")
    return parser.parse_args()


def make(folder: Path, n: int) -> list[tuple[Path, Path]]:
    """N pairs of a TIFF and the JPEG made from it, below `folder`."""
    (folder / "jpeg/Particles").mkdir(parents=True)
    (folder / "tiff").mkdir()
    with multiprocessing.get_context("spawn").Pool(len(os.sched_getaffinity(0))) as pool:
        return pool.map(partial(make_pair, folder), range(n), chunksize=10)


def make_pair(folder: Path, seed: int) -> tuple[Path, Path]:
    grey = micrograph(seed)
    tiff = folder / f"tiff/sample_{seed:05}.tif"
    tifffile.imwrite(tiff, grey, photometric="minisblack")
    buffer = io.BytesIO()
    Image.fromarray(grey).convert("RGB").save(buffer, "JPEG", quality=100, subsampling=2)
    digest = hashlib.md5(buffer.getvalue(), usedforsecurity=False).hexdigest()
    jpeg = folder / f"jpeg/Particles/L5_{digest}.jpg"
    jpeg.write_bytes(buffer.getvalue())
    return tiff, jpeg


def workspace(
    folder: Path, tiffs: Iterable[Path], jpegs: Iterable[Path], overrides: Sequence[str]
) -> Path:
    """A folder as the stages want it, with links to the images."""
    (folder / "data/tiff").mkdir(parents=True)
    (folder / "data/jpeg/Particles").mkdir(parents=True)
    for tiff in tiffs:
        (folder / "data/tiff" / tiff.name).hardlink_to(tiff)
    for jpeg in jpegs:
        (folder / "data/jpeg/Particles" / jpeg.name).hardlink_to(jpeg)
    shutil.copytree(ROOT / "conf", folder / "conf")
    (folder / "params.yaml").write_text(composing.compose(ROOT / "conf", list(overrides)))
    run(
        [sys.executable, "-m", "backlabel", "adopt"], folder
    )  # stages refuse two sources that differ
    return folder


def warm_up(folder: Path, pairs: Sequence[tuple[Path, Path]], cores: int) -> None:
    """Compiles every kernel, and reads the libraries from disk for the first time."""
    tiffs, jpegs = zip(*pairs, strict=True)
    workspace(folder, tiffs, jpegs, [f"hash.workers={cores}"])
    run_stages(folder)


def measure(
    folder: Path, images: Sequence[tuple[Path, Path]], options: argparse.Namespace
) -> dict[str, list[Took | Stages]]:
    """Every way in every round, in turn."""
    found: dict[str, list[Took | Stages]] = {}
    tiffs, jpegs = zip(*images, strict=True)
    for turn in range(options.rounds):
        recipe: list[str | Path] = [
            sys.executable,
            ROOT / "benchmarks/recipe.py",
            folder / "images",
        ]
        found.setdefault("recipe", []).append(run([*recipe, folder / "recipe.csv"], folder))
        for name, overrides in CONFIGURATIONS.items():
            own = [*overrides, f"hash.workers={options.cores}"]
            place = workspace(folder / f"{name}-{turn}", tiffs, jpegs, own)
            for state in ("cold", "warm"):
                found.setdefault(f"{name}, {state}", []).append(run_stages(place))
            require_all_right(place, images)
        walls = ", ".join(
            f"{name} {turns[-1].wall:.1f} ({turns[-1].stolen:.1f} stolen)"
            for name, turns in found.items()
        )
        print(f"round {turn + 1}, s: {walls}", flush=True)
    return found


def run_stages(folder: Path) -> Stages:
    command = [sys.executable, "-m", "backlabel"]
    return Stages(run([*command, "hash"], folder), run([*command, "compare"], folder))


def run(command: Sequence[str | Path], folder: Path) -> Took:
    """One process: seconds, and the most memory that it had at once."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with tempfile.TemporaryFile("w+") as output:
        stolen, started = _stolen(), time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command} ended with {process.returncode}")
        output.seek(0)
        text = output.read()
    return Took(wall, usage.ru_maxrss / MIB, _stolen() - stolen, text)


def _stolen() -> float:
    times = psutil.cpu_times(percpu=True)
    return sum(getattr(times[core], "steal", 0.0) for core in os.sched_getaffinity(0))


def require_all_right(place: Path, images: Sequence[tuple[Path, Path]]) -> None:
    """A fast wrong answer is worth nothing."""
    with (place / "csv/n_tiff_to_all_jpeg_mapping/all_tiff.csv").open() as file:
        matched = {
            row["TIFF_file"]: row["JPEG_file"]
            for row in csv.DictReader(file)
            if row["verdict"] == "matched"
        }
    if matched != {tiff.name: jpeg.name for tiff, jpeg in images}:
        raise SystemExit(f"{place}: not every TIFF was given its JPEG")


def report(found: dict[str, list[Took | Stages]], rounds: int) -> None:
    print(
        f"\n| {rounds} rounds | hash s | compare s | both s | stolen s | peak MiB | recipe / it |"
    )
    print("|---|---|---|---|---|---|---|")
    recipe = found["recipe"]
    for name, turns in found.items():
        wall = median(one.wall for one in turns)
        faster = median(slow.wall / one.wall for slow, one in zip(recipe, turns, strict=True))
        parts = [[one] if isinstance(one, Took) else [one.hash, one.compare] for one in turns]
        stolen = median(one.stolen for one in turns)
        peak = max(part.peak_mib for both in parts for part in both)
        stages = [f"{median(column):.1f}" for column in _walls(turns)] or ["", ""]
        cells = [name, *stages, f"{wall:.1f}", f"{stolen:.1f}", f"{peak:.0f}", f"{faster:.1f}"]
        print(f"| {' | '.join(cells)} |")


def _walls(turns: Sequence[Took | Stages]) -> list[list[float]]:
    both = [one for one in turns if isinstance(one, Stages)]
    return [[one.hash.wall for one in both], [one.compare.wall for one in both]] if both else []


def extrapolate(
    folder: Path,
    images: Sequence[tuple[Path, Path]],
    found: dict[str, list[Took | Stages]],
    options: argparse.Namespace,
) -> None:
    """From what a start, a JPEG, a TIFF and a pair of hashes cost to the published set."""
    n, few = len(images), max(1, len(images) // 4)
    tiffs, jpegs = zip(*images, strict=True)
    print(f"\n| {LARGE_TIFFS:,} TIFFs, {LARGE_JPEGS:,} JPEGs, extrapolated | s |")
    print("|---|---|")
    phases = json.loads(found["recipe"][-1].output)  # type: ignore[union-attr]
    recipe = (
        phases["hash JPEGs"] * LARGE_JPEGS / n
        + (phases["hash TIFFs"] + phases["SSIM"]) * LARGE_TIFFS / n
        + phases["Hamming"] * LARGE_JPEGS * LARGE_TIFFS / n**2
    )
    parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in phases.items())
    print(f"| recipe (here {parts}) | {recipe:.0f} |")
    distances = hamming()
    for name, overrides in CONFIGURATIONS.items():
        own = [*overrides, f"hash.workers={options.cores}"]
        both = found[f"{name}, cold"][-1]
        fewer_tiffs = run_stages(workspace(folder / f"{name}-few-tiffs", tiffs[:few], jpegs, own))
        fewer_jpegs = run_stages(workspace(folder / f"{name}-few-jpegs", tiffs, jpegs[:few], own))
        assert isinstance(both, Stages)
        tiff = (both.hash.wall - fewer_tiffs.hash.wall) / (n - few)
        jpeg = (both.hash.wall - fewer_jpegs.hash.wall) / (n - few)
        pair = (both.compare.wall - fewer_tiffs.compare.wall) / (n - few)
        start = both.hash.wall - n * (tiff + jpeg) + both.compare.wall - n * pair
        total = start + LARGE_TIFFS * (tiff + pair) + LARGE_JPEGS * jpeg + distances
        print(
            f"| {name}, cold (start {start:.1f} s, JPEG {jpeg * 1e3:.1f} ms, "
            f"TIFF {tiff * 1e3:.1f} ms, its pair {pair * 1e3:.1f} ms, "
            f"Hamming {distances:.1f} s) | {total:.0f} |"
        )
    per_jpeg, per_tiff = (_decoding(paths) / few for paths in (jpegs[:few], tiffs[:few]))
    floor = (2 * LARGE_TIFFS * per_tiff + (LARGE_JPEGS + LARGE_TIFFS) * per_jpeg) / options.cores
    print(
        "| the floor: decoding each image to hash it, and each pair again to compare it "
        f"(JPEG {per_jpeg * 1e3:.1f} ms, TIFF {per_tiff * 1e3:.1f} ms on one core) | {floor:.0f} |"
    )


def _decoding(paths: Sequence[Path]) -> float:
    started = time.perf_counter()
    for path in paths:
        read(path)
    return time.perf_counter() - started


def hamming() -> float:
    """Seconds of the searches by both hashes of the published set, measured at full size."""
    rng = np.random.default_rng(0)
    query = from_hexes([rng.bytes(128).hex() for _ in range(LARGE_TIFFS)])
    base = from_hexes([rng.bytes(128).hex() for _ in range(LARGE_JPEGS)])
    nearest(query[:1], base, k=10)
    started = time.perf_counter()
    nearest(query, base, k=10)
    return 2 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
