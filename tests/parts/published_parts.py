"""Originals of the sample and JPEGs that show parts of them, as publications do."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

import sample
from backlabel import images
from backlabel.images import encoding

Grey = NDArray[np.uint8]

BEETLE = "tiff/RickGummy/Käfer/data raw/C2-1_m09.tif"  # 640 x 480
WIRES = "tiff/Martin09/old stuff/NWs #8k Mag/6416_NMonSi_MOVPE_w3_12.tif"  # 1024 x 768
STEEL = "tiff/neclipse/SS 316, polished/SS_316_P&C_#2_001.tif"  # 512 x 471


def original(name: str) -> Grey:
    """The grey of an original of the sample."""
    return images.read(sample.tiffs()[name]).grey


def jpeg(image: Image.Image, quality: int = 95) -> bytes:
    """A JPEG of `image`."""
    buffer = io.BytesIO()
    image.convert("L").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def read(data: bytes) -> tuple[Grey, encoding.Table]:
    """The pixels of a JPEG, and its quantisation."""
    return encoding.decoded(data), encoding.luma_table(data)


def quadrant(grey: Grey) -> Image.Image:
    height, width = grey.shape
    return Image.fromarray(grey).crop((0, 0, width // 2, height // 2))


def cropped(grey: Grey) -> Image.Image:
    """Half of height and width, from (101, 83)."""
    height, width = grey.shape
    return Image.fromarray(grey).crop((101, 83, 101 + width // 2, 83 + height // 2))


def cropped_and_reduced(grey: Grey) -> Image.Image:
    height, width = grey.shape
    part = Image.fromarray(grey).crop((40, 30, width - 60, height - 50))
    return part.resize((part.width // 2, part.height // 2), Image.Resampling.LANCZOS)


def mirrored_crop(grey: Grey) -> Image.Image:
    return ImageOps.mirror(cropped(grey))


def inverted_crop(grey: Grey) -> Image.Image:
    return ImageOps.invert(cropped(grey))


def inverted_mirrored_crop(grey: Grey) -> Image.Image:
    return ImageOps.invert(mirrored_crop(grey))


def turned_crop(grey: Grey) -> Image.Image:
    return cropped(grey).transpose(Image.Transpose.ROTATE_90)


def framed(grey: Grey) -> Image.Image:
    return ImageOps.expand(Image.fromarray(grey), 20, 255)


def rotated(grey: Grey) -> Image.Image:
    """By 3 degrees, counter-clockwise."""
    return Image.fromarray(grey).rotate(3, Image.Resampling.BICUBIC, fillcolor=0)


def figure(left: Grey, right: Grey) -> Image.Image:
    """Two panels side by side, 10 pixels apart and from the edge, reduced to 60 %."""
    panels = [Image.fromarray(one) for one in (left, right)]
    width = sum(one.width for one in panels) + 30
    whole = Image.new("L", (width, max(one.height for one in panels) + 20), 255)
    whole.paste(panels[0], (10, 10))
    whole.paste(panels[1], (20 + panels[0].width, 10))
    size = (round(0.6 * whole.width), round(0.6 * whole.height))
    return whole.resize(size, Image.Resampling.LANCZOS)


def cropped_panel(grey: Grey, other: Grey) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """Two thirds of height and width beside another picture, and the box of that panel."""
    height, width = (2 * side // 3 for side in grey.shape)
    whole = Image.new("L", (2 * width + 30, height + 20), 255)
    whole.paste(Image.fromarray(grey).crop((50, 40, 50 + width, 40 + height)), (10, 10))
    whole.paste(Image.fromarray(other).resize((width, height)), (20 + width, 10))
    return whole, (10, 10, width, height)
