"""Two runs side by side in the MLflow UI, in a real browser."""

from __future__ import annotations

import html
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse

import pytest
from mlflow.tracking import MlflowClient

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture
def ui(experimented, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = tmp_path / "told.txt"
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


def page(url, profile):
    """The page as Chromium shows it once its scripts have run."""
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(f"--user-data-dir={profile}", "--virtual-time-budget=90000", "--timeout=60000"),
            *("--window-size=1600,1200", "--dump-dom", url),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    return html.unescape(done.stdout)


def test_from_the_printed_address_to_a_run(ui, experimented, tmp_path):
    found = json.loads((experimented.path / "metrics/compare.json").read_text())
    told = f"{found['matched']} of {found['tiffs']} originals matched"
    runs = page(ui, tmp_path)
    assert ">hamming_threshold=10" in runs
    assert ">as-in-conf-" in runs
    root = ui.partition("/#")[0]
    links = re.findall(r'href="(#/experiments/\d+/runs/\w+)"', runs)
    pages = [page(f"{root}/{link}", tmp_path) for link in dict.fromkeys(links)]
    changed = "compare.hamming_threshold: 150 in conf/, 10 in params.yaml"
    (shown,) = [one for one in pages if changed in one]
    assert told in shown
    assert shown.index("match_rate") < shown.index("details/hash.jpegs")


def test_two_runs_compared(ui, experimented, tmp_path):
    client = MlflowClient(f"sqlite:///{experimented.path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("backlabel").experiment_id
    ids = [run.info.run_id for run in client.search_runs([experiment])]
    query = urllib.parse.urlencode({"runs": json.dumps(ids), "experiments": f'["{experiment}"]'})
    root = ui.partition("/#")[0]
    compared = page(f"{root}/#/compare-runs?{query}", tmp_path)
    assert f"Comparing {len(ids)} Runs" in compared
    assert "hamming_threshold=10" in compared
    assert "compare.hamming_threshold" in compared
