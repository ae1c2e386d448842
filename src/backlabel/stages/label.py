"""Stage label: each matched TIFF, byte for byte, into the labelled set, with a manifest."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

from backlabel import config, names, records, tables
from backlabel.errors import DataError, TableError
from backlabel.files import lock, write_json
from backlabel.labels import copies
from backlabel.labels.manifest import Labelled
from backlabel.matching.decide import Verdict
from backlabel.matching.records import Match
from backlabel.progress import track
from backlabel.records import LABELED

_PARTIAL = Path(".labeled-partial")


def main(params: config.Params) -> None:
    """Copy what the mapping matched; other rows get no label."""
    mapping = tables.read(records.mapping_path(params.compare.n_tiff), Match)
    matches = [row for row in mapping if row.used_ssim and row.verdict is Verdict.MATCHED]
    with lock(Path(".backlabel") / "label.lock"):
        rows = write_set(matches, LABELED)
    write_json(records.METRICS / "label.json", _metrics(rows, mapping))


def write_set(matches: list[Match], target: Path) -> list[Labelled]:
    """Write the labelled set of `matches` to the folder `target`; returns its manifest.

    The folder is made beside `target` and then put in its place, so that it is whole or absent.
    """
    partial = target.with_name(_PARTIAL.name)
    shutil.rmtree(partial, ignore_errors=True)
    own = _own_files(target)
    if target.exists():
        copies.refuse_foreign(target, own)
    partial.mkdir(parents=True)
    try:
        rows = [
            _copy(match, partial, file.as_posix())
            for match, file in track(
                list(zip(matches, _targets(matches), strict=True)), "label TIFFs"
            )
        ]
        rows.sort(key=lambda row: os.fsencode(row.file))
        tables.write(partial / records.MANIFEST.name, Labelled, rows)
        copies.replace_folder(partial, target, own)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return rows


def _targets(matches: list[Match]) -> list[Path]:
    sources = [(row.TIFF_path, row.category or "", row.label or "") for row in matches]
    return [Path(target) for target in copies.target_names(sources)]


def _copy(match: Match, folder: Path, file: str) -> Labelled:
    target = folder / file
    digest = copies.copy(Path(match.TIFF_path), target)
    if digest != match.TIFF_sha256:
        raise DataError(
            f"{names.to_cell(match.TIFF_path)}: changed since it was hashed. "
            "Run the hash stage again."
        )
    if match.label is None or match.category is None or match.JPEG_path is None:
        raise TableError(f"{match.TIFF_path}: is matched, but the mapping gives it no label.")
    return Labelled(
        file=file,
        label=match.label,
        category=match.category,
        TIFF_path=match.TIFF_path,
        JPEG_path=match.JPEG_path,
        hamming_distance=match.hamming_distance or 0,
        ssim_value=match.ssim_value or 0.0,
        verdict=match.verdict,
        reason=match.reason,
        margin=match.margin,
        bytes=target.stat().st_size,
        sha256=digest,
        JPEG_sha256=match.JPEG_sha256 or "",
    )


def _own_files(target: Path) -> list[str]:
    manifest = target / records.MANIFEST.name
    if not manifest.exists():
        return []
    return [manifest.name, *(row.file for row in tables.read(manifest, Labelled))]


def _metrics(rows: list[Labelled], mapping: list[Match]) -> dict[str, object]:
    by_name = Counter(Path(row.TIFF_path).name for row in rows)
    return {
        "labelled": len(rows),
        "not_labelled": len(mapping) - len(rows),
        "labelled_share": len(rows) / len(mapping) if mapping else 0.0,
        "bytes": sum(row.bytes for row in rows),
        "by_category": dict(sorted(Counter(row.category for row in rows).items())),
        "names_in_several_folders": sum(count > 1 for count in by_name.values()),
    }
