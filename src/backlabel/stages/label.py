"""Stage label: each matched TIFF, byte for byte, into the labelled set, with a manifest."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from backlabel import config
from backlabel.labels import (
    counts,
    decisions,
    duplicates,
    grouping,
    ledger,
    making,
    recipe,
    reviews,
    splits,
)
from backlabel.labels.about import About, applicable, originals_digest
from backlabel.labels.chosen import Chosen
from backlabel.labels.copies import Link
from backlabel.labels.decisions import Known
from backlabel.labels.facts import Bounds, KnownFacts
from backlabel.labels.splits import Places
from backlabel.limits import read_limits
from backlabel.stages import beside
from backlabel.storage import columns, paths, tables
from backlabel.storage.files import shared_folder, write_json
from backlabel.storage.keyed import Keyed
from backlabel.storage.rows import Beside, Duplicate, JpegHash, Match, TiffHash


def main(params: config.Params) -> None:
    """Make the labelled set of what the mapping matched or a person accepted."""
    beside.require_data(params)
    mapping = columns.read(paths.mapping_path(params.compare.n_tiff), Match)
    made_by_people = reviews.read(paths.DECISIONS)
    tiffs = Keyed(columns.read(paths.TIFF_HASHES, TiffHash), ("path", "page"))
    jpegs = Keyed(columns.read(paths.JPEG_HASHES, JpegHash), ("path",))
    known = Known(
        tiffs,
        jpegs,
        decisions.categories(params.labels.categories, jpegs.rows),
        some_jpegs=params.hash.category is not None,
    )
    chosen, in_force = decisions.apply(made_by_people, mapping, known)
    names = ledger.read(paths.NAMES)
    chosen, twins = duplicates.set_apart(chosen, Keyed(names, ("TIFF_path",)))
    keys = zip(chosen.values("TIFF_path"), chosen.values("page"), strict=True)
    ours = tiffs.taken(keys, len(chosen))
    theirs = jpegs.taken(chosen.values("JPEG_path"), len(chosen))
    places = _places(ours, theirs, chosen, params)
    shortfalls = splits.shortfalls(places, params.label.splits.model_dump())
    about, note = _about(tiffs.rows, params.label.about)
    selection = recipe.Selection(chosen, ours, theirs, places)
    rows = making.write_set(
        selection, paths.LABELED, names, paths.NAMES, _recipe(params), about=about, notes=shortfalls
    )
    tables.write(paths.DUPLICATES, Duplicate, twins)
    others = {
        "decisions": counts.decisions(made_by_people, in_force),
        "splits": counts.splits(places, params.label.splits.model_dump()),
    }
    write_json(paths.METRICS / "label.json", counts.metrics(rows, twins, mapping) | others)
    warnings = [*shortfalls, *([note] if note else [])]
    sys.stderr.writelines(f"label: warning: {warning}\n" for warning in warnings)


def _places(
    tiffs: Sequence[TiffHash], jpegs: Sequence[JpegHash], chosen: Chosen, params: config.Params
) -> Places:
    """The split and group of each TIFF."""
    label = params.label
    specimens = grouping.shared(
        columns.values(tiffs, "path"), label.group_by, params.data.tiffs, label.group_table
    )
    ours, theirs = (columns.values(rows, "sha256") for rows in (tiffs, jpegs))
    return splits.places(
        map(splits.Member, ours, specimens, theirs, chosen.values("category")),
        [columns.packed(tiffs, name) for name in ("phash", "phash_grey")],
        label.splits.model_dump(),
        near_bits=label.near_hamming,
        seed=label.split_seed,
    )


def _about(tiffs: Sequence[TiffHash], about: config.About) -> tuple[About, str]:
    digest = originals_digest(columns.packed(tiffs, "sha256"))
    return applicable(About(**about.model_dump(exclude={"only_for"})), about.only_for, digest)


def _recipe(params: config.Params) -> recipe.Recipe:
    read, cache = params.read, shared_folder() / "cache"
    limits = read_limits(read)
    mapping, table = paths.mapping_path(params.compare.n_tiff), params.label.group_table
    found = map(paths.rows_path, (paths.JPEG_HASHES, paths.TIFF_HASHES, mapping))
    sources = [*found, paths.DECISIONS, table]
    return recipe.Recipe(
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
        run=recipe.run(config.digest(params), [source for source in sources if source]),
    )
