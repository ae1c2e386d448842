"""The sample images where the repository keeps them, so that a clone alone has them for its tests.

DVC names each file by its MD5 below `sample-remote/`; the folder's listing says which is which.
"""

from __future__ import annotations

import json
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
OBJECTS = ROOT / "sample-remote/files/md5"


def _object(md5: str) -> Path:
    return OBJECTS / md5[:2] / md5[2:]


def files(suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Path below `data/` -> the file that holds its bytes, for names that end in `suffixes`."""
    listing = YAML(typ="safe").load(ROOT / "data.dvc")["outs"][0]["md5"]
    entries = json.loads(_object(listing).read_text(encoding="utf-8"))
    return {
        entry["relpath"]: _object(entry["md5"])
        for entry in sorted(entries, key=lambda entry: entry["relpath"])
        if entry["relpath"].lower().endswith(suffixes)
    }


def tiffs() -> dict[str, Path]:
    """The TIFFs of the sample."""
    return files((".tif", ".tiff"))


def jpegs() -> dict[str, Path]:
    """The published JPEGs of the sample."""
    return files((".jpg", ".jpeg"))
