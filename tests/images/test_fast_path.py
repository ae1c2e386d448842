"""The fast way to fetch strips gives the same samples as the slow one, which tifffile takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from backlabel.images import Limits, ifd, strips, via_tifffile
from backlabel.images.segments import segments
from backlabel.images.source import opened


def fetched(path: Path) -> tuple[np.ndarray | None, np.ndarray]:
    """By `strips`, None where it declines, and by `via_tifffile`."""
    with opened(path, max_bytes=1 << 30) as source:
        layout = ifd.Layout(source.read)
        page = ifd.pages(layout).found[0]
        found = segments(page, source)
        plan = strips.plan(page, found)
        fast = strips.decode(plan, source, layout) if plan else None
        return fast, via_tifffile.decode(source, page, found, Limits())[0]


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
