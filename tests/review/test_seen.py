"""What the page shows, in a real Chromium: the views of a pair, and text that all can read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

import chromium
from chromium import press, tab_to

pytestmark = chromium.NEEDED


def brightness(page):
    """Of what the stage shows, once its pictures are there; 0 is black."""
    for image in page.locator("#stage img").all():
        expect(image).not_to_have_js_property("naturalWidth", 0)
        image.evaluate("image => image.decode()")
    return np.asarray(Image.open(io.BytesIO(page.locator("#stage").screenshot()))).mean()


def test_views_show_the_other_image_a_part_of_it_and_the_difference(page):
    jpeg = page.locator("#image-jpeg")
    beside = brightness(page)
    press(page, "b")
    expect(jpeg).to_be_hidden()
    press(page, "b")
    expect(jpeg).to_be_visible()
    press(page, "v")
    tab_to(page, "slide")
    press(page, "ArrowRight")
    expect(jpeg.locator("..")).to_have_css("clip-path", "inset(0px 0px 0px 51%)")
    press(page, "d")
    assert brightness(page) < beside / 4  # the same picture twice
    press(page, "1")
    expect(page.locator("#stage.side")).to_be_attached()


def test_views_zoom_in_step(page):
    images = page.locator("#stage img")
    press(page, "+", "Shift+ArrowLeft")
    moved = [one.evaluate("image => image.style.transform") for one in images.all()]
    assert moved[0] == moved[1] == "translate(-15%, -25%) scale(1.5)"
    press(page, "0", "m")
    expect(page.locator("#name-tiff")).to_contain_text("with the JPEG's histogram")
    # The picture is there, and both are of one shape.
    for one in images.all():
        expect(one).not_to_have_js_property("naturalWidth", 0)
    shapes = [one.evaluate("i => [i.naturalWidth, i.naturalHeight]") for one in images.all()]
    assert shapes == [[128, 96], [128, 96]]


def test_what_is_known_stands_beside_the_pair(page):
    expect(page.locator("#reason")).to_contain_text("only 0.010 behind; 0.05 is needed")
    expect(page.locator("#bars")).to_contain_text(
        "explained share of the JPEG: 0.900 (limit 0.400, passes)"
    )
    expect(page.locator("#metadata")).to_have_text("The file does not say.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(page, scheme):
    page.emulate_media(color_scheme=scheme)
    press(page, "a", "x")
    page.locator("[name=state]").select_option("")
    chromium.settled(page)
    expect(page.locator(".row .accept, .row .reject")).to_have_count(2)
    assert page.evaluate(FAINT) == []
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 28)"
    assert dark == (scheme == "dark")


FAINT = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => rgb.map((value) => value / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (one) => {  // on white where it lets through
    const [r, g, b, alpha = 1] = channels(getComputedStyle(one).backgroundColor);
    if (!alpha) return behind(one.parentElement);
    return [r, g, b].map((value) => alpha * value + (1 - alpha) * 255);
  };
  const contrast = (one) => {
    const [low, high] = [channels(getComputedStyle(one).color).slice(0, 3), behind(one)]
      .map(luminance).sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const hasText = (one) => [...one.childNodes]
    .some((node) => node.nodeType === 3 && /\\S/.test(node.data));
  return [...document.body.querySelectorAll("*")]
    .filter((one) => one.checkVisibility() && hasText(one) && !one.disabled && contrast(one) < 4.5)
    .map((one) => `${one.outerHTML.slice(0, 80)} ${contrast(one).toFixed(1)}`);
}"""
"""Elements whose text has less contrast than WCAG 2 asks for at level AA, 4.5."""


def test_everything_has_a_name_for_a_screen_reader(page):
    assert page.evaluate(UNNAMED) == []
    expect(page.locator("#counts")).to_have_attribute("role", "status")


UNNAMED = """[...document.querySelectorAll("button, input, select, img, dialog, [role]")]
  .filter(one => !(one.getAttribute("aria-label") || one.getAttribute("aria-labelledby")
    || one.textContent.trim() || (one.labels && one.labels.length) || one.hasAttribute("alt")
    || ["status", "alert"].includes(one.getAttribute("role"))))
  .map(one => one.outerHTML)"""
