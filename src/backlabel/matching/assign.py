"""One JPEG, or part of it, to at most one TIFF, so that the sum of all scores is largest."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backlabel.matching.decide import Decision, Limits, Rule, score
from backlabel.matching.evidence import Candidate
from backlabel.storage.rows import PageKey, Verdict


@dataclass(frozen=True)
class Edge:
    """A TIFF may be the original of a JPEG."""

    tiff: int
    jpeg: int
    score: float
    """Higher is better; 0 or less is never assigned."""


@dataclass(frozen=True)
class _Rivalry:
    """Who wants which region of a JPEG, and who got it."""

    given: Mapping[int, int]
    """Region by TIFF."""
    claims: Mapping[int, Mapping[int, float]]
    """Scores by region and TIFF."""
    region_of: Mapping[tuple[int, int], int]
    """Region by TIFF and JPEG."""
    file_of: Sequence[Hashable]
    """Equal for the pages of one file."""


def assign(edges: Iterable[Edge]) -> dict[int, int]:
    """JPEG by TIFF, each at most once, with the largest sum of scores.

    Independent groups are solved one by one (Hungarian method), so that a million TIFFs with few
    edges each stay cheap. The order of `edges` does not matter.
    """
    ordered = sorted(edges, key=lambda edge: (edge.tiff, edge.jpeg, -edge.score))
    assigned: dict[int, int] = {}
    for group in _groups(ordered):
        assigned.update(_solve(group))
    return assigned


def one_to_one(
    decisions: Sequence[Decision],
    identical: Sequence[Hashable],
    limits: Limits,
    rule: Rule,
    files: Sequence[Hashable] | None = None,
) -> list[Decision]:
    """`decisions`, one a picture, with conflicts over a JPEG settled or named.

    `identical[i]` is the same for pictures of identical content (say a digest): they stand for one
    another and share the JPEG. Parts of a JPEG that share no pixels count as JPEGs. A picture keeps
    its verdict when the assignment gives it the JPEG that it chose and no other TIFF would pass for
    it within `min_margin`; otherwise it is ambiguous. Pictures of one TIFF, equal in `files`, are
    no such rivals: whichever of them it is, the file gets the JPEG's label.
    """
    heads = _heads(identical)
    claimed = [
        (tiff, one)
        for tiff, decision in enumerate(decisions)
        for one in decision.acceptable
        if heads[tiff] == tiff
    ]
    regions = _regions([one for _, one in claimed])
    wanted = [
        Edge(tiff, region, _worth(score(one, limits, rule)))
        for (tiff, one), region in zip(claimed, regions, strict=True)
    ]
    region_of = {
        (tiff, one.row): region for (tiff, one), region in zip(claimed, regions, strict=True)
    }
    given = assign(wanted)
    claims: dict[int, dict[int, float]] = {}
    for edge in wanted:
        claims.setdefault(edge.jpeg, {})[edge.tiff] = edge.score
    rivalry = _Rivalry(given, claims, region_of, range(len(decisions)) if files is None else files)
    return [
        _settled(decision, heads[tiff], rivalry, limits) for tiff, decision in enumerate(decisions)
    ]


def one_label(decisions: Sequence[Decision], keys: Sequence[PageKey]) -> list[Decision]:
    """`decisions`, one a picture: a file has one label, so that pages of several are ambiguous.

    `keys[i]` is the picture that decision i is on.
    """
    labels: dict[str, dict[int, str]] = {}
    for decision, (path, page) in zip(decisions, keys, strict=True):
        if decision.verdict is Verdict.MATCHED and decision.chosen is not None:
            labels.setdefault(path, {})[page] = decision.chosen.label
    several = {path: found for path, found in labels.items() if len({*found.values()}) > 1}
    return [
        _ambiguous(decision, _other_labels(several[path], page))
        if decision.verdict is Verdict.MATCHED and path in several
        else decision
        for decision, (path, page) in zip(decisions, keys, strict=True)
    ]


def _other_labels(labels: Mapping[int, str], page: int) -> str:
    other = min(number for number, label in labels.items() if label != labels[page])
    return (
        f"This page would have label {labels[page]}, and page {other} of the same TIFF "
        f"{labels[other]}; a file has one label."
    )


def duplicates(identical: Iterable[Hashable]) -> dict[int, list[int]]:
    """The other TIFFs of identical content, for each TIFF that has any."""
    members: dict[Hashable, list[int]] = {}
    for tiff, content in enumerate(identical):
        members.setdefault(content, []).append(tiff)
    return {
        tiff: [other for other in group if other != tiff]
        for group in members.values()
        if len(group) > 1
        for tiff in group
    }


def _settled(
    decision: Decision,
    head: int,
    rivalry: _Rivalry,
    limits: Limits,
) -> Decision:
    chosen = decision.chosen
    if decision.verdict is not Verdict.MATCHED or chosen is None:
        return decision
    wanted = rivalry.region_of[head, chosen.row]
    if rivalry.given.get(head) != wanted:
        return _ambiguous(decision, "The JPEG was given to another TIFF that fits it better.")
    claims, file_of = rivalry.claims[wanted], rivalry.file_of
    mine = claims[head]
    rivals = [value for tiff, value in claims.items() if file_of[tiff] != file_of[head]]
    if rivals and mine - max(rivals) < limits.min_margin:
        lead = mine - max(rivals)
        reason = (
            f"Another TIFF fits the JPEG too, {lead:.3f} behind; {limits.min_margin} is needed."
        )
        return _ambiguous(decision, reason)
    return decision


def _ambiguous(decision: Decision, reason: str) -> Decision:
    return dataclasses.replace(decision, verdict=Verdict.AMBIGUOUS, reason=reason)


def _regions(claims: Sequence[Candidate]) -> list[int]:
    """A number for each claim: the same where two claim the same pixels of a JPEG.

    Claims that hang together by one that overlaps both count as one region.
    """
    by_jpeg: dict[int, list[int]] = {}
    for i, one in enumerate(claims):
        by_jpeg.setdefault(one.row, []).append(i)
    found = [*range(len(claims))]
    for members in by_jpeg.values():
        for i, j in itertools.combinations(members, 2):
            mine, theirs = claims[i].pair.part, claims[j].pair.part
            if found[i] != found[j] and (mine is None or mine.shares_pixels(theirs)):
                kept, gone = sorted((found[i], found[j]))
                for k in members:
                    found[k] = kept if found[k] == gone else found[k]
    return found


def _heads(identical: Sequence[Hashable]) -> list[int]:
    """For each TIFF the first one of identical content."""
    first: dict[Hashable, int] = {}
    return [first.setdefault(content, tiff) for tiff, content in enumerate(identical)]


def _worth(value: float | None) -> float:
    return 0.0 if value is None else max(value, 0.0)


def _groups(edges: Sequence[Edge]) -> list[list[Edge]]:
    """Edges that hang together through a TIFF or a JPEG."""
    if len({edge.jpeg for edge in edges}) == len({(edge.jpeg, edge.tiff) for edge in edges}):
        return _by_tiff(edges)  # no JPEG has two TIFFs
    from scipy.sparse import coo_array  # noqa: PLC0415 - slow to import, and seldom needed
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    tiffs, rows = np.unique([edge.tiff for edge in edges], return_inverse=True)
    jpegs, columns = np.unique([edge.jpeg for edge in edges], return_inverse=True)
    size = len(tiffs) + len(jpegs)
    links = coo_array((np.ones(len(edges)), (rows, columns + len(tiffs))), shape=(size, size))
    count, group = connected_components(links, directed=False)
    found: list[list[Edge]] = [[] for _ in range(count)]
    for edge, row in zip(edges, rows, strict=True):
        found[group[row]].append(edge)
    return found


def _by_tiff(edges: Sequence[Edge]) -> list[list[Edge]]:
    found: dict[int, list[Edge]] = {}
    for edge in edges:
        found.setdefault(edge.tiff, []).append(edge)
    return [*found.values()]


def _solve(edges: Sequence[Edge]) -> dict[int, int]:
    if len({edge.tiff for edge in edges}) == 1:
        best = max(edges, key=lambda edge: edge.score)
        return {best.tiff: best.jpeg} if best.score > 0 else {}
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - as above

    tiffs = sorted({edge.tiff for edge in edges})
    jpegs = sorted({edge.jpeg for edge in edges})
    row_of = {tiff: row for row, tiff in enumerate(tiffs)}
    column_of = {jpeg: column for column, jpeg in enumerate(jpegs)}
    scores = np.zeros((len(tiffs), len(jpegs)))
    for edge in edges:
        at = row_of[edge.tiff], column_of[edge.jpeg]
        scores[at] = max(scores[at], edge.score)
    rows, columns = linear_sum_assignment(scores, maximize=True)
    return {
        tiffs[row]: jpegs[column]
        for row, column in zip(rows, columns, strict=True)
        if scores[row, column] > 0
    }
