"""Damaged TIFFs of several pages: each page is a picture or a listed error, and nothing else."""

from __future__ import annotations

import io
import random
import struct

import pytest
import tifffile

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.hashing import engine, pages
from backlabel.hashing.cache import Hashed
from backlabel.inventory.files import Files, Listed
from workspace import picture

LIMITS = images.Limits(max_pixels=1 << 20, max_decoded_bytes=1 << 24, max_pages=20)
SETTINGS = engine.Settings(
    limits=LIMITS, engine="fast", workers=1, max_seconds=600, max_memory_mib=1024
)
REASONS = {"truncated", "corrupt", "bomb", "unsupported", "too many pages", "no values"}


def several(count: int = 5, **options: object) -> bytearray:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, **options) as writer:
        for seed in range(count):
            writer.write(picture(seed, 24, 32), metadata=None)
    return bytearray(buffer.getvalue())


def directories(data: bytes) -> list[int]:
    """Where each directory of a little-endian classic TIFF begins."""
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        return [page.offset for page in tiff.pages]


def link(data: bytearray, page: int, target: int) -> bytearray:
    """Let the directory after page number `page`, from 0, be the one at `target`."""
    at = directories(data)[page]
    (entries,) = struct.unpack_from("<H", data, at)
    struct.pack_into("<I", data, at + 2 + 12 * entries, target)
    return data


def read_all(path) -> dict[int, str]:
    """By page what came of it: read, or the reason of the error. As a worker reads them."""
    with images.opened(path, max_bytes=LIMITS.max_bytes) as source:
        try:
            known = images.read_pages(source, LIMITS)
        except UnreadableImageError as error:
            return {1: error.reason}
    found = {}
    for page in (known.main, *known.others):
        try:
            grey = images.read(path, LIMITS, page).grey
        except UnreadableImageError as error:
            found[page] = error.reason
        else:
            assert grey.size
            found[page] = "read"
    return found


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_flipped(tmp_path, options, seed):
    rng = random.Random(seed)
    whole = several(**options)
    path = tmp_path / "a.tif"
    with tifffile.TiffFile(io.BytesIO(whole)) as tiff:
        starts = [page.offset for page in tiff.pages]
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            data[rng.choice(starts) + rng.randrange(200) - len(data)] = rng.randrange(256)
        path.write_bytes(data[: rng.choice((len(data), rng.randrange(1, len(data))))])
        found = read_all(path)
        assert 1 <= len(found) <= LIMITS.max_pages + 1
        assert {*found.values()} <= REASONS | {"read", "not an image"}


@pytest.mark.parametrize("target", [0, 2, 4], ids=["the first", "the middle", "itself"])
def test_a_loop_of_directories_ends(tmp_path, target):
    data = several()
    path = tmp_path / "a.tif"
    path.write_bytes(link(data, 4, directories(data)[target]))
    assert read_all(path) == dict.fromkeys(range(1, 6), "read")


def test_a_chain_that_leaves_the_file_ends_there(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(link(several(), 2, 0xFFFFFFF0))
    assert read_all(path) == {1: "read", 2: "read", 3: "read"}


def test_a_thousand_pages_are_read_to_the_limit(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(several(1000))
    found = read_all(path)
    assert [found[page] for page in range(1, 21)] == ["read"] * 20
    assert found.pop(21) == "too many pages"
    assert len(found) == 20


def test_cut_anywhere_the_stage_lists_what_is_lost(tmp_path):
    whole = several()
    items = []
    for number, share in enumerate((0.3, 0.5, 0.7, 0.9)):
        path = tmp_path / f"{number}.tif"
        path.write_bytes(whole[: int(share * len(whole))])
        items.append(Listed(str(path), "tiff"))
    mains = engine.hash_files(Files(items), SETTINGS, tmp_path)
    for found in pages.every_page(items, mains, SETTINGS, tmp_path):
        assert found
        for one in found:
            assert isinstance(one.outcome, Hashed) or one.outcome.reason in REASONS
