"""What the process of a stage needs is nearly the same for 200 and for 20,000 images.

Counted is anonymous memory, which nothing but the process can free. VmHWM has pages of mapped
files, too, which the kernel drops when memory is short. Of the former it keeps no peak, so that
this process reads it every millisecond: a thread of the stage would wait for Python's lock there.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import workspace
from backlabel.storage import paths, tables
from backlabel.storage.rows import Match, Verdict

pytestmark = pytest.mark.slow

FEW, MANY = 100, 10_000
"""JPEGs, and TIFFs."""
MOST_BYTES = 9_000_000
"""That many images may take more than few; 2 to 6.5 million were measured.

That is for blocks of images, which few do not fill, and 70 bytes for each further image. It was 12
to 20 million while hashes, words, paths and evidence were packed in memory.
"""
SCRIPT = """
import hashlib, sys
from pathlib import Path
from dataclasses import asdict
import numpy as np
from backlabel import config
from backlabel.hashing.bits import Hashes
from backlabel.hashing.cache import Entry, HashCache, Hashed
from backlabel.hashing.identity import Content, identity
from backlabel.limits import read_limits

stage, count = sys.argv[1], int(sys.argv[2])
params = config.load()
changed = params.compare.model_copy(update={"variants": ("identity",)})
params = params.model_copy(update={"compare": changed})
if stage == "files":
    from backlabel.matching.evidence import Pair, Scores
    from backlabel.matching.kept import kept_for
    from backlabel.stages import compare
    random = np.random.default_rng(0)
    folder = Path(".backlabel/cache")
    def hashed(path, kind, bits):
        path.write_bytes(random.bytes(16))
        content = Content(hashlib.sha256(path.read_bytes()).hexdigest(), identity(path.lstat()))
        return Hashed(kind, content, Entry(Hashes(bits, bits, ""), 768, 1024, "a note"))
    jpegs, tiffs = Path("data/jpeg/Tips"), Path("data/tiff")
    for parent in (jpegs, tiffs):
        parent.mkdir(parents=True)
    jpegs = [jpegs / f"L9_{number:032x}.jpg" for number in range(count)]
    tiffs = [tiffs / f"{number}.tif" for number in range(count)]
    bits = np.frombuffer(random.bytes(128 * count), np.uint8).reshape(-1, 128)
    copies = [hashed(*one) for one in zip(jpegs, ["jpeg"] * count, bits)]
    # Every other TIFF is the original of a JPEG, with scores that are kept.
    bits = bits ^ np.where(np.arange(len(bits)) % 2, 255, 0).astype(np.uint8)[:, np.newaxis]
    originals = [hashed(*one) for one in zip(tiffs, ["tiff"] * count, bits)]
    cache = HashCache(folder, asdict(read_limits(params.read)))
    cache.keep(copies)
    cache.keep(originals)
    pairs = zip(tiffs, jpegs, originals, copies)
    kept_for(compare.settings(params), folder).keep_scores(
        (
            (
                Pair(str(tiff), str(jpeg), "identity", ours.content.sha256, theirs.content.sha256),
                Scores(0.9, 0.9, 0.5, f"blur {number / 10}"),
            )
            for number, (tiff, jpeg, ours, theirs) in enumerate(pairs)
        ),
        complete=True,
    )
else:
    from backlabel.matching import search
    from backlabel.stages import compare, hash
    search._FEW = 0  # numba takes its 30 MB for few images, too
    {"hash": hash, "compare": compare}[stage].main(params)
status = Path("/proc/self/status").read_text().splitlines()
print(*(line for line in status if line.startswith("RssAnon:")))
"""


def anonymous(status):
    """Bytes; 0 of a process that has ended."""
    told = next((line for line in status.splitlines() if line.startswith("RssAnon:")), ": 0")
    return int(told.split()[1]) * 1024


def peak(root, stage, count):
    """Bytes; where this process is seldom awake, those that the stage has at its end at least."""
    command = [sys.executable, "-c", SCRIPT, stage, str(count)]
    most = 0
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, text=True, env=workspace.environment()
    ) as process:
        while process.poll() is None:
            most = max(most, anonymous(Path(f"/proc/{process.pid}/status").read_text()))
            time.sleep(0.001)
        assert process.returncode == 0
        return max(most, anonymous(process.stdout.read()))


def test_memory_is_nearly_the_same_for_many_images(tmp_path):
    peaks = {}
    for count in (FEW, MANY):
        root = tmp_path / str(count)
        workspace.make(root, [])
        peak(root, "files", count)
        # Stage compare once more, when nothing is searched.
        for turn, stage in enumerate(("hash", "compare", "compare")):
            peaks[turn, count] = peak(root, stage, count)
        verdicts = Counter(
            row.verdict for row in tables.read(root / paths.mapping_path(None), Match)
        )
        assert verdicts[Verdict.MATCHED] == count // 2
    more = [peaks[turn, MANY] - peaks[turn, FEW] for turn in range(3)]
    assert max(more) < MOST_BYTES, more
