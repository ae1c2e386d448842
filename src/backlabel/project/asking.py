"""What `backlabel init` is told by options or by its user, and what it finds out by itself."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backlabel import yaml_editing
from backlabel.errors import ConfigError
from backlabel.labels.schemes import Scheme
from backlabel.project import looking, template
from backlabel.project.making import Request

Ask = Callable[[str, str], str]
"""A question and the answer that is proposed -> the answer."""


@dataclass(frozen=True)
class Told:
    """What the options say; empty or None where they say nothing."""

    originals: Sequence[Path] = ()
    copies: Sequence[Path] = ()
    labels: str | None = None
    table: Path | None = None
    name: str | None = None
    licence: str | None = None
    citation: str | None = None
    creator: str | None = None


@contextmanager
def request(told: Told, ask: Ask | None) -> Iterator[Request]:
    """The project to make, completed by guessing, and by asking where there is somebody to ask.

    Folders elsewhere are linked below data/; after an error those links are gone again. Raises
    ConfigError where the folders, or the label scheme, cannot be known.
    """
    guessed = looking.guess(Path())
    originals = _folders("originals", told.originals, guessed[0], ask)
    copies = _folders("copies", told.copies, guessed[1], ask)
    links: list[Path] = []
    try:
        inside = [_below(originals, "tiff", links), _below(copies, "jpeg", links)]
        yield _request(told, ask, *inside)
    except BaseException:
        for link in links:
            link.unlink(missing_ok=True)
        raise


def _folders(
    what: str, told: Sequence[Path], guessed: Sequence[str], ask: Ask | None
) -> list[Path]:
    if told:
        return list(told)
    found = list(guessed)
    if ask is not None:
        answer = ask(f"Folders of {what}", shlex.join(guessed))
        try:
            found = shlex.split(answer)
        except ValueError as error:
            raise ConfigError(f"{answer}: cannot be read as a list ({error}).") from error
    if not found:
        raise ConfigError(f"no folder of {what} found here: say where with --{what} FOLDER.")
    return [Path(one).expanduser() for one in found]


def _below(folders: Sequence[Path], side: str, links: list[Path]) -> list[str]:
    """Paths below the project; a folder elsewhere is linked from `data/<side>`."""
    here = Path.cwd()
    found = []
    for folder in folders:
        whole = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow links
        if not whole.is_dir():
            raise ConfigError(f"{folder}: no such folder.")
        if whole.is_relative_to(here) and whole != here:
            found.append(whole.relative_to(here).as_posix())
            continue
        link = Path("data") / (side if len(folders) == 1 else f"{side}-{whole.name}")
        if not (link.is_symlink() and link.readlink() == whole):
            if link.exists() or link.is_symlink():
                raise ConfigError(f"{link}: there already; {folder} cannot be linked there.")
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(whole)
            links.append(link)
        found.append(link.as_posix())
    return found


def _request(
    told: Told, ask: Ask | None, originals: Sequence[str], copies: Sequence[str]
) -> Request:
    kinds = looking.ORIGINALS
    if any(_overlap(one, other) for one in originals for other in copies):
        kinds = tuple(kind for kind in kinds if kind not in looking.COPIES)
    of_originals = looking.side(originals, kinds)
    of_copies = looking.side(copies, looking.COPIES)
    for what, one in (("originals", of_originals), ("copies", of_copies)):
        if not one.files:
            raise ConfigError(f"{', '.join(one.folders)}: no {what} in it or below.")
    about = {
        "name": told.name or Path.cwd().name,
        "licence": told.licence,
        "citation": told.citation,
        "creator": told.creator,
    }
    if ask is not None:
        about = {key: ask(f"The set's {key}", value or "") or None for key, value in about.items()}
    return Request(of_originals, of_copies, _scheme(told, of_copies), about)


def _overlap(one: str, other: str) -> bool:
    return Path(one).is_relative_to(other) or Path(other).is_relative_to(one)


def _scheme(told: Told, copies: looking.Side) -> Scheme:
    offered = [
        _of(yaml_editing.load(text))
        for name, text in template.conf().items()
        if name.startswith("labels/")
    ]
    table = str(told.table) if told.table is not None else None
    if told.labels is not None:
        chosen = next((one for one in offered if one.name == told.labels), None)
        if chosen is None:
            known = ", ".join(one.name for one in offered)
            raise ConfigError(f"--labels {told.labels}: is unknown; there are {known}.")
        if not chosen.categories:
            chosen = replace(chosen, name="own", table=table or chosen.table)
        return looking.listed(chosen, copies)
    found = looking.scheme(copies, offered, table)
    if found is None:
        raise ConfigError(
            f"{', '.join(copies.folders)}: neither folders nor prefixes tell the categories. Put "
            "the copies into a folder for each, or name a CSV of file and label with --table."
        )
    return found


def _of(values: Mapping[str, Any]) -> Scheme:
    return Scheme(values["name"], values["categories"], values["by"], values["table"])


def described(made: Request) -> list[str]:
    """What was found, for people."""
    scheme = made.scheme
    count = f"{len(scheme.categories)} categories" if scheme.categories else "as the data have them"
    how = {
        "folders": "the first folder",
        "prefix": "the prefix of the name",
        "published": "folder and prefix",
        "table": f"the table {scheme.table}",
    }[scheme.by]
    return [
        f"{made.originals.files} originals ({', '.join(made.originals.formats)}) in "
        f"{', '.join(made.originals.folders)}",
        f"{made.copies.files} copies ({', '.join(made.copies.formats)}) in "
        f"{', '.join(made.copies.folders)}",
        f"label scheme {scheme.name}: by {how}, {count}",
    ]
