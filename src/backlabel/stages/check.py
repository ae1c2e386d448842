"""`backlabel check`: what DVC and the hash stage would say to a data folder, before they run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from backlabel import config, images
from backlabel.inventory import cache_type, prediction, preflight
from backlabel.inventory.preflight import Finding
from backlabel.inventory.walking import walk
from backlabel.labels import schemes
from backlabel.limits import read_limits
from backlabel.stages.categories import label_schemes


def findings(folder: Path) -> list[Finding]:
    """All findings below `folder`, sorted by the bytes of the paths.

    What the hash stage would refuse is predicted for those of `data.jpeg` and `data.tiff` that are
    `folder` or lie in it. Raises DataError where `folder` is no folder, ConfigError.
    """
    params = config.load() if config.PARAMS.is_file() else None
    if params is None:
        return preflight.check(folder)
    found = cache_type.findings(Path.cwd(), folder, _sizes(folder))
    data = params.data
    wanted = {"jpeg": (data.jpegs, data.jpeg_formats), "tiff": (data.tiffs, data.tiff_formats)}
    inside = [
        (Path(one), formats)
        for folders, formats in wanted.values()
        for one in folders
        if _is_in(Path(one), folder)
    ]
    found += preflight.check(folder, [one for one, _ in inside])
    look = partial(_pictures, limits=read_limits(params.read))
    for one, formats in inside:
        found += prediction.refusals(one, formats, look)
    copies = [one for one, _ in inside if one in map(Path, data.jpegs)]
    if len(copies) == len(data.jpegs):  # categories may be told by all copies together
        found += prediction.without_category(copies, data.jpeg_formats, *_judges(params))
    return sorted(found, key=lambda finding: (os.fsencode(finding.path), finding.problem))


def _sizes(folder: Path) -> Iterator[int]:
    for entry in walk(folder):
        if entry.kind == "file" and not entry.fault:
            with suppress(OSError):  # what cannot be looked at is told by others
                yield Path(entry.path).stat().st_size


def _is_in(inner: Path, outer: Path) -> bool:
    return inner.absolute().is_relative_to(outer.absolute())


def _pictures(path: Path, *, limits: images.Limits) -> int:
    with images.opened(path, max_bytes=limits.max_bytes) as source:
        if images.require_content(source, path.name) != "tiff":
            return 1
        found = images.read_pages(source, limits)
    if found.beyond:
        raise found.beyond
    return 1 + len(found.others)


def _judges(params: config.Params) -> tuple[prediction.Judge, dict[str, prediction.Fits]]:
    """The hash stage's rule for categories, and whether another label scheme may be advised."""
    chosen, *others = label_schemes(params)
    roots = params.data.jpegs
    return partial(schemes.problems, roots=roots, scheme=chosen), {
        other.name: partial(schemes.fits, roots=roots, scheme=other) for other in others
    }
