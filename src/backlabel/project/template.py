"""What a project is made of: this repository's own `dvc.yaml` and `conf/`, without its sample.

The wheel holds them beside this module (`setup.py`); a checkout has them at its root.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backlabel import yaml_editing
from backlabel.project import pinned

_INSTALLED = Path(__file__).parent / "template"
_CHECKOUT = Path(__file__).parents[3]
_OF_THE_SAMPLE = ("label/about/sample.yaml",)
_DATA, _SOURCE = "data", "src/backlabel"
_RUN_THE_CHECKOUT = "PYTHONPATH=src "
_HEAD = """\
Written by `backlabel init`; `backlabel upgrade` brings the stages up to date. Each depends on the
version of backlabel that backlabel.yaml names, and on the parameters that it reads.
"""
IGNORED_BY_GIT = (
    "/.backlabel/",
    "/mlflow.db*",
    "/mlartifacts/",
    "/dvc_plots/",
    "/calibration/",
    "/report.html",
    "/.labeled-partial*/",
    ".partial-*",
)
IGNORED_BY_DVC = (
    "/.backlabel",
    "/mlartifacts",
    "/.labeled-partial*",
    ".partial-*",
    "/csv/.*.tmp",
    "/metrics/.*.tmp",
)
MERGED_BY_LINES = (
    "reviews/decisions.csv merge=union",
    "reviews/shown.csv merge=union",
)
"""Lines of this repository's own files; a test says so."""


def folder() -> Path:
    """Where `dvc.yaml` and `conf/` of the template lie."""
    return _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT


def conf() -> dict[str, str]:
    """The text of each file of `conf/`, by its path below it."""
    root = folder() / "conf"
    found = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*.yaml"))}
    return {
        name: path.read_text(encoding="utf-8")
        for name, path in found.items()
        if name not in _OF_THE_SAMPLE
    }


def pipeline(sources: Sequence[str]) -> Any:
    """The document `dvc.yaml` of a project whose images lie in `sources`."""
    document = yaml_editing.read(folder() / "dvc.yaml")
    document.yaml_set_start_comment(_HEAD)
    for stage in document["stages"].values():
        stage["cmd"] = stage["cmd"].removeprefix(_RUN_THE_CHECKOUT)
        deps = stage["deps"]
        deps.remove(_SOURCE)
        if _DATA in deps:
            place = deps.index(_DATA)
            deps.remove(_DATA)
            for source in reversed(sources):
                deps.insert(place, source)
        stage["params"].append({str(pinned.FILE): [pinned.KEY]})
    return document


def merged(existing: str, ours: Any) -> str:
    """The text of `dvc.yaml` with the stages, artifacts and plots of `ours`, others as they are."""
    document = yaml_editing.load(existing)
    for part in ("stages", "artifacts"):
        if part in ours:
            document.setdefault(part, {}).update(ours[part])
    drawn = {name for plot in document.get("plots", []) for name in plot}
    missing = [plot for plot in ours.get("plots", []) if not drawn & set(plot)]
    if missing:
        document.setdefault("plots", []).extend(missing)
    return yaml_editing.dump(document)


def like(name: str, texts: Mapping[str, str]) -> str | None:
    """The text of the template that the file `name` of a project's `conf/` follows, if any."""
    group = name.rpartition("/")[0]
    return texts.get(name) or texts.get(_LIKE.get(group, ""))


_LIKE = {"labels": "labels/folders.yaml", "label/about": "label/about/none.yaml"}
"""What people's own files of a group are like."""
