"""The charts of a report as Vega-Lite, each with its own data: no file and no network is asked."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backlabel import config
from backlabel.storage.rows import Match, SweepPoint, Verdict

Spec = dict[str, Any]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"  # names the language; not fetched
_COLOURS = {
    Verdict.MATCHED: "#2a7f4f",
    Verdict.AMBIGUOUS: "#d98200",
    Verdict.TOO_DIFFERENT: "#c0392b",
    Verdict.NOT_VERIFIED: "#7d5ba6",
    Verdict.NO_CANDIDATE: "#8a8f98",
    Verdict.UNREADABLE: "#111111",
}
_BINS = 40
_SCORES = {
    "hamming_distance": ("Hamming distance (bits of 1,024)", "hamming_threshold"),
    "explained": ("explained share of the JPEG", "min_explained"),
    "spoke": ("share of the picture that spoke", "min_spoke"),
    "ssim_value": ("SSIM (standardised images)", "min_ssim"),
}


@dataclass(frozen=True)
class Chart:
    """A chart, and what it shows, in words."""

    id: str
    title: str
    spec: Spec


def all_charts(
    rows: Sequence[Match],
    sweep: Sequence[SweepPoint],
    published: Mapping[str, int],
    labelled: Mapping[str, int],
    compare: config.Compare,
) -> list[Chart]:
    """Histograms of the scores, sweeps over thresholds, and categories against the published."""
    unread = config.without_effect(compare)
    found = []
    for field, (name, limit) in _SCORES.items():
        counts = _counts(rows, field)
        if counts:
            in_force = None if f"compare.{limit}" in unread else getattr(compare, limit)
            title = f"Best candidates by {name}"
            found.append(Chart(field, title, histogram(counts, name, in_force)))
    for threshold in dict.fromkeys(point.threshold for point in sweep):
        points = [point for point in sweep if point.threshold == threshold]
        title = f"If {threshold} were another"
        chosen = getattr(compare, threshold)
        found.append(Chart(f"sweep-{threshold}", title, curve(points, threshold, chosen)))
    if published:
        found.append(Chart("categories", "Published and labelled", categories(published, labelled)))
    return found


def _counts(rows: Sequence[Match], field: str) -> list[Spec]:
    """How many rows of each verdict lie in each bin, whatever their number."""
    known = [(getattr(row, field), row.verdict) for row in rows]
    values = [(float(value), verdict) for value, verdict in known if value is not None]
    if not values:
        return []
    most = max(1.0, *(value for value, _ in values))
    least = min(0.0, *(value for value, _ in values))
    width = (most - least) / _BINS
    counts: dict[tuple[int, Verdict], int] = defaultdict(int)
    for value, verdict in values:
        counts[min(int((value - least) / width), _BINS - 1), verdict] += 1
    return [
        {
            "from": round(least + place * width, 6),
            "to": round(least + (place + 1) * width, 6),
            "verdict": verdict.value,
            "TIFFs": count,
        }
        for (place, verdict), count in sorted(counts.items())
    ]


def histogram(counts: Sequence[Spec], name: str, limit: float | None) -> Spec:
    """Stacked by verdict; verdicts come and go by a click in the legend."""
    used = [one for one in Verdict if one.value in {count["verdict"] for count in counts}]
    bars: Spec = {
        "data": {"values": list(counts)},
        "mark": "bar",
        "params": [
            {"name": "shown", "select": {"type": "point", "fields": ["verdict"]}, "bind": "legend"}
        ],
        "encoding": {
            "x": {"field": "from", "type": "quantitative", "bin": {"binned": True}, "title": name},
            "x2": {"field": "to"},
            "y": {"field": "TIFFs", "type": "quantitative", "stack": "zero"},
            "color": {
                "field": "verdict",
                "type": "nominal",
                "scale": {
                    "domain": [one.value for one in used],
                    "range": [_COLOURS[one] for one in used],
                },
            },
            "opacity": {"condition": {"param": "shown", "value": 1}, "value": 0.15},
            "tooltip": [{"field": field} for field in ("from", "to", "verdict", "TIFFs")],
        },
    }
    return _layered([bars], limit)


def curve(points: Sequence[SweepPoint], threshold: str, chosen: float) -> Spec:
    """Shares over the values of a threshold."""
    values = [
        {"value": point.value, "share": share, "of": name.replace("_", " ")}
        for point in points
        for name in ("match_rate", "precision", "recall")
        if (share := getattr(point, name)) is not None and math.isfinite(share)
    ]
    lines: Spec = {
        "data": {"values": values},
        "mark": {"type": "line", "point": True, "tooltip": True, "interpolate": "step-after"},
        "params": [{"name": "zoom", "select": "interval", "bind": "scales"}],
        "encoding": {
            "x": {"field": "value", "type": "quantitative", "title": threshold},
            "y": {"field": "share", "type": "quantitative", "scale": {"domain": [0, 1]}},
            "color": {"field": "of", "type": "nominal", "title": None},
            "strokeDash": {"field": "of", "type": "nominal", "title": None},
        },
    }
    return _layered([lines], chosen)


def categories(published: Mapping[str, int], labelled: Mapping[str, int]) -> Spec:
    """Two bars a category."""
    values = [
        {"category": name, "files": found.get(name, 0), "of": of}
        for name in sorted({*published, *labelled})
        for of, found in (("published JPEGs", published), ("labelled TIFFs", labelled))
    ]
    return {
        "$schema": _SCHEMA,
        "width": "container",
        "data": {"values": values},
        "mark": {"type": "bar", "tooltip": True},
        "encoding": {
            "y": {"field": "category", "type": "nominal", "title": None},
            "yOffset": {"field": "of", "sort": "descending"},
            "x": {"field": "files", "type": "quantitative"},
            "color": {"field": "of", "type": "nominal", "title": None, "sort": "descending"},
        },
    }


def _layered(layers: Sequence[Spec], limit: float | None) -> Spec:
    """`layers` with the limit in force as a line."""
    line: Spec = {
        "data": {"values": [{"limit": limit}]},
        "mark": {"type": "rule", "strokeDash": [4, 3], "tooltip": True},
        "encoding": {"x": {"field": "limit", "type": "quantitative"}},
    }
    shown = [*layers, *([] if limit is None else [line])]
    return {"$schema": _SCHEMA, "width": "container", "height": 220, "layer": shown}
