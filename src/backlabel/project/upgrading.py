"""`backlabel upgrade`: a project of an older version gets what this one's template has."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backlabel import config, yaml_editing
from backlabel.config import CONF, PARAMS
from backlabel.errors import ConfigError
from backlabel.project import making, pinned, template
from backlabel.storage.files import atomic_write

_PIPELINE = Path("dvc.yaml")
_DEFAULTS = "defaults"  # Hydra's list, no parameter


def changes() -> dict[Path, tuple[str, str]]:
    """What the files of the project in the current folder say, and what they should say.

    Parameters that are new come with their defaults, those that are gone go, values stay. Raises
    ConfigError where there is no project, or where its parameters are wrong.
    """
    if pinned.version() is None:
        raise ConfigError(f"{pinned.FILE}: not found: this is no project. See `backlabel init`.")
    before = {
        path.relative_to(CONF).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(CONF.rglob("*.yaml"))
    }
    conf = _conf(before)
    params = making.composed(conf)
    new = {CONF / name: text for name, text in conf.items()}
    new[PARAMS] = making.params_text(conf)
    new[_PIPELINE] = _pipeline(making.sources(params.data))
    new[pinned.FILE] = pinned.text()
    old = {path: path.read_text(encoding="utf-8") if path.exists() else "" for path in new}
    return {path: (old[path], new[path]) for path in sorted(new) if old[path] != new[path]}


def difference(found: Mapping[Path, tuple[str, str]]) -> str:
    """`found` as a unified diff."""
    return "".join(
        line
        for path, (old, new) in found.items()
        for line in difflib.unified_diff(
            old.splitlines(keepends=True),
            new.splitlines(keepends=True),
            f"{path} (now)",
            f"{path} (new)",
        )
    )


def write(found: Mapping[Path, tuple[str, str]]) -> None:
    """Write the new texts, the version last: an upgrade that was killed can be run again."""
    for path in sorted(found, key=lambda path: path == pinned.FILE):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(found[path][1])
    making.extend(Path(".gitignore"), template.IGNORED_BY_GIT)
    making.extend(Path(".dvcignore"), template.IGNORED_BY_DVC)
    making.extend(Path(".gitattributes"), template.MERGED_BY_LINES)


def _conf(before: Mapping[str, str]) -> dict[str, str]:
    texts = template.conf()
    known = {*config.names()}
    return {
        **texts,
        **{
            name: _renewed(name, text, template.like(name, texts), known)
            for name, text in before.items()
        },
    }


def _renewed(name: str, text: str, like: str | None, known: set[str]) -> str:
    """The text of one file of `conf/` with the parameters of this version; else as it is."""
    document = yaml_editing.load(text)
    section = ".".join(name.split("/")[:-1])
    prefix = f"{section}." if section else ""
    if not isinstance(document, dict) or section not in {*known, ""}:
        return text
    gone = [key for key in document if key != _DEFAULTS and f"{prefix}{key}" not in known]
    for key in gone:
        del document[key]
    chosen = document.get(_DEFAULTS, [])
    others = [
        one for one in chosen if isinstance(one, dict) and f"{prefix}{_group(one)}" not in known
    ]
    for one in others:
        chosen.remove(one)
    added = _add(document, yaml_editing.load(like)) if like is not None else False
    return yaml_editing.dump(document) if gone or others or added else text


def _group(entry: Any) -> str:
    """The group of an entry of Hydra's list, for which it chooses a file."""
    return str(next(iter(entry)))


def _add(document: Any, like: Any) -> bool:
    """Add what `document` lacks of `like`, comments too; says whether that was anything."""
    added = False
    for key, value in like.items():
        if key not in document:
            document[key] = value
            if key in like.ca.items:
                document.ca.items[key] = like.ca.items[key]
            added = True
        elif isinstance(value, dict) and isinstance(document[key], dict):
            added = _add(document[key], value) or added
        elif key == _DEFAULTS:
            added = _choose(document[key], value) or added
    return added


def _choose(entries: Any, like: Any) -> bool:
    """Add the groups that Hydra's list `entries` lacks, where `like` has them."""
    there = {_group(one) for one in entries if isinstance(one, dict)}
    added = False
    for place, one in enumerate(like):
        if isinstance(one, dict) and _group(one) not in there:
            entries.insert(min(place, len(entries)), one)
            added = True
    return added


def _pipeline(found: list[str]) -> str:
    text = _PIPELINE.read_text(encoding="utf-8") if _PIPELINE.exists() else ""
    stages = (yaml_editing.load(text) or {}).get("stages", {})
    kept = [one for one in stages.get("hash", {}).get("deps", []) if one not in found]
    ours = template.pipeline([*found, *kept])
    return template.merged(text, ours) if stages else yaml_editing.dump(ours)
