"""The parameters of `params.yaml`, checked into frozen, typed sections.

People edit `conf/`; `backlabel.composing` makes `params.yaml` of it. Stages read `params.yaml`
alone: `dvc exp run -S` writes its overrides there, and only there.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from backlabel import allowed
from backlabel.errors import ConfigError
from backlabel.layout import Data, Labels
from backlabel.section import Bits, Line, Name, RepoPath, Section, Share
from backlabel.workers.cluster import Cluster

PARAMS = Path("params.yaml")
CONF = Path("conf")

MACHINE_KEYS = frozenset(
    {
        "read.max_memory_mib",
        "read.max_seconds",
        "hash.workers",
        "compare.device",
        "compare.batch_size",
        "compare.memory_mib",
        "label.link",
        "track.timeout_s",
        *(f"cluster.{name}" for name in Cluster.model_fields),
        "tables.parquet_above",
        "tables.large_csv",
    }
)
"""Parameters that change how a run goes, not what it finds: no stage re-runs because of them."""

_ROUNDING = 1e-9
_READ_BY_RULE = {
    "min_ssim": "ssim",
    "min_explained": "combined",
    "min_spoke": "combined",
    "min_margin": "combined",
}
"""The rule that reads a threshold; the thresholds that are not named are read by all rules."""


Engine = Literal["fast", "reference"]
"""Our own kernels, or the plain chain of public libraries that they must equal."""
Source = Literal[
    "identity",
    "flip_h",
    "flip_v",
    "rot180",
    "rot90",
    "rot270",
    "transpose",
    "transverse",
    "inverted",
    "jet",
    "body",
    "border",
    "part",
]
"""As `backlabel.matching.variants.SOURCES`; a test holds them together."""


class Read(Section):
    """Limits for one image, and for the share of images that cannot be read."""

    max_pixels: Annotated[int, Field(ge=1)]
    max_mosaic_pixels: Annotated[int, Field(ge=0)]
    max_pages: Annotated[int, Field(ge=1, le=65_536)]
    max_bytes: Annotated[int, Field(ge=1)]
    max_seconds: Annotated[float, Field(gt=0)]
    max_memory_mib: Annotated[int, Field(ge=64)]
    max_unreadable_share: Share


class Tables(Section):
    """How the stages' tables are written, as `backlabel.storage.large.Form`."""

    parquet_above: Annotated[int, Field(ge=0)]
    large_csv: bool


class Hash(Section):
    """The hash stage."""

    category: Name | None
    engine: Engine
    workers: Annotated[int, Field(ge=0, le=1024)]


class Compare(Section):
    """The compare stage. Both Hamming thresholds are exclusive, `min_ssim` is inclusive."""

    n_tiff: Annotated[int, Field(ge=1)] | None
    seed: Annotated[int, Field(ge=0)]
    top_k: Annotated[int, Field(ge=1, le=1000)]
    hamming_threshold: Bits
    ssim_hamming_threshold: Bits
    min_ssim: Annotated[float, Field(ge=-1, le=1)]
    engine: Engine
    rule: Literal["combined", "ssim", "seed"]
    hashes: Literal["both", "standardised"]
    index_from: Annotated[int, Field(ge=1)]
    ssim_window: Literal["uniform", "gaussian"]
    variants: Annotated[tuple[Source, ...], Field(min_length=1)]
    min_explained: Share
    min_spoke: Share
    min_margin: Share
    min_part_share: Share
    device: Literal["auto", "cpu", "cuda"]
    batch_size: Annotated[int, Field(ge=1)]
    memory_mib: Annotated[int, Field(ge=64)]

    @model_validator(mode="after")
    def _thresholds_agree(self) -> Self:
        if self.ssim_hamming_threshold > self.hamming_threshold:
            raise ValueError(
                f"ssim_hamming_threshold ({self.ssim_hamming_threshold}) lies above "
                f"hamming_threshold ({self.hamming_threshold}): SSIM would be asked of pairs that "
                "are no candidates. Lower the first or raise the second."
            )
        return self


class Splits(Section):
    """Shares of the labelled files; together they are all of them."""

    train: Share
    val: Share
    test: Share

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = self.train + self.val + self.test
        if abs(total - 1) > _ROUNDING:
            raise ValueError(f"train, val and test sum to {total:g}, not to 1")
        return self


class About(Section):
    """What is said of the labelled set where it is published; null where nothing is said.

    It is said of the originals whose digest (`backlabel.labels.about`) `only_for` is; null: of any.
    """

    only_for: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    name: Line | None
    description: Line | None
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")] | None
    licence: Line | None
    citation: Line | None
    creator: Line | None
    url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None
    published: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None


