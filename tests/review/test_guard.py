"""Attacks on the page: other names, other sites, other tokens, paths, floods."""

from __future__ import annotations

import http.client
import json
import os
from contextlib import closing
from pathlib import Path

import psutil
import pytest

import workspace
from backlabel import config
from backlabel.labels import reviews
from backlabel.review import desk
from backlabel.review.guard import MAX_BODY
from backlabel.storage import paths

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One server for all tests, in the current folder: what a test changes it takes back."""
    root = tmp_path_factory.mktemp("guard")
    workspace.make_decidable(root)
    with pytest.MonkeyPatch.context() as patch, workspace.serving(root) as server:
        patch.chdir(root)
        yield server


@pytest.fixture
def ask(served):
    def send(path, method="GET", body=None, **headers):
        """Status and text of a request that is all right but for `headers`; None leaves one out."""
        right = {
            "Host": f"127.0.0.1:{served.port}",
            "Cookie": f"backlabel-{served.port}={served.token}",
        }
        if method != "GET":
            right |= {"Origin": served.root, "Content-Type": "application/json"}
        right |= {"Content-Length": str(len(body))} if body is not None else {}
        right |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        with closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in right.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(body)
            with connection.getresponse() as answer:
                return answer.status, answer.read(), dict(answer.getheaders())

    return send


def first_id():
    return desk.load(config.load()).pairs[0].id


def decision(**others):
    return json.dumps({"id": first_id(), "decision": "reject", "tab": "t", **others}).encode()


def test_what_is_right_is_answered(ask):
    status, text, headers = ask("/api/queue")
    assert (status, len(json.loads(text)["ids"])) == (200, 4)
    assert "default-src 'none'" in headers["content-security-policy"]
    assert ask("/api/decide", "POST", decision())[0] == 200
    assert len(reviews.read(paths.DECISIONS)) == 1
    assert ask("/api/undo", "POST", b'{"tab": "t"}')[0] == 200
    assert reviews.read(paths.DECISIONS) == []


def test_without_the_token_nothing_is_read(ask, served):
    own, other = f"backlabel-{served.port}", f"backlabel-1={served.token}"
    for path in ("/", "/api/queue", "/static/review.js", "/image/0/0/tiff"):
        for cookie in (None, "", "backlabel=x", f"{own}=", f"{own}=wrong", f"{own}=\xe9", other):
            assert (path, cookie, ask(path, Cookie=cookie)[0]) == (path, cookie, 403)


def test_the_token_goes_from_the_address_into_a_cookie(ask, served):
    status, _, headers = ask(f"/?token={served.token}", Cookie=None)
    assert (status, headers["location"]) == (303, "/")
    kept = headers["set-cookie"].lower()
    assert "httponly" in kept
    assert "samesite=strict" in kept
    assert ask("/?token=wrong", Cookie=None)[0] == 403


def test_other_names_are_refused(ask, served):
    port = served.port
    names = ["", "evil.example", f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1"]
    names += [f"[::1]:{port}", f"127.0.0.1:{port}@evil.example", f"localhost.:{port}", None]
    answers = {name: ask("/api/queue", Host=name)[0] for name in names}
    assert {name: status for name, status in answers.items() if status not in (400, 421)} == {}


def test_localhost_is_a_name_of_this_machine(ask, served):
    assert ask("/api/queue", Host=f"localhost:{served.port}")[0] == 200


def test_other_sites_decide_nothing(ask, served):
    port = served.port
    origins = [None, "null", "", "http://evil.example", f"https://127.0.0.1:{port}"]
    origins += ["http://127.0.0.1", "http://127.0.0.1:1", f"http://localhost:{port}"]
    for path in ("/api/decide", "/api/undo", "/api/bulk", "/api/preview"):
        for origin in origins:
            status, _, _ = ask(path, "POST", decision(), Origin=origin)
            assert (path, origin, status) == (path, origin, 403)
    assert reviews.read(paths.DECISIONS) == []


def test_forms_and_floods_are_refused(ask):
    assert ask("/api/decide", "POST", decision(), Content_Type="text/plain")[0] == 415
    assert ask("/api/decide", "POST", b"x", Content_Length=str(MAX_BODY + 1))[0] == 413
    assert ask("/api/decide", "POST", Transfer_Encoding="chunked")[0] == 413


def test_reading_decides_nothing(ask):
    for path in ("/api/decide", "/api/undo", "/api/bulk"):
        assert ask(path)[0] == 405


def test_paths_lead_nowhere(ask):
    known = first_id()
    tried = [
        "/image/../../params.yaml",
        "/image/data%2Ftiff%2Fa%2Fnear.tif/0/tiff",
        f"/image/{known}/0/..%2F..%2Fparams.yaml",
        f"/image/{known}/0/nothing",
        f"/image/{known}/3/tiff",
        f"/image/{known}/-1/tiff",
        "/static/../app.py",
        "/static/..%2Fapp.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/params.yaml",
    ]
    answers = {path: ask(path)[0] for path in tried}
    assert answers == dict.fromkeys(tried, 404)


def test_nonsense_is_refused_with_a_sentence(ask):
    unknown = [b'{"id": 7, "decision": "reject"}', b'{"id": "0123", "decision": "reject"}']
    for body in (b"", b"[]", b"{", b"\xff", *unknown):
        status, text, _ = ask("/api/decide", "POST", body)
        assert (body, status in (400, 409)) == (body, True)
        assert json.loads(text)["error"]
    assert reviews.read(paths.DECISIONS) == []


def test_a_decision_must_be_one(ask):
    for wrong in ({"decision": "drop"}, {"why": 7}, {"decision": None}, {"tab": []}):
        assert ask("/api/decide", "POST", decision(**wrong))[0] == 409
    assert reviews.read(paths.DECISIONS) == []


def test_it_listens_on_loopback_alone(served):
    connections = psutil.Process(served.process.pid).net_connections()
    listening = {tuple(one.laddr) for one in connections if one.status == psutil.CONN_LISTEN}
    assert listening == {("127.0.0.1", served.port)}


def test_a_picture_that_cannot_be_read_is_told(ask):
    damaged, other = desk.load(config.load()).pairs[:2]
    tiff = Path(damaged.row.TIFF_path)
    whole = tiff.read_bytes()
    tiff.write_bytes(whole[:200])
    status, text, _ = ask(f"/image/{damaged.id}/0/tiff")
    tiff.write_bytes(whole)
    assert (status, "not the one that was compared" in json.loads(text)["error"]) == (422, True)
    for view in ("tiff", "jpeg", "matched", "thumb"):
        status, content, _ = ask(f"/image/{other.id}/0/{view}")
        assert (view, status, content[:4]) == (view, 200, b"\x89PNG")


def test_a_port_that_is_used_is_told(served):
    taken = ("--port", str(served.port))
    status, told = workspace.run(Path.cwd(), "review", "--who", "Ada", *taken)
    assert status == 2
    assert f"port {served.port} of 127.0.0.1 cannot be used" in told


def test_somebody_must_decide(project, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    status, told = workspace.run(project, "review")
    assert status == 2
    assert "git config user.name" in told
