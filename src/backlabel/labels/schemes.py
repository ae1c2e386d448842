"""Which category a published copy belongs to: by its folder, its prefix, both, or a table."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

from backlabel.errors import SchemeError, TableError
from backlabel.labels import label_table
from backlabel.storage import names

By = Literal["folders", "prefix", "published", "table"]

_PREFIX = re.compile(r"L(\d{1,4})_")
_ANY_PREFIX = re.compile(r"([^_]+)_")


@dataclass(frozen=True)
class Category:
    """`digit` is the number of the label; `name` the category's folder in the labelled set."""

    digit: int
    name: str

    @property
    def label(self) -> str:
        return f"L{self.digit}"


@dataclass(frozen=True)
class Scheme:
    """Line i of `categories` holds the names of the category with label `L<i>`.

    Without any line the categories are those that the data have (`with_categories_of`). `by` says
    what tells them: the first folder, the file's prefix, both of which must agree (published), or
    the CSV file `table` of file and label.
    """

    name: str
    categories: Sequence[Sequence[str]]
    by: By = "published"
    table: str | None = None
    cells: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The labels of `table` by file, once they are read."""

    def of_name(self, name: str) -> Category | None:
        """The category that has this name, if any; letter case does not matter."""
        return self._known.get(name.casefold())

    @cached_property
    def _known(self) -> dict[str, Category]:
        return {
            name.casefold(): Category(digit, line[0])
            for digit, line in enumerate(self.categories)
            for name in line
        }


@dataclass(frozen=True)
class _Image:
    """A copy: its path, and its parts below the folder of copies in which it lies."""

    path: str
    root: str
    below: tuple[str, ...]

    @property
    def folder(self) -> str | None:
        return self.below[0] if len(self.below) > 1 else None

    @property
    def keys(self) -> tuple[str, ...]:
        """What a table may call it, the surest first."""
        return self.path, "/".join(self.below), self.below[-1]


def categories(
    paths: Sequence[str], roots: Sequence[str], scheme: Scheme, others: Iterable[Scheme] = ()
) -> list[Category]:
    """The category of each copy at `paths`, each of which lies below one of the folders `roots`.

    Raises SchemeError for the first that has none; it names those of `others` that fit all paths.
    """
    images = _Images(paths, roots)
    whole = _whole(images, scheme)
    found: list[Category] = []
    known: dict[Category, Category] = {}
    for image in images:
        category, problem = _judge(image, whole)
        if category is None:
            fitting = [other.name for other in others if _fits(images, other)]
            raise SchemeError(f"{names.to_cell(image.path)}: {problem}{_advice(fitting, scheme)}")
        found.append(known.setdefault(category, category))  # one object for all that are equal
    return found


def problems(paths: Sequence[str], roots: Sequence[str], scheme: Scheme) -> dict[str, str]:
    """What is wrong with each copy that has no category, in words that follow its path."""
    images = _Images(paths, roots)
    try:
        whole = _whole(images, scheme)
    except TableError as error:
        return {path: str(error) for path in paths}
    judged = {image.path: _judge(image, whole) for image in images}
    return {path: problem for path, (category, problem) in judged.items() if category is None}


def with_categories_of(paths: Sequence[str], roots: Sequence[str], scheme: Scheme) -> Scheme:
    """`scheme` with the categories of the copies at `paths`, if it lists none."""
    return _whole(_Images(paths, roots), scheme)


def fits(paths: Sequence[str], roots: Sequence[str], scheme: Scheme) -> bool:
    """Whether `scheme` may be advised for the copies at `paths`: see `_fits`."""
    return _fits(_Images(paths, roots), scheme)


@dataclass(frozen=True)
class _Images:
    """Copies, each of which is made when its turn comes."""

    paths: Sequence[str]
    roots: Sequence[str]

    def __iter__(self) -> Iterator[_Image]:
        return (_image(path, self.roots) for path in self.paths)


def _image(path: str, roots: Sequence[str]) -> _Image:
    whole = PurePosixPath(path)
    root = next(root for root in roots if whole.is_relative_to(root))
    return _Image(path, root, whole.relative_to(root).parts)


def _whole(images: Iterable[_Image], scheme: Scheme) -> Scheme:
    if scheme.by == "table" and not scheme.cells:
        table = Path(scheme.table or "")
        scheme = replace(scheme, cells=label_table.read(table, [image.keys for image in images]))
    if scheme.categories:
        return scheme
    return replace(scheme, categories=_found(images, scheme))


def _found(images: Iterable[_Image], scheme: Scheme) -> list[list[str]]:
    """The categories of a scheme that lists none."""
    if scheme.by == "folders":
        return _in_order(image.folder for image in images)
    if scheme.by == "table":
        return _in_order(scheme.cells.values())
    numbered = [(image.folder, _PREFIX.match(image.below[-1])) for image in images]
    if scheme.by == "published":
        return _by_number((folder, int(match[1])) for folder, match in numbered if folder and match)
    if all(match for _, match in numbered):
        return _by_number((match[0][:-1], int(match[1])) for _, match in numbered if match)
    return _in_order(match[1] for one in images if (match := _ANY_PREFIX.match(one.below[-1])))


def _in_order(found: Iterable[str | None]) -> list[list[str]]:
    """One line a name; of names that differ in letter case alone the first counts."""
    names_found = sorted({name for name in found if name is not None}, reverse=True)
    distinct = {name.casefold(): name for name in names_found}
    return [[name] for name in sorted(distinct.values())]


def _by_number(found: Iterable[tuple[str, int]]) -> list[list[str]]:
    """Line i is the name that has number i most often; each name has the number it mostly has."""
    numbers: dict[str, Counter[int]] = defaultdict(Counter)
    for name, number in found:
        numbers[name][number] += 1
    lines: dict[int, tuple[int, str]] = {}
    for name in sorted(numbers):
        number, count = min(numbers[name].items(), key=lambda item: (-item[1], item[0]))
        if number not in lines or count > lines[number][0]:
            lines[number] = count, name
    return [[lines[i][1]] if i in lines else [] for i in range(max(lines, default=-1) + 1)]


def _judge(image: _Image, scheme: Scheme) -> tuple[Category | None, str]:
    if scheme.by == "table":
        return _by_table(image, scheme)
    if scheme.by == "prefix":
        return _by_prefix(image, scheme)
    category, problem = _by_folder(image, scheme)
    if category is None or scheme.by == "folders":
        return category, problem
    return _agreeing(image, category, scheme)


def _by_folder(image: _Image, scheme: Scheme) -> tuple[Category | None, str]:
    if image.folder is None:
        expected = "L<digit>_<name>.jpg" if scheme.by == "published" else "<name>.jpg"
        return None, (f"lies in no category folder (expected {image.root}/<Category>/{expected}).")
    return _named(image.folder, "category folder", scheme)


def _by_table(image: _Image, scheme: Scheme) -> tuple[Category | None, str]:
    cell = next((scheme.cells[key] for key in image.keys if key in scheme.cells), None)
    if cell is None:
        return None, f"{scheme.table} has no label for it."
    return _named(cell, "category", scheme)


def _by_prefix(image: _Image, scheme: Scheme) -> tuple[Category | None, str]:
    if match := _PREFIX.match(image.below[-1]):
        digit = int(match[1])
        if digit < len(scheme.categories) and scheme.categories[digit]:
            return Category(digit, scheme.categories[digit][0]), ""
        return None, _no_prefix(digit, scheme)
    other = _ANY_PREFIX.match(image.below[-1])
    if other is None:
        return None, "has no prefix: what stands before the first _ of its name is its category."
    return _named(other[1], "prefix", scheme)


def _named(name: str, what: str, scheme: Scheme) -> tuple[Category | None, str]:
    category = scheme.of_name(name)
    if category is None:
        known = ", ".join(line[0] for line in scheme.categories if line)
        return None, f"label scheme {scheme.name!r} has no {what} {name!r} (it has {known})."
    return category, ""


def _agreeing(image: _Image, category: Category, scheme: Scheme) -> tuple[Category | None, str]:
    match = _PREFIX.match(image.below[-1])
    if match is None:
        return None, (
            f"has no label prefix; a copy in {image.folder!r} must start with {category.label}_."
        )
    digit = int(match[1])
    if digit >= len(scheme.categories) or not scheme.categories[digit]:
        return None, _no_prefix(digit, scheme)
    if digit != category.digit:
        other = scheme.categories[digit][0]
        return None, (
            f"the prefix L{digit} means {other!r} under label scheme {scheme.name!r}, but the "
            f"folder is {image.folder!r} ({category.label})."
        )
    return category, ""


def _no_prefix(digit: int, scheme: Scheme) -> str:
    last = len(scheme.categories) - 1
    return f"label scheme {scheme.name!r} has no prefix L{digit} (it ends at L{last})."


def _fits(images: Iterable[_Image], scheme: Scheme) -> bool:
    """Whether all have a category by `scheme`, and it is no scheme that would take whatever comes.

    Without a list of categories nearly everything fits: such a scheme is only advised where nothing
    else can tell a category, no prefix beside folders and no folders beside prefixes.
    """
    if not scheme.categories:
        with_prefix = any(_PREFIX.match(image.below[-1]) for image in images)
        in_folders = any(image.folder for image in images)
        alone = {"folders": not with_prefix, "prefix": not in_folders}
        if not alone.get(scheme.by, False):
            return False
    try:
        whole = _whole(images, scheme)
    except TableError:
        return False
    return all(_judge(image, whole)[0] is not None for image in images)


def _advice(fitting: list[str], scheme: Scheme) -> str:
    if fitting:
        return f" All copies fit scheme {fitting[0]!r}: choose it with labels={fitting[0]}."
    return (
        " No scheme of conf/labels fits all copies: mend the file, or write a scheme like "
        f"{scheme.name}."
    )
