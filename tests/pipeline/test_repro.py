"""The pipeline on the sample data, with real DVC, Hydra and MLflow."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import sys
import time
from pathlib import Path

import pytest

from backlabel import config
from backlabel.storage import paths, tables
from backlabel.storage.rows import JpegHash, Labelled, Match, Verdict

pytestmark = pytest.mark.pipeline


def rows(clone, path, record):
    return tables.read(clone.path / path, record)


def metrics(clone, stage):
    return json.loads((clone.path / "metrics" / f"{stage}.json").read_text())


def test_make_repro_runs_the_pipeline(known, tmp_path):
    clone = known.copy(tmp_path / "clone")
    stamp = tmp_path / "installed"
    later = time.time() + 60
    stamp.touch()
    os.utime(stamp, (later, later))  # what `make` would install is installed here already
    done = clone.run("make", "repro", f"STAMP={stamp}", f"BIN={Path(sys.executable).parent}")
    assert "of 48 originals matched" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("report.html says what the run found")
    assert (clone.path / "report.html").exists()
    assert (clone.path / "labeled" / "manifest.csv").exists()


def test_every_tiff_is_accounted_for(reproduced):
    mapping = rows(reproduced, paths.mapping_path(None), Match)
    tiffs = {
        path.relative_to(reproduced.path).as_posix()
        for path in (reproduced.path / "data/tiff").rglob("*")
        if path.suffix.lower() in {".tif", ".tiff"}
    }
    assert {row.TIFF_path for row in mapping} == tiffs
    assert len(mapping) == len(tiffs)


def test_no_label_is_wrong(reproduced):
    truth = metrics(reproduced, "compare")["truth"]
    assert truth["wrong_pairs"] == 0
    assert truth["wrong_labels"] == 0
    assert truth["right_pairs"] > 25


def test_labelled_files_are_the_originals(reproduced):
    manifest = rows(reproduced, paths.MANIFEST, Labelled)
    mapping = rows(reproduced, paths.mapping_path(None), Match)
    assert len(manifest) == sum(row.verdict is Verdict.MATCHED for row in mapping)
    for row in manifest:
        labelled = (reproduced.path / "labeled" / row.file).read_bytes()
        assert labelled == (reproduced.path / row.TIFF_path).read_bytes()
        assert row.sha256 == hashlib.sha256(labelled).hexdigest()
        assert row.file.startswith(f"{row.category}/{row.label}_")
    on_disk = list((reproduced.path / "labeled").rglob("*.tif"))
    assert len(on_disk) == len(manifest)


def test_seed_columns_come_first(reproduced):
    def header(path):
        with (reproduced.path / path).open(newline="") as file:
            return next(csv.reader(file))

    assert header(paths.JPEG_HASHES)[:3] == ["file", "path", "phash"]
    assert header(paths.TIFF_HASHES)[:3] == ["file", "path", "phash"]
    assert header(paths.category_path("Tips"))[:3] == ["file", "path", "phash"]
    assert header(paths.mapping_path(None))[:7] == [
        *("TIFF_file", "TIFF_path", "JPEG_file", "JPEG_path"),
        *("hamming_distance", "ssim_value", "used_ssim"),
    ]


def test_second_repro_has_nothing_to_do(reproduced):
    assert "Data and pipelines are up to date" in reproduced.run("dvc", "status").stdout
    done = reproduced.run("dvc", "repro")
    assert "Running stage" not in done.stdout


def test_committed_results_are_reproduced(reproduced):
    changed = reproduced.run("git", "status", "--porcelain").stdout
    assert changed == "", "dvc.lock, metrics or params differ from what is committed"


def test_committed_results_are_in_the_remote(pulled):
    done = pulled.run("dvc", "data", "status", "--not-in-remote", "--json")
    assert "not_in_remote" not in json.loads(done.stdout), "run `dvc push` before you commit"


def test_one_category_and_a_few_tiffs(reproduced, tmp_path):
    """Which they are, tests/stages/test_compare.py tells: by the seed."""
    clone = reproduced.copy(tmp_path / "clone")
    some = ("-S", "hash.category=Tips", "-S", "compare.n_tiff=5")
    clone.run("dvc", "exp", "run", *some, "compare")
    hashed = rows(clone, paths.JPEG_HASHES, JpegHash)
    assert {row.category for row in hashed} == {"Tips"}
    found = [p.name for p in (clone.path / paths.CATEGORY_HASHES).iterdir()]
    assert found == ["Tips_complete_jpeg_hashes.csv"]
    assert len(rows(clone, paths.mapping_path(5), Match)) == 5
    assert not (clone.path / paths.mapping_path(None)).exists()


def test_dvc_draws_the_tables_of_plots(reproduced, tmp_path):
    reproduced.run("dvc", "plots", "show", "-o", str(tmp_path / "plots"))
    page = (tmp_path / "plots" / "index.html").read_text()
    for title in ("Best candidates by Hamming distance", "Match rate over the Hamming threshold"):
        assert title in page


def test_plots_are_drawn_as_pictures_where_they_are_wanted(reproduced, tmp_path):
    pictures = tmp_path / "pictures"
    reproduced.run("backlabel", "plots", "--out", str(pictures))
    assert (pictures / "hamming_histogram.png").read_bytes().startswith(b"\x89PNG")


def test_other_thresholds_are_told_from_what_is_kept(reproduced, tmp_path):
    """One run in MLflow, and tables; the point in force says what the run itself found."""
    clone = reproduced.copy(tmp_path / "clone")
    clone.run("backlabel", "sweep")
    compare = config.load(clone.path / "params.yaml").compare
    with (clone.path / "sweep/ssim_hamming_threshold_over_hamming_threshold.csv").open() as file:
        points = {
            (row["hamming_threshold"], row["ssim_hamming_threshold"]): row
            for row in csv.DictReader(file)
        }
    in_force = points[str(compare.hamming_threshold), str(compare.ssim_hamming_threshold)]
    found = json.loads((clone.path / "metrics/compare.json").read_text())
    assert int(in_force["matched"]) >= found["matched"]  # who shares a JPEG is not asked
    assert max(int(one) for one, _ in points) > compare.hamming_threshold


def test_the_experiments_own_code_runs(reproduced, tmp_path):
    """An experiment in a temporary checkout runs that checkout's code, not the main workspace's."""
    clone = reproduced.copy(tmp_path / "clone")
    decide = clone.path / "src/backlabel/stages/label.py"
    marker = "import sys; sys.stderr.write('this ran: ' + __file__)\n"
    decide.write_text(decide.read_text() + marker)
    done = clone.run("dvc", "exp", "run", "--temp", "label")
    assert "this ran: " in done.stdout + done.stderr
    assert str(Path(".dvc/tmp/exps")) in (done.stdout + done.stderr).split("this ran: ")[1]
