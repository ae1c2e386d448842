"""The command `backlabel`: one sub-command per DVC stage, and what one does around them."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from backlabel import __version__
from backlabel.errors import BacklabelError
from backlabel.memory import no_search_for_garbage
from backlabel.storage import files

_STAGES = {
    "hash": "hash every JPEG and TIFF",
    "compare": "find and verify the JPEG of each TIFF",
    "label": "copy matched TIFFs into the labelled set",
    "track": "log the experiment to MLflow",
}
WORKERS_NEED = {
    "hash": "backlabel.hashing.file:prepare",
    "compare": "backlabel.reporting.plots",
}
"""What a stage's worker processes are to have ready when they are first needed."""
_ERROR = 2
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; returns the exit status. Errors of backlabel are told in one text."""
    chosen = _parser().parse_args(arguments)
    try:
        status: int = chosen.run(chosen)
    except BacklabelError as error:
        sys.stderr.write(f"backlabel: {type(error).__name__}: {error}\n")
        return _ERROR
    except OSError as error:  # of a library: our own writing raises OutputError
        if error.errno not in _NO_ROOM:
            raise
        named = error.filename or "a compiled kernel, in .backlabel/kernels or beside the package"
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
    with no_search_for_garbage():
        # Where hashes are known already, perhaps no worker is needed: the stage will see.
        known = chosen.stage == "hash" and (files.shared_folder() / "cache").exists()
        if chosen.stage in WORKERS_NEED and not known:
            from backlabel.workers import pool  # noqa: PLC0415

            pool.start_ahead(WORKERS_NEED[chosen.stage])
        from backlabel import config  # noqa: PLC0415

        params = config.load()
        stage = importlib.import_module(f"backlabel.stages.{chosen.stage}")
    if getattr(chosen, "pending", False):
        from backlabel.reporting import tracking  # noqa: PLC0415

        runs = tracking.log_spooled(timeout_s=params.track.timeout_s)
        sys.stdout.write(f"{len(runs)} kept runs logged\n")
        return 0
    # One lock for all stages: each reads what another one writes.
    with files.lock(Path(".backlabel") / "stages.lock"):
        stage.main(params)
    return 0


def _compose(_: argparse.Namespace) -> int:
    from backlabel import config  # noqa: PLC0415

    config.write_composed()
    return 0


def _repair(_: argparse.Namespace) -> int:
    from backlabel import dvc_repair  # noqa: PLC0415 - DVC takes half a second

    sys.stdout.write("".join(f"{done}\n" for done in dvc_repair.repair() or ["nothing to repair"]))
    return 0


def _check(chosen: argparse.Namespace) -> int:
    from backlabel.stages import check  # noqa: PLC0415
    from backlabel.storage import names  # noqa: PLC0415

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
        sys.stdout.write(f"{verify.told(finding)}\n")
    sys.stdout.write(f"{chosen.folder}: {report.files} files, {len(report.findings)} differ\n")
    return 1 if report.findings else 0


def _calibrate(chosen: argparse.Namespace) -> int:
    from backlabel import config  # noqa: PLC0415
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
    from backlabel.reporting import tracking  # noqa: PLC0415

    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", tracking.tracking_uri()]
    command += ["--host", "127.0.0.1", "--port", str(chosen.port), "--workers", "1"]
    os.execv(sys.executable, command)  # noqa: S606 - the UI takes the place of this process


if __name__ == "__main__":
    sys.exit(main())
