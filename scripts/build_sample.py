"""Build the sample data set `data/` from public SEM TIFFs and their list of sources.

    python scripts/build_sample.py ORIGINALS OUT [--sources SOURCES.csv]

ORIGINALS holds the TIFFs (`<owner>__<name>.tif`), SOURCES.csv (default: beside it) their category,
licence, repository, commit and path. OUT must not exist, or be empty. The same inputs and library
versions give the same bytes; docs/sample-data.md says what is in it and why. The sample was built
once and is tracked by DVC: users do not run this.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from backlabel.storage import tables
from backlabel.storage.rows import TruePair
from backlabel.storage.tables import FileName

SCHEME = (
    *("Biological", "Fibres", "Films", "MEMS", "Nanowires"),
    *("Particles", "Patterned", "Porous", "Powder", "Tips"),
)
"""The seed's scheme; published names such as Films_Coated_Surface start with its names."""

UNTIDY = {
    "DeMarcoLab": "DeMarcoLab/FIB & liftout, 2022-11",
    "EMMC-ASBL": "EMMC-ASBL/tripper (test input)",
    "Martin09": "Martin09/old stuff/NWs #8k Mag",
    "Mumrah213": "Mumrah213/experimental_sem",
    "RickGummy": "RickGummy/Käfer/data raw",
    "agourakis82": "agourakis82/scaffolds 20x",
    "dvtxc": "dvtxc/fibresem_final_v2 (copy)",
    "fleathlushby": "fleathlushby",
    "kit-data-manager": "kit-data-manager/1-as-cast/DifferentDetector",
    "neclipse": "neclipse/SS 316, polished",
    "rccohn": "rccohn/powder = tiles",
}
"""Folders as researchers keep them: spaces, commas, an umlaut, signs that shells and URLs mind."""

MOVED = {
    # Two files of one name in two folders, with different contents.
    "Mumrah213__13__half.tif": "Mumrah213/chip 1/001.tif",
    "Mumrah213__22__half.tif": "Mumrah213/chip 2/001.tif",
    "dvtxc__test.tif": "dvtxc/TEST.TIF",
}

UNPUBLISHED = (
    # Look-alikes of published images: the drift series, the other detectors, the crop of a whole.
    "DeMarcoLab__openfibsem__baseline_eb__half.tif",
    "DeMarcoLab__openfibsem__corrected_eb__half.tif",
    "DeMarcoLab__old__baseline_eb__half.tif",
    "kit-data-manager__1-as-cast_17_Sch_10k_SESI.tif",
    "kit-data-manager__1-as-cast_18_Sch_10k_BSD-Compo.tif",
    "kit-data-manager__SESI_keyframe_00001_slice_00006_z=1.6659um__half.tif",
    "Martin09__125nm_03_cropped.tif",
    "Martin09__6410_NMonSi_MOVPE_w1_15__half.tif",
    "rccohn__Sc3Tile_008-007-000_0-000__half.tif",
    "RickGummy__C2-1_m09__half.tif",
    "DeMarcoLab__fibsem__2022-11-17.01-35-21PM_ib__half.tif",
    "neclipse__SS_316_P&C_#1_002__half.tif",
)
WITHOUT_TIFF = (
    "Martin09__150nm_14_cropped__half.tif",
    "rccohn__Sc4Tile_002-008-000_0-000__half.tif",
    "DeMarcoLab__detection__test_image__half.tif",
)
SIXTEEN_BIT = "Martin09__140nm_10_cropped__half.tif"
DEGRADED = {
    "dvtxc__test2__half.tif": "quality 90",
    "RickGummy__X4-1_m07__half.tif": "quality 90",
    "Mumrah213__4__half.tif": "quality 75",
    "rccohn__Sc1Tile_001-001-000_0-000__half.tif": "quality 75",
    "RickGummy__C10-1_B_m05__half.tif": "half size",
    "dvtxc__sample.01_img08__half.tif": "databar cut off",
}
MIT = Path(__file__).parents[1] / "LICENSE"
DATABAR = 90 / 768
"""Share of the height that is cut off where the databar goes, generous for all instruments."""


NOTICES = {
    "dvtxc/fibresem": "Copyright (c) 2021 dvtxc",
    "EMMC-ASBL/tripper": "Copyright (c) 2022-2025 SINTEF",
    "Martin09/DeepSEM": "Copyright (c) 2020 Martin Friedl",
    "Mumrah213/nanowire-detection": "Copyright (c) 2026 Markus Aspegren",
    "RickGummy/SEM-Image-Processing-Toolkit": "Copyright (c) 2024 RickGummy",
}
"""As the licence files of the repositories have them; of the others it could not be read."""


@dataclass(frozen=True)
class Source:
    """Where one file of the sample comes from."""

    path: FileName
    bytes: int
    how: str
    licence: str
    repository: str
    commit: str
    original_path: FileName


