"""The manifest of the labelled set: as CSV, as Parquet, and as checksums of all files."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pyarrow as pa
from pyarrow import parquet

from backlabel import names, tables
from backlabel.files import atomic_write, sha256
from backlabel.matching.decide import Verdict
from backlabel.tables import FileName

CSV = "manifest.csv"
PARQUET = "manifest.parquet"
SUMS = "SHA256SUMS"
RULE, PERSON = "rule", "person"
_DIGEST = re.compile("[0-9a-f]{64}")

_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


@dataclass(frozen=True)
class Labelled:
    """One file of the labelled set; `file` is its path below the set's folder.

    Unprefixed digests, hashes and sizes are the TIFF's. The last three are the run's, the same in
    every row.
    """

    file: FileName
    label: str
    category: str
    TIFF_path: FileName
    JPEG_path: FileName
    hamming_distance: int | None
    ssim_value: float | None
    verdict: Verdict
    decided_by: str
    """`rule`, or `person` where a line of `reviews/decisions.csv` decided."""
    reviewer: FileName | None
    reason: FileName
    margin: float | None
    certain_label: str | None
    variant: str | None
    hamming_standardised: int | None
    hamming_grey: int | None
    ssim_matched: float | None
    residual: float | None
    residual_alike: float | None
    residual_chance: float | None
    noise_in_common: float | None
    runner_up_path: FileName | None
    runner_up_hamming: int | None
    runner_up_ssim: float | None
    runner_up_noise: float | None
    height: int
    width: int
    bytes: int
    sha256: str
    pixels_sha256: str
    """Of the decoded samples; see `backlabel.labels.pixels.digest`."""
    phash: str
    phash_grey: str
    JPEG_sha256: str
    JPEG_pixels_sha256: str
    JPEG_phash: str
    JPEG_phash_grey: str
    split: str
    """`train`, `val` or `test`; a group lies in one."""
    group: str
    """Files that share a specimen, a JPEG, or nearly all of their picture."""
    pixel_size_nm: float | None
    magnification: float | None
    accelerating_voltage_kv: float | None
    working_distance_mm: float | None
    detector: FileName | None
    acquired: str | None
    """Date and time in ISO 8601, the microscope's local time."""
    instrument: FileName | None
    operator: FileName | None
    metadata_note: FileName
    """What the file tells of its microscope and could not be understood."""
    versions: str
    """Of backlabel and of the libraries that can change a hash, a score or a pixel."""
    config_digest: str
    """`backlabel.config.digest` of the parameters."""
    run_key: str
    """SHA-256 over the configuration, the versions, the tables and the decisions of the run."""


def publishable(row: Labelled) -> Labelled:
    """The row without names of people and without folders, which are often called after people.

    The names of files stay: the labelled files bear them too.
    """
    return replace(
        row,
        TIFF_path=PurePosixPath(row.TIFF_path).name,
        JPEG_path=PurePosixPath(row.JPEG_path).name,
        runner_up_path=PurePosixPath(row.runner_up_path).name if row.runner_up_path else None,
        operator=None,
        reviewer=None,
        reason="Accepted by a person." if row.decided_by == PERSON else row.reason,
    )


def write(folder: Path, rows: Sequence[Labelled]) -> None:
    """Write `rows` below `folder` as CSV and as Parquet; `seal` comes when all files are there."""
    tables.write(folder / CSV, Labelled, rows)
    kinds = tables.plain_kinds(Labelled)
    columns = list(zip(*(tables.plain_values(Labelled, row) for row in rows), strict=True))
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in kinds.items()])
    cells = columns or [()] * len(schema)
    arrays = [pa.array(found, field.type) for found, field in zip(cells, schema, strict=True)]
    with atomic_write(folder / PARQUET, "wb") as file:
        parquet.write_table(pa.table(arrays, schema=schema), file, write_page_checksum=True)


def seal(folder: Path, rows: Sequence[Labelled]) -> None:
    """Write the checksums of all files below `folder`, which `sha256sum --check` reads."""
    digests = {row.file: row.sha256 for row in rows}
    for path in folder.rglob("*"):
        file = path.relative_to(folder).as_posix()
        if path.is_file() and file not in digests and file != SUMS:
            digests[file] = sha256(path)
    with atomic_write(folder / SUMS) as sums:
        sums.write(_sums_text(digests))


def _sums_text(digests: Mapping[str, str]) -> str:
    ordered = sorted(digests, key=os.fsencode)
    return "".join(f"{digests[file]}  {file}\n" for file in ordered)


def read_sums(folder: Path) -> dict[str, str]:
    """SHA-256 by path below `folder`. Raises ValueError for any other text than `seal` writes."""
    text = (folder / SUMS).read_bytes().decode()
    pairs = [line.partition("  ") for line in text.removesuffix("\n").split("\n")]
    digests = {file: digest for digest, _, file in pairs}
    if _sums_text(digests) != text or not all(map(_DIGEST.fullmatch, digests.values())):
        raise ValueError("not a sorted list of SHA-256 and path, one pair a line")
    return digests


def own_files(folder: Path) -> dict[str, str]:
    """SHA-256 by path of what an earlier run of any version wrote below `folder`."""
    try:
        return read_sums(folder) | {SUMS: sha256(folder / SUMS)}
    except (OSError, ValueError):
        return _files_of_manifest(folder / CSV)


def _files_of_manifest(path: Path) -> dict[str, str]:
    """What a set that has no checksums says of itself; its columns may be another version's."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        digests = {names.from_cell(row["file"] or ""): row["sha256"] for row in rows}
    except (OSError, ValueError, KeyError, csv.Error):
        return {}
    return digests | {path.name: sha256(path)}
