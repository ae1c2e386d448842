"""Stage hash: every JPEG and every TIFF below the data folders -> tables of perceptual hashes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backlabel import config, images, pool, records, tables
from backlabel.errors import DataError, UnreadableImageError
from backlabel.files import sha256, write_json
from backlabel.hashing import hash_image, to_hex
from backlabel.images import inventory
from backlabel.labels import schemes
from backlabel.records import JpegHash, Passed, TiffHash


@dataclass(frozen=True)
class _Outcome:
    hashed: list[TiffHash]
    unreadable: list[Passed]


def main(params: config.Params) -> None:
    """Hash all images, write the tables, and stop if too many images cannot be read."""
    jpegs = _find(Path(params.data.jpeg), "jpeg", params.hash.category)
    tiffs = _find(Path(params.data.tiff), "tiff", None)
    paths = [item.path for item in jpegs.images]
    scheme = schemes.Scheme(params.labels.name, params.labels.categories)
    others = [schemes.Scheme(other.name, other.categories) for other in config.schemes()]
    categories = dict(
        zip(paths, schemes.categories(paths, params.data.jpeg, scheme, others), strict=True)
    )

    hashed_jpegs = _hash(paths, "jpeg", params)
    hashed_tiffs = _hash([item.path for item in tiffs.images], "tiff", params)
    rows = [
        JpegHash(**vars(row), category=categories[row.path].name, label=categories[row.path].label)
        for row in hashed_jpegs.hashed
    ]
    unreadable = [
        *hashed_jpegs.unreadable,
        *hashed_tiffs.unreadable,
        *(Passed(item.path, "", item.reason, "") for item in (*jpegs.errors, *tiffs.errors)),
    ]
    skipped = [Passed(item.path, "", item.reason, "") for item in (*jpegs.skips, *tiffs.skips)]
    _write(rows, hashed_tiffs.hashed, unreadable, skipped)
    _refuse_many_unreadable(unreadable, len(rows) + len(hashed_tiffs.hashed), params)


def hash_file(path: str, limits: images.Limits) -> TiffHash:
    """Read and hash one image. Raises UnreadableImageError."""
    file = Path(path)
    picture = images.read(file, limits)
    hashes = hash_image(picture.grey)
    height, width = picture.grey.shape
    return TiffHash(
        file=file.name,
        path=path,
        phash=to_hex(hashes.standardised),
        phash_grey=to_hex(hashes.grey),
        gate=hashes.information,
        note=picture.note,
        height=height,
        width=width,
        sha256=sha256(file),
    )


def _find(root: Path, kind: str, category: str | None) -> inventory.Inventory:
    suffixes = {"jpeg": ".jpg, .jpeg", "tiff": ".tif, .tiff"}[kind]
    folder = root / category if category is not None else root
    if not folder.is_dir():
        known = ", ".join(sorted(p.name for p in root.iterdir())) if root.is_dir() else ""
        hint = f" {root} holds {known}." if category is not None and known else ""
        raise DataError(
            f"{folder}: no such folder; looked for {kind.upper()} images ({suffixes}) there.{hint} "
            "Put or link the images there, or set data.jpeg and data.tiff."
        )
    found = inventory.scan(folder, kinds=(kind,))
    if not found.images:
        raise DataError(
            f"{folder}: no {kind.upper()} found; looked for {suffixes} (any case) in it and in all "
            f"folders below it. {len(found.skips)} other files were passed over."
        )
    return found


def _hash(paths: Sequence[str], kind: str, params: config.Params) -> _Outcome:
    read = params.read
    limits = images.Limits(max_pixels=read.max_pixels, max_bytes=read.max_bytes)
    results = pool.map_files(
        partial(hash_file, limits=limits),
        paths,
        workers=params.hash.workers or os.cpu_count() or 1,
        max_seconds=read.max_seconds,
        max_memory_mib=read.max_memory_mib,
        what=f"hash {kind.upper()}s",
    )
    outcome = _Outcome([], [])
    for path, result in results:
        if isinstance(result, UnreadableImageError):
            outcome.unreadable.append(Passed(path, kind, result.reason, result.detail))
        else:
            outcome.hashed.append(result)
    return outcome


def _write(
    jpegs: list[JpegHash],
    tiffs: list[TiffHash],
    unreadable: list[Passed],
    skipped: list[Passed],
) -> None:
    tables.write(records.JPEG_HASHES, JpegHash, jpegs)
    tables.write(records.TIFF_HASHES, TiffHash, tiffs)
    records.CATEGORY_HASHES.mkdir(parents=True, exist_ok=True)
    folders = Counter(row.category for row in jpegs)
    for category in folders:
        rows = [row for row in jpegs if row.category == category]
        tables.write(records.category_path(category), JpegHash, rows)
    tables.write(records.UNREADABLE, Passed, unreadable)
    tables.write(records.SKIPPED, Passed, skipped)
    write_json(
        records.METRICS / "hash.json",
        {
            "jpegs": len(jpegs),
            "tiffs": len(tiffs),
            "skipped": len(skipped),
            "unreadable": len(unreadable),
            "unreadable_by_reason": dict(Counter(row.reason for row in unreadable)),
            "without_information": sum(bool(row.gate) for row in (*jpegs, *tiffs)),
            "jpegs_by_category": dict(folders),
        },
    )


def _refuse_many_unreadable(
    unreadable: Sequence[Passed], readable: int, params: config.Params
) -> None:
    total = len(unreadable) + readable
    share = len(unreadable) / total
    if share > params.read.max_unreadable_share:
        first = unreadable[0]
        raise DataError(
            f"{len(unreadable)} of {total} images cannot be read ({share:.0%}; "
            f"read.max_unreadable_share allows {params.read.max_unreadable_share:.0%}). The first: "
            f"{first.path}: {first.reason}. All are listed in {records.UNREADABLE}."
        )
