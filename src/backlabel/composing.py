"""Holds together `conf/`, the one place where parameters are edited, and `params.yaml`.

`backlabel compose` makes `params.yaml` of `conf/`, and so does every `dvc exp run`, with the
overrides of `-S` on top. `dvc repro` takes `params.yaml` as it is. So each of the two could pass
over what stands in the other one: where they differ, a stage and `dvc exp run` stop and say where.
Exempt is what the last experiments left in `params.yaml` while it is not committed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from backlabel import allowed, config, git, yaml_editing
from backlabel.config import CONF, PARAMS
from backlabel.errors import ConfigError, OutputError
from backlabel.matching import device
from backlabel.storage.files import atomic_write, shared_folder, write_json

_COMPOSING: ContextVar[bool] = ContextVar("composing", default=False)
_INTERPOLATION = "${"
_LONGEST = 60  # characters of a value in a text
_SHOWN = 10  # differences that an error lists


@dataclass(frozen=True)
class Difference:
    """A parameter that has another value in `params.yaml` than `conf/` gives it."""

    name: str
    in_conf: Any
    in_params: Any

    def __str__(self) -> str:
        return (
            f"{self.name}: {_text(self.in_conf)} in conf/, {_text(self.in_params)} in params.yaml"
        )

    def as_change(self) -> str:
        """What is written where one takes the place of the other."""
        return f"{self.name}: {_text(self.in_params)} (was {_text(self.in_conf)})"


def compose(conf: Path = CONF, overrides: list[str] | None = None) -> str:
    """The text of `params.yaml` as `dvc exp run` composes it from the folder `conf`."""
    # Imported here: the stages seldom compose, and would wait a third of a second.
    from hydra import compose as hydra_compose  # noqa: PLC0415
    from hydra import initialize_config_dir  # noqa: PLC0415
    from hydra.errors import HydraException  # noqa: PLC0415
    from omegaconf import OmegaConf  # noqa: PLC0415
    from omegaconf.errors import OmegaConfBaseException  # noqa: PLC0415

    token = _COMPOSING.set(True)
    try:
        with initialize_config_dir(str(conf.resolve()), version_base=None):
            composed = hydra_compose("config", overrides=overrides or [])
        OmegaConf.resolve(composed)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(f"{conf}: cannot be composed: {error}") from error
    finally:
        _COMPOSING.reset(token)
    return OmegaConf.to_yaml(composed)


def check_overrides(overrides: list[str]) -> None:
    """Raise ConfigError unless `overrides`, as `-S` takes them, give usable parameters."""
    from hydra.core.override_parser.overrides_parser import OverridesParser  # noqa: PLC0415
    from hydra.errors import HydraException  # noqa: PLC0415

    try:
        parsed = OverridesParser.create().parse_overrides(overrides)
    except HydraException as error:
        raise ConfigError(f"-S {' '.join(overrides)}: cannot be read: {error}") from error
    known = config.names()
    for one in parsed:
        name = one.key_or_group
        if name not in known and not name.startswith("hydra"):
            # Hydra would advise to add it with "+", and the stages refuse it then.
            raise ConfigError(f"{name}: {allowed.unknown(name, known)}")
    params = config.check(_values(compose(CONF, overrides)), "-S")
    # What is not there would be missed after minutes.
    device.resolve(params.compare.device, params.compare.ssim_window, params.cluster)


def is_composing() -> bool:
    """Whether this package composes just now, and not DVC."""
    return _COMPOSING.get()


def write_composed(path: Path = PARAMS, conf: Path = CONF) -> None:
    """Compose `conf` without overrides into `path`; what is wrong is refused, not written."""
    text = compose(conf)
    config.check(_values(text), str(conf))
    with atomic_write(path) as file:
        file.write(text)


def composed() -> Any:
    """The values of `conf/` without overrides; composed once for each state of its files."""
    state = _state_of(CONF)
    cache = shared_folder() / "composed.json"
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if isinstance(known, dict) and known.get("state") == state:
        return known["values"]
    values = _values(compose())
    with suppress(OutputError):  # where it cannot be kept it is composed again
        write_json(cache, {"state": state, "values": values})
    return values


def _state_of(conf: Path) -> str:
    plugins = Path(__file__).parents[1] / "hydra_plugins"
    files = sorted([*conf.rglob("*.yaml"), *plugins.glob("*.py")])
    content = [(path.as_posix(), path.read_bytes().hex()) for path in files]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _values(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def refuse_unsettled() -> list[Difference]:
    """How `params.yaml` differs from `conf/`, which it may where an experiment made it.

    Raises ConfigError where it is nobody's experiment: a stage would pass over an edit of `conf/`,
    and `dvc exp run` over one of `params.yaml`.
    """
    if not PARAMS.exists() or not CONF.is_dir():
        return []  # nothing to hold together; who reads the one or the other says what is missing
    values, base = config.read_yaml(PARAMS), composed()
    found = differences(values, base)
    if not found:
        return []
    known = _experiments() / _digest([values, base])
    if os.environ.get("DVC_EXP_NAME"):
        with atomic_write(known):
            pass
    elif not known.exists() or _is_committed(values):
        raise ConfigError(_refusal(found))
    return found


def _experiments() -> Path:
    """One empty file for the parameters of each experiment, named by their digest."""
    return shared_folder() / "experiments"


def _is_committed(values: Any) -> bool:
    text = git.committed(PARAMS).decode(errors="replace")
    return bool(text) and bool(_values(text) == values)


def _refusal(found: list[Difference]) -> str:
    lines = "\n".join(f"  {one}" for one in found[:_SHOWN])
    if len(found) > _SHOWN:
        lines += f"\n  and {len(found) - _SHOWN} more"
    return (
        f"params.yaml is not what conf/ composes:\n{lines}\n"
        "Parameters are edited in conf/. Say which of the two is meant:\n"
        "  backlabel compose   writes params.yaml from conf/\n"
        "  backlabel adopt     writes these values of params.yaml into conf/"
    )


def differences(values: Any, base: Any) -> list[Difference]:
    """The parameters whose `values` are not those of `base`, in the order of their names."""
    ours, theirs = dict(_leaves(values)), dict(_leaves(base))
    return [
        Difference(name, theirs.get(name), ours.get(name))
        for name in sorted({*ours, *theirs})
        if (name in ours, ours.get(name)) != (name in theirs, theirs.get(name))
    ]


def _leaves(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(values, Mapping):
        yield prefix.removesuffix("."), values
        return
    for name, value in values.items():
        yield from _leaves(value, f"{prefix}{name}.")


def adopt() -> list[Difference]:
    """Write what `params.yaml` has and `conf/` has not into `conf/`; returns what was written."""
    values = config.read_yaml(PARAMS)
    config.check(values, str(PARAMS))
    found = differences(values, composed())
    for group in ("labels", "cluster"):
        _choose(group, values[group])
    for interpolated in (False, True):
        # A value that follows another one is written only where that one does not settle it.
        for one in differences(values, composed()):
            _write(one, interpolated=interpolated)
    left = differences(values, composed())
    if left:
        raise ConfigError(f"{CONF}: still differs from {PARAMS}: {left[0]}. Edit it by hand.")
    return found


def _choose(group: str, values: Any) -> None:
    """Choose the file of `conf/<group>` that holds `values`, where another one is chosen."""
    for path in sorted((CONF / group).glob("*.yaml")):
        if config.read_yaml(path) == values and _choices()[group] != path.stem:
            document = yaml_editing.read(CONF / "config.yaml")
            next(one for one in document["defaults"] if group in one)[group] = path.stem
            yaml_editing.save(CONF / "config.yaml", document)
            return


def _choices() -> dict[str, str]:
    """The file that `conf/config.yaml` chooses from each group."""
    entries = config.read_yaml(CONF / "config.yaml")["defaults"]
    return {name: file for one in entries if isinstance(one, dict) for name, file in one.items()}


def _write(one: Difference, *, interpolated: bool) -> None:
    section, *names = one.name.split(".")
    path = CONF / section / f"{_choices()[section]}.yaml"
    document = part = yaml_editing.read(path)
    for name in names[:-1]:
        part = part[name]
    before = part.get(names[-1])
    if (isinstance(before, str) and before.startswith(_INTERPOLATION)) == interpolated:
        part[names[-1]] = one.in_params
        yaml_editing.save(path, document)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
