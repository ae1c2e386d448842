"""What the process of a stage needs grows by the hashes of an image, and not by records of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import workspace

pytestmark = pytest.mark.slow

FEW, MANY = 200, 20_000
MOST_BYTES = {"hash": 1_500, "compare": 3_000}
"""A further image may cost; 770 and 1,770 were measured. Its hashes and digest are 288 bytes.

Beside them stage hash holds its path and sorts it. Of what compare needs, most is Arrow's pool of
memory for blocks of a table: a larger table does not need it once more.
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

count, stage = int(sys.argv[1]), sys.argv[2]
params = config.load()
if stage == "files":
    random = np.random.default_rng(0)
    def hashed(path, kind):
        path.write_bytes(random.bytes(16))
        content = Content(hashlib.sha256(path.read_bytes()).hexdigest(), identity(path.lstat()))
        bits = [np.frombuffer(random.bytes(128), np.uint8) for _ in range(2)]
        return Hashed(kind, content, Entry(Hashes(*bits, ""), 768, 1024, "a note"))
    jpegs, tiffs = Path("data/jpeg/Tips"), Path("data/tiff")
    for folder in (jpegs, tiffs):
        folder.mkdir(parents=True)
    cache = HashCache(Path(".backlabel/cache"), asdict(read_limits(params.read)))
    cache.keep(hashed(jpegs / f"L9_{number:032x}.jpg", "jpeg") for number in range(count))
    cache.keep(hashed(tiffs / f"{number}.tif", "tiff") for number in range(10))
else:
    from backlabel.stages import compare, hash
    changed = params.compare.model_copy(update={"variants": ("identity",)})
    {"hash": hash, "compare": compare}[stage].main(params.model_copy(update={"compare": changed}))
# Not `ru_maxrss`, which begins with what the parent process had.
status = Path("/proc/self/status").read_text().splitlines()
print(next(line for line in status if line.startswith("VmHWM:")).split()[1])
"""


def peak(root, count, stage):
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(count), stage],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        env=workspace.environment(),
    )
    return int(told.stdout.splitlines()[-1]) * 1024


def test_memory_grows_by_little_more_than_hashes(tmp_path):
    peaks = {}
    for count in (FEW, MANY):
        root = tmp_path / str(count)
        workspace.make(root, [])
        peak(root, count, "files")
        for stage in ("hash", "compare"):
            peaks[stage, count] = peak(root, count, stage)
    for stage in ("hash", "compare"):
        each = (peaks[stage, MANY] - peaks[stage, FEW]) / (MANY - FEW)
        assert each < MOST_BYTES[stage]
