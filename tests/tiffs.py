"""TIFFs made by other programs, or byte by byte, for the tests of reading."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

FILES = Path(__file__).parent / "images" / "files"
"""Files of programs that no Python library stands in for; its README says how they were made."""


def pillow_grey(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


def by_tifffile(path: Path, samples: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, samples, **options)
    return path


def by_pillow(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, "TIFF", **options)
    return path


def by_hand(
    path: Path, body: bytes, tags: dict[int, tuple[int, list[int]]], *, order: str = "<"
) -> Path:
    """A TIFF of one strip and one directory, after TIFF 6.0 section 2; tags are (type, values)."""
    codes = {1: "B", 3: "H", 4: "I"}
    tags = {**tags, 279: (4, [len(body)])}
    start = 8 + 2 + 12 * (len(tags) + 1) + 4
    tags[273] = (4, [start + 4096])
    entries, extra = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        field = struct.pack(f"{order}{len(values)}{codes[kind]}", *values)
        if len(field) > 4:
            field, extra = struct.pack(f"{order}I", start + len(extra)), extra + field
        entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + field.ljust(4, b"\0")
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(f"{order}I", 8) + struct.pack(f"{order}H", len(tags))
    path.write_bytes(head + entries + bytes(4) + extra.ljust(4096, b"\0") + body)
    return path


def base_tags(shape: tuple[int, int], bits: list[int], photometric: int) -> dict:
    height, width = shape
    return {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, bits),
        259: (3, [1]),
        262: (3, [photometric]),
        277: (3, [len(bits)]),
        278: (4, [height]),
    }


def stretched(samples: np.ndarray) -> np.ndarray:
    """Least finite value 0, greatest 255, in exact terms: the rule for deep images."""
    values = samples.astype(np.longdouble)
    finite = np.isfinite(values)
    low, high = values[finite].min(), values[finite].max()
    share = np.where(finite, (values - low) / (high - low), 0)
    share[values == np.inf] = 1
    return np.rint(share * 255).astype(np.uint8)
