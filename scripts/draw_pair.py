"""Draw the picture of README: an original beside its published copy, with the scores of the pair.

    python scripts/draw_pair.py TIFF_PATH OUT.png

TIFF_PATH as the mapping table of the last run names it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from backlabel import images
from backlabel.storage import paths, tables
from backlabel.storage.rows import Match


def main(tiff_path: str, out: str) -> None:
    """Find the row of the TIFF and draw both images of its pair."""
    mapping = tables.read(paths.mapping_path(None), Match)
    row = next(row for row in mapping if row.TIFF_path == tiff_path)
    if row.JPEG_path is None or row.JPEG_file is None:
        raise SystemExit(f"{tiff_path}: has no JPEG.")
    figure = Figure(figsize=(10, 4.3), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    sides = {
        f"original, unlabelled: {row.TIFF_file}": row.TIFF_path,
        f"published copy: {row.category}/{row.JPEG_file[:14]}….jpg": row.JPEG_path,
    }
    for place, (title, path) in enumerate(sides.items(), start=1):
        axes = figure.add_subplot(1, 2, place)
        axes.imshow(images.read(Path(path)).grey, cmap="gray", vmin=0, vmax=255)
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
    figure.suptitle(
        f"{row.hamming_distance} of 1,024 hash bits differ, SSIM {row.ssim_value:.3f}  →  "
        f"labeled/{row.category}/{row.label}_{Path(row.TIFF_path).stem}.tif",
        fontsize=10,
    )
    figure.savefig(out, metadata={"Software": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
