"""What the page asks for again and again is little, whatever the number of pairs."""

from __future__ import annotations

import secrets
import socket
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from backlabel import config
from backlabel.review import app, serving
from backlabel.review.book import Book
from backlabel.storage import paths, tables
from backlabel.storage.rows import Match, Verdict

PORT = 8765


@pytest.fixture
def client(project):
    """One that may ask; no picture is asked for, so that no studio is needed."""
    page = app.Page(config.load(), Book(), None, "Ada")
    root = f"http://127.0.0.1:{PORT}"
    headers = {"Origin": root, "Content-Type": "application/json"}
    token = secrets.token_hex(4)
    made = TestClient(app.make(page, token=token, port=PORT), base_url=root, headers=headers)
    made.get(f"/?token={token}")
    return made


def test_a_page_that_knows_the_pairs_is_told_ids_alone(client):
    first = client.get("/api/queue").json()
    assert {line[0] for line in first["lines"]} == {*first["ids"]}
    asked = {"tables": first["tables"], "since": first["version"], "verdict": "ambiguous"}
    second = client.get("/api/queue", params=asked).json()
    assert (second["ids"], second["changed"]) == (first["ids"][:1], [])
    assert "lines" not in second


def test_a_filter_tells_what_was_decided_meanwhile(client):
    first = client.get("/api/queue").json()
    client.post("/api/decide", json={"id": first["ids"][0], "decision": "reject"})
    asked = {"tables": first["tables"], "since": first["version"]}
    assert client.get("/api/queue", params=asked).json()["changed"] == [[first["ids"][0], "reject"]]
    # A page that was just opened is told of all that is decided.
    assert client.get("/api/queue").json()["changed"] == [[first["ids"][0], "reject"]]


def test_tables_of_another_run_have_another_name(client):
    first = client.get("/api/queue").json()
    path = paths.mapping_path(None)
    rows = tables.read(path, Match)
    tables.write(path, Match, [replace(row, verdict=Verdict.AMBIGUOUS) for row in rows])
    asked = {"tables": first["tables"], "since": first["version"]}
    assert client.get("/api/changes", params=asked).json()["tables"] != first["tables"]
    again = client.get("/api/queue", params=asked).json()
    assert [line[2] for line in again["lines"]] == ["ambiguous"] * 4


def test_small_answers_leave_at_once():
    with serving.listening(0) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        with client, accepted:
            # What asyncio asks for before it turns Nagle's waiting off.
            assert accepted.proto == socket.IPPROTO_TCP
