"""Two runs side by side in the MLflow UI, in a real browser."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.parse

import pytest
from mlflow.tracking import MlflowClient
from playwright.sync_api import expect

import chromium

pytestmark = [pytest.mark.pipeline, *chromium.NEEDED]


@pytest.fixture(scope="module")
def ui(experimented, tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = tmp_path_factory.mktemp("ui") / "told.txt"
    with told.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "backlabel", "mlflow", "--port", str(port)],
            cwd=experimented.path,
            env=experimented.environment,
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
    try:
        yield printed_address(told, server)
    finally:
        server.terminate()
        server.wait()


def printed_address(told, server):
    for _ in range(240):
        found = re.search(r"The runs of 'backlabel': (http\S+)", told.read_text())
        if found:
            return found[1]
        assert server.poll() is None, "the MLflow server ended by itself"
        time.sleep(0.5)
    raise AssertionError("the MLflow server does not answer")


@pytest.fixture
def page():
    with chromium.opened() as browser:
        yield browser.new_page()


def test_from_the_printed_address_to_a_run(ui, experimented, page):
    found = json.loads((experimented.path / "metrics/compare.json").read_text())
    page.goto(ui)
    expect(page.get_by_role("link", name=re.compile("^as-in-conf-"))).to_be_visible()
    page.get_by_role("link", name=re.compile("^hamming_threshold=10")).click()
    changed = "compare.hamming_threshold: 150 in conf/, 10 in params.yaml"
    shown = page.locator("body")
    expect(shown).to_contain_text(changed)
    expect(shown).to_contain_text(f"{found['matched']} of {found['tiffs']} originals matched")
    expect(shown).to_contain_text(re.compile(r"match_rate.*details/hash\.jpegs", re.DOTALL))


def test_two_runs_compared(ui, experimented, page):
    client = MlflowClient(f"sqlite:///{experimented.path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("backlabel").experiment_id
    ids = [run.info.run_id for run in client.search_runs([experiment])]
    query = urllib.parse.urlencode({"runs": json.dumps(ids), "experiments": f'["{experiment}"]'})
    page.goto(f"{ui.partition('/#')[0]}/#/compare-runs?{query}")
    shown = page.locator("body")
    expect(shown).to_contain_text(f"Comparing {len(ids)} Runs")
    expect(shown).to_contain_text("hamming_threshold=10")
    expect(shown).to_contain_text("compare.hamming_threshold")
