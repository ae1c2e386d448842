"""The command `backlabel`: one sub-command per DVC stage, and what one does around them."""

from __future__ import annotations

import argparse
import errno
import importlib
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from backlabel import __version__, composing, config
from backlabel.composing import Difference
from backlabel.errors import BacklabelError, DataError
from backlabel.reporting import closing, durations
from backlabel.storage import files

_STAGES = {
    "hash": "hash every JPEG and TIFF",
    "compare": "find and verify the JPEG of each TIFF",
    "label": "copy matched TIFFs into the labelled set",
    "track": "log the experiment to MLflow",
}
_WORKERS_IMPORT = {
    "hash": ["backlabel.hashing.file", "backlabel.hashing.perceptual", "backlabel.images.reading"],
    "compare": ["backlabel.matching.scoring", "backlabel.images.reading"],
    "calibrate": ["backlabel.calibration.over_files", "backlabel.images.reading"],
}
_ERROR = 2
_SHOWN = 5  # differing parameters that an error names
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; returns the exit status. An error of backlabel is one text."""
    chosen = _parser().parse_args(arguments)
    try:
        status: int = chosen.run(chosen)
    except BacklabelError as error:
        text = "\n".join([str(error), *getattr(error, "__notes__", [])])
        sys.stderr.write(f"backlabel: {type(error).__name__}: {text}\n")
        return _ERROR
    except OSError as error:  # of a library: our own writing raises OutputError
        if error.errno not in _NO_ROOM:
            raise
        named = error.filename or "a file"
        sys.stderr.write(f"backlabel: {named}: cannot be written ({error.strerror})\n")
        return _ERROR
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backlabel", description="Gives original TIFFs the labels of their published JPEGs."
    )
    parser.add_argument("--version", action="version", version=f"backlabel {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, what in _STAGES.items():
        stage = commands.add_parser(name, help=f"stage: {what}")
        stage.set_defaults(run=_run_stage, stage=name)
        if name == "track":
            stage.add_argument(
                "--pending", action="store_true", help="log the runs kept while MLflow was away"
            )
    compose = commands.add_parser("compose", help="write params.yaml from conf/")
    compose.set_defaults(run=_compose)
    adopt = commands.add_parser("adopt", help="write what params.yaml has otherwise into conf/")
    adopt.set_defaults(run=_adopt)
    summary = commands.add_parser("summary", help="say again how the stages ended")
    summary.set_defaults(run=_summary)
    repair = commands.add_parser("repair", help="put right what a killed DVC left half-written")
    repair.set_defaults(run=_repair)
    check = commands.add_parser(
        "check", help="say what DVC or the hash stage would refuse, drop or change"
    )
    check.add_argument("folder", type=Path)
    check.set_defaults(run=_check)
    verify = commands.add_parser("verify", help="hold a labelled set against its manifest")
    verify.add_argument("folder", type=Path)
    verify.set_defaults(run=_verify)
    _add_calibrate(commands.add_parser("calibrate", help="recommend thresholds from own TIFFs"))
    ui = commands.add_parser("mlflow", help="open the MLflow UI on loopback")
    ui.add_argument("--port", type=int, default=5000)
    ui.set_defaults(run=_mlflow)
    return parser


def _add_calibrate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--precision", type=float, default=0.999, help="that is wanted (0.999)")
    parser.add_argument("--out", type=Path, default=Path("calibration"), help="folder of results")
    parser.add_argument("--images", type=int, help="draw this many TIFFs; otherwise all")
    parser.add_argument("--seed", type=int, default=0, help="of the draw and of what is made up")
    parser.add_argument(
        "--kinds",
        nargs="+",
        default=[],
        metavar="KIND",
        help='of change, as "quality 90" "half size"',
    )
    parser.add_argument("--workers", type=int, default=0, help="processes; 0: one per core")
    parser.set_defaults(run=_calibrate)


def _run_stage(chosen: argparse.Namespace) -> int:
    # Imported here: each stage brings its own libraries, and MLflow alone takes seconds.
    _preload(chosen.stage)
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
    """Let the process from which workers are forked import while this one does."""
    if command in _WORKERS_IMPORT:
        from backlabel.workers import forking  # noqa: PLC0415 - other commands need no workers

        forking.preload(_WORKERS_IMPORT[command])


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
    return _ERROR if refused else 0


def _compose(_: argparse.Namespace) -> int:
    before = config.read_yaml(config.PARAMS) if config.PARAMS.exists() else {}
    composing.write_composed()
    changed = composing.differences(config.read_yaml(config.PARAMS), before)
    _write_lines(one.as_change() for one in changed)
    _say_without_effect([one.name for one in changed], config.load())
    return 0


def _adopt(_: argparse.Namespace) -> int:
    written = composing.adopt()
    _write_lines(one.as_change() for one in written)
    _write_lines(
        ["conf/ composes params.yaml" if written else "conf/ composes params.yaml already"]
    )
    return 0


def _summary(_: argparse.Namespace) -> int:
    n_tiff = config.load().compare.n_tiff
    _write_lines(line for stage in _STAGES for line in closing.lines(stage, n_tiff))
    return 0


def _write_lines(lines: Iterable[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _repair(_: argparse.Namespace) -> int:
    from backlabel import dvc_repair  # noqa: PLC0415 - DVC takes half a second

    _write_lines(dvc_repair.repair() or ["nothing to repair"])
    return 0


def _check(chosen: argparse.Namespace) -> int:
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


def _verify(chosen: argparse.Namespace) -> int:
    from backlabel.labels import verify  # noqa: PLC0415

    report = verify.verify(chosen.folder)
    for finding in report.findings:
        sys.stdout.write(f"{verify.line(finding)}\n")
    sys.stdout.write(f"{chosen.folder}: {report.files} files, {len(report.findings)} differ\n")
    return 1 if report.findings else 0


def _calibrate(chosen: argparse.Namespace) -> int:
    from backlabel import config  # noqa: PLC0415

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


def _mlflow(chosen: argparse.Namespace) -> int:
    from backlabel.reporting import ui  # noqa: PLC0415 - MLflow takes seconds

    return ui.serve(config.load().track.experiment, chosen.port)


if __name__ == "__main__":
    sys.exit(main())
