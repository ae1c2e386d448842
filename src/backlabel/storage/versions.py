"""What code and which libraries computed a value: part of the key under which it is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


@cache
def code_version(rooms: Sequence[str], packages: Sequence[str]) -> str:
    """A digest of the sources in the folders `rooms` and of the versions of `packages`."""
    digest = hashlib.sha256()
    for room in rooms:
        for source in sorted((_PACKAGE / room).glob("*.py")):
            digest.update(f"{room}/{source.name}\0".encode() + source.read_bytes() + b"\0")
    digest.update(json.dumps([metadata.version(name) for name in packages]).encode())
    return digest.hexdigest()
