"""Each library has one owner, as docs/architecture.md says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "backlabel"
OWNERS = {
    "dvc": ("dvc_repair.py",),
    "PIL": ("images/", "hashing/reference.py"),
    "faiss": ("matching/",),
    "hydra": ("composing.py",),
    "imagecodecs": ("images/",),
    "imagehash": ("hashing/reference.py",),
    "matplotlib": ("reporting/",),
    "mlflow": ("reporting/",),
    "numba": ("kernels/", "images/_", "hashing/_"),
    "pebble": ("workers/",),
    "ruamel": ("config.py", "composing.py"),
    "sqlalchemy": ("reporting/",),
    "simplejpeg": ("images/",),
    "skimage": ("matching/",),
    "tifffile": ("images/", "microscope/"),
    "torch": ("matching/", "dataset.py"),
}
"""The places that may import a library; the references that fast paths are tested against too."""


def importers(library):
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text()))
        names = {name.split(".")[0] for node in nodes for name in imported(node)}
        if library in names:
            found.append(path.relative_to(PACKAGE).as_posix())
    return found


def imported(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


@pytest.mark.parametrize("library", OWNERS)
def test_only_its_owner_imports_a_library(library):
    places = importers(library)
    assert places, f"nothing imports {library} any more: take it out of this list"
    assert [place for place in places if not place.startswith(OWNERS[library])] == []
