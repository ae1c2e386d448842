"""Draw what a TIFF explains of its copy, and what of the next frame, for docs/matching.md.

    python scripts/draw_verification.py ORIGINAL.tif docs/images

The TIFF is one of two simulated frames of the field that the image shows; both JPEGs have
quality 90.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from backlabel import images
from backlabel.calibration.frames import two_frames
from backlabel.images import encoding
from backlabel.matching.coefficients import Published, cut

QUALITY, SIGMA, SEED = 90, 6.0, 0
DETAIL = np.s_[100:200, 100:200]  # pixels of the TIFF that are shown large


def draw(tiff: NDArray[np.uint8], shown: NDArray[np.uint8], path: Path) -> None:
    """TIFF, JPEG of `shown`, and how much of each tile of the JPEG the TIFF explains."""
    data = encoding.jpeg(shown, QUALITY)
    jpeg, table = encoding.decoded(data), encoding.luma_table(data)
    published = Published(jpeg, tiff, table)
    plain = cut(tiff).astype(np.float32)
    found = published.explained_by(plain)
    figure = Figure(figsize=(10, 3.6), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    names = "TIFF, a detail", "JPEG, the same detail"
    for place, (name, image) in enumerate(zip(names, (tiff, jpeg), strict=True), start=1):
        axes = figure.add_subplot(1, 3, place)
        axes.imshow(image[DETAIL], cmap="gray", vmin=0, vmax=255)
        axes.set_title(name)
        axes.axis("off")
    axes = figure.add_subplot(1, 3, 3)
    axes.set_facecolor("0.8")
    height, width = plain.shape
    drawn = axes.imshow(
        published.by_tile(plain), cmap="viridis", vmin=0, vmax=1, extent=(0, width, height, 0)
    )
    axes.set_title(f"explained {max(found.share or 0.0, 0.0):.2f}, {found.spoke:.0%} spoke")
    axes.set_xticks([])
    axes.set_yticks([])
    figure.colorbar(drawn, ax=axes, label="share of a tile, grey: silent", shrink=0.8)
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tiff", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    ours, theirs = two_frames(images.read(args.tiff).grey, (0.0, 0.0), SIGMA, SEED)
    draw(ours, ours, args.folder / "verified-copy.png")
    draw(ours, theirs, args.folder / "verified-next-frame.png")


if __name__ == "__main__":
    main()
