"""Stage hash: every JPEG and every TIFF below the data folders -> tables of perceptual hashes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from backlabel import config
from backlabel.errors import DataError
from backlabel.hashing import engine
from backlabel.hashing.engine import PageOutcome
from backlabel.hashing.pages import every_page
from backlabel.inventory import scanning
from backlabel.labels import schemes
from backlabel.limits import read_limits
from backlabel.stages.categories import label_schemes
from backlabel.storage import paths, tables
from backlabel.storage.files import make_folder, shared_folder, write_json
from backlabel.storage.rows import JpegHash, Passed, TiffHash

Side: TypeAlias = Literal["jpeg", "tiff"]
"""Whether an image is a published copy or an original, whatever its format."""


def main(params: config.Params) -> None:
    """Hash all images, write the tables, and stop if too many images cannot be read."""
    data, category = params.data, params.hash.category
    by_folder = params.labels.by in ("folders", "published")
    jpegs = scanning.find(
        list(map(Path, data.jpegs)), data.jpeg_formats, category if by_folder else None
    )
    tiffs = scanning.find(list(map(Path, data.tiffs)), data.tiff_formats)
    categories = _categories([item.path for item in jpegs.images], params)
    copies = [
        item for item in jpegs.images if by_folder or category in (None, categories[item.path].name)
    ]
    hashed, unreadable = _hash({"jpeg": copies, "tiff": tiffs.images}, params)
    rows = [
        JpegHash(**vars(row), category=categories[row.path].name, label=categories[row.path].label)
        for row in hashed["jpeg"]
    ]
    unreadable += [*jpegs.errors, *tiffs.errors]
    _write(rows, hashed["tiff"], unreadable, [*jpegs.skips, *tiffs.skips])
    _refuse_many_unreadable(unreadable, len(rows) + len(hashed["tiff"]), params)


def _categories(paths: Sequence[str], params: config.Params) -> dict[str, schemes.Category]:
    scheme, *others = label_schemes(params)
    found = schemes.categories(paths, params.data.jpegs, scheme, others)
    return dict(zip(paths, found, strict=True))


def _hash(
    items: dict[Side, list[scanning.Listed]], params: config.Params
) -> tuple[dict[Side, list[TiffHash]], list[Passed]]:
    read = params.read
    settings = engine.Settings(
        limits=read_limits(read),
        engine=params.hash.engine,
        workers=params.hash.workers,
        max_seconds=read.max_seconds,
        max_memory_mib=read.max_memory_mib,
        cluster=params.cluster,
    )
    cache, copies, originals = shared_folder() / "cache", items["jpeg"], items["tiff"]
    results = engine.hash_files([*copies, *originals], settings, cache)
    first, mains = results[: len(copies)], results[len(copies) :]
    # A published copy is one picture; of the originals each page may be the one that was published.
    alone = [[PageOutcome(None, result)] for result in first]
    rows, failed = engine.rows("jpeg", copies, alone)
    pages = every_page(originals, mains, settings, cache)
    tiff_rows, tiffs_failed = engine.rows("tiff", originals, pages)
    return {"jpeg": rows, "tiff": tiff_rows}, [*failed, *tiffs_failed]


def _write(
    jpegs: list[JpegHash],
    tiffs: list[TiffHash],
    unreadable: list[Passed],
    skipped: list[Passed],
) -> None:
    tables.write(paths.JPEG_HASHES, JpegHash, jpegs)
    tables.write(paths.TIFF_HASHES, TiffHash, tiffs)
    make_folder(paths.CATEGORY_HASHES)
    folders = Counter(row.category for row in jpegs)
    for category in folders:
        rows = [row for row in jpegs if row.category == category]
        tables.write(paths.category_path(category), JpegHash, rows)
    tables.write(paths.UNREADABLE, Passed, unreadable)
    tables.write(paths.SKIPPED, Passed, skipped)
    write_json(
        paths.METRICS / "hash.json",
        {
            "jpegs": len(jpegs),
            "tiffs": len(tiffs),
            "skipped": len(skipped),
            "unreadable": len(unreadable),
            "unreadable_by_reason": dict(Counter(row.reason for row in unreadable)),
            "without_information": sum(bool(row.information) for row in (*jpegs, *tiffs)),
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
            f"{first.path}: {first.reason}. All are listed in {paths.UNREADABLE}."
        )
