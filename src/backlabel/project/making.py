"""`backlabel init`: the files of a project for the images that are there."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backlabel import composing, config, yaml_editing
from backlabel.errors import ConfigError
from backlabel.labels.schemes import Scheme
from backlabel.layout import Data
from backlabel.project import pinned, repository, template
from backlabel.project.looking import Side
from backlabel.storage import paths, tables
from backlabel.storage.files import atomic_write
from backlabel.storage.rows import Decision, Named

_OWN = "own"
_KEPT = ("README.md", str(paths.DECISIONS), str(paths.NAMES))
"""People write in these: what is there stays, whatever it says."""


@dataclass(frozen=True)
class Request:
    """What a project is asked for. Folders and the table are paths below it."""

    originals: Side
    copies: Side
    scheme: Scheme
    about: Mapping[str, str | None]
    """`name`, `licence`, `citation` and `creator` of the data set."""


def create(request: Request) -> list[str]:
    """Write the project into the current folder; returns lines that say what was written.

    Raises ConfigError, before anything is written, where a file is there already and is another,
    or a parameter is wrong.
    """
    texts = _texts(request)
    missing = _missing(texts)
    repository.set_up()
    for name, text in missing.items():
        _write(Path(name), text)
    for path, kind in ((paths.DECISIONS, Decision), (paths.NAMES, Named)):
        if not path.exists():
            tables.write(path, kind, [])
    _write(pinned.FILE, pinned.text())  # the last: a project that was begun is completed
    ignored = [
        *extend(Path(".gitignore"), (*template.IGNORED_BY_GIT, *_images_in_git(request))),
        *extend(Path(".dvcignore"), template.IGNORED_BY_DVC),
        *extend(Path(".gitattributes"), template.MERGED_BY_LINES),
    ]
    inside = " ".join(line.removeprefix("/") for line in _images_in_git(request))
    return [
        *(f"wrote {name}" for name in (*missing, str(pinned.FILE))),
        *ignored,
        *([f"Git leaves out {inside}; `dvc add {inside}` gives them to DVC"] if inside else []),
    ]


def _texts(request: Request) -> dict[str, str]:
    """The text of each file, by its path below the project."""
    conf = _conf(request)
    params = composed(conf)
    pipeline = template.pipeline(sources(params.data))
    path = Path("dvc.yaml")
    if path.exists():
        _refuse_stages(yaml_editing.read(path), pipeline)
    return {
        **{f"conf/{name}": text for name, text in conf.items()},
        "params.yaml": params_text(conf),
        "dvc.yaml": template.merged(path.read_text(), pipeline)
        if path.exists()
        else yaml_editing.dump(pipeline),
        "README.md": _readme(request),
    }


def _conf(request: Request) -> dict[str, str]:
    texts = template.conf()
    texts["data/default.yaml"] = _changed(
        texts["data/default.yaml"],
        {
            "jpeg": _one_or_several(request.copies.folders),
            "tiff": _one_or_several(request.originals.folders),
            "jpeg_formats": yaml_editing.flow(request.copies.formats),
            "tiff_formats": yaml_editing.flow(request.originals.formats),
        },
    )
    scheme = request.scheme
    texts["config.yaml"] = _chosen(texts["config.yaml"], "labels", scheme.name)
    texts["label/default.yaml"] = _chosen(texts["label/default.yaml"], "about", "mine")
    texts["label/about/mine.yaml"] = _changed(
        "# What is said of the labelled set; null where nothing is said.\n"
        + _without_head(texts["label/about/none.yaml"]),
        {key: value and yaml_editing.text(value) for key, value in request.about.items()},
    )
    texts["track/default.yaml"] = _changed(
        texts["track/default.yaml"], {"experiment": yaml_editing.text(_experiment(request))}
    )
    if scheme.name == _OWN:
        texts[f"labels/{_OWN}.yaml"] = _scheme_text(scheme)
    return texts


def _scheme_text(scheme: Scheme) -> str:
    head = (
        "# In the order of their labels L0, L1, ...; add further categories at the end. The first\n"
        "# name of a line is the category's folder in the labelled set.\n"
    )
    categories = yaml_editing.load("[]") if not scheme.categories else []
    categories.extend(yaml_editing.flow(line) for line in scheme.categories)
    table = scheme.table and yaml_editing.text(scheme.table)
    values = {"name": scheme.name, "by": scheme.by, "table": table}
    return head + yaml_editing.dump({**values, "categories": categories})


def _changed(text: str, values: Mapping[str, object]) -> str:
    document = yaml_editing.load(text)
    document.update(values)
    return yaml_editing.dump(document)


def _chosen(text: str, group: str, file: str) -> str:
    document = yaml_editing.load(text)
    next(one for one in document["defaults"] if isinstance(one, dict) and group in one)[group] = (
        file
    )
    return yaml_editing.dump(document)


def _without_head(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(lines[next(i for i, line in enumerate(lines) if line[0] != "#") :])


def _one_or_several(folders: Sequence[str]) -> object:
    texts = [yaml_editing.text(folder) for folder in folders]
    return texts[0] if len(texts) == 1 else texts


def _experiment(request: Request) -> str:
    """The set's name, as a name that MLflow takes."""
    return (request.about["name"] or "backlabel").replace("/", "-").replace("\\", "-")


