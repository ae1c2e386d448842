"""The documentation is built with warnings as errors, and asks nothing of the network when read."""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
import sys
import urllib.parse
from html.parser import HTMLParser

import pytest

from backlabel import cli, helping
from clones import ROOT
from parameters import leaves

LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
"""What a browser fetches by itself; other links wait for a reader."""


class References(HTMLParser):
    """What a page fetches, where it leads, and the places in it to which one can lead."""

    def __init__(self, text):
        super().__init__()
        self.fetched, self.led, self.places = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.places.add(value)
            elif name in {"src", "href"}:
                kept = self.fetched if (tag, name) in LOADED else self.led
                kept.append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {
        path.relative_to(site).as_posix(): References(path.read_text())
        for path in site.rglob("*.html")
    }


def test_nothing_is_fetched_from_elsewhere(site, pages):
    fetched = {one for page in pages.values() for one in page.fetched}
    outside = {one for one in fetched if urllib.parse.urlsplit(one).netloc}
    assert outside == set()
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert re.findall(r"url\(['\"]?https?:[^)]*|@import[^;]*", styles) == []


def test_every_link_leads_somewhere(site, pages):
    wrong = []
    for name, page in pages.items():
        if name == "404.html":  # its links are of the root of a server
            continue
        for link in [*page.led, *page.fetched]:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            path = urllib.parse.unquote(parts.path)
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            target = name if not path else target
            there = (site / target).exists()
            place = urllib.parse.unquote(parts.fragment)
            if not there or (place and target in pages and place not in pages[target].places):
                wrong.append(f"{name}: {link}")
    assert wrong == []


def test_reference_is_made_from_the_code(site):
    commands = (site / "reference/commands.html").read_text()
    names = helping.sub_commands(cli.build_parser())
    assert [name for name in names if f"usage: backlabel {name}" not in commands] == []
    parameters = (site / "reference/parameters.html").read_text()
    assert [name for name in leaves() if f"<code>{name}</code>" not in parameters] == []
    python = (site / "reference/python.html").read_text()
    wanted = (
        "backlabel.dataset.load",
        "backlabel.dataset.LabelledSet",
        "backlabel.errors.DataError",
    )
    assert [name for name in wanted if f'id="{name}"' not in python] == []


def test_every_page_can_be_reached(pages):
    """From the first page, by links alone."""
    reached, waiting = {"404.html"}, ["index.html"]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in pages:
            continue
        reached.add(name)
        for link in pages[name].led:
            path = urllib.parse.unquote(urllib.parse.urlsplit(link).path)
            waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(name), path)))
    assert set(pages) - reached == set()
