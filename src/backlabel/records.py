"""Where the tables of the stages lie, and the rows of those that tell of single images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backlabel.tables import FileName

CSV = Path("csv")
JPEG_HASHES = CSV / "jpeg_hashes_all_labels.csv"
TIFF_HASHES = CSV / "tiff_hashes.csv"
CATEGORY_HASHES = CSV / "single_label_jpeg_hashes"
UNREADABLE = CSV / "unreadable.csv"
SKIPPED = CSV / "skipped.csv"
DUPLICATES = CSV / "duplicates.csv"
MAPPINGS = CSV / "n_tiff_to_all_jpeg_mapping"
SWEEP = CSV / "threshold_sweep.csv"
METRICS = Path("metrics")
PLOTS = Path("plots")
LABELED = Path("labeled")
MANIFEST = LABELED / "manifest.csv"
NAMES = Path("reviews") / "names.csv"
DECISIONS = Path("reviews") / "decisions.csv"


def mapping_path(n_tiff: int | None, folder: Path = MAPPINGS) -> Path:
    """The mapping table of a run over `n_tiff` TIFFs, or over all of them."""
    return folder / (f"{n_tiff}_tiff.csv" if n_tiff is not None else "all_tiff.csv")


def category_path(category: str, folder: Path = CATEGORY_HASHES) -> Path:
    """The table of hashes of one category's JPEGs."""
    return folder / f"{category}_complete_jpeg_hashes.csv"


@dataclass(frozen=True)
class TiffHash:
    """One readable TIFF. Hashes are hexadecimal; `gate` says why an image can match nothing."""

    file: FileName
    path: FileName
    phash: str
    phash_grey: str
    gate: str
    note: str
    height: int
    width: int
    sha256: str


@dataclass(frozen=True)
class JpegHash(TiffHash):
    """One readable JPEG with the category that its folder and its prefix agree on."""

    category: str
    label: str


@dataclass(frozen=True)
class Passed:
    """A path that gives no hash, and why. `kind` is jpeg, tiff, or empty where it is neither."""

    path: FileName
    kind: str
    reason: str
    detail: str


@dataclass(frozen=True)
class TruePair:
    """A TIFF and the JPEG that was made from it, as the data's own list says."""

    TIFF_path: FileName
    JPEG_path: FileName
    category: str
    how: str
