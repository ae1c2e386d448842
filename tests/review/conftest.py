"""A small project with something to decide, and the page that is served over it."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
import uvicorn

import chromium
import workspace
from backlabel import config
from backlabel.review import app, serving, subject
from backlabel.review.book import Book
from backlabel.review.studio import Studio


@pytest.fixture
def project(tmp_path, monkeypatch):
    """What `workspace.make_decidable` makes, as the current folder."""
    workspace.make_decidable(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def served(project):
    """`backlabel review` over the project."""
    with workspace.serving(project) as server:
        yield server


@pytest.fixture
def inside(project):
    """A server over the project in this process: to start the command takes a second of a core."""
    params = config.load()
    read = params.read
    limits = {"max_seconds": read.max_seconds, "max_memory_mib": read.max_memory_mib}
    with (
        closing(Studio(subject.kept(), **limits)) as studio,
        serving.listening(0) as listener,
    ):
        port = listener.getsockname()[1]
        made = app.make(app.Page(params, Book(), studio, "Ada"), token="t", port=port)  # noqa: S106
        settings = {"log_level": "warning", "lifespan": "off", "ws": "none"}
        server = uvicorn.Server(uvicorn.Config(made, timeout_graceful_shutdown=2, **settings))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield workspace.Served(None, f"http://127.0.0.1:{port}/?token=t")
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def launched():
    with chromium.launched() as browser:
        yield browser


@pytest.fixture
def browser(launched):
    with chromium.window(launched) as context:
        yield context


@pytest.fixture
def page(inside, browser):
    return chromium.review(browser, inside.url)
