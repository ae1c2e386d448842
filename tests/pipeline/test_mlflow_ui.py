"""Two runs side by side in the MLflow UI, in a real browser."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from mlflow.tracking import MlflowClient

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture
def ui(experimented):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "backlabel", "mlflow", "--port", str(port)],
        cwd=experimented.path,
        env={**experimented.environment, "PYTHONPATH": "src"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield wait_for(f"http://127.0.0.1:{port}", server)
    finally:
        server.terminate()
        server.wait()


def wait_for(url, server):
    for _ in range(240):
        try:
            with urllib.request.urlopen(f"{url}/health"):
                return url
        except (urllib.error.URLError, ConnectionError):
            assert server.poll() is None, "the MLflow server ended by itself"
            time.sleep(0.5)
    raise AssertionError("the MLflow server does not answer")


def test_two_runs_compared(ui, experimented, tmp_path):
    client = MlflowClient(f"sqlite:///{experimented.path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("backlabel").experiment_id
    ids = [run.info.run_id for run in client.search_runs([experiment])]
    query = urllib.parse.urlencode({"runs": json.dumps(ids), "experiments": f'["{experiment}"]'})
    page = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(f"--user-data-dir={tmp_path}", "--virtual-time-budget=90000", "--timeout=60000"),
            *("--dump-dom", f"{ui}/#/compare-runs?{query}"),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    ).stdout
    assert f"Comparing {len(ids)} Runs" in page
    assert "stricter" in page
    assert "compare.hamming_threshold" in page
