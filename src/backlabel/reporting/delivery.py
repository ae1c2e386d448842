"""A report on its way to MLflow: straight into its store where that can be, else by its client."""

from __future__ import annotations

from backlabel.errors import OutputError
from backlabel.reporting import direct, places, spool
from backlabel.reporting.report import Report
from backlabel.storage.files import lock

_LOCK_WAIT_S = 600.0


def deliver(report: Report, experiment: str, *, timeout_s: int) -> str:
    """Log `report`, or keep it where MLflow is away; returns one text for people that says which.

    What was kept before is logged first, by MLflow's client.
    """
    run = None if spool.folders() else _directly(report, experiment)
    if run is not None:
        return logged(run, experiment)
    from backlabel.reporting import tracking  # noqa: PLC0415 - MLflow takes two seconds

    return tracking.deliver(report, experiment, timeout_s=timeout_s)


def logged(run: str, experiment: str) -> str:
    """That a run is in MLflow, for people."""
    return f"MLflow run {run} in experiment {experiment!r}; `backlabel mlflow` shows it"


def _directly(report: Report, experiment: str) -> str | None:
    try:
        with lock(places.lock(), timeout_s=_LOCK_WAIT_S):
            return direct.log(report, experiment)
    except OutputError:  # no lock to be had: the client says why
        return None
