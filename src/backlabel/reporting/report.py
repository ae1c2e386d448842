"""What one experiment found, as MLflow is given it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class DataSet:
    """The labelled set as MLflow records it; `digest` (36 characters at most) names its contents.

    `source` says where it can be had: the path in the repository and the Git commit.
    """

    name: str
    digest: str
    source: Mapping[str, str]
    rows: int


@dataclass(frozen=True)
class Report:
    """All that one experiment found. `curves` are points (step, value) by metric name.

    `key` is a digest of everything that the run rests on: equal keys are the same experiment.
    """

    key: str
    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    curves: Mapping[str, Sequence[tuple[int, float]]]
    tags: Mapping[str, str]
    artifacts: Sequence[str]
    dataset: DataSet | None = None
    """None where the run rests on no labelled set."""
    description: str = ""
    """A few sentences, in Markdown."""
    seconds: float = 0.0
    """How long the computing took."""
