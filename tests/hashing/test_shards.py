"""What tasks of a lost run have hashed is taken over, however its images were divided."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.hashing import engine, file
from backlabel.hashing.identity import here, identity
from backlabel.hashing.shards import Shards
from backlabel.inventory.files import Files, Listed

SETTINGS = engine.Settings(
    limits=images.Limits(max_bytes=1 << 20, max_pixels=1 << 20),
    engine="fast",
    workers=1,
    max_seconds=60,
    max_memory_mib=400,
)
LIMITS = (SETTINGS.max_seconds, SETTINGS.max_memory_mib)
COUNT = 12


@pytest.fixture
def items(tmp_path):
    random = np.random.default_rng(0)
    made = []
    for number in range(COUNT):
        path = tmp_path / f"{number:02}.jpg"
        Image.fromarray(random.integers(0, 256, (64, 64), np.uint8)).save(path)
        os.utime(path, (1e9, 1e9))
        made.append(Listed(str(path), "jpeg"))
    (tmp_path / "99.jpg").write_bytes(b"\xff\xd8\xff")
    return [*made, Listed(str(tmp_path / "99.jpg"), "jpeg")]


@pytest.fixture
def computed(monkeypatch):
    """The paths of what is hashed, here instead of in workers."""
    seen = []

    def hashed(item, cache):
        try:
            return file.hash_file(item, limits=SETTINGS.limits, cache=cache)
        except UnreadableImageError as error:
            return error

    def mapped(function, items, settings, shards=None):
        for item in items:
            seen.append(item.path)
            yield item, hashed(item, None)

    monkeypatch.setattr(engine, "mapped", mapped)
    # A file is known again by its identity some seconds after it was written.
    monkeypatch.setattr("backlabel.hashing.identity.SETTLED_S", -60.0)
    return seen


def shown(outcomes):
    return [
        [one.reason]
        if isinstance(one, UnreadableImageError)
        else [one.content.sha256, one.entry.hashes.standardised.tolist(), one.entry.height]
        for one in outcomes
    ]


@pytest.mark.parametrize("seed", range(6))
def test_only_what_no_task_finished_is_hashed_again(items, computed, tmp_path, seed):
    random = np.random.default_rng(seed)
    whole = shown(engine.hash_files(Files(items), SETTINGS, tmp_path / "whole"))
    outcomes = dict(
        zip(items, engine.hash_files(Files(items), SETTINGS, tmp_path / "tasks"), strict=True)
    )
    cache = engine.cache_for(SETTINGS, tmp_path / "lost")
    finished, torn = set(), set()
    # Tasks of any size, some twice by two runs, in any order, some files torn by a crash.
    for _ in range(random.integers(1, 5)):
        own = [items[i] for i in random.permutation(len(items))[: random.integers(1, 6)]]
        before = {*(tmp_path / "lost/shards").glob("*")}
        results = [_again(cache, item, outcomes[item]) for item in own]
        Shards(tmp_path / "lost", cache, LIMITS).keep(own, results)
        (written,) = {*(tmp_path / "lost/shards").glob("*")} - before
        if random.random() < 0.3:
            written.write_bytes(written.read_bytes()[:-9])
            torn.update(own)
        else:
            finished.update(own)
    computed.clear()
    assert shown(engine.hash_files(Files(items), SETTINGS, tmp_path / "lost")) == whole
    assert {*computed} == {item.path for item in items if item not in finished}
    assert not [*(tmp_path / "lost/shards").glob("*")]
    computed.clear()
    assert shown(engine.hash_files(Files(items), SETTINGS, tmp_path / "lost")) == whole
    assert computed == [items[-1].path]  # what cannot be read is tried again by each whole run


def _again(cache, item, outcome):
    """As a worker gives it: with the file's identity there, where its device has another number."""
    if isinstance(outcome, UnreadableImageError):
        return outcome
    numbers = json.loads(identity(os.lstat(item.path)))
    there = json.dumps([numbers[0] + 1, *numbers[1:]]).encode()
    return replace(outcome, content=replace(outcome.content, identity=there))


def lost(items, computed, folder, reason="too slow"):
    """Leave the shard of a run that was lost: of its two files the second could not be read."""
    (known,) = engine.hash_files(Files(items[:1]), SETTINGS, folder)
    results = [known, UnreadableImageError(reason, "the test says so")]
    Shards(folder, engine.cache_for(SETTINGS, folder), LIMITS).keep(items[:2], results)
    computed.clear()


def test_what_a_lost_run_could_not_read_is_not_opened_by_the_next(items, computed, tmp_path):
    lost(items, computed, tmp_path)
    for _ in range(2):  # lost once more: by one that takes over, and ends there
        Shards(tmp_path, engine.cache_for(SETTINGS, tmp_path), LIMITS).take_over()
    found = shown(engine.hash_files(Files(items[:2]), SETTINGS, tmp_path))
    assert (found[1], computed) == (["too slow"], [])
    assert len(shown(engine.hash_files(Files(items[:2]), SETTINGS, tmp_path))[1]) == 3
    assert computed == [items[1].path]


@pytest.mark.parametrize("reason", ["disk error", "vanished", "link", "no permission"])
def test_what_the_system_refused_is_tried_again(items, computed, tmp_path, reason):
    lost(items, computed, tmp_path, reason)
    engine.hash_files(Files(items[:2]), SETTINGS, tmp_path)
    assert computed == [items[1].path]


def test_a_file_that_changed_since_it_could_not_be_read_is_tried_again(items, computed, tmp_path):
    lost(items, computed, tmp_path)
    os.utime(items[1].path, (2e9, 2e9))
    engine.hash_files(Files(items[:2]), SETTINGS, tmp_path)
    assert computed == [items[1].path]


def test_a_file_that_changed_in_the_run_that_could_not_read_it_is_tried_again(
    items, computed, tmp_path, monkeypatch
):
    monkeypatch.setattr("backlabel.hashing.identity.SETTLED_S", 60.0)
    lost(items, computed, tmp_path)
    engine.hash_files(Files(items[1:2]), SETTINGS, tmp_path)
    assert computed == [items[1].path]


@pytest.mark.parametrize("limit", ["max_seconds", "max_memory_mib", "limits"])
def test_other_limits_try_again(items, computed, tmp_path, limit):
    lost(items, computed, tmp_path)
    other = images.Limits(max_bytes=1 << 20, max_pixels=1 << 19) if limit == "limits" else 61
    engine.hash_files(Files(items[1:2]), replace(SETTINGS, **{limit: other}), tmp_path)
    assert computed == [items[1].path]


def test_a_file_that_changed_meanwhile_is_not_known_again(items):
    path = items[0].path
    known = identity(os.lstat(path))
    assert here(known, file.Path(path)) == known
    os.utime(path, (2e9, 2e9))
    assert here(known, file.Path(path)) == b""
    assert here(known, file.Path(path + " gone")) == b""
