"""Which category a JPEG belongs to: its folder and its prefix must agree under a scheme."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from backlabel.errors import SchemeError
from backlabel.storage import names

_PREFIX = re.compile(r"L(\d+)_")


@dataclass(frozen=True)
class Category:
    """`digit` is the number of the prefix; `name` the category's folder in the labelled set."""

    digit: int
    name: str

    @property
    def label(self) -> str:
        return f"L{self.digit}"


@dataclass(frozen=True)
class Scheme:
    """Line i of `categories` holds the folder names of the category with prefix `L<i>`."""

    name: str
    categories: Sequence[Sequence[str]]

    def of_folder(self, folder: str) -> Category | None:
        """The category whose folder this is, if the scheme has one; letter case does not matter."""
        for digit, folders in enumerate(self.categories):
            if folder.casefold() in (name.casefold() for name in folders):
                return Category(digit, folders[0])
        return None


def categories(
    paths: Sequence[str], root: str, scheme: Scheme, others: Iterable[Scheme] = ()
) -> list[Category]:
    """The category of each JPEG at `paths`, all of which lie below the folder `root`.

    Raises SchemeError for the first that has none; it names those of `others` that fit all paths.
    """
    found: list[Category] = []
    for path in paths:
        category, problem = _judge(path, root, scheme)
        if category is None:
            fits = [other.name for other in others if _fits(paths, root, other)]
            raise SchemeError(f"{names.to_cell(path)}: {problem}{_advice(fits, scheme)}")
        found.append(category)
    return found


def problems(paths: Sequence[str], root: str, scheme: Scheme) -> dict[str, str]:
    """What is wrong with each JPEG that has no category, in words that follow its path."""
    judged = {path: _judge(path, root, scheme) for path in paths}
    return {path: problem for path, (category, problem) in judged.items() if category is None}


def _judge(path: str, root: str, scheme: Scheme) -> tuple[Category | None, str]:
    below = PurePosixPath(path).relative_to(root).parts
    if len(below) == 1:
        return None, f"lies in no category folder (expected {root}/<Category>/L<digit>_<name>.jpg)."
    folder, file = below[0], below[-1]
    category = scheme.of_folder(folder)
    if category is None:
        known = ", ".join(line[0] for line in scheme.categories)
        return (
            None,
            f"label scheme {scheme.name!r} has no category folder {folder!r} (it has {known}).",
        )
    match = _PREFIX.match(file)
    if match is None:
        return None, f"has no label prefix; a JPEG in {folder!r} must start with {category.label}_."
    digit = int(match[1])
    if digit >= len(scheme.categories):
        last = len(scheme.categories) - 1
        return None, f"label scheme {scheme.name!r} has no prefix L{digit} (it ends at L{last})."
    if digit != category.digit:
        other = scheme.categories[digit][0]
        return None, (
            f"the prefix L{digit} means {other!r} under label scheme {scheme.name!r}, but the "
            f"folder is {folder!r} ({category.label})."
        )
    return category, ""


def _fits(paths: Sequence[str], root: str, scheme: Scheme) -> bool:
    return all(_judge(path, root, scheme)[0] is not None for path in paths)


def _advice(fits: list[str], scheme: Scheme) -> str:
    if fits:
        return f" All JPEGs fit scheme {fits[0]!r}: choose it with labels={fits[0]}."
    return (
        " No scheme of conf/labels fits all JPEGs: mend the file, or write a scheme like "
        f"{scheme.name}."
    )