def composed(conf: Mapping[str, str]) -> config.Params:
    """The checked parameters that these texts of `conf/` compose. Raises ConfigError."""
    return config.check(yaml_editing.load(params_text(conf)), "conf/")


def params_text(conf: Mapping[str, str]) -> str:
    """The text of `params.yaml` that these texts of `conf/` compose. Raises ConfigError."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in conf.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return composing.compose(Path(folder))


def sources(data: Data) -> list[str]:
    """What the stages depend on: `data`, and folders of images that DVC does not see in it."""
    folders = [*data.jpegs, *data.tiffs]
    inside = [one for one in folders if Path(one).is_relative_to("data")]
    apart = [one for one in folders if one not in inside or Path(one).is_symlink()]
    return list(dict.fromkeys([*(["data"] if inside else []), *apart]))


def _refuse_stages(existing: object, ours: Mapping[str, Mapping[str, object]]) -> None:
    stages = existing.get("stages", {}) if isinstance(existing, dict) else {}
    shared = [name for name in ours["stages"] if name in stages]
    if shared and pinned.version() is None:
        raise ConfigError(
            f"dvc.yaml: has a stage {shared[0]!r} already. Make the project in a folder of its "
            "own: `mkdir sem && cd sem && dvc init --subdir`."
        )


def _missing(texts: Mapping[str, str]) -> dict[str, str]:
    """The files that are to be written. Raises ConfigError where one is there and is another."""
    there = {name: Path(name).read_text(encoding="utf-8") for name in texts if Path(name).exists()}
    others = [
        name
        for name, text in there.items()
        if text != texts[name] and name not in (*_KEPT, "dvc.yaml")
    ]
    if others:
        raise ConfigError(
            f"{', '.join(others[:3])}{' and others' if others[3:] else ''}: there already, and not "
            "what init would write; nothing is overwritten. Make the project in a folder of its "
            "own."
        )
    return {
        name: text
        for name, text in texts.items()
        if name not in there or (name == "dvc.yaml" and text != there[name])
    }


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(text)


def _images_in_git(request: Request) -> list[str]:
    """Lines that keep folders of images out of Git; links to them are small, and go in."""
    folders = [*request.copies.folders, *request.originals.folders]
    return [f"/{one}" for one in folders if not Path(one).is_symlink()]


def extend(path: Path, lines: Sequence[str]) -> list[str]:
    """Add those of `lines` that the file lacks; says so."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    new = [line for line in lines if line not in before.splitlines()]
    if not new:
        return []
    head = before if not before or before.endswith("\n") else f"{before}\n"
    _write(path, head + "".join(f"{line}\n" for line in new))
    return [f"added {len(new)} lines to {path}"]


def _readme(request: Request) -> str:
    about = request.about
    said = [
        f"Licence: {about['licence']}" if about.get("licence") else "",
        f"To cite: {about['citation']}" if about.get("citation") else "",
    ]
    return "\n\n".join(
        part for part in (f"# {about['name'] or Path.cwd().name}", *said, _README) if part
    )


_README = """\
Original images, labelled by their published copies with backlabel. `conf/` says how
(`backlabel compose` makes `params.yaml` of it), `dvc.yaml` says what is run, and
`reviews/decisions.csv` what people decided.

```bash
dvc repro                 # match, verify and label
backlabel summary         # how it ended
dvc push                  # publish; `dvc pull labeled` fetches the set elsewhere
backlabel verify labeled  # every file against its checksum
```

```python
import backlabel

train = backlabel.load("labeled", split="train")  # (tensor, number of the category)
```
"""
