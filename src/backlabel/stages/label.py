"""Stage label: each matched TIFF, byte for byte, into the labelled set, with a manifest."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from backlabel import config
from backlabel.hashing import from_hexes
from backlabel.labels import (
    counts,
    decisions,
    duplicates,
    grouping,
    ledger,
    making,
    reviews,
    splits,
)
from backlabel.labels.about import About, applicable, originals_digest
from backlabel.labels.copies import Link
from backlabel.labels.decisions import Decided, Known
from backlabel.labels.facts import Bounds, KnownFacts
from backlabel.labels.splits import Place
from backlabel.limits import read_limits
from backlabel.stages import beside
from backlabel.storage import large, paths, tables
from backlabel.storage.files import shared_folder, write_json
from backlabel.storage.rows import Beside, Duplicate, JpegHash, Match, TiffHash


def main(params: config.Params) -> None:
    """Make the labelled set of what the mapping matched or a person accepted."""
    beside.require_data(params)
    mapping = large.read(paths.mapping_path(params.compare.n_tiff), Match)
    made_by_people = reviews.read(paths.DECISIONS)
    known = _known(params)
    chosen, in_force = decisions.apply(made_by_people, mapping, known)
    chosen, twins = duplicates.set_apart(chosen, ledger.originals(paths.NAMES))
    places = _places(chosen, known, params)
    shortfalls = splits.shortfalls(list(places.values()), params.label.splits.model_dump())
    about, note = _about(known, params.label.about)
    recipe = _recipe(known, places, params)
    rows = making.write_set(
        chosen, paths.LABELED, paths.NAMES, recipe, about=about, notes=shortfalls
    )
    tables.write(paths.DUPLICATES, Duplicate, twins)
    others = {
        "decisions": counts.decisions(made_by_people, in_force),
        "splits": counts.splits(places.values(), params.label.splits.model_dump()),
    }
    write_json(paths.METRICS / "label.json", counts.metrics(rows, twins, mapping) | others)
    warnings = [*shortfalls, *([note] if note else [])]
    sys.stderr.writelines(f"label: warning: {warning}\n" for warning in warnings)


def _known(params: config.Params) -> Known:
    jpegs = large.read(paths.JPEG_HASHES, JpegHash)
    return Known(
        tiffs=large.keyed(large.read(paths.TIFF_HASHES, TiffHash), "path", "page"),
        jpegs=large.keyed(jpegs, "path"),
        categories=decisions.categories(params.labels.categories, jpegs),
        some_jpegs=params.hash.category is not None,
    )


def _places(chosen: Sequence[Decided], known: Known, params: config.Params) -> dict[str, Place]:
    """The split and group of each TIFF, by path."""
    label = params.label
    tiffs = [known.tiffs[one.match.key] for one in chosen]
    specimens = grouping.shared(
        [tiff.path for tiff in tiffs], label.group_by, params.data.tiffs, label.group_table
    )
    members = [
        splits.Member(tiff.sha256, specimen, one.match.JPEG_sha256 or "", one.match.category or "")
        for tiff, specimen, one in zip(tiffs, specimens, chosen, strict=True)
    ]
    found = splits.places(
        members,
        [
            from_hexes([tiff.phash for tiff in tiffs]),
            from_hexes([tiff.phash_grey for tiff in tiffs]),
        ],
        label.splits.model_dump(),
        near_bits=label.near_hamming,
        seed=label.split_seed,
    )
    return {tiff.path: place for tiff, place in zip(tiffs, found, strict=True)}


def _about(known: Known, about: config.About) -> tuple[About, str]:
    digest = originals_digest(tiff.sha256 for tiff in known.tiffs.values())
    return applicable(About(**about.model_dump(exclude={"only_for"})), about.only_for, digest)


def _recipe(known: Known, places: dict[str, Place], params: config.Params) -> making.Recipe:
    read, cache = params.read, shared_folder() / "cache"
    limits = read_limits(read)
    mapping, table = paths.mapping_path(params.compare.n_tiff), params.label.group_table
    found = map(paths.rows_path, (paths.JPEG_HASHES, paths.TIFF_HASHES, mapping))
    sources = [*found, paths.DECISIONS, table]
    return making.Recipe(
        known=known,
        places=places,
        link=Link(params.label.link),
        public=params.label.public,
        stored=params.label.store == "files",
        bounds=Bounds(
            limits=limits,
            max_seconds=read.max_seconds,
            max_memory_mib=read.max_memory_mib,
            workers=params.hash.workers or os.cpu_count() or 1,
            cluster=params.cluster,
        ),
        known_facts=KnownFacts.of(cache, limits, tables.read(paths.BESIDE, Beside)),
        cache=cache,
        run=making.run(config.digest(params), [source for source in sources if source]),
    )
