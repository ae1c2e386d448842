"""The labelled set is the same bytes, whether the stages hand on CSV or Parquet."""

from __future__ import annotations

import shutil

import pytest

import workspace
from backlabel.storage import paths

pytestmark = pytest.mark.slow

PAIRS = [(f"{seed % 2}/{seed}.tif", "L9" if seed % 2 else "L1", seed) for seed in range(5)]
COMPARED = (paths.mapping_path(None), paths.candidates_path(None))
TABLES = (paths.JPEG_HASHES, paths.TIFF_HASHES, *COMPARED)
STAGES = ("hash", "compare", "label")


def run(root, parquet_above, large_csv):
    path = root / "conf/tables/default.yaml"
    path.write_text(f"parquet_above: {parquet_above}\nlarge_csv: {large_csv}\n")
    for command in ("compose", *STAGES):
        status, told = workspace.run(root, command)
        assert status == 0, told
    return told


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A workspace in which the stages have run with tables of CSV."""
    root = tmp_path_factory.mktemp("tables") / "small"
    workspace.make(root, PAIRS)
    (root / "data/tiff/0/broken.tif").write_bytes(b"II*\0")
    run(root, 1000, "true")
    return root


def test_parquet_beside_csv_changes_nothing(small, tmp_path):
    root = shutil.copytree(small, tmp_path / "run")
    run(root, 0, "true")
    found = workspace.listing(root, "csv", "metrics", "plots", "labeled", "reviews")
    for table in TABLES:
        assert found.pop(str(paths.parquet_path(table)))
    assert found == workspace.listing(small, "csv", "metrics", "plots", "labeled", "reviews")


def test_without_csv_the_same_is_labelled(small, tmp_path):
    root = shutil.copytree(small, tmp_path / "run")
    before = workspace.listing(small, "csv", "labeled")
    run(root, 0, "false")
    after = workspace.listing(root, "csv", "labeled")
    assert {name for name, digest in after.items() if before.get(name) != digest} == {
        *map(str, TABLES),
        *(str(paths.parquet_path(table)) for table in TABLES),
        # Its `run_key` speaks of the tables' bytes.
        *(f"labeled/{name}" for name in ("SHA256SUMS", "manifest.csv", "manifest.parquet")),
    }
    assert not [*(root / paths.CATEGORY_HASHES).iterdir()]
    status, told = workspace.run(root, "summary")
    assert status == 0
    assert "csv/columns/tiff_hashes.parquet" in told
    assert "csv/n_tiff_to_all_jpeg_mapping/all_tiff.parquet" in told
    status, told = workspace.run(root, "report")
    assert status == 0, told
