"""What each sub-command of `backlabel` does; `backlabel.cli` reads the command line for it."""

from __future__ import annotations

import argparse
import gc
import importlib
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from backlabel import composing, config, helping
from backlabel.composing import Difference
from backlabel.errors import BacklabelError, DataError
from backlabel.project import pinned
from backlabel.reporting import closing, durations
from backlabel.storage import files, large, paths, tables
from backlabel.storage.rows import Match, SweepPoint

STAGES = {
    "hash": "hash every JPEG and TIFF",
    "compare": "find and verify the JPEG of each TIFF",
    "label": "copy matched TIFFs into the labelled set",
    "track": "log the experiment to MLflow",
}
ERROR = 2  # exit status
_WORKERS_IMPORT = {
    "hash": ["backlabel.hashing.file", "backlabel.hashing.perceptual", "backlabel.images.reading"],
    "compare": ["backlabel.matching.scores", "backlabel.images.reading"],
    "label": ["backlabel.labels.reading", "backlabel.images.reading"],
    "calibrate": ["backlabel.calibration.over_files", "backlabel.images.reading"],
    "track": ["backlabel.report.samples", "backlabel.images.reading"],
    "report": ["backlabel.report.samples", "backlabel.images.reading"],
}
_KEPT = {
    "hash": "hashes.sqlite",
    "compare": "scores.sqlite",
    "label": "pixels.sqlite",
    "track": "pictures",
    "report": "pictures",
}
_SHOWN = 5  # differing parameters that an error names


def run_stage(chosen: argparse.Namespace) -> int:
    """Run one DVC stage; then say how it ended."""
    # Imported here: each stage brings its own libraries, and MLflow alone takes seconds.
    _preload(chosen.stage)
    pinned.refuse_another()
    changed = composing.refuse_unsettled()
    params = _parameters(changed)
    stage = importlib.import_module(f"backlabel.stages.{chosen.stage}")
    if getattr(chosen, "pending", False):
        return _log_pending(params)
    if chosen.stage == "compare":
        _say_without_effect([one.name for one in changed], params)
    started = time.monotonic()
    # One lock for all stages: each reads what another one writes.
    with files.lock(Path(".backlabel") / "stages.lock"), _way_back(changed):
        stage.main(params)
    durations.keep(chosen.stage, time.monotonic() - started)
    _write_lines(closing.lines(chosen.stage, params.compare.n_tiff))
    return 0


def _preload(command: str) -> None:
    """Let the process from which workers are forked import while this one does.

    Where something is kept of earlier runs there may be nothing to do for workers: it waits then.
    """
    if command in _WORKERS_IMPORT:
        from backlabel.workers import forking  # noqa: PLC0415 - other commands need no workers

        cache = files.shared_folder() / "cache"
        is_kept = command in _KEPT and (cache / _KEPT[command]).exists()
        forking.preload(_WORKERS_IMPORT[command], at_once=not is_kept)


def _parameters(changed: Sequence[Difference]) -> config.Params:
    with _way_back(changed):
        return config.load()


@contextmanager
def _way_back(changed: Sequence[Difference]) -> Iterator[None]:
    """Add to an error how to be rid of what an experiment has left in `params.yaml`."""
    try:
        yield
    except BacklabelError as error:
        if changed and files.shared_root() == Path.cwd():  # not in a temporary checkout
            error.add_note(
                "params.yaml holds an experiment's parameters: "
                f"{'; '.join(map(str, changed[:_SHOWN]))}. "
                "`backlabel compose && dvc repro` brings back those of conf/ and their results."
            )
        raise


def _say_without_effect(changed: Iterable[str], params: config.Params) -> None:
    unread = config.without_effect(params.compare)
    for name in changed:
        if name in unread:
            sys.stderr.write(f"backlabel: {name} has no effect: {unread[name]}\n")


def _log_pending(params: config.Params) -> int:
    from backlabel.reporting import tracking  # noqa: PLC0415

    runs, refused = tracking.log_spooled(timeout_s=params.track.timeout_s)
    _write_lines([*refused, f"{len(runs)} kept runs logged"])
    return ERROR if refused else 0


def compose(_: argparse.Namespace) -> int:
    """Write `params.yaml` from `conf/` and say what changed."""
    before = config.read_yaml(config.PARAMS) if config.PARAMS.exists() else {}
    composing.write_composed()
    changed = composing.differences(config.read_yaml(config.PARAMS), before)
    _write_lines(one.as_change() for one in changed)
    _say_without_effect([one.name for one in changed], config.load())
    return 0


def adopt(_: argparse.Namespace) -> int:
    """Write what `params.yaml` has otherwise into `conf/`."""
    written = composing.adopt()
    _write_lines(one.as_change() for one in written)
    _write_lines(
        ["conf/ composes params.yaml" if written else "conf/ composes params.yaml already"]
    )
    return 0


def summary(_: argparse.Namespace) -> int:
    """Say again how the stages ended."""
    n_tiff = config.load().compare.n_tiff
    _write_lines(line for stage in STAGES for line in closing.lines(stage, n_tiff))
    return 0


