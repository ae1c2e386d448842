"""Draw the picture of README: an original beside its published copy, with the scores of the pair.

    python scripts/draw_pair.py TIFF_PATH OUT.png

TIFF_PATH as the mapping table of the last run names it. A pair that was not matched, or has no
SSIM, is drawn too, and says so.
"""

from __future__ import annotations

import sys
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from backlabel import config, images
from backlabel.errors import BacklabelError
from backlabel.storage import large, paths
from backlabel.storage.rows import Match, Verdict


def main(tiff_path: str, out: str) -> None:
    """Find the row of the TIFF and draw both images of its pair."""
    mapping = paths.mapping_path(config.load().compare.n_tiff)
    row = next((row for row in large.read(mapping, Match) if row.TIFF_path == tiff_path), None)
    if row is None:
        raise SystemExit(f"{tiff_path}: is not among the TIFFs of {mapping}.")
    if row.JPEG_path is None or row.JPEG_file is None:
        raise SystemExit(f"{tiff_path}: has no JPEG to be drawn beside it: {row.reason}")
    figure = Figure(figsize=(10, 4.3), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    folder = Path(row.JPEG_path).parent.name
    sides = {
        f"original, unlabelled: {row.TIFF_file}": row.TIFF_path,
        f"published copy: {folder}/{row.JPEG_file[:14]}….jpg": row.JPEG_path,
    }
    for place, (title, path) in enumerate(sides.items(), start=1):
        axes = figure.add_subplot(1, 2, place)
        axes.imshow(images.read(Path(path)).grey, cmap="gray", vmin=0, vmax=255)
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
    figure.suptitle(caption(row), fontsize=10)
    figure.savefig(out, metadata={"Software": None})


def caption(row: Match) -> str:
    """The scores of the pair, and what became of it."""
    ssim = "SSIM not computed" if row.ssim_value is None else f"SSIM {row.ssim_value:.3f}"
    end = row.verdict.value
    if row.verdict is Verdict.MATCHED:
        end = f"labeled/{row.category}/{row.label}_{Path(row.TIFF_path).stem}.tif"
    return f"{row.hamming_distance} of 1,024 hash bits differ, {ssim}  →  {end}"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    try:
        main(*sys.argv[1:])
    except BacklabelError as error:
        raise SystemExit(str(error)) from error
