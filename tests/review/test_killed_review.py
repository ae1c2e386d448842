"""A server that is killed in the middle of decisions: nothing is lost, nothing is torn."""

from __future__ import annotations

import http.client
import json
import signal
import threading
from contextlib import closing

import pytest

from backlabel import config
from backlabel.labels import reviews
from backlabel.review import desk
from backlabel.storage import paths

pytestmark = pytest.mark.slow


class Clicker(threading.Thread):
    """Decides on one pair again and again until the server is gone; keeps what was confirmed."""

    def __init__(self, served, pair, enough):
        super().__init__()
        self.served, self.pair, self.enough = served, pair, enough
        self.sent = self.confirmed = 0

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=60)
        headers = {
            "Cookie": f"backlabel-{self.served.port}={self.served.token}",
            "Origin": self.served.root,
            "Content-Type": "application/json",
        }
        try:
            while True:
                self.sent += 1
                wish = {"id": self.pair.id, "decision": "reject", "why": f"number {self.sent}"}
                connection.request("POST", "/api/decide", json.dumps(wish), headers)
                with connection.getresponse() as answer:
                    answer.read()
                    assert answer.status == 200
                self.confirmed = self.sent
                self.enough.release()
        except (OSError, http.client.HTTPException):
            self.enough.release()  # the server is gone
        finally:
            connection.close()


def test_ctrl_c_ends_it_and_says_what_applies_the_decisions(served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=120)
    with closing(connection):
        connection.request("GET", "/")
        connection.getresponse().read()  # it runs: what struck earlier would be any command's end
    served.process.send_signal(signal.SIGINT)
    told, _ = served.process.communicate(timeout=120)
    assert told.splitlines()[-1] == (
        "What was decided is in reviews/decisions.csv; `dvc repro label` applies it."
    )
    assert served.process.returncode == 0


def test_a_confirmed_decision_is_in_the_file(served):
    enough = threading.Semaphore(0)
    clickers = [Clicker(served, pair, enough) for pair in desk.load(config.load()).pairs]
    for clicker in clickers:
        clicker.start()
    for _ in range(20):  # decisions are under way, and go on being made
        assert enough.acquire(timeout=120)
    served.process.kill()
    served.process.wait()
    for clicker in clickers:
        clicker.join()
    written = {one.TIFF_path: int(one.why.split()[1]) for one in reviews.read(paths.DECISIONS)}
    assert sum(clicker.confirmed for clicker in clickers) >= 20
    for clicker in clickers:
        number = written.get(clicker.pair.row.TIFF_path, 0)
        assert clicker.confirmed <= number <= clicker.sent
