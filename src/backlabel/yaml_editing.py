"""YAML files that people write: changed in single places, with their comments kept."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from backlabel.storage.files import atomic_write


def load(text: str) -> Any:
    """The document of a YAML text, with its comments."""
    return _editor().load(text)


def read(path: Path) -> Any:
    """The document of a YAML file, with its comments."""
    return load(path.read_text(encoding="utf-8"))


def dump(document: Any) -> str:
    """The text of a document."""
    text = StringIO()
    _editor().dump(document, text)
    return text.getvalue()


def save(path: Path, document: Any) -> None:
    """Write a document to a file."""
    with atomic_write(path) as file:
        file.write(dump(document))


def flow(values: list[str]) -> Any:
    """A list that is written on one line."""
    document = load(f"[{', '.join('x' for _ in values)}]")
    document[:] = values
    return document


def _editor() -> YAML:
    editor = YAML()
    editor.indent(mapping=2, sequence=4, offset=2)
    editor.preserve_quotes = True
    editor.width = sys.maxsize
    editor.representer.add_representer(
        type(None), lambda own, _: own.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return editor
