"""The sections of `params.yaml` that say where the images lie and how their labels are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from backlabel.section import Name, RepoPath, Section, inside


def _folders(value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    if not value:
        raise ValueError("must be a folder or a list of folders")
    for one in _several(value):
        inside(one)
    return value


def _several(folders: str | tuple[str, ...]) -> tuple[str, ...]:
    return (folders,) if isinstance(folders, str) else folders


Folders: TypeAlias = Annotated[str | tuple[str, ...], AfterValidator(_folders)]
Formats: TypeAlias = Annotated[
    tuple[Literal["jpeg", "tiff", "png", "bmp"], ...], Field(min_length=1)
]
"""As `backlabel.inventory.content.KINDS`; a test holds them together."""
By = Literal["folders", "prefix", "published", "table"]
"""As `backlabel.labels.schemes.By`; a test holds them together."""


class Data(Section):
    """Where the images lie, relative to the repository: one folder or several of each side."""

    jpeg: Folders
    tiff: Folders
    jpeg_formats: Formats
    tiff_formats: Formats
    truth: RepoPath

    @property
    def jpegs(self) -> tuple[str, ...]:
        """All folders of published copies."""
        return _several(self.jpeg)

    @property
    def tiffs(self) -> tuple[str, ...]:
        """All folders of originals."""
        return _several(self.tiff)

    def holds(self, path: str) -> bool:
        """Whether `path` lies where DVC watches: below data/, or below a folder of images."""
        parts = PurePosixPath(path)
        folders = ("data", *self.jpegs, *self.tiffs)
        return any(parts.is_relative_to(PurePosixPath(folder)) for folder in folders)

    @model_validator(mode="after")
    def _each_image_has_one_place(self) -> Self:
        for side, folders in (("jpeg", self.jpegs), ("tiff", self.tiffs)):
            for inner, outer in _nested(folders):
                raise ValueError(f"{side}: {inner} lies in {outer}: its images would count twice")
        shared = sorted({*self.jpeg_formats} & {*self.tiff_formats})
        for inner, outer in _nested((*self.jpegs, *self.tiffs)):
            if shared:
                raise ValueError(
                    f"{inner} and {outer} share images, and {shared[0]} is a format of copies and "
                    "of originals: put the two into folders apart, or take it out of one"
                )
        return self


def _nested(folders: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    paths = [PurePosixPath(folder) for folder in folders]
    for i, inner in enumerate(paths):
        for j, outer in enumerate(paths):
            if i != j and inner.is_relative_to(outer):
                yield str(inner), str(outer)


class Labels(Section):
    """A label scheme: line i holds the names of the category with label `L<i>`.

    Without any line the categories are those that the data have, in alphabetical order, or in that
    of the prefixes `L<i>`.
    """

    name: Name
    by: By
    categories: tuple[Annotated[tuple[Name, ...], Field(min_length=1)], ...]
    table: RepoPath | None

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [name.casefold() for line in self.categories for name in line]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"categories name {', '.join(sorted(twice))} more than once")
        return self

    @model_validator(mode="after")
    def _table_where_it_is_read(self) -> Self:
        if (self.by == "table") != (self.table is not None):
            raise ValueError(
                "table: by=table needs a CSV of file and label"
                if self.table is None
                else f"table has no effect while by is {self.by}: set by=table, or table=null"
            )
        return self
