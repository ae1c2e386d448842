"""Take the pictures of the review page that the documentation shows.

    python scripts/screenshots.py

Run from the root of this repository after `make repro`, with nothing decided yet; needs Chromium.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

IMAGES = Path("docs/images")
SIZE = ViewportSize(width=1280, height=760)
QUALITY = 82
PATIENCE_MS = 600_000  # a busy machine is no failure


def main() -> None:
    """Serve the sample's pairs and photograph the page, light and dark."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("Chromium is not installed.")
    command = [sys.executable, "-m", "backlabel", "review", "--who", "Ada"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            photograph(chromium, address(server))
        finally:
            server.terminate()


def address(server: subprocess.Popen[str]) -> str:
    """The address that the server prints."""
    for line in server.stdout or ():
        found = re.search(r"http://\S+", line)
        if found:
            return found[0]
    raise SystemExit("The server did not start.")


def photograph(chromium: str, url: str) -> None:
    """Side by side in light colours, the difference in dark ones."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url)
        page.get_by_role("option").filter(has_text="TEST.TIF").click()
        expect(page.locator("#name-tiff")).to_contain_text("TEST.TIF")
        shoot(page, "review.jpg")
        page.emulate_media(color_scheme="dark")
        page.get_by_label("Verdict").select_option("too different")
        page.get_by_role("option").filter(has_text="SS_316_P&C_#1_002.tif").click()
        expect(page.locator("#name-tiff")).to_contain_text("SS_316_P&C_#1_002.tif")
        page.keyboard.press("d")
        shoot(page, "review-difference.jpg")
        browser.close()


def shoot(page: Page, name: str) -> None:
    """Once all pictures are there."""
    page.wait_for_load_state("networkidle")
    for image in page.locator("#stage img").all():
        expect(image).not_to_have_js_property("naturalWidth", 0)
    IMAGES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=IMAGES / name, type="jpeg", quality=QUALITY)
    print(IMAGES / name)


if __name__ == "__main__":
    main()
