"""Croissant 1.0, held against mlcroissant, the reference implementation."""

from __future__ import annotations

import csv
import hashlib
import json
import warnings

import pytest

from backlabel.labels import croissant
from backlabel.labels.about import About
from backlabel.labels.croissant import File
from backlabel.storage.files import write_json

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what mlcroissant imports
    import mlcroissant

ABOUT = About(
    name="wafers",
    description="Wafers under the microscope.",
    version="1.2.0",
    licence="https://creativecommons.org/licenses/by/4.0/",
    citation="Example, R. (2026). Wafers.",
    creator="Example Institute",
    url="https://example.org/wafers",
    published="2026-01-31",
)
ROWS = [
    {"file": "Films/L2_a.tif", "category": "Films", "label": "L2", "split": "train"},
    {"file": "Tips/L9_b.tif", "category": "Tips", "label": "L9", "split": "test"},
]


def written(folder, about=ABOUT):
    """A manifest of two rows, the first with what its microscope told, and the document."""
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["before", *croissant.COLUMNS, "behind"], restval="")
        writer.writeheader()
        told = {"pixel_size_nm": 4.5, "detector": "InLens", "group": "12ab", "sha256": "00ff"}
        writer.writerows([{**ROWS[0], **told}, ROWS[1]])
    content = manifest.read_bytes()
    described = File("manifest.csv", len(content), hashlib.sha256(content).hexdigest())
    path = folder / "croissant.json"
    write_json(path, croissant.document(about, described, ["Films", "Tips"]))
    return path


def opened(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rdflib deprecates what mlcroissant calls
        return mlcroissant.Dataset(jsonld=path)


def test_valid_without_a_warning(tmp_path):
    found = opened(written(tmp_path)).metadata
    assert found.ctx.issues.errors == set()
    assert found.ctx.issues.warnings == set()
    assert found.ctx.conforms_to.value == "http://mlcommons.org/croissant/1.0"


def test_what_people_say(tmp_path):
    found = opened(written(tmp_path)).metadata
    assert found.name == "wafers"
    assert str(found.version) == "1.2.0"
    assert found.license == ["https://creativecommons.org/licenses/by/4.0/"]
    assert found.cite_as == "Example, R. (2026). Wafers."
    assert found.date_published.date().isoformat() == "2026-01-31"


def test_nothing_said_is_left_out(tmp_path):
    path = written(tmp_path, About(name="wafers"))
    said = json.loads(path.read_text())
    assert not {"license", "citeAs", "url", "creator", "datePublished", "version"} & said.keys()
    assert opened(path).metadata.ctx.issues.errors == set()


def test_records_are_the_manifest(tmp_path):
    path = written(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = list(opened(path).records("files"))
    texts = {name.removeprefix("files/"): value for name, value in found[0].items()}
    assert texts["file"] == b"Films/L2_a.tif"
    assert texts["pixel_size_nm"] == pytest.approx(4.5)
    assert texts["detector"] == b"InLens"
    assert [row["files/split"] for row in found] == [b"train", b"test"]


def test_checksum_is_the_manifests(tmp_path):
    path = written(tmp_path)
    (manifest, images) = json.loads(path.read_text())["distribution"]
    content = (tmp_path / "manifest.csv").read_bytes()
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["contentSize"] == f"{len(content)} B"
    assert images["includes"] == "*/*.tif"


def test_equal_sets_give_equal_bytes(tmp_path):
    first = written(tmp_path).read_bytes()
    assert written(tmp_path).read_bytes() == first
