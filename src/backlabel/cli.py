"""The command line of `backlabel`: one sub-command per DVC stage, and what one does around them."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Sequence
from pathlib import Path

from backlabel import __version__, commands, helping, interrupts
from backlabel.errors import BacklabelError
from backlabel.storage import paths
from backlabel.workers import cluster

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; returns the exit status. An error of backlabel is one text."""
    chosen = build_parser().parse_args(arguments)
    try:
        with cluster.kept():  # by all steps of the command
            status: int = chosen.run(chosen)
    except BacklabelError as error:
        if interrupts.came():
            raise
        text = "\n".join([str(error), *getattr(error, "__notes__", [])])
        sys.stderr.write(f"backlabel: {type(error).__name__}: {text}\n")
        return commands.ERROR
    except OSError as error:  # of a library: our own writing raises OutputError
        if error.errno not in _NO_ROOM:
            raise
        named = error.filename or "a file"
        sys.stderr.write(f"backlabel: {named}: cannot be written ({error.strerror})\n")
        return commands.ERROR
    return status


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; `helping.EXAMPLES` wants at least one example of each sub-command."""
    parser = argparse.ArgumentParser(
        prog="backlabel", description="Gives original TIFFs the labels of their published JPEGs."
    )
    parser.add_argument("--version", action="version", version=f"backlabel {__version__}")
    known = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_init(known.add_parser("init", help="make a project for the images that lie here"))
    upgrade = known.add_parser("upgrade", help="bring a project to the version that is installed")
    upgrade.add_argument("--dry-run", action="store_true", help="show the changes alone")
    upgrade.set_defaults(run=commands.upgrade)
    for name, what in commands.STAGES.items():
        stage = known.add_parser(name, help=f"stage: {what}")
        stage.set_defaults(run=commands.run_stage, stage=name)
        if name == "track":
            stage.add_argument(
                "--pending", action="store_true", help="log the runs kept while MLflow was away"
            )
    compose = known.add_parser("compose", help="write params.yaml from conf/")
    compose.set_defaults(run=commands.compose)
    adopt = known.add_parser("adopt", help="write what params.yaml has otherwise into conf/")
    adopt.set_defaults(run=commands.adopt)
    summary = known.add_parser("summary", help="say again how the stages ended")
    summary.set_defaults(run=commands.summary)
    repair = known.add_parser("repair", help="put right what a killed DVC left half-written")
    repair.set_defaults(run=commands.repair)
    check = known.add_parser(
        "check", help="say what DVC or the hash stage would refuse, drop or change"
    )
    check.add_argument("folder", type=Path, help="of images, as data")
    check.set_defaults(run=commands.check)
    verify = known.add_parser("verify", help="hold a labelled set against its manifest")
    verify.add_argument("folder", type=Path, help="of the set, as labeled")
    verify.add_argument(
        "--cluster", action="store_true", help="files are read by the project's cluster"
    )
    verify.set_defaults(run=commands.verify)
    _add_calibrate(known.add_parser("calibrate", help="recommend thresholds from own TIFFs"))
    sweep = known.add_parser("sweep", help="what other thresholds would match, from kept scores")
    sweep.add_argument("--out", type=Path, default=Path("sweep"), help="folder of tables (sweep)")
    sweep.set_defaults(run=commands.sweep)
    plots = known.add_parser("plots", help="draw the last run's plots as pictures")
    plots.add_argument("--out", type=Path, default=Path("pictures"), help="folder (pictures)")
    plots.set_defaults(run=commands.plots)
    review = known.add_parser("review", help="open a page on which people look and decide")
    review.add_argument("--port", type=int, default=0, help="on loopback; 0 takes a free one")
    review.add_argument("--who", help="the name beside decisions; otherwise Git's user.name")
    review.set_defaults(run=commands.review)
    report = known.add_parser("report", help="write one HTML file that says what the run found")
    report.add_argument("--out", type=Path, default=paths.REPORT, help="the file to write")
    report.set_defaults(run=commands.report)
    ui = known.add_parser("mlflow", help="open the MLflow UI on loopback")
    ui.add_argument("--port", type=int, default=5000, help="of loopback (5000)")
    ui.set_defaults(run=commands.mlflow)
    completion = known.add_parser("completion", help="print what makes a shell complete commands")
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"], help="yours")
    completion.set_defaults(run=commands.completion, parser=parser)
    helping.describe(parser)
    return parser


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--originals", type=Path, nargs="+", default=[], metavar="FOLDER", help="of TIFFs, PNGs"
    )
    parser.add_argument(
        "--copies", type=Path, nargs="+", default=[], metavar="FOLDER", help="of JPEGs or PNGs"
    )
    parser.add_argument(
        "--labels",
        metavar="SCHEME",
        help="folders, prefix, published, table, seed or nffa; otherwise what fits",
    )
    parser.add_argument("--table", type=Path, metavar="CSV", help="of file and label, below data/")
    parser.add_argument("--name", help="of the data set; otherwise the folder's")
    parser.add_argument("--licence", help="of the data set")
    parser.add_argument("--citation", help="how to cite it")
    parser.add_argument("--creator", help="who made it")
    parser.add_argument("--remote", metavar="URL", help="DVC's default remote, to publish to")
    parser.add_argument("--yes", action="store_true", help="ask nothing: what is found is right")
    parser.set_defaults(run=commands.init)


def _add_calibrate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="of TIFFs")
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
    parser.set_defaults(run=commands.calibrate)


if __name__ == "__main__":
    sys.exit(main())
