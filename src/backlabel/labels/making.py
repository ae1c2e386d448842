"""Makes the labelled set: copies of the chosen originals, their manifest, and the texts beside."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, fields
from importlib import metadata
from pathlib import Path

from backlabel import __version__
from backlabel.errors import DataError, OutputError, UnreadableImageError
from backlabel.hashing.cache import versions as hashing_versions
from backlabel.labels import card, copies, facts, ledger, manifest, written
from backlabel.labels.about import About
from backlabel.labels.decisions import Decided, Known
from backlabel.labels.facts import Bounds, Facts, KnownFacts, Pair
from backlabel.labels.originals import Originals
from backlabel.labels.splits import Place
from backlabel.microscope.acquisition import Acquisition
from backlabel.storage import names, tables
from backlabel.storage.files import sha256
from backlabel.storage.rows import Labelled, Match, Named, TiffHash
from backlabel.workers import crew

_PARTIAL = Path(".labeled-partial")
_OF_THE_MAPPING = sorted(
    {field.name for field in fields(Labelled)} & {field.name for field in fields(Match)}
)
_OF_THE_MICROSCOPE = sorted(
    {field.name for field in fields(Labelled)} & {field.name for field in fields(Acquisition)}
)
_THREADS = 8  # reading waits for the disk


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
    known_facts: KnownFacts
    cache: Path
    """The folder in which the hash stage keeps what it knows of files."""
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

    The folder is made beside `target` and then put in its place, so that it is whole or absent. A
    file that stays has a name in both meanwhile, and is neither copied nor read. The ledger at
    `names_path` is extended before the set appears, so that no name is given twice. `notes` are
    sentences for the set's README.
    """
    partial_folder = target.with_name(_PARTIAL.name)
    copies.recover(partial_folder, target)
    earlier = written.unchanged(target, recipe.cache)
    known = ledger.read(names_path)
    files, extended = ledger.assign([_source(one.match) for one in chosen], known)
    try:
        _create(partial_folder)
        rows = list(_rows(chosen, files, _Folders(partial_folder, target, earlier.digests), recipe))
        rows.sort(key=lambda row: os.fsencode(row.file))
        manifest.write(partial_folder, rows)
        card.write(partial_folder, rows, about, notes)
        manifest.seal(partial_folder, rows)
        if extended != known:
            tables.write(names_path, Named, extended)
        copies.replace_folder(partial_folder, target, earlier.digests, earlier.held.digest)
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)
    return rows


@dataclass(frozen=True)
class _Folders:
    """Where the new set is made, and the old one with the SHA-256 of each of its files."""

    new: Path
    old: Path
    own: Mapping[str, str]


def _create(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror}).") from error


def _source(match: Match) -> ledger.Source:
    return ledger.Source(match.TIFF_path, match.category or "", match.label or "")


def _rows(
    chosen: Sequence[Decided], files: Sequence[str], folders: _Folders, recipe: Recipe
) -> Iterator[Labelled]:
    """Make each file, then read what the manifest says of it."""
    images = [_hashed(one, recipe.known) for one in chosen]
    originals = Originals(
        [image for both in images for image in both], recipe.cache, recipe.bounds.limits.max_bytes
    )
    makings = [
        _making(tiff, file, folders, originals, recipe)
        for (tiff, _), file in zip(images, files, strict=True)
    ]
    unread = [jpeg for _, jpeg in images if originals.known(jpeg) != jpeg.sha256]
    for (tiff, _), digest in zip(images, _made(makings, recipe.bounds), strict=True):
        if digest is None:
            unread.append(tiff)
        else:
            originals.require(tiff, digest)
    with ThreadPoolExecutor(_THREADS) as executor:
        list(executor.map(originals.require, unread))
    originals.keep()
    pairs = [
        Pair(
            original=made.source,
            page=tiff.page,
            labelled=made.target or made.source,
            sha256=tiff.sha256,
            jpeg=Path(jpeg.path),
            JPEG_sha256=jpeg.sha256,
        )
        for (tiff, jpeg), made in zip(images, makings, strict=True)
    ]
    found = facts.read(pairs, recipe.bounds, recipe.known_facts)
    for one, file, pair, own in zip(chosen, files, pairs, found, strict=True):
        row = _row(one, file, pair, own, recipe)
        yield manifest.publishable(row) if recipe.public else row


@dataclass(frozen=True)
class _Making:
    """A labelled file that is to be made of its original, by whoever has these files."""

    source: Path
    target: Path | None
    """None where the set holds no files."""
    existing: Path | None
    """The same file in the set that is there, if it has one."""
    link: copies.Link
    max_bytes: int
    known: str | None
    """The SHA-256 of the original, where it is known without reading."""


def _making(
    tiff: TiffHash, file: str, folders: _Folders, originals: Originals, recipe: Recipe
) -> _Making:
    return _Making(
        source=Path(tiff.path),
        target=folders.new / file if recipe.stored else None,
        existing=folders.old / file if folders.own.get(file) == tiff.sha256 else None,
        link=recipe.link,
        max_bytes=recipe.bounds.limits.max_bytes,
        known=originals.known(tiff),
    )


def _made(makings: Sequence[_Making], bounds: Bounds) -> Iterator[str | None]:
    """Make the files: what `_make` returns of each."""
    results = crew.map_copying(
        _make,
        makings,
        max_seconds=bounds.max_seconds,
        what="copy TIFFs",
        cluster=bounds.cluster,
    )
    with closing(results):
        for one, result in zip(makings, results, strict=True):
            if isinstance(result, UnreadableImageError):
                raise DataError(
                    f"{names.to_cell(str(one.source))}: cannot be read any more ({result}). "
                    "Put it back, or run the hash stage again."
                )
            yield result


def _make(one: _Making) -> str | None:
    """Make the file; returns the SHA-256 of its original, None where it was not read."""
    if one.target is None:
        return one.known
    if one.existing is not None and copies.stays(
        one.existing, one.source, one.target, link=one.link
    ):
        return one.known
    return copies.make(
        one.source, one.target, link=one.link, max_bytes=one.max_bytes, known=one.known
    )


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
