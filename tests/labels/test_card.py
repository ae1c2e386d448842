"""What lies beside the labelled files, and what the public variant leaves out."""

from __future__ import annotations

import dataclasses
import json

from ruamel.yaml import YAML

from backlabel.labels import card, manifest
from backlabel.labels.about import About
from backlabel.storage.rows import Labelled, Verdict

SECRETS = ("regina", "REGINA", "Regina Example", "wafer of mine", "r.example")


def row(**others) -> Labelled:
    """A row in which every column holds something, people among it."""
    kinds = {field.name: field.type for field in dataclasses.fields(Labelled)}
    values = {
        name: "x" if "str" in kind or "FileName" in kind else 7 for name, kind in kinds.items()
    }
    values |= {
        "file": "Films/L2_a.tif",
        "category": "Films",
        "TIFF_path": "data/tiff/regina/wafer of mine/a.tif",
        "JPEG_path": "data/jpeg/Films/regina/L2_a.jpg",
        "runner_up_path": "data/jpeg/Films/regina/L2_b.jpg",
        "verdict": Verdict.MATCHED,
        "decided_by": manifest.PERSON,
        "reviewer": "r.example",
        "reason": "Accepted by a person: as Regina Example said.",
        "operator": "REGINA",
    }
    return Labelled(**(values | others))


def test_publishable_names_nobody():
    before, after = repr(row()), repr(manifest.publishable(row()))
    assert [secret for secret in SECRETS if secret not in before] == []
    assert [secret for secret in SECRETS if secret in after] == []


def test_publishable_changes_nothing_else():
    changed = {
        name
        for name, value in dataclasses.asdict(row()).items()
        if value != getattr(manifest.publishable(row()), name)
    }
    paths = {"TIFF_path", "JPEG_path", "runner_up_path"}
    assert changed == {*paths, "operator", "reviewer", "reason"}


def test_a_rules_reason_stays():
    ruled = row(decided_by=manifest.RULE, reason="SSIM 0.9 at 2 bits.", runner_up_path=None)
    published = manifest.publishable(ruled)
    assert (published.reason, published.runner_up_path) == ("SSIM 0.9 at 2 bits.", None)


def test_three_files_that_know_each_other(tmp_path):
    rows = [row(split="train"), row(file="Films/L2_b.tif", split="test")]
    manifest.write(tmp_path, rows)
    card.write(tmp_path, rows, About(name="wafers", description="Wafers.", version="1.0.0"))
    assert (tmp_path / card.METADATA).read_text().startswith("file_name,label,split,group,")
    assert "| Films | 1 | 0 | 1 |" in (tmp_path / card.README).read_text()
    described = json.loads((tmp_path / card.CROISSANT).read_text())
    assert described["recordSet"][0]["data"] == [{"categories/name": "Films"}]


def test_what_nobody_said_is_left_out(tmp_path):
    rows = [row(split="train")]
    manifest.write(tmp_path, rows)
    card.write(tmp_path, rows, About(), ["Split val has 0 of 1 files."])
    text = (tmp_path / card.README).read_text()
    head = YAML(typ="safe", pure=True).load(text.split("---\n")[1])
    assert set(head) == {"configs"}
    assert "# Labelled TIFFs\n" in text
    assert "- Split val has 0 of 1 files.\n" in text
    for word in ("None", "Licence", "To cite"):
        assert word not in text
    assert not (tmp_path / card.CROISSANT).exists()  # the format asks for a name


def test_no_name_breaks_out_of_the_head():
    about = About(name='a: "b"\\ # - c', description="Wafers.", version="1.0.0")
    text = card.readme(about, {("Films", "val"): 1})
    head = YAML(typ="safe", pure=True).load(text.split("---\n")[1])
    assert head["pretty_name"] == about.name
    assert head["configs"][0]["data_files"] == [{"split": "train", "path": "**"}]


def test_a_set_without_files_offers_none_to_loaders():
    text = card.readme(About(name="own"), {}, stored=False)
    assert text.startswith('---\npretty_name: "own"\n---')
    assert 'originals="."' in text
    assert card.readme(About(), {}, stored=False).startswith("# Labelled TIFFs")
