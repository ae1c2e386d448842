"""Reaches a Dask scheduler, or starts one; says in a sentence what is wrong with a cluster."""

from __future__ import annotations

import logging
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distributed import Client, LocalCluster
from distributed.comm.core import CommClosedError
from distributed.security import Security

from backlabel import interrupts
from backlabel.errors import UnreadableImageError, WorkerError
from backlabel.images import file_at
from backlabel.storage import names
from backlabel.storage.files import make_folder, shared_folder
from backlabel.workers import remote
from backlabel.workers.pool import cores
from backlabel.workers.progress import tell

if TYPE_CHECKING:
    from backlabel.workers.cluster import Cluster

LOST = (OSError, CommClosedError, TimeoutError, RuntimeError, ValueError)
"""What Dask raises where its scheduler does not answer any more."""
_UNSEEN = ("vanished", "link")
"""Reasons of a file that is not there, and of DVC's link to one."""
_CONNECT_S = 10.0
_PATIENCE_S = 0.2
_JOBS_S = 15.0  # between two looks at what Slurm says of jobs: its controller has others to answer


@dataclass(frozen=True)
class Connection:
    """A client of a scheduler, and the cluster that was started for it, if one was."""

    client: Client
    cluster: Cluster
    address: str
    started: Any

    def threads(self) -> int:
        """How many tasks all workers together can do at a time."""
        return sum(self.client.nthreads().values())

    def dashboard(self) -> str:
        """Where people see the cluster at work."""
        return f"{self.threads()} threads at {self.address}, dashboard {self.client.dashboard_link}"

    def replace_lost_jobs(self) -> None:
        """Submit jobs again that are gone: they come to the end of their time, or are cancelled."""
        if self.cluster.kind == "slurm":
            self.started.scale(jobs=max(self.cluster.workers, 1))

    def jobs(self) -> str:
        """What Slurm says of the jobs, as "PENDING (Resources)"; empty where none is left."""
        numbers = [str(job.job_id) for job in self.started.workers.values() if job.job_id]
        if not numbers:
            return "nothing yet"
        asked = subprocess.run(  # noqa: S603 - the numbers are Slurm's own
            ["squeue", "--noheader", "--format=%T (%r)", f"--jobs={','.join(numbers)}"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode != 0:
            return "nothing yet"
        return ", ".join(sorted({*asked.stdout.splitlines()}))


@contextmanager
def connected(cluster: Cluster) -> Iterator[Connection]:
    """A connection to workers that are fit. Raises WorkerError that says what is missing."""
    for name in ("distributed", "distributed.client"):  # each has a level of its own
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what counts is raised
    with ExitStack() as stack:
        started: Any = None
        address = cluster.address
        if address is None:
            try:
                with interrupts.waiting():  # half-started, none of it would be ended
                    started = stack.enter_context(_STARTED[cluster.kind](cluster))
            except RuntimeError as error:  # Dask says what is wrong, with a traceback
                raise WorkerError(
                    f"{error}. Look at cluster.interface, and whether ports may be opened here."
                ) from error
            address = started.scheduler_address
        connection = Connection(
            stack.enter_context(_client(cluster, started)), cluster, address, started
        )
        _wait_for_worker(connection)
        _require_fit(connection)
        tell(f"dask: {connection.dashboard()}")
        yield connection


def _client(cluster: Cluster, started: Any) -> Client:
    if started is not None:
        return Client(started, timeout=_CONNECT_S)
    security = Security(
        tls_ca_file=cluster.tls_ca,
        tls_client_cert=cluster.tls_cert,
        tls_client_key=cluster.tls_key,
        require_encryption=cluster.tls_ca is not None,
    )
    try:
        return Client(cluster.address, timeout=_CONNECT_S, security=security)
    except (OSError, TimeoutError) as error:
        raise WorkerError(
            f"No Dask scheduler answers at {cluster.address} (cluster.address). Start one with "
            "`dask scheduler`, or leave the address out and one is started here. Where it runs, "
            "look whether address, port and TLS files are its own."
        ) from error


@contextmanager
def _on_this_machine(cluster: Cluster) -> Iterator[Any]:
    # Encrypted, with certificates of this run alone: on a machine that others use too, whoever
    # reaches a scheduler has the rights of the one who started it.
    with LocalCluster(
        n_workers=cluster.workers or cores(),
        threads_per_worker=1,
        memory_limit=0,  # each image has a limit of its own
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
        security=True,
    ) as started:
        yield started


@contextmanager
def _of_slurm_jobs(cluster: Cluster) -> Iterator[Any]:
    from dask_jobqueue.slurm import SLURMCluster  # noqa: PLC0415 - only where there is Slurm

    folder = shared_folder() / "clusters"
    make_folder(folder)
    with (
        _certificates(folder) as certificates,
        SLURMCluster(
            cores=cluster.cores,
            processes=1,  # a thread a core hands work to a process of its own; a GPU is shared
            memory=f"{cluster.memory_gib} GiB",
            queue=cluster.queue,
            walltime=cluster.walltime,
            job_extra_directives=list(cluster.directives),
            job_script_prologue=list(cluster.prologue),
            interface=cluster.interface,
            log_directory=str(folder),
            worker_extra_args=["--no-dashboard"],
            security=certificates,
            scheduler_options={"dashboard_address": "127.0.0.1:0"},
            silence_logs=logging.CRITICAL,
        ) as started,
    ):
        _require_accepted(started.job_script())
        started.scale(jobs=max(cluster.workers, 1))
        yield started


@contextmanager
def _certificates(folder: Path) -> Iterator[Security]:
    """Those of this run alone. What jobs need lies in `folder` for as long as the block takes."""
    security = Security.temporary()
    with tempfile.TemporaryDirectory(dir=folder) as name:
        for what in ("tls_ca_file", "tls_worker_cert", "tls_worker_key"):
            path = Path(name) / what
            path.write_text(getattr(security, what), encoding="ascii")
            setattr(security, what, str(path))
        yield security


def _require_accepted(script: str) -> None:
    """Ask Slurm whether it would take the job: what it refuses later is only logged by Dask."""
    try:
        asked = subprocess.run(
            ["sbatch", "--test-only"],  # noqa: S607 - where it lies differs from site to site
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise WorkerError(
            "cluster=slurm: there is no `sbatch` here. Run on a machine from which jobs are "
            "submitted, or choose cluster=local."
        ) from error
    if asked.returncode != 0:
        said = " ".join(asked.stderr.split())
        raise WorkerError(
            f"Slurm refuses the job of a worker: {said}. Look at cluster.queue, cluster.walltime, "
            "cluster.cores, cluster.memory_gib and cluster.directives; `sinfo` lists the queues."
        )


_STARTED: dict[str, Callable[[Cluster], Any]] = {"dask": _on_this_machine, "slurm": _of_slurm_jobs}


def _wait_for_worker(connection: Connection) -> None:
    begun = looked = time.monotonic()
    said = ""
    with reported_as_lost(connection.address):
        while not connection.threads():
            now = time.monotonic()
            if now - begun > connection.cluster.wait_s:
                raise no_worker(connection)
            if connection.cluster.kind == "slurm" and now - looked > _JOBS_S:
                looked, before, said = now, said, connection.jobs()
                if not said:
                    raise no_worker(connection)
                if said != before:
                    tell(f"dask: no worker yet; Slurm says of its jobs: {said}")
            time.sleep(_PATIENCE_S)


def _require_fit(connection: Connection) -> None:
    """Raise WorkerError unless the workers have this package, and the same of it.

    Workers that come later are looked at by the tasks that they are given.
    """
    with reported_as_lost(connection.address):
        answers = connection.client.run(_asking())
    for address, answer in answers.items():
        if answer is None:
            raise no_package(f"The worker at {address}")
        if answer != remote.build():
            raise remote.other_build(f"The worker at {address}", answer, remote.build())


def _asking() -> Callable[[], str | None]:
    """A function that is sent whole, since whoever gets it may not have this package."""

    def ask() -> str | None:
        try:
            from backlabel.workers import remote  # noqa: PLC0415
        except ImportError:
            return None
        return remote.build()

    return ask


def require_seen(result: object) -> None:
    """Raise WorkerError if a worker did not see a file that can be opened on this machine."""
    if not isinstance(result, UnreadableImageError) or result.path is None:
        return
    there = file_at(Path(result.path))
    if result.reason in _UNSEEN and there.is_file() and not there.is_symlink():
        raise WorkerError(
            f"A worker does not see {names.to_cell(result.path)}, which is there on this machine. "
            "All machines need the images under the same path: put them on a file system that "
            "they share."
        )


def no_package(who: str) -> WorkerError:
    """The error for one that cannot import this package."""
    return WorkerError(
        f"{who} does not have backlabel. Start it in an environment in which "
        "`pip install 'backlabel[cluster]'` of this version has been run."
    )


def no_worker(connection: Connection) -> WorkerError:
    """The error for a cluster without workers."""
    advice = f"start one with `dask worker {connection.address}`"
    if connection.cluster.kind == "slurm":
        said = connection.jobs()
        if not said:
            return WorkerError(
                "Slurm's jobs ended before a worker came from them: what they wrote lies in "
                ".backlabel/clusters. What was finished is kept."
            )
        advice = f"Slurm says of its jobs: {said}. Look at cluster.queue and cluster.walltime"
    return WorkerError(
        f"No worker came to the scheduler at {connection.address} within "
        f"{connection.cluster.wait_s:g} seconds (cluster.wait_s): {advice}. "
        "What was finished is kept."
    )


def lost(address: str) -> WorkerError:
    """The error for a scheduler that does not answer any more."""
    return WorkerError(
        f"The Dask scheduler at {address} was lost. What was finished is kept: run the same "
        "command again when it is back."
    )


@contextmanager
def reported_as_lost(address: str) -> Iterator[None]:
    """What Dask raises when its scheduler is gone, as an error of ours."""
    try:
        yield
    except LOST as error:
        raise lost(address) from error
