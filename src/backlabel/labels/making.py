"""Makes the labelled set: copies of the chosen originals, their manifest, and the texts beside."""

from __future__ import annotations

import itertools
import os
import shutil
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from backlabel.errors import OutputError, UnreadableImageError
from backlabel.labels import card, copies, facts, ledger, manifest, written
from backlabel.labels.about import About
from backlabel.labels.chosen import Decided
from backlabel.labels.facts import Facts, Pair
from backlabel.labels.ledger import Ledger
from backlabel.labels.originals import Originals, require, unreadable
from backlabel.labels.recipe import Recipe, Selection
from backlabel.labels.splits import Place
from backlabel.microscope.acquisition import Acquisition
from backlabel.storage import columns, tables
from backlabel.storage.rows import JpegHash, Labelled, Match, Named, TiffHash
from backlabel.workers import crew
from backlabel.workers.progress import bar

_PARTIAL = Path(".labeled-partial")
_OF_THE_MAPPING = sorted(
    {field.name for field in fields(Labelled)} & {field.name for field in fields(Match)}
)
_OF_THE_MICROSCOPE = sorted(
    {field.name for field in fields(Labelled)} & {field.name for field in fields(Acquisition)}
)


def write_set(
    selection: Selection,
    target: Path,
    known: Ledger,
    names_path: Path,
    recipe: Recipe,
    *,
    about: About,
    notes: Sequence[str] = (),
) -> Sequence[Labelled]:
    """Write the labelled set to the folder `target`; returns what `manifest.read` gives of it.

    The folder is made beside `target` and then put in its place, so that it is whole or absent. A
    file that stays has a name in both meanwhile, and is neither copied nor read. The names in
    `known` are extended, and written to `names_path`, before the set appears, so that no name is
    given twice. `notes` are sentences for the set's README.
    """
    partial_folder = target.with_name(_PARTIAL.name)
    copies.recover(partial_folder, target)
    earlier = written.unchanged(target, recipe.cache)
    selection, named, extended = _named(selection, known)
    try:
        _create(partial_folder)
        folders = _Folders(partial_folder, target, earlier.digests)
        makings = _Makings(selection, named, folders, recipe)
        _make_all(makings)
        manifest.write(partial_folder, _rows(makings))
        rows = manifest.read(partial_folder)
        card.write(partial_folder, rows, about, notes)
        manifest.seal(partial_folder, rows)
        if extended is not known:
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


def _named(selection: Selection, known: Ledger) -> tuple[Selection, Sequence[Named], Ledger]:
    """The selection in the order of its files, their names, and the ledger with the new ones."""
    chosen = selection.chosen
    by_path = columns.in_order(lambda: map(os.fsencode, chosen.values("TIFF_path")), len(chosen))
    selection = selection.taken(by_path)
    told = (selection.chosen.values(name) for name in ("TIFF_path", "category", "label"))
    given, extended = ledger.assign(map(ledger.Source, *told), len(chosen), known)
    longest = max((len(os.fsencode(row.file)) for row in given), default=1)
    files = (os.fsencode(row.file) for row in given)
    by_file = np.argsort(np.fromiter(files, f"S{longest}", len(given)), kind="stable")
    return selection.taken(by_file), Ledger(given[int(i)] for i in by_file), extended


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


@dataclass(frozen=True)
class _Makings:
    """What is made of each picture that was selected; `named` has its file."""

    selection: Selection
    named: Sequence[Named]
    folders: _Folders
    recipe: Recipe

    def __len__(self) -> int:
        return len(self.named)

    def __iter__(self) -> Iterator[_Making]:
        """The files to make, in their order."""
        known = self.originals().known(self.selection.tiffs)
        for (tiff, digest), row in zip(known, self.named, strict=True):
            is_there = self.folders.own.get(row.file) == tiff.sha256
            yield _Making(
                source=Path(tiff.path),
                target=self.target(row),
                existing=self.folders.old / row.file if is_there else None,
                link=self.recipe.link,
                max_bytes=self.recipe.bounds.limits.max_bytes,
                known=digest,
            )

    def originals(self) -> Originals:
        """What is known of the files that were hashed."""
        return Originals(self.recipe.cache, self.recipe.bounds.limits.max_bytes)

    def target(self, row: Named) -> Path | None:
        """Where the file is made; None where the set holds no files."""
        return self.folders.new / row.file if self.recipe.stored else None


def _make_all(makings: _Makings) -> None:
    """Make all files. Raises DataError unless they and the JPEGs are what was hashed."""
    bounds, tiffs = makings.recipe.bounds, makings.selection.tiffs
    results = crew.map_copying(
        _make,
        makings,
        max_seconds=bounds.max_seconds,
        what="copy TIFFs",
        cluster=bounds.cluster,
    )
    unread = array("q")
    with closing(results):
        for i, (tiff, (_, digest)) in enumerate(zip(tiffs, results, strict=True)):
            if isinstance(digest, UnreadableImageError):
                raise unreadable(tiff.path, digest)
            if digest is None:
                unread.append(i)
            else:
                require(tiff, digest)
    originals = makings.originals()
    known = originals.known(makings.selection.jpegs)
    originals.read(
        itertools.chain(
            (jpeg for jpeg, digest in known if digest != jpeg.sha256),
            columns.taken(tiffs, unread),
        )
    )


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


@dataclass(frozen=True)
class _Made:
    """What is known of a labelled file beside what is read of it."""

    decided: Decided
    tiff: TiffHash
    jpeg: JpegHash
    place: Place
    file: str
    pair: Pair


def _rows(makings: _Makings) -> Iterator[Labelled]:
    """The manifest of the files that were made, with what is read of each."""
    recipe = makings.recipe
    made, again = itertools.tee(_made(makings))
    found = facts.read((one.pair for one in made), recipe.bounds, recipe.known_facts)
    with bar(makings, "read metadata and pixels") as done:
        for one, own in zip(again, found, strict=True):
            done.update()
            row = _row(one, own, recipe)
            yield manifest.publishable(row) if recipe.public else row


def _made(makings: _Makings) -> Iterator[_Made]:
    own = makings.selection
    for decided, tiff, jpeg, place, row in zip(
        own.chosen, own.tiffs, own.jpegs, own.places, makings.named, strict=True
    ):
        pair = Pair(
            original=Path(tiff.path),
            page=tiff.page,
            labelled=makings.target(row) or Path(tiff.path),
            sha256=tiff.sha256,
            jpeg=Path(jpeg.path),
            JPEG_sha256=jpeg.sha256,
        )
        yield _Made(decided, tiff, jpeg, place, row.file, pair)


def _row(made: _Made, found: Facts, recipe: Recipe) -> Labelled:
    match, decision = made.decided.match, made.decided.decision
    tiff, jpeg, place, run = made.tiff, made.jpeg, made.place, recipe.run
    return Labelled(
        **{name: getattr(match, name) for name in _OF_THE_MAPPING},
        **{name: getattr(found.taken, name) for name in _OF_THE_MICROSCOPE},
        file=made.file,
        decided_by=manifest.PERSON if decision else manifest.RULE,
        reviewer=decision.who if decision else None,
        height=tiff.height,
        width=tiff.width,
        bytes=made.pair.labelled.stat().st_size,
        sha256=tiff.sha256,
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
