"""How long the page of `backlabel review` keeps people waiting, with many pairs, in Chromium.

    PYTHONPATH=src python benchmarks/review.py [--pairs 10000] [--rounds 40]

Each action is timed inside the page, from the key to the moment at which the page has drawn what it
was asked for and takes the next key. Pictures come after that by themselves; how long until both of
a pair are there is a line of its own. No pause above 0.2 s is wanted.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache, partial
from pathlib import Path
from statistics import median

import numpy as np
import tifffile
from PIL import Image, ImageFilter
from playwright.sync_api import Page, sync_playwright

from backlabel.storage import paths, tables
from backlabel.storage.candidate_rows import CandidateRow
from backlabel.storage.files import sha256
from backlabel.storage.rows import Decision, JpegHash, Match, Named, TiffHash, Verdict

ROOT = Path(__file__).parents[1]
PICTURES = 50  # different ones; pairs share them by hard links
SHAPE = (768, 1024)
ALL_ROUNDS = 5  # of what is done to all pairs at once
TIMED = """async (act) => {
  const said = document.getElementById("said");
  const state = () => JSON.stringify({...document.body.dataset, busy: ""}) +
    said.textContent + document.getElementById("shown").textContent;
  const old = state();
  const idle = () => document.body.dataset.busy === "";
  while (act.said && !said.textContent.includes(act.said)) {
    await new Promise(requestAnimationFrame);
  }
  const before = performance.now();
  const pressed = {key: act.key, bubbles: true};
  if (act.key) document.body.dispatchEvent(new KeyboardEvent("keydown", pressed));
  if (act.fill) {
    const field = document.querySelector(`#filter [name=${act.fill[0]}]`);
    field.value = act.fill[1];
    field.dispatchEvent(new Event("change", {bubbles: true}));
  }
  if (act.click) document.querySelector(act.click).click();
  if (act.scroll) document.getElementById("list").scrollTop = act.scroll;
  do { await new Promise(requestAnimationFrame); } while (!idle());
  await new Promise(requestAnimationFrame);
  const drawn = performance.now() - before;
  if (!act.scroll && state() === old) throw new Error("Nothing happened.");
  const images = [...document.querySelectorAll("#stage img")];
  while (act.pictures && !images.every((one) => one.complete && one.naturalWidth)) {
    await new Promise(requestAnimationFrame);
  }
  return [drawn, performance.now() - before];
}"""


def main() -> None:
    """Make the pairs, serve them, drive the page, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=40)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="review-") as name:
        root = Path(name)
        write_project(root, chosen.pairs)
        command = [sys.executable, "-m", "backlabel", "review", "--who", "Ada"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        with subprocess.Popen(
            command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                found = drive(address(server), chosen.rounds)
            finally:
                server.terminate()
    print(f"{chosen.pairs} pairs, {chosen.rounds} rounds, load {os.getloadavg()[0]:.1f}")
    for action, times in found.items():
        print(f"{action:34} median {median(times):6.0f} ms, worst {max(times):6.0f} ms")


def write_project(root: Path, pairs: int) -> None:
    """Pairs of pictures, every tenth ambiguous, with the tables of the stages."""
    shutil.copy(ROOT / "params.yaml", root)
    shutil.copytree(ROOT / "conf", root / "conf")
    originals = [write_picture(root / "made", seed) for seed in range(PICTURES)]
    tiffs, jpegs, rows, near = [], [], [], []
    for number in range(pairs):
        names = (f"data/tiff/{number % 20}/{number}.tif", f"data/jpeg/Tips/L9_{number}.jpg")
        for name, made in zip(names, originals[number % PICTURES], strict=True):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(made, root / name)
        tiff, jpeg = (
            hashed(name, made)
            for name, made in zip(names, originals[number % PICTURES], strict=True)
        )
        tiffs.append(tiff)
        jpegs.append(JpegHash(**vars(tiff) | vars(jpeg), category="Tips", label="L9"))
        rows.append(row(tiff, jpeg, number, pairs))
        near.append(candidate(rows[-1]))
    for path, kind, lines in (
        (paths.TIFF_HASHES, TiffHash, tiffs),
        (paths.JPEG_HASHES, JpegHash, jpegs),
        (paths.mapping_path(None), Match, rows),
        (paths.candidates_path(None), CandidateRow, near),
        (paths.DECISIONS, Decision, []),
        (paths.NAMES, Named, []),
    ):
        tables.write(root / path, kind, lines)


def write_picture(folder: Path, seed: int) -> tuple[Path, Path]:
    """A TIFF and its JPEG."""
    noise = np.random.default_rng(seed).integers(0, 256, SHAPE, np.uint8)
    picture = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(2))
    folder.mkdir(exist_ok=True)
    tiff, jpeg = folder / f"{seed}.tif", folder / f"{seed}.jpg"
    tifffile.imwrite(tiff, np.asarray(picture))
    picture.save(jpeg, quality=90)
    return tiff, jpeg


digest_of = cache(sha256)


def hashed(name: str, made: Path) -> TiffHash:
    """The row of a file; what its hashes are does not matter to the page."""
    digest = digest_of(made)
    return TiffHash(Path(name).name, name, digest * 4, digest * 4, "", "", *SHAPE, digest, 1)


def row(tiff: TiffHash, jpeg: TiffHash, number: int, pairs: int) -> Match:
    """Scores from narrow to sure."""
    verdict = Verdict.AMBIGUOUS if number % 10 == 0 else Verdict.MATCHED
    return Match(
        TIFF_file=tiff.file,
        TIFF_path=tiff.path,
        JPEG_file=jpeg.file,
        JPEG_path=jpeg.path,
        hamming_distance=2,
        ssim_value=0.9,
        explained=0.75 + 0.25 * number / pairs,
        spoke=0.9,
        verdict=verdict,
        reason="Made for a benchmark.",
        TIFF_sha256=tiff.sha256,
        JPEG_sha256=jpeg.sha256,
    )


def candidate(row: Match) -> CandidateRow:
    """The JPEG of a row as one that came near."""
    return CandidateRow(
        TIFF_path=row.TIFF_path,
        page=row.page,
        rank=1,
        JPEG_path=row.JPEG_path or "",
        label="L9",
        category="Tips",
        accepted=True,
        variant="identity",
        hamming_distance=2,
        ssim_value=row.ssim_value,
        explained=row.explained,
        spoke=row.spoke,
    )


def address(server: subprocess.Popen[str]) -> str:
    """What the server prints once it listens."""
    for line in server.stdout or ():
        found = re.search(r"http://\S+", line)
        if found:
            return found[0]
    raise SystemExit("The server did not start.")


def drive(url: str, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each action."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    found: dict[str, list[float]] = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(url)
        page.wait_for_selector("body[data-ready=yes]")
        timed = partial(act, page, found)
        for _ in range(rounds):
            timed("next", key="n", pictures=True)
        for name, key in (("accept, and the next", "a"), ("undo", "u")):
            for _ in range(rounds):
                timed(name, key=key)
        for i in range(rounds):
            timed("scroll the list", scroll=1 + 7000 * i)
        for i in range(rounds):
            timed("filter by name, and all again", fill=["text", "" if i % 2 else f"{i}.tif"])
        for i in range(ALL_ROUNDS):
            if i:
                timed("undo of all of them", key="u")
            page.locator("#show-bulk").click()
            page.locator("#bulk-apply:enabled").wait_for()
            timed("reject all pairs at once", click="#bulk-apply")
            timed("next, while they are decided", key="n")
            timed("their list, once they are", said="one undo takes")
        timed("see all of them", fill=["state", ""])
        for _ in range(rounds):
            timed("accept among decided ones", key="a")
            page.keyboard.press("n")
        browser.close()
    return found


def act(page: Page, found: dict[str, list[float]], name: str, **what: object) -> None:
    """Note the milliseconds until the page takes the next key, and until its pictures are there."""
    drawn, pictures = page.evaluate(TIMED, what)
    found.setdefault(name, []).append(drawn)
    if "pictures" in what:
        found.setdefault(f"{name}, until both pictures show", []).append(pictures)


if __name__ == "__main__":
    main()
