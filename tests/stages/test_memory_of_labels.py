"""What the processes of stage label and of `verify` need grows by little for a labelled file."""

from __future__ import annotations

import subprocess
import sys

import pytest

import workspace

pytestmark = pytest.mark.slow

FEW, MANY = 4_200, 10_000
"""Of fewer, near-duplicates are found without numba, which takes 100 MB however many there are."""
MOST_BYTES = {"label": 6_500, "verify": 1_000}
"""A further file may cost; 2,000 to 3,600 and 100 were measured; 2,000 from 10,000 to 30,000 files.

More than half of that are pages of the files in which the columns of three tables lie. It was
17,000 to 24,000 while records stood for each file, several of them.
"""
SCRIPT = """
import hashlib, io, sys
from pathlib import Path
import numpy as np
import tifffile
from backlabel import config
from backlabel.labels.known import Acquisitions, PixelDigests
from backlabel.limits import read_limits
from backlabel.microscope.acquisition import Acquisition
from backlabel.storage import paths, tables
from backlabel.storage.rows import Beside, JpegHash, Match, TiffHash, Verdict

stage, count = sys.argv[1], int(sys.argv[2])
params = config.load()
if stage == "files":
    random, picture = np.random.default_rng(0), io.BytesIO()
    tifffile.imwrite(picture, np.zeros((4, 8), np.uint8))
    def hashed(path, content, bits):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        return TiffHash(path.name, str(path), bits, bits, "", "a note", 4, 8, digest, 1)
    numbers, bits = range(count), random.bytes(128 * count).hex()
    bits = [bits[256 * i : 256 * (i + 1)] for i in numbers]
    tiffs = [
        hashed(Path(f"data/tiff/{i % 100}/{i}.tif"), picture.getvalue() + random.bytes(16), bits[i])
        for i in numbers
    ]
    jpegs = [
        hashed(Path(f"data/jpeg/Tips/L9_{i:032x}.jpg"), random.bytes(16), bits[i]) for i in numbers
    ]
    jpegs = [JpegHash(**vars(one), category="Tips", label="L9") for one in jpegs]
    mapping = [
        Match(
            tiff.file, tiff.path, jpeg.file, jpeg.path, 2, 0.9, True, Verdict.MATCHED,
            "SSIM 0.900 at 2 bits.", "L9", "Tips", explained=0.9, degradation="blur 0.7",
            TIFF_sha256=tiff.sha256, JPEG_sha256=jpeg.sha256,
        )
        for tiff, jpeg in zip(tiffs, jpegs)
    ]
    tables.write(paths.BESIDE, Beside, [])
    tables.write(paths.TIFF_HASHES, TiffHash, tiffs)
    tables.write(paths.JPEG_HASHES, JpegHash, jpegs)
    tables.write(paths.mapping_path(None), Match, mapping)
    # What workers read of them is known from an earlier run.
    cache, limits = Path(".backlabel/cache"), read_limits(params.read)
    pixels, taken = PixelDigests(cache / "pixels.sqlite", limits), Acquisition(magnification=500.0)
    pixels.put({pixels.key(Path(one.path), one.sha256): one.sha256 for one in [*tiffs, *jpegs]})
    known = Acquisitions(cache / "metadata.sqlite", limits)
    known.put({known.key(one.sha256, 1, ()): taken for one in tiffs})
elif stage == "label":
    from backlabel.stages import label
    label.main(params)
else:
    from backlabel.labels import verify
    assert verify.verify(paths.LABELED) == verify.Report(count + 5, [])
# Not `ru_maxrss`, which begins with what the parent process had.
status = Path("/proc/self/status").read_text().splitlines()
print(next(line for line in status if line.startswith("VmHWM:")).split()[1])
"""


def peak(root, stage, count):
    """Bytes of memory, pages of files among them."""
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT, stage, str(count)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        env=workspace.environment(),
    )
    return int(told.stdout.splitlines()[-1]) * 1024


def test_memory_grows_by_little_for_a_labelled_file(tmp_path):
    peaks = {}
    for count in (FEW, MANY):
        workspace.make(tmp_path / str(count), [])
        for stage in ("files", *MOST_BYTES):
            peaks[stage, count] = peak(tmp_path / str(count), stage, count)
    for stage, most in MOST_BYTES.items():
        assert (peaks[stage, MANY] - peaks[stage, FEW]) / (MANY - FEW) < most
