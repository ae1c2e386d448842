"""Files that must be refused with a named reason: never hung on, never half decoded."""

from __future__ import annotations

import io
import os
import socket
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from backlabel.errors import UnreadableImageError
from backlabel.images import Limits, read, source


def reason_of(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        read(path, limits or Limits())
    assert caught.value.detail
    return caught.value.reason


def encoded(grey: np.ndarray, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, kind, **options)
    return buffer.getvalue()


def bare_tiff(
    width: int, height: int, body: bytes, *, compression: int = 1, more: int = 0
) -> bytes:
    """A grey TIFF of one strip whose header may lie; `more` is the position of a next page."""
    tags = [(256, width), (257, height), (258, 8), (259, compression), (262, 1)]
    start = 8 + 2 + 12 * 9 + 4
    tags += [(273, start), (277, 1), (278, height), (279, len(body))]
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 9) + directory + struct.pack("<I", more) + body


CONTENTS = [
    ("a.tif", b"", "empty"),
    ("a.tif", b"I", "not an image"),
    ("a.tif", b"just words\n" * 20, "not an image"),
    ("a.tif", bytes(4096), "not an image"),
    ("a.jpg", np.random.default_rng(4).bytes(4).join([b"\x01\x02"] * 9), "not an image"),
    ("a.tif", b"\x89PNG\r\n\x1a\n" + bytes(50), "wrong content"),
    ("a.tif", b"%PDF-1.7\n" + bytes(50), "wrong content"),
    ("a.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\nshowpage\n", "wrong content"),
    ("a.tif", b"PK\x03\x04" + bytes(60), "wrong content"),
    ("a.tif", b"<!DOCTYPE html><title>404</title>", "wrong content"),
    ("a.tif", b"  \n<HTML>", "wrong content"),
    ("a.jpg", b"RIFF\0\0\0\0WEBPVP8 ", "wrong content"),
    ("a.jpg", bare_tiff(8, 8, bytes(64)), "wrong content"),
    ("a.tif", b"\xff\xd8\xff\xe0" + bytes(50), "wrong content"),
    ("a.jpg", b"\xff\x4f\xff\x51" + bytes(50), "wrong content"),
    ("a.tif", b"II*\0\x08\0\0\0", "truncated"),
    ("a.tif", b"II*\0\x08\0\0\0\0\0\0\0\0\0", "corrupt"),
    ("a.tif", bare_tiff(65535, 65535, bytes(1024)), "bomb"),
    ("a.tif", bare_tiff(0, 10, bytes(64)), "corrupt"),
    ("a.tif", bare_tiff(100, 100, bytes(64)), "truncated"),
    ("a.tif", bare_tiff(8, 8, zlib.compress(bytes(60)), compression=8), "truncated"),
    ("a.tif", bare_tiff(8, 8, zlib.compress(bytes(64))[:-6], compression=8), "corrupt"),
    ("a.tif", bare_tiff(8, 8, bytes(64), compression=12345), "unsupported"),
    ("a.jpg", b"\xff\xd8\xff\xdb", "truncated"),
    ("a.jpg", b"\xff\xd8\xff\xd9" + bytes(20), "corrupt"),
]


@pytest.mark.parametrize(("name", "data", "reason"), CONTENTS)
def test_what_is_no_whole_image_is_refused(tmp_path, name, data, reason):
    path = tmp_path / name
    path.write_bytes(data)
    assert reason_of(path) == reason


def test_the_error_says_what_the_file_really_is(tmp_path):
    path = tmp_path / "scan.tif"
    path.write_bytes(b"%PDF-1.4")
    with pytest.raises(UnreadableImageError, match="its name says TIFF, it is PDF"):
        read(path)


@pytest.mark.parametrize("kept", [0.05, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.tif", {}),
        ("a.tif", {"compression": "tiff_lzw"}),
        ("a.tif", {"compression": "tiff_adobe_deflate"}),
        ("a.tif", {"compression": "packbits"}),
        ("a.tif", {"compression": "jpeg"}),
        ("a.jpg", {}),
        ("a.jpg", {"progressive": True}),
    ],
)
def test_a_cut_file_is_refused(tmp_path, grey, name, options, kept):
    data = encoded(grey, "JPEG" if name.endswith("jpg") else "TIFF", **options)
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * kept)])
    assert reason_of(path) == "truncated"


@pytest.mark.parametrize("compression", ["lzw", "jpeg", "jpeg2000", "packbits", "lzma"])
def test_a_strip_that_ends_early_is_refused(tmp_path, grey, compression):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, grey, compression=compression, metadata=None, rowsperstrip=48)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        page = tiff.pages.first
        page.tags["StripByteCounts"].overwrite(page.databytecounts[0] // 2)
    assert reason_of(path) in ("truncated", "corrupt")


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_a_missing_end_marker_counts_as_truncated(tmp_path, grey, options):
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(grey, "JPEG", **options)[:-2])
    assert reason_of(path) == "truncated"


