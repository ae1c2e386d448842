"""Stage label: each matched TIFF, byte for byte, into the labelled set, with a manifest."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backlabel import __version__, config, images
from backlabel.errors import DataError, OutputError, UnreadableImageError
from backlabel.hashing.cache import versions
from backlabel.labels import card, copies, decisions, duplicates, ledger, manifest, splits
from backlabel.labels.croissant import About
from backlabel.labels.decisions import Decided
from backlabel.labels.pixels import PixelDigests
from backlabel.labels.splits import Place
from backlabel.matching.search import HASH_BYTES
from backlabel.microscope import metadata as acquisition
from backlabel.microscope.acquisition import Acquisition
from backlabel.storage import names, paths, tables
from backlabel.storage.files import sha256, shared_folder, write_json
from backlabel.storage.paths import LABELED
from backlabel.storage.rows import (
    Choice,
    Decision,
    Duplicate,
    JpegHash,
    Labelled,
    Match,
    Named,
    TiffHash,
)
from backlabel.workers.progress import track

_PARTIAL = Path(".labeled-partial")
_OF_THE_MAPPING = sorted(
    {field.name for field in fields(Labelled)} & {field.name for field in fields(Match)}
)
_OF_THE_MICROSCOPE = sorted(
    {field.name for field in fields(Labelled)} & {field.name for field in fields(Acquisition)}
)
_THREADS = 8  # copying waits for the disk; more threads than this gained nothing


@dataclass(frozen=True)
class _Run:
    """What all rows of the manifest share."""

    versions: str
    config_digest: str
    key: str


def main(params: config.Params) -> None:
    """Make the labelled set of what the mapping matched or a person accepted."""
    mapping = tables.read(paths.mapping_path(params.compare.n_tiff), Match)
    made_by_people = _read_decisions(paths.DECISIONS)
    known = _known(params)
    chosen, in_force = decisions.apply(made_by_people, mapping, known)
    named = {row.TIFF_path for row in ledger.read(paths.NAMES)}
    chosen, twins = duplicates.set_apart(chosen, named)
    make = partial(
        _make,
        known=known,
        places=_places(chosen, known, params),
        public=params.label.public,
        run=_run(params),
        link=copies.Link(params.label.link),
        pixels=_pixel_digests(params.read),
        max_bytes=params.read.max_bytes,
    )
    about = About(**params.label.about.model_dump())
    rows = write_set(chosen, LABELED, paths.NAMES, make, about)
    tables.write(paths.DUPLICATES, Duplicate, twins)
    metrics = _metrics(rows, twins, mapping) | {
        "decisions": _decision_metrics(made_by_people, in_force)
    }
    write_json(paths.METRICS / "label.json", metrics)


Make = Callable[[Decided, Path, str], Labelled]
"""Makes the file of one row below a folder, and says what it made."""


def write_set(
    chosen: Sequence[Decided], target: Path, names: Path, make: Make, about: About
) -> list[Labelled]:
    """Write the labelled set to the folder `target`; returns its manifest.

    The folder is made beside `target` and then put in its place, so that it is whole or absent.
    `names` is the ledger: it is extended before the set appears, so that no name is given twice.
    """
    partial_folder = target.with_name(_PARTIAL.name)
    copies.recover(partial_folder, target)
    own = manifest.own_files(target)
    copies.refuse_foreign(target, own)
    known = ledger.read(names)
    files, extended = ledger.assign([_source(one.match) for one in chosen], known)
    try:
        _create(partial_folder)
        rows = _make_all(chosen, files, partial_folder, make)
        rows.sort(key=lambda row: os.fsencode(row.file))
        manifest.write(partial_folder, rows)
        card.write(partial_folder, rows, about)
        manifest.seal(partial_folder, rows)
        if extended != known:
            tables.write(names, Named, extended)
        copies.replace_folder(partial_folder, target, own)
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)
    return rows


def _create(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror}).") from error


def _make_all(
    chosen: Sequence[Decided], files: Sequence[str], folder: Path, make: Make
) -> list[Labelled]:
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            made = pool.map(lambda one, file: make(one, folder, file), chosen, files)
            return list(track(made, "label TIFFs", total=len(chosen)))
        finally:
            pool.shutdown(cancel_futures=True)  # after an error the rest is not made


def _source(match: Match) -> ledger.Source:
    return ledger.Source(match.TIFF_path, match.category or "", match.label or "")


def _make(
    decided: Decided,
    folder: Path,
    file: str,
    *,
    known: decisions.Known,
    places: Mapping[str, Place],
    public: bool,
    run: _Run,
    link: copies.Link,
    pixels: PixelDigests,
    max_bytes: int,
) -> Labelled:
    match, decision = decided.match, decided.decision
    tiff, jpeg = known.tiffs[match.TIFF_path], known.jpegs[match.JPEG_path or ""]
    target = folder / file
    digest = copies.make(Path(tiff.path), target, link=link, max_bytes=max_bytes)
    _refuse_changed(tiff, digest)
    _refuse_changed(jpeg, _digest(jpeg.path))
    taken, place = _acquisition(tiff.path, max_bytes), places[tiff.path]
    row = Labelled(
        **{name: getattr(match, name) for name in _OF_THE_MAPPING},
        **{name: getattr(taken, name) for name in _OF_THE_MICROSCOPE},
        file=file,
        decided_by=manifest.PERSON if decision else manifest.RULE,
        reviewer=decision.who if decision else None,
        height=tiff.height,
        width=tiff.width,
        bytes=target.stat().st_size,
        sha256=digest,
        pixels_sha256=pixels.of(target, digest),
        phash=tiff.phash,
        phash_grey=tiff.phash_grey,
        JPEG_pixels_sha256=pixels.of(Path(jpeg.path), jpeg.sha256),
        JPEG_phash=jpeg.phash,
        JPEG_phash_grey=jpeg.phash_grey,
        split=place.split,
        group=place.group,
        acquired=taken.date,
        metadata_note=taken.note,
        versions=run.versions,
        config_digest=run.config_digest,
        run_key=run.key,
    )
    return manifest.publishable(row) if public else row


def _places(
    chosen: Sequence[Decided], known: decisions.Known, params: config.Params
) -> dict[str, Place]:
    """The split and group of each TIFF, by path."""
    tiffs = [known.tiffs[one.match.TIFF_path] for one in chosen]
    members = [
        splits.Member(
            sha256=tiff.sha256,
            folder=splits.specimen_folder(tiff.path, params.data.tiff),
            JPEG_sha256=one.match.JPEG_sha256 or "",
            category=one.match.category or "",
        )
        for tiff, one in zip(tiffs, chosen, strict=True)
    ]
    found = splits.places(
        members,
        [_packed(tiff.phash for tiff in tiffs), _packed(tiff.phash_grey for tiff in tiffs)],
        params.label.splits.model_dump(),
        near_bits=params.label.near_hamming,
        seed=params.label.split_seed,
    )
    return {tiff.path: place for tiff, place in zip(tiffs, found, strict=True)}


def _packed(hashes: Iterable[str]) -> NDArray[np.uint8]:
    joined = b"".join(map(bytes.fromhex, hashes))
    return np.frombuffer(joined, np.uint8).reshape(-1, HASH_BYTES)


def _acquisition(path: str, max_bytes: int) -> Acquisition:
    try:
        return acquisition.read(Path(path), images.Limits(max_bytes=max_bytes))
    except UnreadableImageError as error:
        raise DataError(
            f"{names.to_cell(path)}: cannot be read any more ({error}). Run the hash stage again."
        ) from error


def _digest(path: str) -> str:
    try:
        return sha256(Path(path))
    except OSError as error:
        raise DataError(
            f"{names.to_cell(path)}: cannot be read any more ({error.strerror}). "
            "Put it back, or run the hash stage again."
        ) from error


def _refuse_changed(image: TiffHash, digest: str) -> None:
    if digest != image.sha256:
        raise DataError(
            f"{names.to_cell(image.path)}: changed since it was hashed. Run the hash stage again."
        )


def _known(params: config.Params) -> decisions.Known:
    return decisions.Known(
        tiffs={row.path: row for row in tables.read(paths.TIFF_HASHES, TiffHash)},
        jpegs={row.path: row for row in tables.read(paths.JPEG_HASHES, JpegHash)},
        categories={f"L{i}": line[0] for i, line in enumerate(params.labels.categories)},
        some_jpegs=params.hash.category is not None,
    )


def _pixel_digests(read: config.Read) -> PixelDigests:
    limits = images.Limits(max_pixels=read.max_pixels, max_bytes=read.max_bytes)
    return PixelDigests(shared_folder() / "cache" / "pixels.sqlite", limits)


def _run(params: config.Params) -> _Run:
    found = versions() | {"backlabel": __version__, "torch": metadata.version("torch")}
    # Not the part after "+": a GPU's build of torch finds what the CPU's finds.
    told = "; ".join(f"{name} {found[name].partition('+')[0]}" for name in sorted(found))
    digest = config.digest(params)
    mapping = paths.mapping_path(params.compare.n_tiff)
    sources = (paths.JPEG_HASHES, paths.TIFF_HASHES, mapping, paths.DECISIONS)
    parts = [digest, told, *map(sha256, sources)]
    return _Run(told, digest, hashlib.sha256(json.dumps(parts).encode()).hexdigest())


def _read_decisions(path: Path) -> list[Decision]:
    if not path.exists():
        columns = ",".join(tables.plain_kinds(Decision))
        raise DataError(
            f"{path}: not found. Restore it with `git checkout`; where no person has decided "
            f"anything it holds one line: {columns}"
        )
    return tables.read(path, Decision)


def _decision_metrics(all_made: list[Decision], in_force: list[Decision]) -> dict[str, int]:
    return {
        "accepted": sum(one.decision is Choice.ACCEPT for one in in_force),
        "rejected": sum(one.decision is Choice.REJECT for one in in_force),
        "outside_this_run": len(all_made) - len(in_force),
        "people": len({one.who for one in in_force}),
    }


def _metrics(
    rows: list[Labelled], twins: list[Duplicate], mapping: list[Match]
) -> dict[str, object]:
    by_name = Counter(Path(row.TIFF_path).name for row in rows)
    return {
        "labelled": len(rows),
        "duplicates": len(twins),
        "not_labelled": len(mapping) - len(rows) - len(twins),
        "labelled_share": len(rows) / len(mapping) if mapping else 0.0,
        "bytes": sum(row.bytes for row in rows),
        "by_category": dict(sorted(Counter(row.category for row in rows).items())),
        "names_in_several_folders": sum(count > 1 for count in by_name.values()),
    }
