"""What README, docs and the other texts say is there, and the commands in them are tested."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest

from backlabel import cli
from parameters import leaves

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCS = sorted((ROOT / "docs").rglob("*.md"))
TEXTS = [
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"),
    *(ROOT / "examples/train/README.md", *DOCS),
]


def commands(text):
    """Every `make`, `dvc` and `backlabel` command of a document."""
    spans = re.findall(r"`((?:make|dvc|backlabel) [^`]+)`", text)
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = [*spans, *(line for block in blocks for line in block.splitlines())]
    parts = [part.strip() for line in lines for part in line.partition("  #")[0].split("&&")]
    return {part for part in parts if re.match(r"(make|dvc|backlabel) ", part)}


ALL = sorted(set().union(*(commands(path.read_text()) for path in TEXTS)))


def words(command):
    """What a shell makes of a command, without what it does with the output."""
    filled_in = re.sub(r"<[^>]*>", "PLACEHOLDER", " ".join(command.split()))
    return shlex.split(re.sub(r" (2?>|\|) .*", "", filled_in))


def of(program):
    return [command for command in ALL if command.startswith(f"{program} ")]


def test_there_are_commands_to_check():
    assert len(of("dvc")) > 10


@pytest.mark.parametrize("command", of("make"))
def test_make_target_exists(command):
    made = ["make", "-n", "-o", "install", *words(command)[1:], "BUILDER=docker"]
    done = subprocess.run(made, cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", of("backlabel"))
def test_backlabel_takes_the_command(command):
    """Its options and arguments too; a command that a text names without any has `--help`."""
    given = words(command)[1:]
    try:
        cli.build_parser().parse_args(given)
    except SystemExit as ended:
        if ended.code != 0:
            assert len(given) == 1, f"{command}: is not accepted"
            with pytest.raises(SystemExit) as helped:
                cli.build_parser().parse_args([*given, "--help"])
            assert helped.value.code == 0


def dvc_words(command):
    words = []
    for word in command.split()[1:]:
        if not re.fullmatch(r"[a-z]+(-[a-z]+)*", word) or len(words) == 2:
            break
        words.append(word)
    grouped = {"exp", "queue", "remote", "metrics", "plots", "params", "data", "artifacts"}
    return tuple(words) if words[0] in grouped else tuple(words[:1])


@pytest.mark.parametrize("command", of("dvc"))
def test_dvc_takes_the_command(command, monkeypatch):
    """Its options too; where a text names a command without what it needs, the command itself."""
    from dvc.cli import DvcParserError, parser  # noqa: PLC0415 - slow to import

    # It would write to whatever stood for stderr when DVC was imported first.
    monkeypatch.setattr(parser.logger, "error", lambda message: None)
    given = words(command)[1:]
    try:
        parser.get_main_parser().parse_args(given)
    except DvcParserError:
        named = dvc_words(command)
        assert {*given} <= {*named, "--local"}, f"{command}: is not accepted"
        with pytest.raises(SystemExit) as helped:
            parser.get_main_parser().parse_args([*named, "--help"])
        assert helped.value.code == 0


@cache
def run_by_tests():
    """The words of every call, list and tuple of the tests, in their order."""
    found = []
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Call, ast.List, ast.Tuple)):
                parts = node.args if isinstance(node, ast.Call) else node.elts
                flat = [one for part in parts for one in getattr(part, "elts", [part])]
                found.append([one.value for one in flat if isinstance(one, ast.Constant)])
    return found


def is_run(sub_command, known):
    """Whether the words stand one after the other in what a test calls."""
    length = len(sub_command)
    return any(
        tuple(call[at : at + length]) == sub_command
        for call in known
        for at in range(len(call) - length + 1)
    )


MADE_FOR_THE_SITE = {ROOT / "docs/reference" / name for name in ("commands.md", "parameters.md")}
TUTORIAL = commands((ROOT / "docs/tutorial.md").read_text())
"""All of these are typed by tests/pipeline/test_tutorial.py."""


def test_sub_commands_of_the_texts_are_run_by_tests():
    named = {tuple(words(command)[1:2]) for command in of("backlabel")}
    named |= {("dvc", *dvc_words(command)) for command in of("dvc")}
    typed = {tuple(words(command)[1:2]) for command in TUTORIAL if command.startswith("backlabel")}
    typed |= {("dvc", *dvc_words(one)) for one in TUTORIAL if one.startswith("dvc")}
    known = run_by_tests()
    assert sorted(one for one in named - typed if not is_run(one, known)) == []


def test_every_parameter_is_documented():
    table = (ROOT / "docs/parameters.md").read_text()
    missing = [name for name in leaves() if f"`{name}`" not in table]
    assert missing == []


def test_results_in_readme_are_the_committed_ones():
    found = json.loads((ROOT / "metrics/compare.json").read_text())
    truth, hamming, ssim = found["truth"], found["matched_hamming"], found["matched_ssim"]
    for line in (
        f"| TIFFs compared | {found['tiffs']} |",
        f"| {found['matched']} of {truth['true_pairs']} true pairs |",
        f"| {truth['true_pairs']} of {truth['true_pairs']} |",
        f"| wrong pairs, wrong labels | {truth['wrong_pairs']}, {truth['wrong_labels']} |",
        f"| precision, recall of the rule | {truth['precision']:.3f}, {truth['recall']:.3f} |",
        f"| {hamming['median']:.0f}, {hamming['max']:.0f} of 1,024 bits |",
        f"| {ssim['median']:.3f}, {ssim['min']:.3f} |",
    ):
        assert line in README


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    targets = {(path.parent / link).resolve() for link in links}
    assert [target for target in targets - MADE_FOR_THE_SITE if not target.exists()] == []
