"""Where the tables of the stages lie, and the rows of those that tell of single images."""

from __future__ import annotations

from pathlib import Path

CSV = Path("csv")
JPEG_HASHES = CSV / "jpeg_hashes_all_labels.csv"
TIFF_HASHES = CSV / "tiff_hashes.csv"
CATEGORY_HASHES = CSV / "single_label_jpeg_hashes"
COLUMNS = CSV / "columns"
UNREADABLE = CSV / "unreadable.csv"
SKIPPED = CSV / "skipped.csv"
BESIDE = CSV / "beside.csv"
DUPLICATES = CSV / "duplicates.csv"
MAPPINGS = CSV / "n_tiff_to_all_jpeg_mapping"
SWEEP = CSV / "threshold_sweep.csv"
DATA_DVC = Path("data.dvc")
METRICS = Path("metrics")
PLOTS = Path("plots")
LABELED = Path("labeled")
MANIFEST = LABELED / "manifest.csv"
REPORT = Path("report.html")
NAMES = Path("reviews") / "names.csv"
DECISIONS = Path("reviews") / "decisions.csv"
SHOWN = Path("reviews") / "shown.csv"


def mapping_path(n_tiff: int | None, folder: Path = MAPPINGS) -> Path:
    """The mapping table of a run over `n_tiff` TIFFs, or over all of them."""
    return folder / (f"{n_tiff}_tiff.csv" if n_tiff is not None else "all_tiff.csv")


def candidates_path(n_tiff: int | None, folder: Path = MAPPINGS) -> Path:
    """The table of candidates of a run over `n_tiff` TIFFs, or over all of them."""
    return folder / (f"{n_tiff}_candidates.csv" if n_tiff is not None else "all_candidates.csv")


def category_path(category: str, folder: Path = CATEGORY_HASHES) -> Path:
    """The table of hashes of one category's JPEGs."""
    return folder / f"{category}_complete_jpeg_hashes.csv"


def parquet_path(table: Path) -> Path:
    """Where the rows of the CSV file `table` lie as Parquet, if it is large.

    That is in a folder which DVC tracks as one, since a table may be small in the next run.
    """
    folder = table.parent / COLUMNS.name if table.parent.name == CSV.name else table.parent
    return folder / f"{table.stem}.parquet"


def rows_path(table: Path) -> Path:
    """The file that holds the rows of `table`: itself, or the Parquet where CSV is switched off."""
    large = parquet_path(table)
    return large if large.exists() and not table.stat().st_size else table
