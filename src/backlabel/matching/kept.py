"""Evidence that is known already, by the contents of both images and all that can change it.

Of a pair its scores, of a TIFF the hashes of its variants, of two sets of hashes who lies nearest.
None of it depends on a threshold, a rule or a margin: changing those decodes and scores nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import OutputError
from backlabel.matching.evidence import Pair, Scores
from backlabel.matching.settings import Settings
from backlabel.storage.store import Store
from backlabel.storage.versions import code_version

HASH_BYTES = 128
_ROOMS = ("hashing", "images", "kernels", "matching")
"""The rooms whose code reads, registers and scores a pair."""
_PACKAGES = (
    *("numpy", "scipy", "numba", "scikit-image", "torch"),
    *("Pillow", "imagecodecs", "simplejpeg", "tifffile"),
)
_FIELDS = {field.name for field in fields(Scores)}

Page = tuple[str, int]
"""SHA-256 of a TIFF, and its page."""
Neighbours = tuple[NDArray[np.int64], NDArray[np.int32]]
"""Rows and distances, as `search.nearest` gives them."""


class Kept:
    """Evidence in the file `scores.sqlite` of `folder`, shared by runs, processes and checkouts.

    `circumstances` are the parameters that can change a score. What cannot be written is not kept,
    and what is torn or of another version counts as unknown.
    """

    def __init__(self, folder: Path, circumstances: Mapping[str, Any]) -> None:
        text = json.dumps([version(), dict(circumstances)], sort_keys=True, allow_nan=False)
        self._circumstances = hashlib.sha256(text.encode()).digest()
        self._store = Store(folder / "scores.sqlite")

    def scores(self, pairs: Sequence[Pair], *, complete: bool) -> list[Scores | None]:
        """The scores of each pair; None where they are not known.

        Whole scores serve whoever asks for the SSIM alone: it is the same number.
        """
        found = [_scores(raw) for raw in self._of_pairs(pairs, complete=True)]
        if complete:
            return found
        alone = [_scores(raw) for raw in self._of_pairs(pairs, complete=False)]
        return [
            one or (None if whole is None else Scores(whole.ssim))
            for whole, one in zip(found, alone, strict=True)
        ]

    def keep_scores(self, found: Iterable[tuple[Pair, Scores]], *, complete: bool) -> None:
        """Keep the scores of each pair."""
        self._put(
            (self._of_pair(pair, complete=complete), json.dumps(asdict(scores)).encode())
            for pair, scores in found
        )

    def hashes(self, tiff: Page, variants: Sequence[str]) -> dict[str, NDArray[np.uint8]]:
        """The hashes (2, 128) of those variants of a TIFF that are known, by the variant."""
        found = self._store.get_many([self._of_variant(tiff, one) for one in variants])
        return {
            one: np.frombuffer(raw, np.uint8).reshape(2, HASH_BYTES)
            for one, raw in zip(variants, found, strict=True)
            if raw is not None and len(raw) == 2 * HASH_BYTES
        }

    def keep_hashes(self, found: Iterable[tuple[Page, str, NDArray[np.uint8]]]) -> None:
        """Keep the hashes (2, 128) of variants of TIFFs: the page, variant, hashes."""
        self._put((self._of_variant(tiff, one), bits.tobytes()) for tiff, one, bits in found)

    def nearest(
        self, hashes: str, query: NDArray[np.uint8], base: NDArray[np.uint8], k: int
    ) -> Neighbours | None:
        """What was found for just these hashes, of the kind `hashes`; None where nothing was."""
        raw = self._store.get(self._of_search(hashes, query, base, k))
        digest = _digest(query, base)
        kept = len(query) * min(k, len(base))
        if raw is None or raw[: len(digest)] != digest or len(raw) != len(digest) + 12 * kept:
            return None
        shape = len(query), min(k, len(base))
        rows = np.frombuffer(raw, np.int64, kept, len(digest)).reshape(shape)
        bits = np.frombuffer(raw, np.int32, kept, len(digest) + rows.nbytes).reshape(shape)
        return rows, bits

    def keep_nearest(
        self,
        hashes: str,
        query: NDArray[np.uint8],
        base: NDArray[np.uint8],
        k: int,
        found: Neighbours,
    ) -> None:
        """Keep what was found, in the place of what was found for as many other hashes."""
        rows, bits = found
        raw = rows.astype(np.int64).tobytes() + bits.astype(np.int32).tobytes()
        self._put([(self._of_search(hashes, query, base, k), _digest(query, base) + raw)])

    def _put(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        with suppress(OutputError):  # a run may not fail for what only makes the next one quick
            self._store.put(items)

    def _of_pairs(self, pairs: Sequence[Pair], *, complete: bool) -> list[bytes | None]:
        return self._store.get_many([self._of_pair(pair, complete=complete) for pair in pairs])

    def _of_pair(self, pair: Pair, *, complete: bool) -> bytes:
        what = b"scores" if complete else b"ssim alone"
        contents = bytes.fromhex(pair.tiff_sha256 + pair.jpeg_sha256)
        how = f"{pair.page} {pair.variant}".encode()
        return self._circumstances + contents + what + b"\0" + how

    def _of_variant(self, tiff: Page, variant: str) -> bytes:
        sha256, page = tiff
        how = f"{page} {variant}".encode()
        return self._circumstances + bytes.fromhex(sha256) + b"hashes\0" + how

    def _of_search(
        self, hashes: str, query: NDArray[np.uint8], base: NDArray[np.uint8], k: int
    ) -> bytes:
        # Not of the hashes themselves: a search is of some megabytes, and one of a kind is enough.
        return self._circumstances + f"nearest {hashes} {len(query)} {len(base)} {k}".encode()


def kept_for(settings: Settings, folder: Path) -> Kept | None:
    """What is kept in `folder` of runs that score as `settings` ask for.

    The engine `reference` is there to check what is kept: it takes none of it and adds none.
    """
    if settings.engine == "reference":
        return None
    circumstances = {
        "limits": asdict(settings.read_limits),
        "window": settings.window,
        "device": settings.device.partition(":")[0],
    }
    return Kept(folder, circumstances)


def version(rooms: tuple[str, ...] = _ROOMS, packages: tuple[str, ...] = _PACKAGES) -> str:
    """Of the code that scores, and of the libraries that it rests on."""
    return code_version(rooms, packages)


def _scores(raw: bytes | None) -> Scores | None:
    values = None if raw is None else json.loads(raw)
    if not isinstance(values, dict) or values.keys() != _FIELDS:
        return None
    return Scores(**values)


def _digest(query: NDArray[np.uint8], base: NDArray[np.uint8]) -> bytes:
    digest = hashlib.sha256(np.ascontiguousarray(query).data)
    digest.update(np.ascontiguousarray(base).data)
    return digest.digest()