def test_a_flipped_byte_in_the_middle_of_a_jpeg_is_not_decoded_over(tmp_path, grey):
    data = bytearray(encoded(grey, "JPEG", quality=100))
    data[len(data) // 2 : len(data) // 2 + 2] = b"\xff\xf0"
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert reason_of(path) in ("corrupt", "truncated")


def test_limits_are_inclusive_and_hold_for_both_kinds(tmp_path, grey):
    pixels = grey.size
    for name, kind in (("a.tif", "TIFF"), ("a.jpg", "JPEG")):
        path = tmp_path / name
        path.write_bytes(encoded(grey, kind))
        assert read(path, Limits(max_pixels=pixels)).grey.size == pixels
        assert reason_of(path, Limits(max_pixels=pixels - 1)) == "bomb"
        assert reason_of(path, Limits(max_bytes=path.stat().st_size - 1)) == "too large"
        assert read(path, Limits(max_bytes=path.stat().st_size)).kind == name[-3:].replace(
            "tif", "tiff"
        ).replace("jpg", "jpeg")


def test_deep_samples_count_in_bytes(tmp_path, grey):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, grey.astype(np.float64))
    assert reason_of(path, Limits(max_decoded_bytes=grey.size * 8 - 1)) == "bomb"
    assert read(path, Limits(max_decoded_bytes=grey.size * 8)).grey.shape == grey.shape


def test_a_bomb_takes_no_memory(tmp_path):
    body = zlib.compress(bytes(30_000_000))
    path = tmp_path / "a.tif"
    path.write_bytes(bare_tiff(30_000, 30_000, body, compression=8))
    tracemalloc.start()
    assert reason_of(path) == "bomb"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_strip_that_unpacks_to_more_than_its_rows_is_not_unpacked(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(bare_tiff(8, 8, zlib.compress(bytes(50_000_000)), compression=8))
    tracemalloc.start()
    assert reason_of(path) == "corrupt"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_huge_tiles_around_a_small_image(tmp_path, grey):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, grey, tile=(16, 16), compression="deflate", metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages.first.tags["TileWidth"].overwrite(65520)
        tiff.pages.first.tags["TileLength"].overwrite(65520)
    assert reason_of(path) == "bomb"


def test_a_directory_that_names_itself_is_read_once(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(bare_tiff(8, 8, bytes(range(64)), more=8))
    picture = read(path)
    np.testing.assert_array_equal(picture.grey, np.arange(64).reshape(8, 8))
    assert picture.note == ""


def test_a_sparse_file_of_gigabytes(tmp_path):
    path = tmp_path / "a.tif"
    with path.open("wb") as file:
        file.write(b"II*\0\x08\0\0\0")
        file.truncate((5 << 30) + 1)
    assert reason_of(path) == "too large"


def test_a_link_is_never_followed(tmp_path, grey):
    Image.fromarray(grey).save(tmp_path / "real.tif")
    (tmp_path / "link.tif").symlink_to("real.tif")
    assert reason_of(tmp_path / "link.tif") == "link"


def test_a_fifo_a_socket_and_a_folder_are_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo.tif")
    Path("folder.tif").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.tif")
        assert [reason_of(Path(f"{name}.tif")) for name in ("fifo", "folder", "socket")] == [
            "not a file"
        ] * 3


def test_what_is_not_there_has_vanished(tmp_path):
    assert reason_of(tmp_path / "a.tif") == "vanished"
    assert reason_of(tmp_path / "no folder" / "a.tif") == "vanished"
    assert reason_of(tmp_path / ("n" * 300)) == "path too long"


@pytest.mark.usefixtures("ordinary_user")
def test_a_file_that_may_not_be_read():
    path = Path("a.tif")
    path.write_bytes(b"words")
    assert reason_of(path) == "not an image"
    path.chmod(0o000)
    assert reason_of(path) == "no permission"


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def cut(path: Path) -> None:
    os.truncate(path, 20)


def move_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))


@pytest.mark.parametrize(
    ("disturb", "reason"),
    [
        (grow, "changed"),
        (replace, "changed"),
        (cut, "changed"),
        (Path.unlink, "vanished"),
        (move_folder, "vanished"),
    ],
)
def test_a_file_that_is_disturbed_while_it_is_read(tmp_path, grey, disturb, reason):
    path = tmp_path / "folder" / "a.tif"
    path.parent.mkdir()
    path.write_bytes(encoded(grey, "TIFF"))
    with pytest.raises(UnreadableImageError) as caught:
        read_disturbed(path, disturb)
    assert caught.value.reason == reason


def read_disturbed(path: Path, disturb: Callable[[Path], object]) -> None:
    with source.opened(path, max_bytes=1 << 20) as opened:
        opened.read(0, 8)
        disturb(path)
        opened.read(opened.size - 8, 8)
