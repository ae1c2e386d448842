"""YAML files that people write: changed in single places, with their comments kept."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from backlabel.storage.files import atomic_write

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_./ -]*[A-Za-z0-9_]|[A-Za-z]")
_NO_TEXT = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def load(text: str) -> Any:
    """The document of a YAML text, with its comments."""
    return _editor().load(text)


def read(path: Path) -> Any:
    """The document of a YAML file, with its comments."""
    return load(path.read_text(encoding="utf-8"))


def dump(document: Any) -> str:
    """The text of a document."""
    written = StringIO()
    _editor().dump(document, written)
    return written.getvalue()


def save(path: Path, document: Any) -> None:
    """Write a document to a file."""
    with atomic_write(path) as file:
        file.write(dump(document))


def text(value: str) -> str:
    """`value`, so that it is written in quotes unless it is a word that every YAML takes for text.

    Hydra reads YAML 1.1, to which `No` is false and `1_000` a number, and DVC reads YAML 1.2.
    """
    is_word = _WORD.fullmatch(value) and value.casefold() not in _NO_TEXT
    return value if is_word else DoubleQuotedScalarString(value)


def flow(values: Sequence[str]) -> Any:
    """A list of texts that is written on one line."""
    document = CommentedSeq(map(text, values))
    document.fa.set_flow_style()
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
