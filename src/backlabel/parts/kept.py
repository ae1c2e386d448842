"""Parts that are known already, by the contents of both images and all that can change them."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from backlabel.errors import OutputError
from backlabel.matching.evidence import Placement, Scores
from backlabel.matching.kept import version
from backlabel.matching.settings import Settings
from backlabel.parts.pictures import Pairs, Pictures
from backlabel.storage.store import Store

_ROOMS = ("hashing", "images", "kernels", "matching", "parts")
_PACKAGES = (
    *("numpy", "scipy", "numba", "scikit-image", "opencv-python-headless", "faiss-cpu"),
    *("Pillow", "imagecodecs", "simplejpeg", "tifffile"),
)
_COUNT_BYTES = 8
_FIELDS = {field.name for field in fields(Scores)}

NOTHING: Final = "nothing"


@dataclass(frozen=True)
class Found:
    """A part that was found: where, and the scores of what both show."""

    placement: Placement
    scores: Scores


@dataclass(frozen=True)
class Plan:
    """The pairs that are worth registering, and how many features that took to say."""

    pairs: Pairs
    features: int


Known: TypeAlias = Found | Literal["nothing"] | None
"""What a pair shares: `NOTHING` where it was looked for in vain, None where that is not known."""


class KeptParts:
    """What is known of pictures, in the file `parts.sqlite` of `folder`, shared by all runs.

    What cannot be written is not kept, and what is torn or of another version counts as unknown.
    """

    def __init__(self, folder: Path, settings: Settings, tiffs: Pictures, jpegs: Pictures) -> None:
        self.tiffs, self.jpegs = tiffs, jpegs
        # What other limits refused must be tried again.
        text = json.dumps([version(_ROOMS, _PACKAGES), asdict(settings.read_limits)])
        self._circumstances = hashlib.sha256(text.encode()).digest()
        # The engine `reference` is there to check what is kept: it takes none and adds none.
        self._store = None if settings.engine == "reference" else Store(folder / "parts.sqlite")

    def plan(self, near: Pairs) -> Plan | None:
        """The plan for all pictures, of which pairs are `near` by their hashes."""
        (raw,) = self._get(b"plan", [self._of_all(near)])
        if raw is None:
            return None
        pairs = np.frombuffer(raw, np.int32, offset=_COUNT_BYTES).reshape(-1, 2)
        return Plan(pairs, int.from_bytes(raw[:_COUNT_BYTES], "little"))

    def keep_plan(self, near: Pairs, plan: Plan) -> None:
        """Keep a plan."""
        raw = plan.features.to_bytes(_COUNT_BYTES, "little") + plan.pairs.tobytes()
        self._put(b"plan", [(self._of_all(near), raw)])

    def features(self, contents: Iterable[bytes]) -> list[bytes | None]:
        """The features of pictures of those contents; encoded."""
        return self._get(b"features", contents)

    def keep_features(self, content: bytes, encoded: bytes) -> None:
        """Keep the features of an image."""
        self._put(b"features", [(content, encoded)])

    def found(self, pairs: Pairs) -> list[Known]:
        """What is known of each pair."""
        return [_found(raw) for raw in self._get(b"part", itertools.starmap(self._of_pair, pairs))]

    def keep_found(self, found: Iterable[tuple[int, int, Found | None]]) -> None:
        """Keep what was found of each pair, or that nothing was."""
        items = ((self._of_pair(tiff, jpeg), _encoded(part)) for tiff, jpeg, part in found)
        self._put(b"part", items)

    def _of_pair(self, tiff: int, jpeg: int) -> bytes:
        return self.tiffs.content(tiff) + self.jpegs.content(jpeg)

    def _of_all(self, near: Pairs) -> bytes:
        key = hashlib.sha256(f"{len(self.tiffs)} {len(self.jpegs)}".encode())
        for part in (self.tiffs.contents, self.jpegs.contents, near):
            key.update(np.ascontiguousarray(part).data)
        return key.digest()

    def _get(self, what: bytes, keys: Iterable[bytes]) -> list[bytes | None]:
        if self._store is None:
            return [None for _ in keys]
        return self._store.get_many([self._circumstances + what + key for key in keys])

    def _put(self, what: bytes, items: Iterable[tuple[bytes, bytes]]) -> None:
        if self._store is None:
            return
        with suppress(OutputError):  # a run may not fail for what only makes the next one quick
            self._store.put((self._circumstances + what + key, value) for key, value in items)


def _encoded(found: Found | None) -> bytes:
    return json.dumps(NOTHING if found is None else asdict(found)).encode()


def _found(raw: bytes | None) -> Known:
    values: Mapping[str, Any] | str | None = None if raw is None else json.loads(raw)
    if values is None or values == NOTHING:
        return None if values is None else NOTHING
    assert not isinstance(values, str)
    placed = dict(values["placement"])
    placed |= {name: tuple(placed[name]) for name in ("jpeg_box", "tiff_box")}
    if values["scores"].keys() != _FIELDS:
        return None
    return Found(Placement(**placed), Scores(**values["scores"]))
