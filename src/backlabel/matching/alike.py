"""A TIFF as a JPEG's own making would have left it.

Compression takes most of an image's noise away, so that even a true copy at quality 50 has little
noise in common with its original. But what it takes is known: the JPEG carries its quantisation
table. A TIFF that gets the JPEG's histogram and goes through the same table loses the same noise
and keeps the same; another frame loses and keeps its own. Measured: see benchmarks/quality.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel.images import encode
from backlabel.matching.histogram import match_histogram

Grey: TypeAlias = NDArray[np.uint8]  # (H, W)


def alike(tiff: Grey, jpeg: Grey, table: encode.Table) -> Grey:
    """`tiff` with the histogram of `jpeg`, through one compression with `table`.

    Both are (H, W) in the JPEG's own geometry: its size, turned as it is, so that the 8x8 blocks
    lie where they lay.
    """
    return encode.through_table(match_histogram(tiff, jpeg), table)
