"""Parts that are known already, by the contents of both images and all that can change them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from backlabel.errors import OutputError
from backlabel.matching.evidence import Placement, Scores
from backlabel.matching.kept import version
from backlabel.matching.settings import Settings
from backlabel.storage.store import Store

_ROOMS = ("hashing", "images", "kernels", "matching", "parts")
_PACKAGES = (
    *("numpy", "scipy", "numba", "scikit-image", "opencv-python-headless", "faiss-cpu"),
    *("Pillow", "imagecodecs", "simplejpeg", "tifffile"),
)
_FIELDS = {field.name for field in fields(Scores)}

NOTHING: Final = "nothing"
Digests: TypeAlias = tuple[str, str]
"""The `content` of a TIFF's picture and of a JPEG."""


def content(sha256: str, page: int) -> str:
    """What the pixels of a picture depend on: its file's SHA-256 and its page there."""
    return f"{sha256} {page}"


@dataclass(frozen=True)
class Found:
    """A part that was found: where, and the scores of what both show."""

    placement: Placement
    scores: Scores


@dataclass(frozen=True)
class Plan:
    """The pairs that are worth registering, in order, and how many features that took to say."""

    pairs: list[Digests]
    features: int


Known: TypeAlias = Found | Literal["nothing"] | None
"""What a pair shares: `NOTHING` where it was looked for in vain, None where that is not known."""


class KeptParts:
    """Features, plans and parts in the file `parts.sqlite` of `folder`, shared by all runs.

    What cannot be written is not kept, and what is torn or of another version counts as unknown.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        # What other limits refused must be tried again.
        text = json.dumps([version(_ROOMS, _PACKAGES), asdict(settings.read_limits)])
        self._circumstances = hashlib.sha256(text.encode()).digest()
        self._store = Store(folder / "parts.sqlite")

    def plan(self, key: str) -> Plan | None:
        """The plan for a `plan_key`."""
        raw = self._store.get(self._key(key))
        values = None if raw is None else json.loads(raw)
        if values is None:
            return None
        return Plan([(tiff, jpeg) for tiff, jpeg in values["pairs"]], values["features"])

    def keep_plan(self, key: str, plan: Plan) -> None:
        """Keep a plan."""
        self._put([(self._key(key), json.dumps(asdict(plan)).encode())])

    def features(self, picture: str) -> bytes | None:
        """The features of a picture, by its `content`; encoded."""
        return self._store.get(self._key(f"features {picture}"))

    def keep_features(self, picture: str, encoded: bytes) -> None:
        """Keep the features of an image."""
        self._put([(self._key(f"features {picture}"), encoded)])

    def found(self, pairs: Sequence[Digests]) -> list[Known]:
        """What is known of each pair."""
        return [_found(raw) for raw in self._store.get_many([self._of_pair(one) for one in pairs])]

    def keep_found(self, found: Iterable[tuple[Digests, Found | None]]) -> None:
        """Keep what was found of each pair, or that nothing was."""
        self._put((self._of_pair(pair), _encoded(one)) for pair, one in found)

    def _put(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        with suppress(OutputError):  # a run may not fail for what only makes the next one quick
            self._store.put(items)

    def _of_pair(self, pair: Digests) -> bytes:
        return self._key(f"part {', '.join(pair)}")

    def _key(self, name: str) -> bytes:
        return self._circumstances + name.encode()


def plan_key(tiffs: Iterable[str], jpegs: Iterable[str], near: Iterable[Digests]) -> str:
    """What a plan depends on: the contents of all images, and the pairs that are near by hashes."""
    contents = [sorted(tiffs), sorted(jpegs), sorted(near)]
    return "plan " + hashlib.sha256(json.dumps(contents).encode()).hexdigest()


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
