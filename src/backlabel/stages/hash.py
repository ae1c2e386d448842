"""Stage hash: every JPEG and every TIFF below the data folders -> tables of perceptual hashes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backlabel import config
from backlabel.errors import DataError
from backlabel.hashing import engine
from backlabel.hashing.pages import every_page
from backlabel.inventory import scanning
from backlabel.inventory.files import Files
from backlabel.labels import schemes
from backlabel.limits import read_limits
from backlabel.stages import beside
from backlabel.stages.categories import label_schemes
from backlabel.stages.hash_tables import Written, write_jpegs, write_tiffs
from backlabel.storage import large, paths, tables
from backlabel.storage.files import atomic_write, shared_folder, write_json
from backlabel.storage.rows import Beside, Passed

_README = """\
The tables of hashes of more than `tables.parquet_above` images, as Parquet, which the stages read
in place of the CSV. There is none of smaller ones: then this folder holds this file alone.
"""


def main(params: config.Params) -> None:
    """Hash all images, write the tables, and stop if too many images cannot be read."""
    data, category = params.data, params.hash.category
    by_folder = params.labels.by in ("folders", "published")
    jpegs = scanning.find(
        list(map(Path, data.jpegs)), data.jpeg_formats, category if by_folder else None
    )
    tiffs = scanning.find(list(map(Path, data.tiffs)), data.tiff_formats)
    copies, categories = jpegs.images, _categories(jpegs.images, params)
    if not by_folder and category is not None:
        own = [i for i, one in enumerate(categories) if one.name == category]
        copies, categories = copies.taken(own), [categories[i] for i in own]
    written = _hash_and_write(copies, categories, tiffs.images, params)
    written.unreadable += [*jpegs.errors, *tiffs.errors]
    skipped = [*jpegs.skips, *tiffs.skips]
    tables.write(paths.UNREADABLE, Passed, written.unreadable)
    tables.write(paths.SKIPPED, Passed, skipped)
    write_json(paths.METRICS / "hash.json", written.metrics() | {"skipped": len(skipped)})
    with atomic_write(paths.COLUMNS / "README.md") as file:  # DVC warns of an empty folder
        file.write(_README)
    tables.write(paths.BESIDE, Beside, beside.rows(tiffs, params))
    _refuse_many_unreadable(written.unreadable, written.readable, params)


def _categories(copies: Files, params: config.Params) -> list[schemes.Category]:
    scheme, *others = label_schemes(params)
    return schemes.categories(copies.paths, params.data.jpegs, scheme, others)


def _hash_and_write(
    copies: Files,
    categories: Sequence[schemes.Category],
    originals: Files,
    params: config.Params,
) -> Written:
    read = params.read
    settings = engine.Settings(
        limits=read_limits(read),
        engine=params.hash.engine,
        workers=params.hash.workers,
        max_seconds=read.max_seconds,
        max_memory_mib=read.max_memory_mib,
        cluster=params.cluster,
    )
    cache, written = shared_folder() / "cache", Written()
    results = engine.hash_files(copies.joined(originals), settings, cache)
    pages = every_page(originals, results[len(copies) :], settings, cache)
    form = large.Form(**params.tables.model_dump())
    write_jpegs(copies, categories, results[: len(copies)], written, form)
    write_tiffs(originals, pages, written, form)
    return written


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
