"""The manifest, and the set held against it."""

from __future__ import annotations

import hashlib
import subprocess

import numpy as np
import pyarrow.parquet
import pytest

from backlabel import cli, images
from backlabel.errors import DataError
from backlabel.labels import known, manifest, pixels, verify
from backlabel.labels.verify import Finding
from backlabel.storage import tables
from backlabel.storage.rows import Labelled, Verdict


def row(file, content, **others):
    by_kind = {int: 7, float: 0.75, bool: True}
    values = {
        name: by_kind.get(kind, f"{name} of {file}")
        for name, kind in tables.plain_kinds(Labelled).items()
    }
    values |= {"margin": None, "runner_up_ssim": None, "reviewer": None}
    values |= {"file": file, "sha256": hashlib.sha256(content).hexdigest()}
    return Labelled(**(values | {"verdict": Verdict.MATCHED} | others))


@pytest.fixture
def labelled(tmp_path):
    folder = tmp_path / "labeled"
    rows = []
    for name in ("L5_b.tif", "L5_\u00e4 b.tif"):
        (folder / "Particles").mkdir(parents=True, exist_ok=True)
        (folder / "Particles" / name).write_bytes(name.encode())
        rows.append(row(f"Particles/{name}", name.encode()))
    manifest.write(folder, rows)
    manifest.seal(folder, rows)
    return folder


def test_whole_set(labelled, capsys):
    assert verify.verify(labelled) == verify.Report(5, [])
    assert cli.main(["verify", str(labelled)]) == 0
    assert "5 files, 0 differ" in capsys.readouterr().out


@pytest.mark.parametrize(
    "file", ["Particles/L5_b.tif", manifest.CSV, manifest.PARQUET, manifest.SUMS]
)
def test_one_flipped_bit_anywhere(labelled, file, capsys):
    path = labelled / file
    content = path.read_bytes()
    for position in {0, len(content) // 2, len(content) - 1}:
        flipped = bytearray(content)
        flipped[position] ^= 1
        path.write_bytes(flipped)
        assert cli.main(["verify", str(labelled)]) == 1
        # A damaged list of checksums shows at the file that its line speaks of.
        assert file == manifest.SUMS or file in capsys.readouterr().out


@pytest.mark.parametrize(
    "file", ["Particles/L5_b.tif", manifest.CSV, manifest.PARQUET, manifest.SUMS]
)
def test_missing_file(labelled, file):
    (labelled / file).unlink()
    assert file in {finding.file for finding in verify.verify(labelled).findings}


def test_extra_file(labelled):
    (labelled / "Particles" / "notes.txt").write_text("mine")
    assert verify.verify(labelled).findings == [
        Finding("Particles/notes.txt", "is not in the manifest")
    ]


def test_swapped_files(labelled):
    one, other = sorted((labelled / "Particles").iterdir())
    one.rename(labelled / "aside")
    other.rename(one)
    (labelled / "aside").rename(other)
    assert len(verify.verify(labelled).findings) == 2


def test_file_that_only_the_checksums_were_changed_for(labelled):
    (labelled / "Particles/L5_b.tif").write_bytes(b"forged")
    sums = (labelled / manifest.SUMS).read_text()
    old = hashlib.sha256(b"L5_b.tif").hexdigest()
    (labelled / manifest.SUMS).write_text(sums.replace(old, hashlib.sha256(b"forged").hexdigest()))
    assert [finding.file for finding in verify.verify(labelled).findings] == ["Particles/L5_b.tif"]


def test_no_such_folder(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        verify.verify(tmp_path / "labeled")


@pytest.mark.parametrize("content", ["nothing", "images", "a folder called as the manifest"])
def test_folder_that_is_no_labelled_set(tmp_path, content, capsys):
    if content == "images":
        (tmp_path / "a.tif").write_bytes(b"II*")
    elif content != "nothing":
        (tmp_path / manifest.CSV).mkdir()
    assert cli.main(["verify", str(tmp_path)]) == 2
    assert "is no labelled set" in capsys.readouterr().err


def test_manifest_that_is_a_folder(labelled):
    (labelled / manifest.CSV).unlink()
    (labelled / manifest.CSV).mkdir()
    assert manifest.CSV in {finding.file for finding in verify.verify(labelled).findings}


def test_sha256sum_reads_the_checksums(labelled):
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", manifest.SUMS],
        cwd=labelled,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count(": OK") == 4


def test_parquet_holds_what_the_csv_holds(labelled):
    table = pyarrow.parquet.read_table(labelled / manifest.PARQUET)
    rows = tables.read(labelled / manifest.CSV, Labelled)
    assert table.to_pydict() == tables.plain_columns(Labelled, rows)
    assert str(table.schema.field("ssim_value").type) == "double"
    assert str(table.schema.field("bytes").type) == "int64"


def test_manifest_of_nothing(tmp_path):
    tmp_path.joinpath("labeled").mkdir()
    manifest.write(tmp_path / "labeled", [])
    manifest.seal(tmp_path / "labeled", [])
    assert verify.verify(tmp_path / "labeled") == verify.Report(3, [])


def test_manifest_is_the_same_bytes_each_time(labelled, tmp_path):
    rows = tables.read(labelled / manifest.CSV, Labelled)
    manifest.write(tmp_path, rows)
    for name in (manifest.CSV, manifest.PARQUET):
        assert (tmp_path / name).read_bytes() == (labelled / name).read_bytes()


def test_set_of_an_earlier_version_is_known_as_ours(tmp_path):
    (tmp_path / "manifest.csv").write_text("file,label,sha256\nTips/L9_a.tif,L9,1234\n")
    assert manifest.own_files(tmp_path).keys() == {"Tips/L9_a.tif", "manifest.csv"}


def test_foreign_manifest_is_not_ours(tmp_path):
    (tmp_path / "manifest.csv").write_text("name;size\nTips/L9_a.tif;3\n")
    assert manifest.own_files(tmp_path) == {}


def test_digest_of_pixels_by_its_definition():
    samples = np.array([[1, 2, 3], [256, 257, 65535]], ">u2")[..., np.newaxis]
    text = b"<u2 2 3 1\n" + bytes([1, 0, 2, 0, 3, 0, 0, 1, 1, 1, 255, 255])
    assert pixels.digest(samples) == hashlib.sha256(text).hexdigest()


def test_picture_is_remembered_by_content_and_kind(tmp_path):
    digests = known.PixelDigests(tmp_path / "cache.sqlite", images.Limits())
    key = digests.key(tmp_path / "a.tif", "ab" * 32)
    assert digests.get_many([key]) == {}
    digests.put({key: "cd" * 32})
    again = known.PixelDigests(tmp_path / "cache.sqlite", images.Limits())
    same, other = (again.key(tmp_path / name, "ab" * 32) for name in ("b.TIF", "a.jpg"))
    assert again.get_many([other, same]) == {same: "cd" * 32}
    stricter = known.PixelDigests(tmp_path / "cache.sqlite", images.Limits(max_pixels=1))
    assert stricter.get_many([stricter.key(tmp_path / "a.tif", "ab" * 32)]) == {}
