"""What README and docs say is there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parameters import leaves

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCS = sorted((ROOT / "docs").glob("*.md"))


def commands(text):
    """Every `make`, `dvc` and `backlabel` command of a document: its first words."""
    spans = re.findall(r"`((?:make|dvc|backlabel) [^`]+)`", text)
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return {*spans, *(part for part in parts if re.match(r"(make|dvc|backlabel) ", part))}


ALL = sorted(set().union(*(commands(path.read_text()) for path in [ROOT / "README.md", *DOCS])))


def test_there_are_commands_to_check():
    assert len([command for command in ALL if command.startswith("dvc ")]) > 10


@pytest.mark.parametrize("command", [one for one in ALL if one.startswith("make ")])
def test_make_target_exists(command):
    target = command.split()[1]
    done = subprocess.run(["make", "-n", "-o", "install", target], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "words",
    sorted({tuple(one.split()[1:2]) for one in ALL if one.startswith("backlabel ")}),
)
def test_backlabel_command_exists(words):
    done = subprocess.run(
        [sys.executable, "-m", "backlabel", *words, "--help"],
        capture_output=True,
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    assert done.returncode == 0, done.stderr


def dvc_words(command):
    words = []
    for word in command.split()[1:]:
        if not re.fullmatch(r"[a-z]+(-[a-z]+)*", word) or len(words) == 2:
            break
        words.append(word)
    grouped = {"exp", "queue", "remote", "metrics", "plots", "params", "data", "artifacts"}
    return tuple(words) if words[0] in grouped else tuple(words[:1])


@pytest.mark.parametrize("words", sorted({dvc_words(one) for one in ALL if one.startswith("dvc ")}))
def test_dvc_command_exists(words):
    from dvc.cli.parser import get_main_parser  # noqa: PLC0415 - slow to import

    with pytest.raises(SystemExit) as ended:
        get_main_parser().parse_args([*words, "--help"])
    assert ended.value.code == 0


def test_every_parameter_is_documented():
    table = (ROOT / "docs/parameters.md").read_text()
    missing = [name for name in leaves() if f"`{name}`" not in table]
    assert missing == []


def test_results_in_readme_are_the_committed_ones():
    found = json.loads((ROOT / "metrics/compare.json").read_text())
    truth, hamming, ssim = found["truth"], found["matched_hamming"], found["matched_ssim"]
    for line in (
        f"| TIFFs compared | {found['tiffs']} |",
        f"| matched and labelled | {found['matched']} |",
        f"| wrong pairs, wrong labels | {truth['wrong_pairs']}, {truth['wrong_labels']} |",
        f"| precision, recall | {truth['precision']:.3f}, {truth['recall']:.3f} |",
        f"| {hamming['median']:.0f}, {hamming['max']:.0f} of 1,024 bits |",
        f"| {ssim['median']:.3f}, {ssim['min']:.3f} |",
    ):
        assert line in README


@pytest.mark.parametrize("path", [ROOT / "README.md", *DOCS], ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []
