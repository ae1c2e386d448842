"""A small project with something to decide, and the page that is served over it."""

from __future__ import annotations

from dataclasses import replace

import pytest

import workspace
from backlabel.storage import paths, tables
from backlabel.storage.rows import Match, Verdict

PAIRS = [
    ("a/near.tif", "L1", 1),
    ("a/twin.tif", "L9", 2),
    ("b/miss.tif", "L9", 3),
    ("b/sure.tif", "L1", 4),
]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Four TIFFs: one just matched, one ambiguous, one that just failed, one that is sure."""
    workspace.make(tmp_path, PAIRS)
    _, jpegs, rows = workspace.write_tables(tmp_path, PAIRS)
    near, twin, miss, sure = rows
    rows = [
        replace(near, noise_correlation=0.5, ssim_matched=0.9, margin=0.3),
        replace(
            twin,
            noise_correlation=0.9,
            ssim_matched=0.9,
            verdict=Verdict.AMBIGUOUS,
            reason="Another JPEG would pass and is only 0.010 behind; 0.05 is needed.",
            label=None,
            category=None,
            runner_up_path=jpegs[0].path,
            runner_up_hamming=4,
            margin=0.01,
        ),
        replace(
            miss,
            noise_correlation=0.42,
            ssim_matched=0.9,
            verdict=Verdict.TOO_DIFFERENT,
            reason="Noise correlation 0.420 is below 0.44.",
            label=None,
            category=None,
        ),
        replace(sure, noise_correlation=0.99, ssim_matched=0.99),
    ]
    tables.write(tmp_path / paths.mapping_path(None), Match, rows)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def served(project):
    """The address with the token, of a server that runs over the project."""
    server = workspace.start(project, "review", "--who", "Ada")
    try:
        yield Served(server, workspace.address(server))
    finally:
        server.kill()
        server.communicate()


class Served:
    """A server and where it answers."""

    def __init__(self, process, url):
        self.process, self.url = process, url
        self.root, _, self.token = url.partition("/?token=")
        self.port = int(self.root.rpartition(":")[2])
