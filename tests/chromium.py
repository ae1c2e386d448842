"""A real browser for tests; they are skipped where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE_MS = 120_000  # a busy machine is no failure
NEEDED = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed"),
]


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser for several tests, which take a second of a core each to start one."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def window(browser: Browser, **options: object) -> Iterator[BrowserContext]:
    """A window that shares nothing with others; an error of a script on a page fails the test."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, **options)
    context.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert errors == []


@contextmanager
def opened(**options: object) -> Iterator[BrowserContext]:
    """A window of a browser of its own."""
    with launched() as browser, window(browser, **options) as context:
        yield context


def review(context: BrowserContext, url: str) -> Page:
    """A tab on the page of `backlabel review`, with its first pair in sight."""
    page = context.new_page()
    page.goto(url)
    expect(page.locator("body[data-ready=yes]")).to_be_attached()
    return page


def settled(page: Page) -> None:
    """Wait until the page has done what it was asked for."""
    expect(page.locator("body")).to_have_attribute("data-busy", "")


def press(page: Page, *keys: str) -> None:
    """Press keys one after the other, wherever the focus is."""
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, name: str) -> None:
    """Go to what has the id `name` by the keyboard alone."""
    for _ in range(50):
        if page.evaluate("document.activeElement.id") == name:
            return
        press(page, "Tab")
    raise AssertionError(f"{name} is not reached")
