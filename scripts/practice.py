"""Make a small project to practise on: eight TIFFs, some of which only a person can settle.

    python scripts/practice.py FOLDER

Run from the root of this repository, where the sample's images are (`dvc pull data.dvc`). Copies
are made with fixed seeds, so that everybody sees the same; `data/truth.csv` of the project says
which pairs are true, and CASES below why each is hard.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from backlabel import images

SAMPLE = Path("data/tiff")
KIT = "kit-data-manager/1-as-cast/DifferentDetector"
LIFTOUT = "DeMarcoLab/FIB & liftout, 2022-11"
NANOWIRES = "Martin09/old stuff/NWs #8k Mag"
Grey = NDArray[np.uint8]
Change = Callable[[Grey], Grey]


@dataclass(frozen=True)
class Published:
    """A JPEG: of which image, under which category, changed how, and whether it is the TIFF's."""

    category: str
    quality: int = 90
    change: Change = lambda grey: grey
    is_true: bool = True
    of: str = ""
    """The sample's TIFF that it was made from, where that is another."""


@dataclass(frozen=True)
class Case:
    """A TIFF of the sample, its name in the project, and what was published that looks like it."""

    tiff: str
    name: str
    published: tuple[Published, ...]


def second_frame(grey: Grey) -> Grey:
    """The same field once more: what a second scan shows has the same content and other noise."""
    floating = grey.astype(np.float64)
    content = ndimage.gaussian_filter(floating, 1.2)
    noise = np.random.default_rng(5).normal(0, (floating - content).std(), grey.shape)
    return as_grey(content + noise)


def painted(grey: Grey) -> Grey:
    """Denoised for print until it looks painted: edges stay, fine structure and noise are gone."""
    smooth: Grey = ndimage.median_filter(grey, 9)
    return smooth


def annotated(grey: Grey) -> Grey:
    """With a white inset over a part of it, as figures have."""
    marked = grey.copy()
    height, width = grey.shape
    marked[height // 12 : height * 8 // 12, width // 12 : width * 8 // 12] = 255
    return marked


def as_grey(values: NDArray[np.float64]) -> Grey:
    """Rounded and clipped to bytes."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


CASES = (
    # Nothing to do: these match.
    Case(f"{LIFTOUT}/openfibsem__start_eb.tif", "lamella.tif", (Published("Tips"),)),
    Case(f"{NANOWIRES}/6416_NMonSi_MOVPE_w3_12.tif", "wires.tif", (Published("Nanowires"),)),
    # Published twice, under two categories: fibres they are.
    Case(
        "dvtxc/fibresem_final_v2 (copy)/sample.01_img08.tif",
        "fibres.tif",
        (Published("Fibres", 95), Published("Films", 92, is_true=False)),
    ),
    # Published twice under one category: either will do.
    Case(
        f"{LIFTOUT}/raw__image.tif",
        "cut.tif",
        (Published("Tips", 95), Published("Tips", 94, is_true=False)),
    ),
    # True pairs that the scores cannot show.
    Case(
        f"{KIT}/1-as-cast_18_Sch_10k_BSD-Compo.tif", "print.tif", (Published("Films", 80, painted),)
    ),
    Case(
        "rccohn/powder = tiles/Sc1Tile_001-001-000_0-000.tif",
        "figure.tif",
        (Published("Powder", 90, annotated),),
    ),
    # Wrong frames: the same field scanned again, and the same field by another detector.
    Case(
        f"{LIFTOUT}/old__start_eb.tif",
        "again.tif",
        (Published("Biological", 85, second_frame, is_true=False),),
    ),
    Case(
        f"{KIT}/1-as-cast_17_Sch_10k_SESI.tif",
        "detector.tif",
        (Published("Films", of=f"{KIT}/1-as-cast_16_Sch_10k_InLens.tif", is_true=False),),
    ),
)


def main(folder: Path) -> None:
    """Write the images, the list of true pairs and the project."""
    if folder.exists():
        raise SystemExit(f"{folder}: is there already; name a folder that is not.")
    if not SAMPLE.is_dir():
        raise SystemExit(f"{SAMPLE}: is not here; `dvc pull data.dvc` fetches it.")
    truth = []
    for case in CASES:
        tiff = folder / "data/tiff" / case.name
        tiff.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SAMPLE / case.tiff, tiff)
        for one in case.published:
            jpeg = publish(case, one, folder)
            if one.is_true:
                paths = [path.relative_to(folder).as_posix() for path in (tiff, jpeg)]
                truth.append([*paths, one.category, "practice", ""])
    with (folder / "data/truth.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["TIFF_path", "JPEG_path", "category", "how", "page"])
        writer.writerows(truth)
    command = ["init", "--originals", "data/tiff", "--copies", "data/jpeg", "--labels", "folders"]
    subprocess.run([sys.executable, "-m", "backlabel", *command, "--yes"], cwd=folder, check=True)
    print(f"Next: cd {folder} && dvc repro && backlabel review")


def publish(case: Case, one: Published, folder: Path) -> Path:
    """Write the JPEG, named by its MD5 as published files are."""
    grey = images.read(SAMPLE / (one.of or case.tiff)).grey
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(one.change(grey))).save(
        buffer, "JPEG", quality=one.quality
    )
    name = hashlib.md5(buffer.getvalue(), usedforsecurity=False).hexdigest()
    path = folder / "data/jpeg" / one.category / f"{name}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return path


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
