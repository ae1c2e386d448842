"""What the hash stage would refuse, said before it runs: by names, first bytes and directories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from backlabel.errors import UnreadableImageError
from backlabel.inventory.content import Kind
from backlabel.inventory.preflight import Finding
from backlabel.inventory.scanning import scan

Judge = Callable[[Sequence[str]], Mapping[str, str]]
"""Paths of JPEGs -> what is wrong with the category of each that has none."""
Fits = Callable[[Sequence[str]], bool]
"""Paths of JPEGs -> whether a label scheme may be advised for them."""
Look = Callable[[Path], int]
"""How many pictures a file has, by its directories if it is a TIFF.

Raises UnreadableImageError where its first bytes are no image, or not of its name, where a TIFF has
no directory, or more pages than are read.
"""

_LFS = "Git LFS pointer"
_EACH = "Nothing: each is searched by itself, but for those that show what another one shows."


def refusals(folder: Path, kinds: Collection[Kind], look: Look) -> Iterator[Finding]:
    """What is wrong with the images of `kinds` in their folder; it need not be there.

    Notes say which files have several pictures.
    """
    name = " or ".join(kind.upper() for kind in kinds)
    if not folder.is_dir():
        yield Finding(
            str(folder),
            f"no such folder; the hash stage looks for the {name}s there and would stop",
            "Put or link the images there, or change data.jpeg and data.tiff.",
        )
        return
    found = scan(folder, kinds)
    if not found.images:
        yield Finding(
            str(folder),
            f"no {name} in it or below; the hash stage would stop",
            f"Put the {name}s there.",
        )
    pictures = {}
    for image in found.images:
        try:
            pictures[image.path] = look(Path(image.path))
        except UnreadableImageError as error:
            yield Finding(
                image.path, f"the hash stage would list it as unreadable: {error}", _advice(error)
            )
    several = {path: count for path, count in pictures.items() if count > 1}
    for path, count in several.items():
        yield Finding(path, f"{count} pages that may be pictures of their own", _EACH, note=True)
    if several:
        yield Finding(
            str(folder),
            f"{sum(pictures.values())} pictures in {len(pictures)} files; "
            f"{len(several)} have several",
            _EACH,
            note=True,
        )


def without_category(
    folders: Sequence[Path], kinds: Collection[Kind], judge: Judge, others: Mapping[str, Fits]
) -> Iterator[Finding]:
    """Copies that the label scheme refuses, one finding for all with the same problem.

    `others` are the other label schemes by name: one that fits all JPEGs is advised.
    """
    if not all(folder.is_dir() for folder in folders):
        return
    together: dict[str, list[str]] = defaultdict(list)
    jpegs = [path for folder in folders for path in scan(folder, kinds).images.paths]
    for path, problem in judge(jpegs).items():
        together[problem].append(path)
    fits = [name for name, other in others.items() if together and other(jpegs)]
    advice = "Rename or move it, or write a label scheme that fits."
    if fits:
        advice = f"All copies fit scheme {fits[0]!r}: choose it with labels={fits[0]}."
    for problem, (first, *more) in together.items():
        as_well = f" The same holds for {len(more)} more." if more else ""
        refusal = f"the hash stage would stop: {problem.rstrip('.')}"
        yield Finding(first, refusal, advice + as_well)


def _advice(error: UnreadableImageError) -> str:
    if _LFS in error.detail:
        return "Fetch the file itself with `git lfs pull`."
    if error.reason == "no permission":
        return "Ask its owner for the right to read it."
    if error.reason == "too many pages":
        return "Raise that limit, or split the file."
    return "Put the whole file in its place, give it the right name, or move it out of the data."
