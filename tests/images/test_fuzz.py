"""Damaged files of every kind: a Picture or an UnreadableImageError comes out, and nothing else."""

from __future__ import annotations

import io
import random
from collections import Counter

import numpy as np
import pytest
import tifffile
from PIL import Image

from backlabel.errors import UnreadableImageError
from backlabel.images import Limits, read

pytestmark = pytest.mark.slow

LIMITS = Limits(max_pixels=1 << 20, max_decoded_bytes=1 << 24)
TRIALS = 120  # of each file


def tiff(samples: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **options)
    return buffer.getvalue()


def jpeg(samples: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(samples).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def raster(samples: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(samples).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def corpus(grey, rgb) -> dict[str, bytes]:
    ramp = np.tile(np.arange(256, dtype=np.uint16) * 257, (3, 1))
    pages = io.BytesIO()
    with tifffile.TiffWriter(pages) as writer:
        writer.write(grey[::2, ::2], subfiletype=1, subifds=1)
        writer.write(grey)
        writer.write(grey)
    packings = ["lzw", "deflate", "packbits", "zstd", "lzma", "jpeg", "jpeg2000", "png", "webp"]
    made = {
        f"{packing}.tif": tiff(rgb if packing == "webp" else grey, compression=packing)
        for packing in [*packings, "jpegxl", "lerc", "jpegxr"]
    }
    return made | {
        "plain.tif": tiff(grey),
        "big.tif": tiff(grey, bigtiff=True),
        "tiles.tif": tiff(rgb, tile=(16, 16), photometric="rgb", compression="lzw"),
        "planes.tif": tiff(np.moveaxis(rgb, -1, 0), photometric="rgb", planarconfig="separate"),
        "palette.tif": tiff(grey, photometric="palette", colormap=ramp),
        "deep.tif": tiff(grey.astype(np.uint16), predictor=True, compression="deflate"),
        "float.tif": tiff(grey.astype(np.float32), predictor=True, compression="deflate"),
        "pages.tif": pages.getvalue(),
        "grey.jpg": jpeg(grey),
        "colour.jpg": jpeg(rgb, exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\6\0"),
        "progressive.jpg": jpeg(rgb, progressive=True),
        "grey.png": raster(grey, "PNG"),
        "colour.png": raster(rgb, "PNG"),
        "deep.png": raster(grey.astype(np.uint16) * 257, "PNG"),
        "colour.bmp": raster(rgb, "BMP"),
    }


def damaged(data: bytes, rng: random.Random) -> bytes:
    """A few bytes flipped (often in the header), a piece cut off, repeated or blanked."""
    out = bytearray(data)
    where = rng.choice((64, 256, len(out)))
    for _ in range(rng.randint(1, 6)):
        out[rng.randrange(min(where, len(out)))] = rng.choice((0, 1, 0xFF, rng.randrange(256)))
    start = rng.randrange(len(out))
    end = min(len(out), start + rng.randrange(64))
    kind = rng.randrange(5)
    if kind == 0:
        return bytes(out[:start])
    if kind == 1:
        out[start:end] = bytes(end - start)
    if kind == 2:
        out[start:start] = out[start:end]
    return bytes(out)


def outcome(path) -> str:
    try:
        picture = read(path, LIMITS)
    except UnreadableImageError as error:
        return error.reason
    grey = picture.grey
    assert grey.dtype == np.uint8
    assert grey.ndim == 2
    assert grey.size > 0
    assert grey.flags.c_contiguous
    return "read"


@pytest.mark.parametrize("seed", range(3))
def test_only_pictures_and_named_errors_come_out(tmp_path, corpus, seed):
    rng = random.Random(seed)
    seen: Counter[str] = Counter()
    for name, data in corpus.items():
        path = tmp_path / name
        for _ in range(TRIALS // 3):
            path.write_bytes(damaged(data, rng))
            seen[outcome(path)] += 1
    assert sum(seen.values()) == TRIALS // 3 * len(corpus)
    assert {"read", "truncated", "corrupt", "bomb"} <= seen.keys()


def test_the_undamaged_files_can_all_be_read(tmp_path, corpus):
    for name, data in corpus.items():
        (tmp_path / name).write_bytes(data)
        assert outcome(tmp_path / name) == "read", name
