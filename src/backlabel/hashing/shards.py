"""What tasks of a cluster have hashed: a Parquet file each, until a run has it in its cache.

Many machines may write at a time, since none writes to a file of another's. A run that is lost
leaves its files to the next one, however that divides the images among tasks.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from backlabel.errors import OutputError
from backlabel.hashing.cache import HashCache, Hashed
from backlabel.hashing.identity import here

_COLUMNS = ("path", "key", "value")
_PATTERN = "*.parquet"


class Shards:
    """The shards below the folder of `cache`, which every machine sees under this path."""

    def __init__(self, folder: Path, cache: HashCache) -> None:
        self._folder, self._cache = folder.resolve() / "shards", cache
        self._run = secrets.token_hex(4)

    def take_over(self) -> None:
        """Put what runs left behind into the cache; what is torn is hashed again."""
        for path in sorted(self._folder.glob(_PATTERN)):
            self._cache.put(_entries(path))
            path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete what this run's tasks wrote, which is in the cache by now."""
        for path in self._folder.glob(f"{self._run}-{_PATTERN}"):
            path.unlink(missing_ok=True)

    def keep(self, items: Sequence[Any], results: Sequence[Any]) -> None:
        """Write what came of a task's items. What cannot be written costs time alone."""
        from backlabel.storage import parquet  # noqa: PLC0415 - slow to import, and seldom needed

        rows: list[tuple[bytes, bytes, bytes]] = []
        names = hashlib.sha256()
        for item, result in zip(items, results, strict=True):
            names.update(repr(item).encode(errors="surrogateescape") + b"\0")
            if isinstance(result, Hashed):
                for key, value in self._cache.entries(result):
                    is_of_file = key == result.content.identity
                    rows.append((os.fsencode(item.path) if is_of_file else b"", key, value))
        with suppress(OutputError):
            columns = zip(*rows, strict=True) if rows else ((), (), ())
            parquet.write_bytes(
                self._folder / f"{self._run}-{names.hexdigest()}.parquet",
                dict(zip(_COLUMNS, map(list, columns), strict=True)),
            )


def _entries(path: Path) -> Iterator[tuple[bytes, bytes]]:
    from backlabel.storage import parquet  # noqa: PLC0415 - as above

    for name, key, value in parquet.read_bytes(path, _COLUMNS):
        known_by = here(key, Path(os.fsdecode(name))) if name else key
        if known_by:
            yield known_by, value
