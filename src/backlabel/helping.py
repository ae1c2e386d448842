"""Examples below the `--help` of each sub-command, and the completion of a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

EXAMPLES = {
    "init": [
        ("backlabel init", "asks, and proposes what it finds"),
        ("backlabel init --originals /archive/sem --copies published --yes", "asks nothing"),
    ],
    "upgrade": [("backlabel upgrade --dry-run", "shows what would change")],
    "hash": [("dvc repro hash", "as DVC runs it, with what it needs")],
    "compare": [
        ("dvc repro compare", "as DVC runs it, with what it needs"),
        ("dvc exp run -S compare.hamming_threshold=10", "with another threshold"),
    ],
    "label": [("dvc repro label", "as DVC runs it, with what it needs")],
    "track": [
        ("dvc repro", "as DVC runs it, after all other stages"),
        ("backlabel track --pending", "once MLflow is back"),
    ],
    "compose": [("backlabel compose && dvc repro", "after a change in conf/")],
    "adopt": [("dvc exp apply good-one && backlabel adopt", "go on from an experiment")],
    "summary": [("backlabel summary", "what the last run found")],
    "repair": [("backlabel repair && dvc repro", "go on after a kill or a power cut")],
    "check": [("backlabel check data", "before `dvc add data`")],
    "review": [("backlabel review", "the pairs of the last run, the doubtful ones first")],
    "report": [("backlabel report --out report.html", "what the last run found, in one file")],
    "verify": [("backlabel verify labeled", "every file against its checksum")],
    "calibrate": [
        ("backlabel calibrate data/tiff --precision 0.9999", "thresholds for your own images"),
        ('backlabel calibrate data/tiff --images 50 --kinds "quality 90"', "a quick look"),
    ],
    "mlflow": [("backlabel mlflow --port 5001", "where port 5000 is taken")],
    "completion": [
        (
            "backlabel completion bash > ~/.local/share/bash-completion/completions/backlabel",
            "Bash",
        ),
        ("backlabel completion zsh > ~/.zfunc/_backlabel", "Zsh, with ~/.zfunc in fpath"),
    ],
}
"""For each sub-command: commands to type, and what for."""


def describe(parser: argparse.ArgumentParser) -> None:
    """Give each sub-command of `parser` its examples, and its line of help as description."""
    for name, (command, line) in sub_commands(parser).items():
        command.description = command.description or f"{line[:1].upper()}{line[1:]}."
        command.formatter_class = argparse.RawDescriptionHelpFormatter
        examples = [f"  {typed}\n      {why}" for typed, why in EXAMPLES.get(name, [])]
        command.epilog = "\n".join(["examples:", *examples]) if examples else None


def sub_commands(
    parser: argparse.ArgumentParser,
) -> dict[str, tuple[argparse.ArgumentParser, str]]:
    """The parser of each sub-command, and its line in the list of all."""
    (known,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    lines = {one.dest: one.help or "" for one in known._choices_actions}
    return {name: (command, lines[name]) for name, command in known.choices.items()}


def completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script by which `shell` completes what `parser` reads: options, choices and paths."""
    import shtab  # noqa: PLC0415 - for this command alone

    for action in _actions(parser):
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return shtab.complete(parser, shell=shell)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for command, _ in sub_commands(parser).values():
        yield from command._actions
