"""What an experiment costs: each line of experiment.md, in a project that `backlabel init` makes.

    python benchmarks/published.py make IMAGES --tiffs 1500 --jpegs 3000
    python benchmarks/experiment.py IMAGES FOLDER [--before COMMIT] [--cache-type hardlink]

In FOLDER the code of the last commit (and that of COMMIT) makes a project with the images as
`data/`, as a user does; then every line is timed in turn in each project. The first run also hashes
and scores everything: it is the line `cold`. Thresholds differ from line to line, so that DVC
restores nothing from its run cache. With `--remote` data are pushed and pulled as well. Projects
that are there already are used again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
THRESHOLD = "compare.hamming_threshold"
SCORED = "compare.ssim_hamming_threshold=90"  # below every threshold that is tried


@dataclass(frozen=True)
class Line:
    """One line of the table: a command, and how much it may take at 1,500 TIFFs and 3,000 JPEGs."""

    name: str
    command: tuple[str, ...]
    wanted: str = ""


def experiment(threshold: str, *options: str) -> tuple[str, ...]:
    return ("dvc", "exp", "run", *options, "-S", SCORED, "-S", f"{THRESHOLD}={threshold}")


TWELVE = "range(100,160,5)"
_POLL_S = 5.0  # each look starts a Python process, and more often the queue may lose a message
LINES = (
    Line("nothing changed: `dvc repro`", ("dvc", "repro"), "5"),
    Line("first other threshold: `dvc exp run -S`", experiment("140")),
    Line("another threshold: `dvc exp run -S`", experiment("138"), "7"),
    Line("another threshold: `dvc exp run --temp -S`", experiment("136", "--temp"), "12"),
    Line("twelve thresholds queued", experiment(TWELVE, "--queue")),
    Line("twelve thresholds, two workers", ("twelve",), "90"),
)
REMOTE = (
    Line("`dvc push`", ("dvc", "push", "-q", "-r", "bench")),
    Line("`dvc pull` into a fresh clone", ("pull",)),
)


class Project:
    """A project with the images in it, made and run by the code of one commit."""

    def __init__(self, path: Path, commit: str) -> None:
        self.path, self.commit = path, commit
        self.code = path.with_name(f"{path.name}-code")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DVC_")},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.code / "src"),
            "OMP_NUM_THREADS": "1",
        }

    def run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            check=False,
            cwd=self.path,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"{self.path}: {command}:\n{done.stdout}\n{done.stderr}")

    def make(self, images: Path, cache_type: str) -> None:
        subprocess.run(["git", "clone", "-q", "-n", ROOT, self.code], check=True)
        subprocess.run(["git", "checkout", "-q", self.commit], cwd=self.code, check=True)
        (self.path / "data/jpeg").mkdir(parents=True)
        for here, there in (("jpeg", "data/jpeg/Particles"), ("tiff", "data/tiff")):
            copying = ("cp", "-r", "--reflink=auto", images / here, self.path / there)
            subprocess.run(copying, check=True)
        for note in (self.path / "data/jpeg/Particles").glob("*.name"):  # of `published.py make`
            note.unlink()
        sides = ("--originals", "data/tiff", "--copies", "data/jpeg")
        self.run("python", "-m", "backlabel", "init", *sides, "--labels", "published", "--yes")
        self.run("git", "config", "user.name", "Benchmark")
        self.run("git", "config", "user.email", "benchmark@example.org")
        self.run("dvc", "config", "--local", "cache.type", cache_type)
        self.run("dvc", "remote", "add", "--local", "bench", str(self.path.parent / "remote"))

    def timed(self, line: Line) -> float:
        started = time.perf_counter()
        if line.command == ("twelve",):
            self.run("dvc", "queue", "start", "-j", "2")
            while self._is_busy():
                time.sleep(_POLL_S)
        elif line.command == ("pull",):
            fresh = self.path.with_name(f"{self.path.name}-pulled")
            shutil.rmtree(fresh, ignore_errors=True)
            subprocess.run(["git", "clone", "-q", self.path, fresh], check=True)
            shutil.copy(self.path / ".dvc/config.local", fresh / ".dvc")
            started = time.perf_counter()
            Project(fresh, self.commit).run(
                "dvc", "pull", "-q", "-r", "bench", "data.dvc", "labeled"
            )
        else:
            self.run(*line.command)
        return time.perf_counter() - started

    def _is_busy(self) -> bool:
        status = subprocess.run(
            ["dvc", "queue", "status"],
            check=True,
            cwd=self.path,
            env=self.environment,
            capture_output=True,
            text=True,
        ).stdout
        if "Failed" in status:
            raise SystemExit(f"{self.path}: an experiment failed:\n{status}")
        return "Queued" in status or "Running" in status

    def settle(self) -> None:
        """Commit what was found, as a user does before experiments."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "-q", "--allow-empty", "-m", "Results")


def main() -> None:
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    commits = {"after": "HEAD"} | ({"before": options.before} if options.before else {})
    projects = {}
    for name, commit in commits.items():
        found = subprocess.run(
            ["git", "rev-parse", commit], cwd=ROOT, check=True, capture_output=True, text=True
        )
        projects[name] = Project((options.folder / name).resolve(), found.stdout.strip())
    print(f"| line | {' | '.join(f'{name} s' for name in projects)} | wanted | load |")
    print("|---|" + "---|" * (len(projects) + 2), flush=True)
    fresh = {name: project for name, project in projects.items() if not project.path.exists()}
    for project in fresh.values():
        project.make(options.images, options.cache_type)
    if fresh:
        tell(Line("`dvc add data`", ("dvc", "add", "-q", "data")), fresh, projects)
        tell(Line("cold: `dvc repro`", ("dvc", "repro")), fresh, projects)
    for project in fresh.values():
        project.settle()
    for line in (*LINES, *(REMOTE if options.remote else ())):
        if not options.only or any(word in line.name for word in options.only):
            tell(line, projects, projects)


def tell(line: Line, projects: dict[str, Project], all_projects: dict[str, Project]) -> None:
    """Time one line in each project, in turn, and print it."""
    took = {name: f"{project.timed(line):.1f}" for name, project in projects.items()}
    cells = [took.get(name, "") for name in all_projects]
    print(
        f"| {line.name} | {' | '.join(cells)} | {line.wanted} | {os.getloadavg()[0]:.1f} |",
        flush=True,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path, help="folder that published.py made")
    parser.add_argument("folder", type=Path, help="where the projects are, or are made")
    parser.add_argument("--before", help="an older commit that is timed beside the last one")
    parser.add_argument("--cache-type", default="hardlink", help="of DVC, for new projects")
    parser.add_argument("--remote", action="store_true", help="push and pull, too")
    parser.add_argument("--only", nargs="*", default=[], help="lines with these words alone")
    return parser.parse_args()


if __name__ == "__main__":
    main()
