"""What a Dask cluster costs beside the processes of one machine, for the same work.

    PYTHONPATH=src OMP_NUM_THREADS=1 python benchmarks/clusters.py [--images 600] [--workers 2]

Hashes the same generated micrographs by `--workers` processes and by as many Dask workers on this
machine, in turn, nothing cached; workers are started before the clock is.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from published import HEIGHT, make_one
from timing import ratio, seconds

from backlabel import config, images
from backlabel.errors import UnreadableImageError
from backlabel.hashing.file import hash_file
from backlabel.inventory.files import Listed
from backlabel.kernels.compiled import compile_all
from backlabel.workers.cluster import Cluster
from backlabel.workers.crew import Crew, crew

CONF = Path(__file__).parents[1] / "conf" / "cluster"


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        items = made(Path(name), options.images)
        with started("local", options.workers) as here, started("dask", options.workers) as there:
            calls = {
                "processes": partial(hashed, here, items),
                "Dask": partial(hashed, there, items),
            }
            took: dict[str, list[float]] = {way: [] for way in calls}
            for call in calls.values():
                call()  # workers are started, kernels loaded
            for _ in range(options.rounds):
                for way, call in calls.items():
                    took[way].append(seconds(call))
    print(f"| {options.workers} workers, {len(items)} images | s | images/s | efficiency |")
    print("|---|---|---|---|")
    for way, turns in took.items():
        rate = len(items) / median(turns)
        print(
            f"| {way} | {median(turns):.2f} | {rate:.0f} | {ratio(took['processes'], turns):.2f} |"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the images are made for the run")
    return parser.parse_args()


def made(folder: Path, count: int) -> list[Listed]:
    """Half TIFFs, half JPEGs."""
    for name in ("tiff", "jpeg"):
        (folder / name).mkdir()
    for seed in range(count // 2):
        make_one(folder, count, HEIGHT, seed)
    files = sorted([*folder.glob("tiff/*.tif"), *folder.glob("jpeg/*.jpg")])
    return [Listed(str(file), "tiff" if file.suffix == ".tif" else "jpeg") for file in files]


@contextmanager
def started(kind: str, workers: int) -> Iterator[Crew]:
    values = config.read_yaml(CONF / f"{kind}.yaml") | {"workers": workers}
    cluster = Cluster.model_validate_json(json.dumps(values))
    with crew(
        cluster, workers=workers, max_seconds=60, max_memory_mib=2048, prepare=compile_all
    ) as own:
        yield own


def hashed(own: Crew, items: list[Listed]) -> None:
    function = partial(hash_file, limits=images.Limits(), cache=None)
    for item, result in own.map(function, items, what=""):
        if isinstance(result, UnreadableImageError):
            raise SystemExit(f"{item.path}: {result}")


if __name__ == "__main__":
    main()