def _write_lines(lines: Iterable[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def repair(_: argparse.Namespace) -> int:
    """Put right what a killed DVC left half-written."""
    from backlabel import dvc_repair  # noqa: PLC0415 - DVC takes half a second

    _write_lines(dvc_repair.repair() or ["nothing to repair"])
    return 0


def check(chosen: argparse.Namespace) -> int:
    """Say what DVC or the hash stage would not like in a folder."""
    from backlabel.stages import check  # noqa: PLC0415
    from backlabel.storage import names  # noqa: PLC0415

    tracked = chosen.folder.with_name(f"{chosen.folder.name}.dvc")
    if not chosen.folder.exists() and tracked.exists():
        raise DataError(f"{chosen.folder}: is not here yet; `dvc pull {tracked}` fetches it.")
    findings = check.findings(chosen.folder)
    for finding in findings:
        kind = "note: " if finding.note else ""
        path = names.to_cell(finding.path)
        sys.stdout.write(f"{path}\n  {kind}{finding.problem}. {finding.advice}\n")
    wrong = sum(not finding.note for finding in findings)
    sys.stdout.write(f"{chosen.folder}: {wrong} things to put right before `dvc add`\n")
    return 1 if wrong else 0


def verify(chosen: argparse.Namespace) -> int:
    """Hold a labelled set against its manifest."""
    from backlabel.labels import verify  # noqa: PLC0415

    cluster = config.load().cluster if chosen.cluster else None
    report = verify.verify(chosen.folder, cluster)
    for finding in report.findings:
        sys.stdout.write(f"{verify.line(finding)}\n")
    sys.stdout.write(f"{chosen.folder}: {report.files} files, {len(report.findings)} differ\n")
    return 1 if report.findings else 0


def calibrate(chosen: argparse.Namespace) -> int:
    """Recommend thresholds from TIFFs of one's own."""
    _preload("calibrate")
    from backlabel.calibration import run  # noqa: PLC0415

    request = run.Request(
        folders=chosen.folders,
        precision=chosen.precision,
        out=chosen.out,
        images=chosen.images,
        seed=chosen.seed,
        kinds=chosen.kinds,
        workers=chosen.workers,
    )
    run.main(config.load(), request)
    return 0


def sweep(chosen: argparse.Namespace) -> int:
    """Say in tables, and to MLflow, what other thresholds would match."""
    gc.disable()  # a sixth of the time: records hold no cycles, and the process ends with this
    _preload("compare")
    from backlabel.reporting import delivery  # noqa: PLC0415
    from backlabel.stages import sweep  # noqa: PLC0415

    params = config.load()
    report = sweep.main(params, chosen.out)
    _write_lines(report.artifacts)
    track = params.track
    _write_lines([delivery.deliver(report, track.experiment, timeout_s=track.timeout_s)])
    return 0


def plots(chosen: argparse.Namespace) -> int:
    """Draw what the last run found."""
    from backlabel.reporting import drawing  # noqa: PLC0415 - matplotlib takes a second

    compare = config.load().compare
    rows = large.read(paths.mapping_path(compare.n_tiff), Match)
    points = tables.read(paths.SWEEP, SweepPoint)
    drawing.write_all(rows, points, compare.model_dump(), chosen.out)
    _write_lines([f"the plots are in {chosen.out}/"])
    return 0


def mlflow(chosen: argparse.Namespace) -> int:
    """Open the MLflow UI on loopback."""
    from backlabel.reporting import ui  # noqa: PLC0415 - MLflow takes seconds

    return ui.serve(config.load().track.experiment, chosen.port)


def review(chosen: argparse.Namespace) -> int:
    """Serve the page on which people decide."""
    from backlabel.review import serving  # noqa: PLC0415 - the server takes half a second

    return serving.serve(config.load(), port=chosen.port, who=chosen.who)


def completion(chosen: argparse.Namespace) -> int:
    """Print the script that makes a shell complete the commands."""
    sys.stdout.write(f"{helping.completion(chosen.parser, chosen.shell)}\n")
    return 0


def report(chosen: argparse.Namespace) -> int:
    """Write the report of the last run."""
    _preload("report")
    from backlabel.report import writing  # noqa: PLC0415

    writing.write(config.load(), chosen.out)
    _write_lines([f"{chosen.out} says what the run found; open it in a browser"])
    return 0


def init(chosen: argparse.Namespace) -> int:
    """Make the current folder a project for the images that are there."""
    from backlabel.project import asking, making, pinned, repository  # noqa: PLC0415

    if pinned.version() is not None:
        _write_lines(
            [
                f"This is a project of backlabel {pinned.version()} already; nothing was written.",
                "`backlabel upgrade` brings it up to date.",
            ]
        )
        return 0
    told = asking.Told(
        chosen.originals,
        chosen.copies,
        *(chosen.labels, chosen.table, chosen.name, chosen.licence, chosen.citation),
        creator=chosen.creator,
    )
    with asking.request(told, _asked if sys.stdin.isatty() and not chosen.yes else None) as made:
        written = making.create(made)
    if chosen.remote is not None:
        repository.add_remote(chosen.remote)
    _write_lines([*asking.described(made), *written, "Next: dvc repro"])
    return 0


def _asked(question: str, proposed: str) -> str:
    try:
        hint = f" [{proposed}]" if proposed else ""
        return input(f"{question}{hint}: ").strip() or proposed
    except EOFError as error:
        raise DataError("no answer; `backlabel init --yes` asks nothing.") from error


def upgrade(chosen: argparse.Namespace) -> int:
    """Bring a project up to date with the version that runs, and show what that changes."""
    from backlabel.project import upgrading  # noqa: PLC0415

    found = upgrading.changes()
    sys.stdout.write(upgrading.difference(found))
    if not chosen.dry_run:
        upgrading.write(found)
    what = "would change" if chosen.dry_run else "changed"
    _write_lines([f"{len(found)} files {what}" if found else "up to date already"])
    return 0
