"""The labelled set as a torch Dataset: `backlabel.load("labeled/", split="train")`."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from backlabel import images
from backlabel.errors import DataError, TableError, UnreadableImageError
from backlabel.storage import names
from backlabel.storage.files import content_digest

MANIFEST = "manifest.csv"
_COLUMNS = ("file", "category", "split", "sha256")
# It was read once, within the run's limits.
_LIMITS = images.Limits(max_mosaic_pixels=1 << 40, max_pages=1 << 16)
_MAX_BYTES = _LIMITS.max_bytes


@dataclass(frozen=True)
class Item:
    """One file of the set; `file` is its path below the set's folder.

    Where the set does not hold it, `original` is the path of its original in the repository.
    `page` is that of the labelled picture, None in sets of an earlier version.
    """

    file: str
    category: str
    split: str
    sha256: str
    page: int | None = None
    original: str | None = None


class LabelledSet(Dataset[tuple[Any, int]]):
    """Pairs of a picture and the number of its category.

    A picture is a float32 tensor (1, H, W) from 0 black to 1 white in the file's full depth; images
    differ in size, so batches need a `transform` that makes them equal. `classes` names the
    categories of the whole set in alphabetical order, whatever the split: the same number means the
    same category in each. `targets` are the numbers, `items` the files, `digest` is the SHA-256 of
    the manifest, which a run's tag names; `files_digest` is that of the whole set's files alone
    (`backlabel.storage.files.content_digest`), by which MLflow calls the data set.
    """

    def __init__(
        self,
        folder: Path,
        items: list[Item],
        classes: list[str],
        digest: str,
        files_digest: str,
        *,
        split: str | None = None,
        checksum: bool = False,
        transform: Callable[[Tensor], Any] | None = None,
        originals: Path | None = None,
    ) -> None:
        self.folder = folder
        self.originals = originals
        self.items = items
        self.classes = classes
        self.class_to_idx = {name: number for number, name in enumerate(classes)}
        self.targets = [self.class_to_idx[item.category] for item in items]
        self.digest = digest
        self.files_digest = files_digest
        self.split = split
        self._checksum = checksum
        self._transform = transform

    def __repr__(self) -> str:
        return (
            f"<LabelledSet {names.to_cell(str(self.folder))!r}, split {self.split or 'all'}: "
            f"{len(self)} files of {len(set(self.targets))} of {len(self.classes)} classes, "
            f"digest {self.digest[:12]}>"
        )

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        """Raises DataError if the file is missing, unreadable or, with `checksum`, was changed."""
        item = self.items[index]
        if item.original is not None and self.originals is not None:
            root, path = self.originals, self.originals / item.original
        else:
            root, path = self.folder, self.folder / item.file
        try:
            if item.original is None:  # originals may be linked from elsewhere
                _refuse_outside(root, path)
            with images.opened(path, max_bytes=_MAX_BYTES) as source:
                if self._checksum and _digest(source.descriptor) != item.sha256:
                    raise DataError(f"{_cell(path)}: is not the file that was labelled. {_REMEDY}")
                grey = images.read_unit(path, _LIMITS, item.page)
        except (UnreadableImageError, OSError) as error:
            raise DataError(f"{_cell(path)}: cannot be read ({error}). {_REMEDY}") from error
        picture = torch.from_numpy(grey).unsqueeze(0)
        value = self._transform(picture) if self._transform is not None else picture
        return value, self.targets[index]


_REMEDY = (
    "`backlabel verify` names all that differs; `dvc checkout` or `dvc pull` brings it back as it "
    "was."
)


def _refuse_outside(folder: Path, path: Path) -> None:
    """Raise UnreadableImageError where a folder on the way to `path` is a link out of `folder`.

    Whether `path` itself may be a link, `images.opened` decides.
    """
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        raise UnreadableImageError("link", "its folder is a link that leads out of the set")


def _digest(descriptor: int) -> str:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(
    folder: str | Path,
    split: str | None = None,
    *,
    checksum: bool = False,
    transform: Callable[[Tensor], Any] | None = None,
    originals: str | Path | None = None,
) -> LabelledSet:
    """The labelled set in `folder`: the files of `split` (train, val or test), or all with None.

    `originals` is the repository's folder, for a set that holds no files (`label.store=manifest`).
    With `checksum` every file is held against the manifest when it is read. `transform` takes the
    picture. Raises DataError where there is no labelled set or no such split, and TableError where
    its manifest is torn or has other columns.
    """
    root = Path(folder)
    manifest = root / MANIFEST
    content = _content(manifest)
    every = _items(manifest, content)
    counts = Counter(item.split for item in every)
    if split is not None and split not in counts:
        known = ", ".join(f"{name} ({count} files)" for name, count in sorted(counts.items()))
        raise DataError(f"{manifest}: has no split {split!r}; it has {known or 'no files at all'}.")
    if originals is None and any(item.original is not None for item in every):
        raise DataError(
            f"{manifest}: the set holds no files, only where their originals are. Say in which "
            'folder the repository is, as originals=".".'
        )
    return LabelledSet(
        root,
        [item for item in every if split in (None, item.split)],
        sorted({item.category for item in every}),
        hashlib.sha256(content).hexdigest(),
        content_digest((item.file, item.sha256) for item in every),
        split=split,
        checksum=checksum,
        transform=transform,
        originals=None if originals is None else Path(originals),
    )


def _content(manifest: Path) -> bytes:
    try:
        with images.opened(manifest, max_bytes=_MAX_BYTES) as source:
            return source.read(0, source.size)
    except UnreadableImageError as error:
        raise DataError(
            f"{manifest}: cannot be read ({error}); a labelled set is a folder with a manifest. "
            "Fetch it with `dvc pull labeled` or `dvc get`."
        ) from error


def _items(manifest: Path, content: bytes) -> list[Item]:
    """Columns are found by name: a manifest of a later version may have more."""
    try:
        reader = csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True)
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise TableError(f"{manifest}: has no column {missing[0]!r}. Run stage label again.")
        return [_item(row) for row in reader]
    except (ValueError, csv.Error) as error:
        raise TableError(
            f"{manifest}: is not a manifest as stage label writes it ({error})."
        ) from error


def _item(row: dict[str, str | None]) -> Item:
    cell, category, split, digest = (row[name] for name in _COLUMNS)
    if not (cell and category and split and digest):
        raise ValueError(f"a line is torn: {row}")
    stored = row.get("stored") != "False"
    original = None if stored else _inside(row.get("TIFF_path") or "")
    page = row.get("page")
    return Item(_inside(cell), category, split, digest, int(page) if page else None, original)


def _inside(cell: str) -> str:
    file = names.from_cell(cell)
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or "\0" in file or not path.name:
        raise ValueError(f"{cell} leads out of the set")
    return file


def _cell(path: Path) -> str:
    return names.to_cell(str(path))