def main() -> None:
    """Read the arguments and build."""
    parser = argparse.ArgumentParser(description="Build the sample data set.")
    parser.add_argument("originals", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sources", type=Path)
    chosen = parser.parse_args()
    build(chosen.originals, chosen.out, chosen.sources or chosen.originals.parent / "SOURCES.csv")


def build(originals: Path, out: Path, sources: Path) -> None:
    """Write the sample to the new folder `out`."""
    if out.exists() and any(out.iterdir()):
        raise SystemExit(f"{out}: is not empty. Name a folder that does not exist.")
    with sources.open(encoding="utf-8", newline="") as file:
        listed = sorted(csv.DictReader(file), key=lambda row: row["file"])
    made: list[Source] = []
    pairs: list[TruePair] = []
    for row in listed:
        for path, how in _write(row, originals / row["file"], out, pairs):
            made.append(
                Source(
                    path=f"data/{path.relative_to(out).as_posix()}",
                    bytes=path.stat().st_size,
                    how=how,
                    licence=row["licence"],
                    repository=row["repository"],
                    commit=row["commit"],
                    original_path=row["original_path"],
                )
            )
    made.sort(key=lambda source: source.path)
    pairs.sort(key=lambda pair: pair.TIFF_path)
    tables.write(out / "SOURCES.csv", Source, made)
    tables.write(out / "truth.csv", TruePair, pairs)
    (out / "LICENCES.md").write_text(_licences(made), encoding="utf-8")


def _write(
    row: dict[str, str], original: Path, out: Path, pairs: list[TruePair]
) -> Iterator[tuple[Path, str]]:
    """The TIFF and the JPEG of one source, as far as the sample has them; adds their true pair."""
    tiff = None
    if original.name not in WITHOUT_TIFF:
        tiff = out / "tiff" / _place(original.name)
        tiff.parent.mkdir(parents=True, exist_ok=True)
        if original.name == SIXTEEN_BIT:
            _write_sixteen_bit(original, tiff)
            yield tiff, f"{row['how']}; grey values spread over 12 of 16 bits with seeded noise"
        else:
            shutil.copyfile(original, tiff)
            yield tiff, row["how"]
    if original.name not in UNPUBLISHED:
        how = DEGRADED.get(original.name, "quality 100")
        jpeg = _write_jpeg(_published(tiff or original, how), how, row["category"], out / "jpeg")
        if tiff is not None:
            pairs.append(
                TruePair(
                    TIFF_path=f"data/{tiff.relative_to(out).as_posix()}",
                    JPEG_path=f"data/{jpeg.relative_to(out).as_posix()}",
                    category=_category(row["category"]),
                    how=how,
                )
            )
        yield jpeg, f"JPEG of {original.name}, {how}"


def _place(name: str) -> str:
    if name in MOVED:
        return MOVED[name]
    owner, rest = name.split("__", 1)
    return f"{UNTIDY[owner]}/{re.sub('__half(?=[.])', '', rest)}"


def _category(published: str) -> str:
    return next(name for name in SCHEME if published.startswith(name))


def _write_sixteen_bit(original: Path, target: Path) -> None:
    """12-bit data in a 16-bit file, as a detector with more depth would have given it."""
    grey = tifffile.imread(original).astype(np.uint16)
    noise = np.random.default_rng(12).integers(0, 16, grey.shape, dtype=np.uint16)
    tifffile.imwrite(target, grey * 16 + noise, metadata=None, software=False, datetime=False)


def _published(tiff: Path, how: str) -> Image.Image:
    """The picture as the group would have published it."""
    with Image.open(tiff, formats=["TIFF"]) as image:
        if image.mode.startswith("I;16"):
            deep = np.asarray(image, np.float64)
            spread = (deep - deep.min()) / (deep.max() - deep.min())
            picture = Image.fromarray(np.round(255 * spread).astype(np.uint8)).convert("RGB")
        else:
            picture = image.convert("RGB")
    width, height = picture.size
    if how == "half size":
        return picture.resize((width // 2, height // 2), Image.Resampling.LANCZOS)
    if how == "databar cut off":
        return picture.crop((0, 0, width, height - round(DATABAR * height)))
    return picture


def _write_jpeg(picture: Image.Image, how: str, published: str, folder: Path) -> Path:
    quality = int(how.removeprefix("quality ")) if how.startswith("quality ") else 100
    memory = io.BytesIO()
    picture.save(memory, "JPEG", quality=quality, subsampling="4:2:0")
    name = _category(published)
    digest = hashlib.md5(memory.getvalue(), usedforsecurity=False).hexdigest()
    path = folder / name / f"L{SCHEME.index(name)}_{digest}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(memory.getvalue())
    return path


def _licences(made: list[Source]) -> str:
    lines = [
        "# Licences of the sample images",
        "",
        "Each image comes from a public repository whose licence permits redistribution.",
        "SOURCES.csv names repository, commit and original path of every file.",
        "",
        "| repository | licence | notice | files |",
        "|---|---|---|---|",
    ]
    groups = sorted({(source.repository, source.licence) for source in made})
    for repository, licence in groups:
        count = sum((one.repository, one.licence) == (repository, licence) for one in made)
        notice = NOTICES.get(repository, "see its licence file")
        lines.append(f"| {repository} | {licence} | {notice} | {count} |")
    lines += ["", "## The MIT licence", "", MIT.read_text(encoding="utf-8").split("\n\n", 2)[2]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
