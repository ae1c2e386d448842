"""MLflow's own pages, served on loopback, with the address at which this project's runs are."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser

from backlabel.errors import ConfigError
from backlabel.reporting import places, tracking

HOST = "127.0.0.1"
_LONGEST_START_S = 120.0
_POLL_S = 0.5


def serve(experiment: str, port: int) -> int:
    """Serve the UI until it is ended; returns its exit status.

    Says where the runs of `experiment` are and, at a terminal, opens that in a browser. Raises
    ConfigError where the port is in use, TrackingAwayError where the store cannot be used.
    """
    _refuse_used(port)
    url = address(tracking.experiment_id(experiment), port)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", places.tracking_uri()]
    command += ["--host", HOST, "--port", str(port), "--workers", "1"]
    # Eight more processes, each with an import of MLflow, would wait for jobs over language models.
    environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **os.environ}
    with subprocess.Popen(command, env=environment) as server:  # noqa: S603 - the same Python's MLflow
        try:
            if _answers(port, server):
                sys.stdout.write(f"The runs of {experiment!r}: {url}\nCtrl-C ends the server.\n")
                sys.stdout.flush()
                if sys.stdout.isatty():
                    webbrowser.open(url)
            return server.wait()
        finally:
            server.terminate()


def address(experiment_id: str, port: int) -> str:
    """The page with the runs of an experiment.

    Without the last part MLflow 3 shows the page of an experiment for what it takes it to be, and
    for one that it knows nothing about that is an empty page about language models.
    """
    return f"http://{HOST}:{port}/#/experiments/{experiment_id}/runs?workflowType=machine_learning"


def _refuse_used(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise ConfigError(
                f"port {port} of {HOST} cannot be used ({error}). Another MLflow may be running; "
                f"choose another port: `backlabel mlflow --port {port % 60000 + 1}`, or "
                f"`backlabel mlflow --port {port % 60000 + 1}`."
            ) from error


def _answers(port: int, server: subprocess.Popen[bytes]) -> bool:
    """Wait until the server answers; False where it ended by itself, or is not up in time."""
    last = time.monotonic() + _LONGEST_START_S
    while server.poll() is None and time.monotonic() < last:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/health"):
                return True
        except (urllib.error.URLError, ConnectionError):
            time.sleep(_POLL_S)
    return False
