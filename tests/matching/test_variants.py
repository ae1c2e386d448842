"""Hashes of changed copies, against hashing the changed pixels themselves."""

from __future__ import annotations

import imagehash
import matplotlib as mpl
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scenes import scene

from backlabel.hashing import frequencies, hash_image
from backlabel.matching.variants import (
    BORDERS,
    FLIPS_AND_ROTATIONS,
    SOURCES,
    Variant,
    apply,
    body_shares,
    expand,
    hashes,
)

PILLOW = {
    "flip_h": Image.Transpose.FLIP_LEFT_RIGHT,
    "flip_v": Image.Transpose.FLIP_TOP_BOTTOM,
    "rot180": Image.Transpose.ROTATE_180,
    "rot90": Image.Transpose.ROTATE_90,
    "rot270": Image.Transpose.ROTATE_270,
    "transpose": Image.Transpose.TRANSPOSE,
    "transverse": Image.Transpose.TRANSVERSE,
}


def independent_hash(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return imagehash.phash(Image.fromarray(grey), hash_size=32).hash.ravel()


@pytest.mark.parametrize("source", FLIPS_AND_ROTATIONS)
def test_apply_flips_and_rotates_as_pillow_does(source: str) -> None:
    grey = scene(1, 96, 130)
    expected = np.asarray(Image.fromarray(grey).transpose(PILLOW[source]))
    np.testing.assert_array_equal(apply(Variant(source), grey), expected)


@pytest.mark.parametrize(
    ("source", "most"),
    [("identity", 0), ("flip_h", 0), ("flip_v", 0), ("rot180", 0), ("inverted", 4)]
    + [(source, 24) for source in ("rot90", "rot270", "transpose", "transverse")],
)
def test_hash_is_that_of_the_changed_pixels(source: str, most: int) -> None:
    grey = scene(2)
    ((_, _, plain),) = hashes(grey, [Variant(source)], frequencies, hash_image)
    expected = independent_hash(apply(Variant(source), grey))
    assert np.count_nonzero(np.unpackbits(plain) != expected) <= most


def test_jet_is_the_luma_of_the_colour_map() -> None:
    colours = mpl.colormaps["jet"](np.arange(256, dtype=np.uint8))[:, :3]
    luma = np.asarray(Image.fromarray(np.uint8(255 * colours)[np.newaxis]).convert("L"))
    levels = np.arange(256, dtype=np.uint8)[np.newaxis]
    found = apply(Variant("jet"), levels)
    assert np.abs(found.astype(int) - luma).max() <= 2


def test_body_keeps_the_top_and_border_the_middle() -> None:
    grey = np.arange(200 * 100, dtype=np.uint32).astype(np.uint8).reshape(200, 100)
    np.testing.assert_array_equal(apply(Variant("body", 0.9), grey), grey[:180])
    np.testing.assert_array_equal(apply(Variant("border", 0.02), grey), grey[4:196, 2:98])


def test_body_tries_the_aspect_ratios_that_occur() -> None:
    jpegs = [(768, 1024), (384, 512), (706, 1024), (707, 1024), (500, 1024), (1024, 1024)]
    assert body_shares((768, 1024), jpegs) == [pytest.approx(706 / 768, abs=1e-4)]


def test_expand_names_every_source_once_and_crops_by_need() -> None:
    found = expand(SOURCES, (768, 1024), [(768, 1024)])
    assert [str(one) for one in found] == [
        "identity",
        *FLIPS_AND_ROTATIONS,
        "inverted",
        "jet",
        *[f"border {share:g}" for share in BORDERS],
    ]


def test_unknown_sources_are_named() -> None:
    with pytest.raises(ValueError, match=r"unknown variants \['mirror'\]"):
        expand(["mirror"], (10, 10), [])


@pytest.mark.parametrize("variant", [Variant("rot90"), Variant("body", 0.9199)])
def test_text_of_a_variant_can_be_read_again(variant: Variant) -> None:
    assert Variant.parse(str(variant)) == variant


def test_a_text_that_is_no_variant_is_refused() -> None:
    with pytest.raises(ValueError, match="'mirror 2' is no variant"):
        Variant.parse("mirror 2")
