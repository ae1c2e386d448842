"""What lies beside the labelled files for those who load them: `metadata.csv` and `README.md`.

Hugging Face's `imagefolder` takes `metadata.csv` for the columns of its images. It takes words like
"test" in file names for names of splits, and then loads those files alone; the head of `README.md`
tells `load_dataset` to take all files as they are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from backlabel.labels import croissant, manifest
from backlabel.labels.about import About
from backlabel.labels.croissant import File
from backlabel.storage import columns, tables
from backlabel.storage.files import atomic_write, sha256, write_json
from backlabel.storage.rows import Labelled

METADATA, README, CROISSANT = "metadata.csv", "README.md", "croissant.json"
SPLITS = ("train", "val", "test")


Counts: TypeAlias = Mapping[tuple[str, str], int]
"""Files by category and split."""


@dataclass(frozen=True)
class Listed:
    """A row of `metadata.csv`: here `label` is the category, as such loaders expect."""

    file_name: str
    label: str
    split: str
    group: str
    sha256: str
    pixel_size_nm: float | None


def write(folder: Path, rows: Sequence[Labelled], about: About, notes: Sequence[str] = ()) -> None:
    """Write all three beside the manifest of `rows`, which lies in `folder` already.

    Without a name there is no `croissant.json`: the format asks for one. `notes` are sentences for
    the README.
    """
    counts = Counter(
        zip(*(columns.values(rows, name) for name in ("category", "split")), strict=True)
    )
    stored = all(columns.values(rows, "stored"))
    if stored:
        listed = map(Listed, *(columns.values(rows, name) for name in _LISTED))
        tables.write(folder / METADATA, Listed, listed)
    with atomic_write(folder / README) as file:
        file.write(readme(about, counts, notes, stored=stored))
    if about.name is not None:
        table = folder / manifest.CSV
        described = File(table.name, table.stat().st_size, sha256(table))
        categories = sorted({category for category, _ in counts})
        endings = {PurePosixPath(file).suffix for file in columns.values(rows, "file")}
        document = croissant.document(about, described, categories, endings if stored else ())
        write_json(folder / CROISSANT, document)


_LISTED = ("file", "category", "split", "group", "sha256", "pixel_size_nm")


def readme(about: About, counts: Counts, notes: Sequence[str] = (), *, stored: bool = True) -> str:
    """The data set's card in Markdown; what nobody said is left out."""
    title = " ".join(word for word in (about.name, about.version) if word)
    parts = [
        _head(about, stored=stored),
        f"# {title or 'Labelled TIFFs'}",
        about.description,
        "\n".join(_told(counts)),
        "\n".join(f"- {note}" for note in notes),
        f"Licence: {about.licence}" if about.licence else "",
        f"To cite: {about.citation}" if about.citation else "",
        _LOADING if stored else _NAMING,
    ]
    return "\n\n".join(part for part in parts if part)


def _head(about: About, *, stored: bool) -> str:
    # A JSON text is a YAML text too: no name can break out of its line.
    name = [f"pretty_name: {json.dumps(about.name)}"] if about.name else []
    lines = [*name, *(_ALL_FILES if stored else [])]
    return "\n".join(["---", *lines, "---"]) if lines else ""


_ALL_FILES = [
    "configs:",
    "  - config_name: default",
    "    data_files:",
    "      - split: train",
    '        path: "**"',
]


def _told(counts: Counts) -> list[str]:
    lines = [f"| category | {' | '.join(SPLITS)} |", "|---" * (len(SPLITS) + 1) + "|"]
    for category in sorted({category for category, _ in counts}):
        cells = " | ".join(str(counts.get((category, split), 0)) for split in SPLITS)
        lines.append(f"| {category} | {cells} |")
    return lines


_NAMING = """\
The set holds no originals: `manifest.csv` says of each where it lies (`TIFF_path`, from the folder
in which the set lies), its SHA-256, and why it has its label. Files of one specimen, of one JPEG,
or that look nearly alike are in one split.

```python
import backlabel

train = backlabel.load("labeled", split="train", originals=".")  # (tensor, number of the category)
```
"""
_LOADING = """\
Each original lies in the folder of its category, byte for byte as the microscope wrote it, so its
private tags are still in it. `manifest.csv` says of each where it comes from and why it has its
label; `croissant.json`, where the set has a name, describes it for machines. Files of one specimen,
of one JPEG, or that look nearly alike are in one split; the splits are a column, not folders.

```python
import backlabel

train = backlabel.load("labeled", split="train")  # (tensor, number of the category)
```

```python
from datasets import load_dataset

everything = load_dataset("./labeled", split="train")  # Hugging Face calls all of it "train"
train = everything.filter(lambda split: split == "train", input_columns="split")
```
"""
