"""Kills a stage at chosen writes and lets it run again; a script, for it forks.

    python killing.py STAGE TEMPLATE WORK COUNT SEED

Each time WORK is made anew from TEMPLATE and the stage is killed (SIGKILL) just before one of its
changes to the file system: opening a file for writing, renaming, removing, making a folder. COUNT
of all such moments are drawn with SEED; 0 takes every one. Prints what came of it as JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import shutil
import signal
import sys
from pathlib import Path

import workspace
from backlabel import config
from backlabel.storage import paths, tables
from backlabel.storage.rows import Match

OUTPUTS = ("csv", "labeled", "metrics", "plots", "reviews")
_WRITING = os.O_WRONLY | os.O_RDWR
_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"}


def main(stage, template, work, count, seed):
    module = importlib.import_module(f"backlabel.stages.{stage}")
    if stage == "label":  # the others keep threads, which a fork would lose
        fresh(template, work)
        os.chdir(work)
        # What is loaded late is loaded once; without a file to label no worker is started, which a
        # fork would lose too.
        tables.write(paths.mapping_path(None), Match, [])
        module.main(config.load())

    def attempt(*, kill_at=None):
        return forked(module, work, kill_at)

    fresh(template, work)
    before = workspace.listing(work, *OUTPUTS)
    status, moments = attempt()
    assert status == 0
    want = workspace.listing(work, *OUTPUTS)
    points = range(moments)
    if count:
        points = sorted(random.Random(seed).sample(points, count))
    told = {"moments": moments, "killed": 0, "torn": [], "different": [], "left": []}
    for point in points:
        fresh(template, work)
        status, _ = attempt(kill_at=point)
        told["killed"] += status == -signal.SIGKILL
        for path, digest in workspace.listing(work, *OUTPUTS).items():
            if not unfinished(path) and digest not in (before.get(path), want.get(path)):
                told["torn"].append([point, path])
        status, _ = attempt()
        got = workspace.listing(work, *OUTPUTS)
        if status != 0 or got != want:
            told["different"].append([point, status, *sorted(got.items() ^ want.items())])
        told["left"] += [
            [point, path.relative_to(work).as_posix()]
            for path in work.rglob("*")
            if unfinished(path.relative_to(work).as_posix()) and ".backlabel" not in path.parts
        ]
    print(json.dumps(told))  # noqa: T201


def unfinished(path):
    return ".partial-" in path or path.startswith(".labeled")


def fresh(template, work):
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(template, work)


def forked(module, work, kill_at):
    """The exit status, negative for a signal, and how many changes there were."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.chdir(work)
        seen = watch(kill_at)
        module.main(config.load())
        os.write(writer, str(len(seen)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        text = told.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), int(text or 0)


def watch(kill_at):
    seen = []
    root = str(Path.cwd())

    def hook(event, arguments):
        if event == "open":
            path, _, flags = arguments
            if not (isinstance(flags, int) and flags & _WRITING):
                return
        elif event in _CHANGES:
            path = arguments[0]
        else:
            return
        if not isinstance(path, int):
            path = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - no Path: this is hot
            if not path.startswith(root) or "/.backlabel/" in path:
                return
        if len(seen) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        seen.append(event)

    sys.addaudithook(hook)
    return seen


if __name__ == "__main__":
    stage, template, work, count, seed = sys.argv[1:]
    main(stage, Path(template), Path(work), int(count), int(seed))
