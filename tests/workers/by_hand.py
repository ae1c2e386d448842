"""Dask schedulers and workers, started as people start them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300  # for what takes a second on a machine that does nothing else
SCHEDULER = "from distributed.cli.dask_scheduler import main; main()"
WORKER = "from distributed.cli.dask_worker import main; main()"


SOON_LOST = {"DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "1s"}  # Slurm's job; else 15 s


def environment():
    path = os.pathsep.join(map(str, (ROOT / "src", ROOT / "tests" / "workers")))
    return {**os.environ, **SOON_LOST, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def wait_for(condition, what):
    """The first true value of `condition()`."""
    until = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < until, f"{what}: not within {PATIENCE_S} seconds"
        time.sleep(0.05)
    return found


class ByHand:
    """A scheduler, workers and clients in a folder; all end with the block."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.errors = folder / "errors.txt"
        self.processes = []
        self.timers = []
        self.tls = []
        self.address = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
            if process.stdout:
                process.stdout.close()
        for timer in self.timers:
            timer.cancel()

    def start(self, *command, inside=(), **options):
        """Python with the arguments `command`, started by the command `inside`."""
        process = subprocess.Popen(
            [*inside, sys.executable, *command],
            cwd=self.folder,
            env=environment(),
            text=True,
            start_new_session=True,
            **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options},
        )
        self.processes.append(process)
        return process

    def scheduler(self, before="", protocol="tcp"):
        started = self.start(
            "-c",
            f"{before}\n{SCHEDULER}",
            *("--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
            *("--scheduler-file", str(self.file), "--protocol", protocol, *self.tls),
        )
        self.address = wait_for(self._address, "the scheduler")
        return started

    def _address(self):
        with suppress(OSError, ValueError):  # not there yet, or half-written
            return json.loads(self.file.read_text())["address"]
        return None

    def worker(self, before="", inside=(), threads=1):
        """A worker, which runs the line `before` first; `inside` as in `start`."""
        return self.start(
            "-c",
            f"{before}\n{WORKER}",
            *(self.address, "--nthreads", str(threads), "--no-nanny", "--no-dashboard", *self.tls),
            *("--local-directory", str(self.folder / "scratch")),
            inside=inside,
        )

    def client(self, function, items, *, limits=None, **settings):
        """A client at work; its results come line by line."""
        known = {"file": "dask", "wait_s": PATIENCE_S, "address": self.address, **settings}
        with self.errors.open("w") as errors:
            client = self.start(
                str(Path(__file__).with_name("over_cluster.py")),
                *(json.dumps(known), function, json.dumps(items), json.dumps(limits or {})),
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self.timers.append(threading.Timer(PATIENCE_S, client.kill))
        self.timers[-1].start()
        return client

    def ended(self, client):
        """The results of a client that were not read yet, and all that it says of errors."""
        found = [json.loads(line) for line in client.stdout]
        client.wait()
        return found, self.errors.read_text()
