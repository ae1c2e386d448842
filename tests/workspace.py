"""Small folders in which the stages run without DVC."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import termios
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageFilter

from backlabel.storage import paths, tables
from backlabel.storage.candidate_rows import CandidateRow
from backlabel.storage.rows import Beside, Decision, JpegHash, Match, Named, TiffHash, Verdict

ROOT = Path(__file__).parents[1]
LABELS = {"L1": "Fibres", "L9": "Tips"}


def picture(seed, height=96, width=128):
    """A smooth random picture, as uint8 of shape (height, width)."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    blurred = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(5))
    smooth = np.asarray(blurred, np.float64)
    spread = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return (255 * spread).astype(np.uint8)


def make(root, pairs):
    """Write images and an empty review for pairs of (path below data/tiff, label, seed)."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "params.yaml", root)
    shutil.copytree(ROOT / "conf", root / "conf", dirs_exist_ok=True)
    (root / "reviews").mkdir(exist_ok=True)
    tables.write(root / paths.DECISIONS, Decision, [])
    tables.write(root / paths.NAMES, Named, [])
    for path, label, seed in pairs:
        tiff, jpeg = root / "data/tiff" / path, root / jpeg_path(label, seed)
        for file in (tiff, jpeg):
            file.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(tiff, picture(seed))
        Image.fromarray(picture(seed)).save(jpeg, quality=90)


def jpeg_path(label, seed):
    return f"data/jpeg/{LABELS[label]}/{label}_{seed:032x}.jpg"


def write_tables(root, pairs):
    """The tables that the label stage reads, as if each pair had been matched."""
    tiffs = [tiff_hash(root, f"data/tiff/{path}") for path, _, _ in pairs]
    jpegs = [
        JpegHash(
            **vars(tiff_hash(root, jpeg_path(label, seed))), category=LABELS[label], label=label
        )
        for _, label, seed in pairs
    ]
    rows = [match(tiff, jpeg) for tiff, jpeg in zip(tiffs, jpegs, strict=True)]
    near = [candidate(row, 1, jpeg) for row, jpeg in zip(rows, jpegs, strict=True)]
    tables.write(root / paths.candidates_path(None), CandidateRow, near)
    tables.write(root / paths.BESIDE, Beside, [])
    tables.write(root / paths.TIFF_HASHES, TiffHash, tiffs)
    tables.write(root / paths.JPEG_HASHES, JpegHash, jpegs)
    tables.write(root / paths.mapping_path(None), Match, rows)
    return tiffs, jpegs, rows


def tiff_hash(root, path):
    digest = hashlib.sha256((root / path).read_bytes()).hexdigest()
    phash = digest * 4  # as long as a hash; what it says does not matter to the label stage
    return TiffHash(Path(path).name, path, phash, phash, "", "", 96, 128, digest, 1)


def match(tiff, jpeg):
    return Match(
        TIFF_file=tiff.file,
        TIFF_path=tiff.path,
        JPEG_file=jpeg.file,
        JPEG_path=jpeg.path,
        hamming_distance=2,
        ssim_value=0.9,
        used_ssim=True,
        verdict=Verdict.MATCHED,
        reason="SSIM 0.900 at 2 bits.",
        label=jpeg.label,
        category=jpeg.category,
        TIFF_sha256=tiff.sha256,
        JPEG_sha256=jpeg.sha256,
    )


def candidate(row, rank, jpeg):
    """The row of a JPEG that came near the TIFF of `row`."""
    return CandidateRow(
        TIFF_path=row.TIFF_path,
        page=row.page,
        rank=rank,
        JPEG_path=jpeg.path,
        label=jpeg.label,
        category=jpeg.category,
        accepted=row.verdict is not Verdict.TOO_DIFFERENT,
        variant="identity",
        hamming_distance=2 * rank,
        ssim_value=0.9,
        explained=0.9,
        spoke=0.9,
    )


DECIDABLE = [
    ("a/near.tif", "L1", 1),
    ("a/twin.tif", "L9", 2),
    ("b/miss.tif", "L9", 3),
    ("b/sure.tif", "L1", 4),
]


def make_decidable(root):
    """Four TIFFs: one just matched, one ambiguous, one that just failed, one that is sure.

    The ambiguous one has three JPEGs: those of the first and of the last stand behind its own.
    """
    make(root, DECIDABLE)
    wait_for_pictures(root)
    _, jpegs, rows = write_tables(root, DECIDABLE)
    near, twin, miss, sure = rows
    rows = [
        replace(near, explained=0.46, margin=0.3),
        replace(
            twin,
            explained=0.9,
            verdict=Verdict.AMBIGUOUS,
            reason="Another JPEG would pass and is only 0.010 behind; 0.05 is needed.",
            label=None,
            category=None,
            runner_up_path=jpegs[0].path,
            runner_up_hamming=4,
            margin=0.01,
        ),
        replace(
            miss,
            explained=0.39,
            verdict=Verdict.TOO_DIFFERENT,
            reason="Explained share 0.390 is below 0.4.",
            label=None,
            category=None,
        ),
        replace(sure, explained=0.99),
    ]
    tables.write(root / paths.mapping_path(None), Match, rows)
    near = [candidate(row, 1, jpeg) for row, jpeg in zip(rows, jpegs, strict=True)]
    near[2:2] = [candidate(rows[1], 2, jpegs[0]), candidate(rows[1], 3, jpegs[3])]
    tables.write(root / paths.candidates_path(None), CandidateRow, near)


def wait_for_pictures(root):
    """Give each as long as a busy machine takes."""
    for file in (root / "params.yaml", root / "conf/read/default.yaml"):
        file.write_text(file.read_text().replace("max_seconds: 20", "max_seconds: 600"))


def environment():
    """That of a command, without what DVC says in a stage."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}


