"""What a labelled set is made of, and how."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backlabel import __version__
from backlabel.hashing.cache import versions as hashing_versions
from backlabel.labels import copies
from backlabel.labels.chosen import Chosen
from backlabel.labels.facts import Bounds, KnownFacts
from backlabel.labels.splits import Places
from backlabel.storage import columns
from backlabel.storage.files import sha256
from backlabel.storage.rows import JpegHash, TiffHash


@dataclass(frozen=True)
class Run:
    """What all rows of the manifest share."""

    versions: str
    config_digest: str
    key: str


@dataclass(frozen=True)
class Selection:
    """What the set is made of: a TIFF, its JPEG and its place for each of those chosen."""

    chosen: Chosen
    tiffs: Sequence[TiffHash]
    jpegs: Sequence[JpegHash]
    places: Places

    def taken(self, rows: Sequence[int] | NDArray[np.int64]) -> Selection:
        """Those of them, in that order."""
        return Selection(
            self.chosen.taken(rows),
            columns.taken(self.tiffs, rows),
            columns.taken(self.jpegs, rows),
            self.places.taken(np.asarray(rows, np.int64)),
        )


@dataclass(frozen=True)
class Recipe:
    """How the set is made of what was chosen."""

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
