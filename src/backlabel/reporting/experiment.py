"""The experiment as it is reported to MLflow: gathered from the files that the stages wrote."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backlabel import __version__, config, git
from backlabel.composing import Difference
from backlabel.reporting import closing, durations
from backlabel.reporting.naming import point_on_axis
from backlabel.reporting.report import DataSet, Report
from backlabel.storage import columns, paths, tables
from backlabel.storage.files import content_digest, sha256
from backlabel.storage.rows import Labelled, SweepPoint

STAGES = ("hash", "compare", "label")
_MOST = 80  # characters of a run's name
HEADLINES = {
    "compare.tiffs": "tiffs",
    "compare.matched": "matched",
    "compare.match_rate": "match_rate",
    "compare.verdicts.ambiguous": "ambiguous",
    "compare.truth.precision": "precision",
    "compare.truth.recall": "recall",
    "compare.truth.wrong_pairs": "wrong_pairs",
    "compare.truth.wrong_labels": "wrong_labels",
    "label.labelled": "labelled",
    "hash.unreadable": "unreadable",
}
"""The metrics shown first, and their names in MLflow; the others stand in `details/`."""
_OF_THE_MANIFEST = ("file", "sha256", "run_key")


def report(
    params: config.Params, metrics: Mapping[str, Any], changed: Sequence[Difference]
) -> Report:
    """The report on an experiment: its `metrics` by stage, and what it changed against `conf/`."""
    mapping = paths.rows_path(paths.mapping_path(params.compare.n_tiff))
    key = run_key(params, metrics)
    rows = columns.read(paths.MANIFEST, Labelled, _OF_THE_MANIFEST)
    seconds = {stage: durations.known(stage) for stage in STAGES}
    return Report(
        key=key,
        name=name(changed) or os.environ.get("DVC_EXP_NAME") or f"as-in-conf-{key[:8]}",
        params={name: _text(value) for name, value in leaves(params.model_dump(mode="json"))},
        metrics=named(metrics),
        curves=_curves(tables.read(paths.SWEEP, SweepPoint)),
        tags={name: value for name, value in _tags(rows).items() if value},
        artifacts=[
            *map(str, sorted(paths.PLOTS.glob("*.csv"))),
            str(mapping),
            str(paths.SWEEP),
            str(config.PARAMS),
        ],
        dataset=_dataset(rows),
        description=_description(params, changed),
        seconds=sum(one for one in seconds.values() if one is not None),
    )


def run_key(params: config.Params, metrics: Mapping[str, Any]) -> str:
    """Of everything that a run rests on: equal keys are the same experiment."""
    mapping = paths.mapping_path(params.compare.n_tiff)
    sources = [paths.JPEG_HASHES, paths.TIFF_HASHES, mapping, paths.MANIFEST, paths.SWEEP]
    digests = [sha256(paths.rows_path(source)) for source in sources]
    return _digest([config.digest(params), metrics, digests])


def metrics() -> dict[str, Any]:
    """What the stages counted, by stage."""
    files = {stage: paths.METRICS / f"{stage}.json" for stage in STAGES}
    return {stage: json.loads(file.read_text(encoding="utf-8")) for stage, file in files.items()}


def name(changed: Sequence[Difference]) -> str:
    """What was changed, as a run's name: `hamming_threshold=140, rule=ssim`."""
    parts = {one.name.rpartition(".")[2]: one for one in changed}
    if "labels.name" in {one.name for one in changed}:
        # A scheme is known by its name.
        parts = {key: one for key, one in parts.items() if one.name != "labels.categories"}
    texts = [
        f"{'labels' if one.name == 'labels.name' else key}={_text(one.in_params)}"
        for key, one in parts.items()
    ]
    text = ", ".join(texts)
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"


def named(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of nested `metrics` by the names that MLflow shows, in the order of showing."""
    found = {name: float(value) for name, value in leaves(metrics)}
    first = {headline: found[name] for name, headline in HEADLINES.items() if name in found}
    others = {f"details/{name}": found[name] for name in found if name not in HEADLINES}
    return first | others


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings by dotted name; a list is a leaf."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _curves(points: list[SweepPoint]) -> dict[str, list[tuple[int, float]]]:
    """Match rate, precision and recall over each threshold."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for point in points:
        axis, step = point_on_axis(point.threshold, point.value)
        for measure in ("match_rate", "precision", "recall"):
            value = getattr(point, measure)
            if value is not None:
                curves.setdefault(f"sweep/{axis}.{measure}", []).append((step, value))
    return curves


def _description(params: config.Params, changed: Sequence[Difference]) -> str:
    """What came out, and what differs from `conf/`, in Markdown."""
    found = [
        line
        for stage in ("compare", "label")
        for line in closing.lines(stage, params.compare.n_tiff)
    ]
    text = "\n".join(f"- {line.strip()}" for line in found if "next:" not in line)
    if changed:
        text += "\n\nDiffers from conf/:\n\n" + "\n".join(f"- {one}" for one in changed)
    return text


def _tags(rows: Sequence[Labelled]) -> dict[str, str]:
    return {
        "backlabel.version": __version__,
        "backlabel.labeled_sha256": sha256(paths.MANIFEST),
        # Each row of the manifest gives the run's key.
        "backlabel.run_key": columns.value(rows, 0, "run_key") if rows else "",
        "mlflow.source.git.commit": git.commit(),
        "dvc.exp_name": os.environ.get("DVC_EXP_NAME", ""),
        "dvc.exp_baseline_rev": os.environ.get("DVC_EXP_BASELINE_REV", ""),
        "dvc.data_md5": _data_md5(),
    }


def _dataset(rows: Sequence[Labelled]) -> DataSet:
    """The labelled set by its files alone, whatever is written beside them."""
    files = zip(columns.values(rows, "file"), columns.values(rows, "sha256"), strict=True)
    return DataSet(
        name="labeled",
        digest=content_digest(files)[:32],  # MLflow takes 36
        source={"path": str(paths.LABELED), "commit": git.commit()},
        rows=len(rows),
    )


def _data_md5() -> str:
    """DVC's digest of `data/`, where one .dvc file tracks the whole folder."""
    path = paths.DATA_DVC
    outs = config.read_yaml(path).get("outs", [{}]) if path.exists() else [{}]
    return str(outs[0].get("md5", ""))


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
