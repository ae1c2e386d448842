"""The fast way to fetch strips gives the same samples as the slow one, which tifffile takes."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from backlabel.errors import UnreadableImageError
from backlabel.images import Limits, ifd, read, strips, via_tifffile
from backlabel.images._lzw import lzw_decode
from backlabel.images.segments import segments
from backlabel.images.source import opened


def fetched(path: Path) -> tuple[np.ndarray | None, np.ndarray]:
    """By `strips`, None where it declines, and by `exotic`."""
    with opened(path, max_bytes=1 << 30) as source:
        layout = ifd.Layout(source.read)
        page = ifd.pages(layout)[0]
        plan = strips.plan(page, segments(page, source))
        fast = strips.decode(plan, source, layout) if plan else None
        return fast, via_tifffile.decode(source, page, Limits())[0]


@pytest.mark.parametrize("rows", [1, 7, 48])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "i1", "i2", "i4"])
@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits", "zstd"])
def test_strips_of_every_simple_kind(tmp_path, rgb, *, compression, kind, order, rows):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        rgb.astype(kind),
        photometric="rgb",
        compression=compression,
        byteorder=order,
        rowsperstrip=rows,
        predictor=compression in ("lzw", "deflate", "zstd"),
    )
    fast, slow = fetched(path)
    assert fast is not None
    assert fast.dtype == slow.dtype
    np.testing.assert_array_equal(fast, slow)


@pytest.mark.parametrize(
    "options",
    [
        {"tile": (16, 16)},
        {"compression": "lzma"},
        {"compression": "jpeg"},
        {"predictor": 3, "compression": "deflate", "dtype": "f4"},
        {"dtype": "f4"},
    ],
)
def test_all_else_is_left_to_the_slow_way(tmp_path, grey, options):
    path = tmp_path / "a.tif"
    kind = options.get("dtype", "u1")
    tifffile.imwrite(path, grey.astype(kind), **{k: v for k, v in options.items() if k != "dtype"})
    fast, slow = fetched(path)
    assert fast is None
    assert slow.shape == (*grey.shape, 1)


def test_strips_that_lie_in_any_order(tmp_path, grey):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, grey, rowsperstrip=12, metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tag = tiff.pages.first.tags["StripOffsets"]
        first, second, third, last = tag.value
        tag.overwrite((third, first, last, second))
    fast, slow = fetched(path)
    expected = np.vstack([grey[24:36], grey[:12], grey[36:], grey[12:24]])
    np.testing.assert_array_equal(fast[..., 0], expected)
    np.testing.assert_array_equal(slow[..., 0], expected)


@pytest.mark.parametrize("levels", [1, 2, 40, 256])
def test_lzw_is_decoded_as_by_the_library(levels):
    plain = np.random.default_rng(levels).integers(0, levels, 40_000).astype(np.uint8)
    out = np.empty_like(plain)
    assert lzw_decode(imagecodecs.lzw_encode(plain.tobytes()), out) == plain.size
    np.testing.assert_array_equal(out, plain)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=3))
@settings(max_examples=500, deadline=None)
def test_damaged_lzw_is_declined_or_decoded_as_by_the_library(changes):
    plain = np.random.default_rng(0).integers(0, 9, 3_000).astype(np.uint8)
    damaged = bytearray(imagecodecs.lzw_encode(plain.tobytes()))
    for where, value in changes:
        damaged[round(where * (len(damaged) - 1))] = value
    out = np.zeros(5_000, np.uint8)
    filled = lzw_decode(bytes(damaged), out)
    if filled >= 0:
        assert out[:filled].tobytes() == imagecodecs.lzw_decode(bytes(damaged), out=5_000)[:filled]


def test_lzw_that_ends_early_or_has_no_room_is_declined():
    packed = imagecodecs.lzw_encode(bytes(range(200)))
    assert lzw_decode(packed[:-3], np.empty(200, np.uint8)) == -1
    assert lzw_decode(packed, np.empty(199, np.uint8)) == -1
    assert lzw_decode(b"", np.empty(9, np.uint8)) == -1


@pytest.mark.parametrize(
    "options",
    [{}, {"tile": (16, 16)}, {"extratags": [(266, 3, 1, 2, True)]}],
    ids=["strips", "tiles", "bits turned round"],
)
def test_lzw_that_names_what_it_never_defined_is_not_given_to_the_library(tmp_path, grey, options):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, grey, compression="lzw", rowsperstrip=len(grey), **options)
    codes = "".join(f"{code:09b}" for code in (256, 65, 300)).ljust(32, "0")
    broken = int(codes, 2).to_bytes(4)
    with tifffile.TiffFile(path) as tiff:
        offset, turned = tiff.pages.first.dataoffsets[0], tiff.pages.first.fillorder == 2
    data = bytearray(path.read_bytes())
    data[offset : offset + 4] = imagecodecs.bitorder_encode(broken) if turned else broken
    path.write_bytes(data)
    with pytest.raises(UnreadableImageError, match=r"corrupt: .* never defined"):
        read(path)
