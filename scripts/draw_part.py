"""Draw the picture of docs/matching.md: a JPEG, its original with the part it shows, both overlaid.

    python scripts/draw_part.py TIFF_PATH OUT.png

TIFF_PATH as the mapping table of the last run names it; its row must tell of a part. The overlay
shows the JPEG in green and the original, brought to the JPEG's pixels, in magenta: where both are
alike it is grey.

    python scripts/draw_part.py --example OUT.png

makes a copy of an original of the sample, rotated, cropped and reduced, and draws the pair.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from PIL import Image

from backlabel import config, images
from backlabel.errors import BacklabelError
from backlabel.images import GreyImage, encoding
from backlabel.parts.finder import placement
from backlabel.parts.registration import Part, find
from backlabel.parts.showing import laid_on
from backlabel.storage import large, paths
from backlabel.storage.rows import Match

_SAMPLE = Path("data/tiff/RickGummy/Käfer/data raw/C2-1_m09.tif")
_CROP = (90, 60, 530, 400)  # left, top, right, bottom
_DEGREES, _REDUCED, _QUALITY = 12, 0.6, 85


def main(tiff_path: str, out: str) -> None:
    """Find the row of the TIFF and draw its part."""
    mapping = paths.mapping_path(config.load().compare.n_tiff)
    row = next((row for row in large.read(mapping, Match) if row.TIFF_path == tiff_path), None)
    if row is None or row.JPEG_path is None or row.JPEG_box is None:
        raise SystemExit(f"{tiff_path}: {mapping} tells of no part of it.")
    draw(images.read(Path(tiff_path)).grey, Path(row.JPEG_path).read_bytes(), out)


def example(out: str) -> None:
    """Draw a part that was made of an original of the sample."""
    grey = images.read(_SAMPLE).grey
    draw(grey, published(grey), out)


def published(grey: GreyImage) -> bytes:
    """A JPEG of a part of `grey`, rotated and reduced."""
    whole = Image.fromarray(grey).rotate(_DEGREES, Image.Resampling.BICUBIC)
    part = whole.crop(_CROP)
    size = (round(_REDUCED * part.width), round(_REDUCED * part.height))
    buffer = io.BytesIO()
    part.resize(size, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def draw(grey: GreyImage, data: bytes, out: str) -> None:
    """Draw a JPEG, the original with what the JPEG shows of it, and both overlaid."""
    jpeg = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    part = find(grey, jpeg, encoding.luma_table(data))
    if part is None:
        raise SystemExit("No part was found.")
    canvas = Figure(figsize=(12, 3.6), dpi=80, layout="constrained")
    FigureCanvasAgg(canvas)
    shown = {
        "published JPEG": jpeg,
        "original, and what was compared of it": grey,
        "overlaid: JPEG green, original magenta": overlay(grey, jpeg, part),
    }
    for place, (title, image) in enumerate(shown.items(), start=1):
        axes = canvas.add_subplot(1, 3, place)
        axes.imshow(image, cmap="gray", vmin=0, vmax=255)
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
        if place == 2:
            corners = part.place.inverse()(part.box.corners)
            box = Polygon(corners, fill=False, edgecolor="tab:red")
            axes.add_patch(box)
    canvas.suptitle(
        f"scale {part.place.scale:.3f}, turned by {abs(part.place.angle):.2f}°, "
        f"explained share {part.scores.explained:.2f}",
        fontsize=10,
    )
    canvas.savefig(out, metadata={"Software": None})


def overlay(grey: GreyImage, jpeg: GreyImage, part: Part) -> GreyImage:
    """(H, W, 3), what both show: the JPEG in green, the original in red and blue."""
    ours, theirs = laid_on(grey, jpeg, placement(part, grey.shape, jpeg.shape))
    return np.stack([ours, theirs, ours], axis=2)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    try:
        if sys.argv[1] == "--example":
            example(sys.argv[2])
        else:
            main(*sys.argv[1:])
    except BacklabelError as error:
        raise SystemExit(str(error)) from error
