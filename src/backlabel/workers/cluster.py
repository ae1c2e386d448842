"""What is asked of a cluster: the section `cluster` of the parameters; how long it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias, TypeGuard

from pydantic import Field, model_validator

from backlabel.section import Line, Section

if TYPE_CHECKING:
    from backlabel.workers.clusters import Connection


class Cluster(Section):
    """Where images are worked on; it changes how a run goes, not what it finds."""

    kind: Literal["local", "dask", "slurm"]
    """Processes of this machine; a Dask cluster; or one that is made of Slurm's jobs."""
    address: Annotated[str, Field(pattern=r"^(tcp|tls)://\S+:\d+$")] | None
    """Of a Dask scheduler that runs; null: one is started, with workers on this machine."""
    workers: Annotated[int, Field(ge=0, le=100_000)]
    """Processes, or Slurm's jobs, that are started; 0: one per core, or one job."""
    cores: Annotated[int, Field(ge=1, le=1024)]
    """Of one job; each does one image at a time."""
    memory_gib: Annotated[float, Field(gt=0)]
    """Of one job."""
    queue: Line | None
    walltime: Annotated[str, Field(pattern=r"^(\d+-)?\d{1,2}:\d\d:\d\d$")]
    directives: tuple[Line, ...]
    """Further lines for Slurm, as `--account=mine`."""
    prologue: tuple[Line, ...]
    """What a job's shell does first, as `module load python`."""
    interface: Line | None
    """The network that workers reach this machine by, as `ib0`; null: the usual one."""
    wait_s: Annotated[float, Field(gt=0)]
    """For a worker, before the run is given up."""
    tls_ca: Line | None
    tls_cert: Line | None
    tls_key: Line | None

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.address is not None and self.kind != "dask":
            raise ValueError(
                f"address has no effect while kind is {self.kind}: choose cluster=dask, or leave "
                "cluster.address out"
            )
        files = (self.tls_ca, self.tls_cert, self.tls_key)
        secured = self.address is not None and self.address.startswith("tls://")
        if any(files) != all(files) or any(files) != secured:
            raise ValueError(
                "an address that starts with tls:// needs tls_ca, tls_cert and tls_key, and no "
                "other does: a cluster that is started here makes certificates of its own"
            )
        return self


def is_elsewhere(cluster: Cluster | None) -> TypeGuard[Cluster]:
    """Whether images are worked on by a cluster."""
    return cluster is not None and cluster.kind != "local"


Reach: TypeAlias = "Callable[[Cluster], Connection]"
_REACHED: ContextVar[Reach | None] = ContextVar("reached", default=None)


@contextmanager
def reaching() -> Iterator[Reach]:
    """Starts a cluster, or reaches it, when it is first asked for it; leaves it with the block."""
    with ExitStack() as until_the_end:

        @cache
        def reach(cluster: Cluster) -> Connection:
            from backlabel.workers import clusters  # noqa: PLC0415 - an extra, slow to import

            return until_the_end.enter_context(clusters.connected(cluster))

        yield _REACHED.get() or reach


@contextmanager
def kept() -> Iterator[None]:
    """Whoever works on a cluster within the block has the same one, which ends with the block."""
    with reaching() as reach:
        before = _REACHED.set(reach)
        try:
            yield
        finally:
            _REACHED.reset(before)