def start(root, *arguments, **options):
    """`python -m backlabel ...` in `root`, as the leader of a new process group."""
    return subprocess.Popen(
        [sys.executable, "-m", "backlabel", *arguments],
        cwd=root,
        env=environment(),
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **{"stdout": subprocess.PIPE, **options},
    )


def address(server):
    """The address that `backlabel review`, which `start` started, prints once it listens."""
    for line in server.stdout:
        found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line)
        if found:
            return found[0]
    raise AssertionError("the server ended by itself")


@contextmanager
def serving(root):
    """`backlabel review` over `root`, in which Ada decides."""
    process = start(root, "review", "--who", "Ada")
    try:
        yield Served(process, address(process))
    finally:
        process.kill()
        process.communicate()


class Served:
    """A server and where it answers; the address has the token."""

    def __init__(self, process, url):
        self.process, self.url = process, url
        self.root, _, self.token = url.partition("/?token=")
        self.port = int(self.root.rpartition(":")[2])


def run(root, *arguments, **options):
    """Run a command to its end: exit status and what it told."""
    process = start(root, *arguments, **options)
    told, _ = process.communicate(timeout=300)
    return process.returncode, told


def run_in_terminal(root, *arguments):
    """As `run`, where all that is told goes to a terminal."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    process = start(root, *arguments, stdout=theirs)
    os.close(theirs)
    told = b""
    with suppress(OSError):  # at its end, when nobody has the terminal open any more
        while some := os.read(ours, 1 << 16):
            told += some
    os.close(ours)
    return process.wait(timeout=300), told.decode().replace("\r\n", "\n")


def listing(root, *below):
    """SHA-256 of every file below the named folders, by path."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in below
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
    }


def times(root, folder):
    """Modification time in nanoseconds of every file and folder below `folder`."""
    return {
        path.relative_to(root).as_posix(): path.lstat().st_mtime_ns
        for path in (root / folder).rglob("*")
    }
