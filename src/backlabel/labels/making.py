"""Makes the labelled set: copies of the chosen originals, their manifest, and the texts beside."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from importlib import metadata
from pathlib import Path

from backlabel import __version__
from backlabel.errors import DataError, OutputError
from backlabel.hashing.cache import versions as hashing_versions
from backlabel.labels import card, copies, facts, ledger, manifest
from backlabel.labels.about import About
from backlabel.labels.decisions import Decided, Known
from backlabel.labels.facts import Bounds, Facts, Pair
from backlabel.labels.pixels import PixelDigests
from backlabel.labels.splits import Place
from backlabel.microscope.acquisition import Acquisition
from backlabel.storage import names, tables
from backlabel.storage.files import sha256
from backlabel.storage.rows import Labelled, Match, Named, TiffHash
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
class Run:
    """What all rows of the manifest share."""

    versions: str
    config_digest: str
    key: str


@dataclass(frozen=True)
class Recipe:
    """How the set is made of what was chosen. `places` are the splits and groups by TIFF path."""

    known: Known
    places: Mapping[str, Place]
    link: copies.Link
    public: bool
    stored: bool
    """Whether the set holds the files; otherwise its manifest says where the originals are."""
    bounds: Bounds
    digests: PixelDigests
    run: Run


def run(config_digest: str, sources: Iterable[str | Path]) -> Run:
    """The run of this configuration over the files `sources`, with the versions installed here."""
    found = hashing_versions() | {"backlabel": __version__, "torch": metadata.version("torch")}
    # Not the part after "+": a GPU's build of torch finds what the CPU's finds.
    versions = "; ".join(f"{name} {found[name].partition('+')[0]}" for name in sorted(found))
    parts = [config_digest, versions, *(sha256(Path(source)) for source in sources)]
    return Run(versions, config_digest, hashlib.sha256(json.dumps(parts).encode()).hexdigest())


def write_set(
    chosen: Sequence[Decided],
    target: Path,
    names_path: Path,
    recipe: Recipe,
    *,
    about: About,
    notes: Sequence[str] = (),
) -> list[Labelled]:
    """Write the labelled set to the folder `target`; returns its manifest.

    The folder is made beside `target` and then put in its place, so that it is whole or absent. The
    ledger at `names_path` is extended before the set appears, so that no name is given twice.
    `notes` are sentences for the set's README.
    """
    partial_folder = target.with_name(_PARTIAL.name)
    copies.recover(partial_folder, target)
    own = manifest.own_files(target)
    copies.refuse_foreign(target, own)
    known = ledger.read(names_path)
    files, extended = ledger.assign([_source(one.match) for one in chosen], known)
    try:
        _create(partial_folder)
        rows = list(_rows(chosen, files, partial_folder, recipe))
        rows.sort(key=lambda row: os.fsencode(row.file))
        manifest.write(partial_folder, rows)
        card.write(partial_folder, rows, about, notes)
        manifest.seal(partial_folder, rows)
        if extended != known:
            tables.write(names_path, Named, extended)
        copies.replace_folder(partial_folder, target, own)
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)
    return rows


def _create(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror}).") from error


def _source(match: Match) -> ledger.Source:
    return ledger.Source(match.TIFF_path, match.category or "", match.label or "")


def _rows(
    chosen: Sequence[Decided], files: Sequence[str], folder: Path, recipe: Recipe
) -> Iterator[Labelled]:
    """Make each file below `folder`, then read what the manifest says of it."""
    with ThreadPoolExecutor(_THREADS) as executor:
        made = executor.map(lambda one, file: _pair(one, folder / file, recipe), chosen, files)
        try:
            pairs = list(track(made, "copy TIFFs", total=len(chosen)))
        finally:
            executor.shutdown(cancel_futures=True)  # after an error the rest is not made
    found = facts.read(pairs, recipe.bounds, recipe.digests)
    for one, file, pair, own in zip(chosen, files, pairs, found, strict=True):
        row = _row(one, file, pair, own, recipe)
        yield manifest.publishable(row) if recipe.public else row


def _pair(decided: Decided, target: Path, recipe: Recipe) -> Pair:
    """Make the file `target` of its original; both it and its JPEG must be what was hashed."""
    tiff, jpeg = _hashed(decided, recipe.known)
    if recipe.stored:
        digest = copies.make(
            Path(tiff.path), target, link=recipe.link, max_bytes=recipe.bounds.limits.max_bytes
        )
    else:
        target, digest = Path(tiff.path), _digest(tiff.path)
    _refuse_changed(tiff, digest)
    _refuse_changed(jpeg, _digest(jpeg.path))
    return Pair(Path(tiff.path), tiff.page, target, digest, Path(jpeg.path), jpeg.sha256)


def _hashed(decided: Decided, known: Known) -> tuple[TiffHash, TiffHash]:
    match = decided.match
    return known.tiffs[match.key], known.jpegs[match.JPEG_path or ""]


def _row(decided: Decided, file: str, pair: Pair, found: Facts, recipe: Recipe) -> Labelled:
    match, decision = decided.match, decided.decision
    tiff, jpeg = _hashed(decided, recipe.known)
    place, run = recipe.places[tiff.path], recipe.run
    return Labelled(
        **{name: getattr(match, name) for name in _OF_THE_MAPPING},
        **{name: getattr(found.taken, name) for name in _OF_THE_MICROSCOPE},
        file=file,
        decided_by=manifest.PERSON if decision else manifest.RULE,
        reviewer=decision.who if decision else None,
        height=tiff.height,
        width=tiff.width,
        bytes=pair.labelled.stat().st_size,
        sha256=pair.sha256,
        pixels_sha256=found.pixels_sha256,
        phash=tiff.phash,
        phash_grey=tiff.phash_grey,
        JPEG_pixels_sha256=found.JPEG_pixels_sha256,
        JPEG_phash=jpeg.phash,
        JPEG_phash_grey=jpeg.phash_grey,
        split=place.split,
        group=place.group,
        acquired=found.taken.date,
        metadata_note=found.taken.note,
        stored=recipe.stored,
        versions=run.versions,
        config_digest=run.config_digest,
        run_key=run.key,
    )


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
