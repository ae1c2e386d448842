"""What the process of a stage needs grows by the hashes of an image, and not by records of it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

import workspace
from backlabel.storage import paths, tables
from backlabel.storage.rows import Match, Verdict

pytestmark = pytest.mark.slow

FEW, MANY = 200, 20_000
MOST_BYTES = {
    ("hash", "JPEG"): 1_000,
    ("hash", "TIFF"): 700,
    ("compare", "JPEG"): 800,
    ("compare", "TIFF"): 1_500,
}
"""A further image may cost; 710, 440, 410 and 1,000 were measured.

Its hashes and digest are 288 bytes. Beside them stage hash holds its path, and stage compare its
words and candidates, packed; the rest is what both need for a block of images at a time, and what
Arrow keeps for later, which 60,000 images do not need once more.
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

stage, counts = sys.argv[1], [*map(int, sys.argv[2:])]
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
    jpegs = [jpegs / f"L9_{number:032x}.jpg" for number in range(counts[0])]
    tiffs = [tiffs / f"{number}.tif" for number in range(counts[1])]
    bits = np.frombuffer(random.bytes(128 * max(counts)), np.uint8).reshape(-1, 128)
    copies = [hashed(*one) for one in zip(jpegs, ["jpeg"] * counts[0], bits)]
    # Every other TIFF is the original of a JPEG, with scores that are kept.
    bits = bits ^ np.where(np.arange(len(bits)) % 2, 255, 0).astype(np.uint8)[:, np.newaxis]
    originals = [hashed(*one) for one in zip(tiffs, ["tiff"] * counts[1], bits)]
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
    from backlabel.stages import compare, hash
    {"hash": hash, "compare": compare}[stage].main(params)
# Not `ru_maxrss`, which begins with what the parent process had.
status = Path("/proc/self/status").read_text().splitlines()
print(next(line for line in status if line.startswith("VmHWM:")).split()[1])
"""


def peak(root, stage, *counts):
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT, stage, *map(str, counts)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        env=workspace.environment(),
    )
    return int(told.stdout.splitlines()[-1]) * 1024


def test_memory_grows_by_little_more_than_hashes(tmp_path):
    peaks = {}
    for counts in ((FEW, FEW), (MANY, FEW), (MANY, MANY)):
        root = tmp_path / "_".join(map(str, counts))
        workspace.make(root, [])
        peak(root, "files", *counts)
        # Stage compare once more, when it need not import what searches.
        for stage in ("hash", "compare", "compare"):
            peaks[stage, counts] = peak(root, stage)
        verdicts = Counter(
            row.verdict for row in tables.read(root / paths.mapping_path(None), Match)
        )
        assert verdicts[Verdict.MATCHED] == counts[1] // 2
    for stage in ("hash", "compare"):
        few, more, most = (peaks[stage, one] for one in ((FEW, FEW), (MANY, FEW), (MANY, MANY)))
        assert (more - few) / (MANY - FEW) < MOST_BYTES[stage, "JPEG"]
        assert (most - more) / (MANY - FEW) < MOST_BYTES[stage, "TIFF"]
