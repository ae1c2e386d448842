"""What a folder of images looks like, and which label scheme goes with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backlabel.inventory.content import Kind
from backlabel.inventory.scanning import scan
from backlabel.labels import schemes
from backlabel.labels.schemes import By, Scheme

ORIGINALS: tuple[Kind, ...] = ("tiff", "png", "bmp")
COPIES: tuple[Kind, ...] = ("jpeg", "png")
_FEW = 0.5  # categories told by prefixes alone: at most so many of the number of files


@dataclass(frozen=True)
class Side:
    """The folders of one side, and the formats that lie in them."""

    folders: tuple[str, ...]
    formats: tuple[Kind, ...]
    files: int


def side(folders: Sequence[str], kinds: Sequence[Kind]) -> Side:
    """What `folders` hold of `kinds`. PNGs beside TIFFs are taken for screenshots."""
    found: Counter[Kind] = Counter()
    for folder in folders:
        found.update(image.kind for image in scan(Path(folder), kinds).images)
    if found["tiff"]:
        del found["png"]
    formats = tuple(kind for kind in kinds if found[kind])
    return Side(tuple(folders), formats or (kinds[0],), found.total())


def guess(root: Path) -> tuple[list[str], list[str]]:
    """Folders below `root` that look like those of originals and of copies."""
    usual = root / "data/tiff", root / "data/jpeg"
    if all(folder.is_dir() for folder in usual):
        return [_below(root, usual[0])], [_below(root, usual[1])]
    originals, copies = [], []
    for folder in _candidates(root):
        found = Counter(image.kind for image in scan(folder, ("tiff", "bmp", *COPIES)).images)
        of_originals, of_copies = found["tiff"] + found["bmp"], found["jpeg"] + found["png"]
        if of_originals > of_copies:
            originals.append(_below(root, folder))
        elif of_copies:
            copies.append(_below(root, folder))
    return originals, copies


def _candidates(root: Path) -> list[Path]:
    folders = [one for one in sorted(root.iterdir()) if one.is_dir() and one.name[0] != "."]
    inside = root / "data"
    return [one for one in folders if one != inside] + (
        [one for one in sorted(inside.iterdir()) if one.is_dir()] if inside.is_dir() else []
    )


def _below(root: Path, folder: Path) -> str:
    return folder.relative_to(root).as_posix()


def scheme(copies: Side, offered: Sequence[Scheme], table: str | None) -> Scheme | None:
    """The label scheme that goes with the layout of the copies, its categories listed.

    One of those `offered` where its order fits, else one that is called "own". None where nothing
    tells categories.
    """
    paths = _paths(copies)
    if table is not None:
        return listed(Scheme("own", (), "table", table), copies)
    for known in offered:
        if known.categories and schemes.fits(paths, copies.folders, known):
            return known
    ways: tuple[By, ...] = ("published", "folders", "prefix")
    for by in ways:
        own = Scheme("own", (), by)
        if not schemes.problems(paths, copies.folders, own) and _is_plausible(own, paths, copies):
            return listed(own, copies)
    return None


def listed(chosen: Scheme, copies: Side) -> Scheme:
    """`chosen` with the categories that the copies have, so that each keeps its label.

    Raises SchemeError for a copy that has none by it, TableError for a table that cannot be used.
    """
    paths = _paths(copies)
    whole = schemes.with_categories_of(paths, copies.folders, chosen)
    schemes.categories(paths, copies.folders, whole)
    if not all(whole.categories):  # an order with holes cannot be listed
        return chosen
    return whole


def _paths(copies: Side) -> list[str]:
    return [path for one in copies.folders for path in scan(Path(one), copies.formats).images.paths]


def _is_plausible(own: Scheme, paths: Sequence[str], copies: Side) -> bool:
    count = len(schemes.with_categories_of(paths, copies.folders, own).categories)
    return own.by != "prefix" or 1 < count <= _FEW * len(paths)
