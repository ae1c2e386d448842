"""A small project with something to decide, and the page that is served over it."""

from __future__ import annotations

import pytest

import chromium
import workspace


@pytest.fixture
def project(tmp_path, monkeypatch):
    """What `workspace.make_decidable` makes, as the current folder."""
    workspace.make_decidable(tmp_path)
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


@pytest.fixture
def browser():
    with chromium.opened() as context:
        yield context


@pytest.fixture
def page(browser, served):
    return chromium.review(browser, served.url)