class Label(Section):
    """The label stage."""

    link: Literal["auto", "copy", "hardlink"]
    store: Literal["files", "manifest"]
    public: bool
    splits: Splits
    split_seed: Annotated[int, Field(ge=0)]
    near_hamming: Bits
    group_by: Annotated[str, Field(pattern=r"^(folder|near_duplicates|column:[^\x00-\x1f]+)$")]
    group_table: RepoPath | None
    about: About

    @model_validator(mode="after")
    def _originals_can_be_found(self) -> Self:
        if self.public and self.store == "manifest":
            raise ValueError(
                "public leaves out where the originals are, and store=manifest says nothing else: "
                "set public=false, or store=files"
            )
        return self

    @model_validator(mode="after")
    def _table_where_it_is_read(self) -> Self:
        by_column = self.group_by.startswith("column:")
        if by_column and self.group_table is None:
            raise ValueError(f"group_by is {self.group_by}: say in group_table which table has it")
        if not by_column and self.group_table is not None:
            raise ValueError(
                f"group_table has no effect while group_by is {self.group_by}: "
                "set group_by=column:<name>, or group_table=null"
            )
        return self


class Track(Section):
    """MLflow."""

    experiment: Name
    timeout_s: Annotated[int, Field(ge=1)]


class Params(Section):
    """All parameters, checked."""

    data: Data
    read: Read
    cluster: Cluster
    tables: Tables
    hash: Hash
    compare: Compare
    labels: Labels
    label: Label
    track: Track

    @model_validator(mode="after")
    def _tables_lie_where_dvc_watches(self) -> Self:
        tables = {"label.group_table": self.label.group_table, "labels.table": self.labels.table}
        for name, table in tables.items():
            if table is not None and not self.data.holds(table):
                raise ValueError(f"{name} must lie below data/ or a folder of images")
        if self.hash.category is not None and not self.labels.categories:
            raise ValueError("hash.category needs a label scheme that lists its categories")
        return self


def load(path: Path = PARAMS) -> Params:
    """The parameters of `path`. Raises ConfigError that names each parameter that is wrong."""
    return check(read_yaml(path), str(path))


def check(values: Any, source: str) -> Params:
    """`values` as checked parameters; `source` is named in the error."""
    try:
        # JSON's strictness is the one wanted: 3 is no text and "3" no number, but 20 is a float
        # and a list a tuple.
        return Params.model_validate_json(json.dumps(values))
    except ValidationError as error:
        schema = Params.model_json_schema()
        problems = "\n".join(f"  {allowed.problem(item, schema)}" for item in error.errors())
        raise ConfigError(
            f"{source}: parameters are wrong:\n{problems}\ndocs/parameters.md lists all parameters."
        ) from error


def names() -> list[str]:
    """The dotted names of all parameters, and of their sections."""
    return allowed.names(Params.model_json_schema())


def settled(params: Params) -> dict[str, Any]:
    """All that decides what a run finds, by dotted name: not the machine's part, nor tracking."""
    return {
        f"{section}.{name}": value
        for section, values in params.model_dump(mode="json", exclude={"track"}).items()
        for name, value in values.items()
        if f"{section}.{name}" not in MACHINE_KEYS
    }


def digest(params: Params) -> str:
    """SHA-256 over `settled` as JSON with sorted keys."""
    text = json.dumps(settled(params), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def without_effect(compare: Compare) -> dict[str, str]:
    """The parameters of compare that its rule, or a missing draw, leaves unread, and why."""
    found = {
        f"compare.{name}": f"only compare.rule={rule} reads it, and the rule is {compare.rule}"
        for name, rule in _READ_BY_RULE.items()
        if rule != compare.rule
    }
    if "part" not in compare.variants:
        found["compare.min_part_share"] = "compare.variants does not name part"
    if compare.n_tiff is None:
        found["compare.seed"] = "it draws compare.n_tiff TIFFs, and all are compared"
    return found


def schemes(conf: Path = CONF) -> list[Labels]:
    """All label schemes that `conf/labels` offers, by name; those that are wrong are left out."""
    found = []
    for path in sorted((conf / "labels").glob("*.yaml")):
        try:
            found.append(Labels.model_validate_json(json.dumps(read_yaml(path))))
        except (ValidationError, ConfigError):
            continue  # only offered as a hint: a scheme that is chosen is checked by `load`
    return found


def read_yaml(path: Path) -> Any:
    """The values of a YAML file. Raises ConfigError if it is missing or no YAML."""
    try:
        # ruamel.yaml reads YAML 1.2, as DVC does: both see the same numbers.
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: not found. Run from the repository's root; `backlabel compose` writes it."
        ) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: no valid YAML: {error}") from error
