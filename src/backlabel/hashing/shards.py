"""What tasks of a cluster have hashed: a Parquet file each, until a run has it in its cache.

Many machines may write at a time, since none writes to a file of another's. A run that is lost
leaves its files to the next one, however that divides the images among tasks. What could not be
read is in them, too: the run that goes on has it from there, and the run after tries again.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from backlabel import images
from backlabel.errors import OutputError, UnreadableImageError
from backlabel.hashing.cache import HashCache, Hashed
from backlabel.hashing.identity import here, identity, is_settled
from backlabel.inventory.files import Listed

_COLUMNS = ("path", "key", "value", "error")
_PATTERN = "*.parquet"


class Shards:
    """The shards below the folder of `cache`, which every machine sees under this path.

    `limits` are those of seconds and memory: a file is tried again where they are others now.
    """

    def __init__(self, folder: Path, cache: HashCache, limits: tuple[float, int]) -> None:
        self._folder, self._cache = folder.resolve() / "shards", cache
        self._terms = f"{cache.circumstances.hex()} {limits}"
        self._run, self._begun = secrets.token_hex(4), time.time()

    def take_over(self) -> dict[Listed, UnreadableImageError]:
        """Put what runs left behind into the cache, and return what they could not read.

        What is torn, or of a file that changed, is hashed again.
        """
        left, unread = sorted(self._folder.glob(_PATTERN)), {}
        for path in left:
            rows = [*_untouched(path)]
            self._cache.put((key, value) for _, key, value, error in rows if not error)
            for name, _, _, error in rows:
                terms, kind, *told = json.loads(error or b"[null, null]")
                if terms == self._terms:
                    unread[Listed(os.fsdecode(name), kind)] = UnreadableImageError(*told)
        if unread:
            self.keep([*unread], [*unread.values()])  # this run may be lost, too
        for path in left:
            path.unlink(missing_ok=True)
        return unread

    def clear(self) -> None:
        """Delete what this run and its tasks wrote, which is in the cache and the tables by now."""
        for path in self._folder.glob(f"{self._run}-{_PATTERN}"):
            path.unlink(missing_ok=True)

    def keep(self, items: Sequence[Listed], results: Sequence[Any]) -> None:
        """Write what came of a task's items. What cannot be written costs time alone."""
        from backlabel.storage import parquet  # noqa: PLC0415 - slow to import, and seldom needed

        rows: list[tuple[bytes, bytes, bytes, bytes]] = []
        names = hashlib.sha256()
        for item, result in zip(items, results, strict=True):
            names.update(repr(item).encode(errors="surrogateescape") + b"\0")
            name = os.fsencode(item.path)
            if isinstance(result, Hashed):
                for key, value in self._cache.entries(result):
                    is_of_file = key == result.content.identity
                    rows.append((name if is_of_file else b"", key, value, b""))
            elif known_by := self._known_by(item, result):
                told = [self._terms, item.kind, result.reason, result.detail]
                rows.append((name, known_by, b"", json.dumps(told).encode()))
        with suppress(OutputError):
            columns = zip(*rows, strict=True) if rows else ((),) * len(_COLUMNS)
            parquet.write_bytes(
                self._folder / f"{self._run}-{names.hexdigest()}.parquet",
                dict(zip(_COLUMNS, map(list, columns), strict=True)),
            )

    def _known_by(self, item: Listed, error: UnreadableImageError) -> bytes:
        """The identity of a file that cannot be read; empty where it may be another one by now."""
        try:
            status = images.file_at(Path(item.path)).lstat()
        except OSError:
            return b""
        is_same = error.reason not in images.OF_THE_SYSTEM and is_settled(status, self._begun)
        return identity(status) if is_same else b""


def _untouched(path: Path) -> Iterator[tuple[bytes, ...]]:
    """The rows of a shard, but for those of files that have changed; keys are this machine's."""
    from backlabel.storage import parquet  # noqa: PLC0415 - as above

    for name, key, *others in parquet.read_bytes(path, _COLUMNS):
        known_by = here(key, Path(os.fsdecode(name))) if name else key
        if known_by:
            yield name, known_by, *others
