"""One file that holds everything, in words and in a browser."""

from __future__ import annotations

import html
import re

import pytest
from playwright.sync_api import expect

import chromium
import workspace
from backlabel import config
from backlabel.report import samples, writing


@pytest.fixture
def written(project):
    out = project / "report.html"
    writing.write(config.load(), out)
    return out


def words(path):
    """The text of a page, without scripts and tags."""
    page = path.read_text()
    bare = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def test_it_says_what_became_of_everything(written):
    told = words(written)
    assert "matched 2 a JPEG passed every limit" in told
    assert "ambiguous 1 several JPEGs would pass" in told
    assert "data/tiff/<b>.tif truncated it ends before its pixels" in told
    threshold = config.load().compare.hamming_threshold
    assert f"compare.hamming_threshold {threshold}" in told
    assert "Tips 2 0" in told
    assert "backlabel review" in told


def test_names_are_escaped(written):
    assert "<b>.tif" not in written.read_text()


def test_pictures_are_in_the_file(written):
    page = written.read_text()
    assert page.count('<img src="data:image/jpeg;base64,') == 2 * 4  # four pairs, each once
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert [one for one in addresses if not one.startswith("data:")] == []


def test_every_ambiguous_pair_is_named(project, monkeypatch):
    monkeypatch.setattr(samples, "MOST_PICTURES", 0)
    writing.write(config.load(), project / "report.html")
    told = words(project / "report.html")
    assert "0 of 1 shown" in told
    assert "data/tiff/a/twin.tif Another JPEG would pass" in told


def test_a_picture_is_drawn_once(project, monkeypatch):
    writing.write(config.load(), project / "first.html")

    def refuse(*_, **__):
        raise AssertionError("a worker was asked")

    monkeypatch.setattr(samples.crew, "map_files", refuse)
    writing.write(config.load(), project / "second.html")
    drawn = [
        re.findall(r'src="(data:[^"]+)"', (project / f"{name}.html").read_text())
        for name in ("first", "second")
    ]
    assert drawn[0] == drawn[1] != []


def test_a_file_that_changed_is_told_in_its_place(project):
    tiff = project / "data/tiff/b/sure.tif"
    tiff.write_bytes(tiff.read_bytes() + b"x")
    writing.write(config.load(), project / "report.html")
    assert "No picture: changed" in words(project / "report.html")


def test_the_command_says_where_it_is(project):
    assert workspace.run(project, "report", "--out", "a.html") == (
        0,
        "a.html says what the run found; open it in a browser\n",
    )
    assert (project / "a.html").exists()


def test_without_a_run_it_says_what_to_do(tmp_path):
    workspace.make(tmp_path, [])
    status, told = workspace.run(tmp_path, "report")
    assert status == 2
    assert "Run the stage that writes it again" in told


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(chromium.PROGRAM is None, reason="Chromium is not installed")
def test_charts_are_drawn_without_a_network(written):
    asked = []
    with chromium.opened(offline=True) as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(written.as_uri())
        expect(page.locator("body[data-ready=yes]")).to_be_attached()
        charts = page.locator(".chart")
        assert page.locator(".chart svg").count() == charts.count() >= 4
        histogram = charts.first
        histogram.locator(".mark-rect path").first.hover(force=True)  # a narrow bar
        expect(histogram).to_have_attribute(
            "title", re.compile("from: .*verdict: .*TIFFs: [0-9]+$", re.S)
        )
        histogram.locator(".role-legend-symbol path").first.click()
        expect(histogram.locator("path[opacity='0.15']")).not_to_have_count(0)
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 718, "height": 1000})  # A4 between its margins
        beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(beyond) <= 0
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
