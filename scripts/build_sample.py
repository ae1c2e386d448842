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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

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
Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class ForPeople:
    """One more JPEG, for people to settle, or for the search for parts."""

    original: str
    how: str
    change: Callable[[Grey], Grey]
    quality: int
    is_pair: bool
    """Whether it is the true pair of the original."""
    category: str = ""
    """As published, where it is not the original's."""


def unchanged(grey: Grey) -> Grey:
    """The original itself."""
    return grey


def painted(grey: Grey) -> Grey:
    """Denoised for print until it looks painted: edges stay, fine structure and noise are gone."""
    smooth: Grey = ndimage.median_filter(grey, 9)
    return smooth


def blurred(grey: Grey) -> Grey:
    """Out of focus, as a photograph of a print is."""
    return _as_grey(ndimage.gaussian_filter(grey.astype(np.float64), 4))


def annotated(grey: Grey) -> Grey:
    """With a white inset over a part of it, as figures have."""
    marked = grey.copy()
    height, width = grey.shape
    marked[height // 12 : height * 8 // 12, width // 12 : width * 8 // 12] = 255
    return marked


def second_frame(grey: Grey) -> Grey:
    """The same field once more: what a second scan shows has the same content and other noise."""
    floating = grey.astype(np.float64)
    content = ndimage.gaussian_filter(floating, 1.2)
    noise = np.random.default_rng(5).normal(0, (floating - content).std(), grey.shape)
    return _as_grey(content + noise)


def _as_grey(values: NDArray[np.float64]) -> Grey:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


FOR_PEOPLE = (
    # Two JPEGs that one TIFF explains equally well: under one category, and under two.
    ForPeople("dvtxc__test.tif", "published again as a film", unchanged, 100, False, "Films"),
    ForPeople("DeMarcoLab__raw__image__half.tif", "published again", unchanged, 98, False),
    # True pairs that scores show badly, or not at all.
    ForPeople("kit-data-manager__1-as-cast_18_Sch_10k_BSD-Compo.tif", "painted", painted, 80, True),
    ForPeople("rccohn__Sc3Tile_008-007-000_0-000__half.tif", "inset", annotated, 90, True),
    ForPeople("RickGummy__C2-1_m09__half.tif", "out of focus", blurred, 90, True),
    ForPeople("Martin09__6410_NMonSi_MOVPE_w1_15__half.tif", "quality 3", unchanged, 3, True),
    # Wrong frames: the same fields scanned again.
    ForPeople("DeMarcoLab__old__baseline_eb__half.tif", "next frame", second_frame, 85, False),
    ForPeople("neclipse__SS_316_P&C_#1_002__half.tif", "next frame", second_frame, 95, False),
)
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
        jpeg = _write_jpeg(_published(tiff or original, how), _quality(how), row["category"], out)
        if tiff is not None:
            pairs.append(_pair(tiff, jpeg, how, out))
        yield jpeg, f"JPEG of {original.name}, {how}"
    for copy in (one for one in FOR_PEOPLE if one.original == original.name):
        jpeg = _write_jpeg(
            _changed(original, copy), copy.quality, copy.category or row["category"], out
        )
        if tiff is not None and copy.is_pair:
            pairs.append(_pair(tiff, jpeg, copy.how, out))
        yield jpeg, f"JPEG of {original.name}, {copy.how}"


def _pair(tiff: Path, jpeg: Path, how: str, out: Path) -> TruePair:
    tiff_path, jpeg_path = (f"data/{path.relative_to(out).as_posix()}" for path in (tiff, jpeg))
    return TruePair(TIFF_path=tiff_path, JPEG_path=jpeg_path, category=jpeg.parent.name, how=how)


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


def _quality(how: str) -> int:
    return int(how.removeprefix("quality ")) if how.startswith("quality ") else 100


def _changed(original: Path, copy: ForPeople) -> Image.Image:
    """What `copy` makes of the original."""
    with Image.open(original, formats=["TIFF"]) as image:
        grey = np.asarray(image.convert("L"))
    return Image.fromarray(copy.change(grey)).convert("RGB")


def _write_jpeg(picture: Image.Image, quality: int, published: str, out: Path) -> Path:
    memory = io.BytesIO()
    picture.save(memory, "JPEG", quality=quality, subsampling="4:2:0")
    name = _category(published)
    digest = hashlib.md5(memory.getvalue(), usedforsecurity=False).hexdigest()
    path = out / "jpeg" / name / f"L{SCHEME.index(name)}_{digest}.jpg"
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
