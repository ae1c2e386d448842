"""`backlabel check`: what DVC and the hash stage would say to a data folder, before they run."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from backlabel import config, images
from backlabel.inventory import prediction, preflight
from backlabel.inventory.preflight import Finding
from backlabel.labels import schemes


def findings(folder: Path) -> list[Finding]:
    """All findings below `folder`, sorted by the bytes of the paths.

    What the hash stage would refuse is predicted for those of `data.jpeg` and `data.tiff` that are
    `folder` or lie in it. Raises DataError where `folder` is no folder, ConfigError.
    """
    params = config.load() if config.PARAMS.is_file() else None
    if params is None:
        return preflight.check(folder)
    wanted: dict[images.Kind, Path] = {
        "jpeg": Path(params.data.jpeg),
        "tiff": Path(params.data.tiff),
    }
    inside = {kind: one for kind, one in wanted.items() if _is_in(one, folder)}
    found = preflight.check(folder, list(inside.values()))
    require_image = partial(_require_image, max_bytes=params.read.max_bytes)
    for kind, one in inside.items():
        found += prediction.refusals(one, kind, require_image)
    if "jpeg" in inside:
        found += prediction.without_category(inside["jpeg"], *_judges(params))
    return sorted(found, key=lambda finding: (os.fsencode(finding.path), finding.problem))


def _is_in(inner: Path, outer: Path) -> bool:
    return inner.absolute().is_relative_to(outer.absolute())


def _require_image(path: Path, *, max_bytes: int) -> None:
    with images.opened(path, max_bytes=max_bytes) as source:
        images.require_content(source, path.name)


def _judges(params: config.Params) -> tuple[prediction.Judge, dict[str, prediction.Judge]]:
    """The hash stage's rule for categories, under the chosen label scheme and under the others."""

    def judge(labels: config.Labels) -> prediction.Judge:
        scheme = schemes.Scheme(labels.name, labels.categories)
        return partial(schemes.problems, root=params.data.jpeg, scheme=scheme)

    others = [other for other in config.schemes() if other.name != params.labels.name]
    return judge(params.labels), {other.name: judge(other) for other in others}
