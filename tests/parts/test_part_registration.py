"""Where a JPEG shows an original of the sample, and that it is accepted there and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from PIL import Image
from published_parts import (
    BEETLE,
    STEEL,
    WIRES,
    Grey,
    cropped,
    cropped_and_reduced,
    cropped_panel,
    figure,
    framed,
    inverted_crop,
    inverted_mirrored_crop,
    jpeg,
    mirrored_crop,
    original,
    quadrant,
    read,
    rotated,
    turned_crop,
)

from backlabel.calibration.degrade import COPIES, copy
from backlabel.parts.finder import placement
from backlabel.parts.registration import find

LEAST = 0.4  # compare.min_explained


@pytest.mark.parametrize("name", [BEETLE, WIRES, STEEL])
@pytest.mark.parametrize(
    "publish",
    [
        *(quadrant, cropped, cropped_and_reduced, mirrored_crop, turned_crop, framed, rotated),
        *(inverted_crop, inverted_mirrored_crop),
    ],
)
def test_a_part_is_found_and_verified(name: str, publish: Callable[[Grey], Image.Image]) -> None:
    grey = original(name)
    found = find(grey, *read(jpeg(publish(grey))))
    assert found is not None
    assert (found.scores.explained or 0) > LEAST


def test_a_crop_lies_at_its_pixels() -> None:
    grey = original(BEETLE)
    found = find(grey, *read(jpeg(cropped(grey))))
    assert found is not None
    np.testing.assert_allclose(found.place.matrix, [[1, 0, -101], [0, 1, -83]], atol=1e-9)
    where = placement(found, grey.shape, (240, 320))
    assert (where.jpeg_box, where.tiff_box) == ((0, 0, 320, 240), (101, 83, 320, 240))
    assert where.tiff_covered == pytest.approx(0.25, abs=1e-4)
    assert (where.jpeg_covered, where.scale, where.angle, where.mirrored) == (1, 1, 0, False)


def test_a_whole_copy_lies_exactly_although_grey_values_changed_from_place_to_place() -> None:
    grey = original(WIRES)
    made = copy(grey, COPIES["locally equalised"], 1)
    found = find(grey, made.pixels, made.table)
    assert found is not None
    np.testing.assert_allclose(found.place.matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-9)
    assert (found.scores.explained or 0) > LEAST


def test_the_angle_is_that_of_the_rotation() -> None:
    grey = original(BEETLE)
    found = find(grey, *read(jpeg(rotated(grey))))
    assert found is not None
    assert found.place.angle == pytest.approx(3, abs=0.01)
    assert found.place.scale == pytest.approx(1, abs=1e-3)


def test_a_mirrored_part_says_so() -> None:
    grey = original(BEETLE)
    found = find(grey, *read(jpeg(mirrored_crop(grey))))
    assert found is not None
    assert found.place.is_mirrored
    assert found.place.angle == pytest.approx(0, abs=0.01)


def test_of_a_nearly_symmetric_picture_the_way_with_most_matches_counts() -> None:
    side, middle = original(BEETLE)[:, :250], original(BEETLE)[:, 250:390]
    field = np.hstack([side, middle, side[:, ::-1]])
    noisy = field + np.random.default_rng(0).normal(0, 4, field.shape)
    grey = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    found = find(grey, *read(jpeg(mirrored_crop_about_the_centre(grey))))
    assert found is not None
    assert found.place.is_mirrored
    assert (found.scores.explained or 0) > LEAST


def mirrored_crop_about_the_centre(grey: Grey) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(grey[32:-32, 32:-32][:, ::-1]))


def test_an_inverted_part_lies_at_its_pixels_and_says_so() -> None:
    found = find(original(BEETLE), *read(jpeg(inverted_crop(original(BEETLE)))))
    assert found is not None
    np.testing.assert_allclose(found.place.matrix, [[1, 0, -101], [0, 1, -83]], atol=1e-9)
    assert found.scores.degradation == "inverted, as it is"


def test_each_panel_of_a_figure_is_found_in_its_place() -> None:
    left, right = original(BEETLE), original(STEEL)
    image = figure(left, right)
    shown, table = read(jpeg(image, 85))
    for grey, start in ((left, 10), (right, 20 + left.shape[1])):
        found = find(grey, shown, table)
        assert found is not None
        assert (found.scores.explained or 0) > LEAST
        where = placement(found, grey.shape, shown.shape)
        assert where.jpeg_box[0] == pytest.approx(0.6 * start, abs=1)
        assert where.jpeg_box[2] == pytest.approx(0.6 * grey.shape[1], abs=2)
        assert where.tiff_covered > 0.99


@pytest.mark.parametrize(("name", "other"), [(BEETLE, STEEL), (WIRES, BEETLE), (STEEL, WIRES)])
def test_the_box_of_a_cropped_panel_ends_where_the_panel_ends(name: str, other: str) -> None:
    grey = original(name)
    image, panel = cropped_panel(grey, original(other))
    shown, table = read(jpeg(image))
    found = find(grey, shown, table)
    assert found is not None
    where = placement(found, grey.shape, shown.shape)
    assert intersection_over_union(where.jpeg_box, panel) > 0.9
    assert intersection_over_union(where.tiff_box, (50, 40, *panel[2:])) > 0.9
    assert where.tiff_covered == pytest.approx(4 / 9, abs=0.03)
    assert (found.scores.explained or 0) > LEAST


def intersection_over_union(one: Sequence[int], other: Sequence[int]) -> float:
    sides = (
        min(one[i] + one[i + 2], other[i] + other[i + 2]) - max(one[i], other[i]) for i in (0, 1)
    )
    both = math.prod(max(side, 0) for side in sides)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


@pytest.mark.parametrize("size", [(640, 480), (320, 240)])
def test_a_copy_under_another_databar_is_compared_without_it_and_is_whole(
    size: tuple[int, int],
) -> None:
    grey = original(BEETLE).copy()
    grey[440:] = np.random.default_rng(0).integers(0, 255, (40, grey.shape[1]))
    swapped = Image.fromarray(grey).resize(size, Image.Resampling.LANCZOS)
    found = find(original(BEETLE), *read(jpeg(swapped)))
    assert found is not None
    assert found.window.height == pytest.approx(440 * size[1] / 480, abs=8)
    assert (found.scores.explained or 0) > LEAST
    assert placement(found, grey.shape, size[::-1]).is_whole


def test_another_picture_is_not_found() -> None:
    assert find(original(WIRES), *read(jpeg(cropped(original(BEETLE))))) is None


def test_a_flat_image_has_no_part() -> None:
    flat = np.full((300, 400), 128, np.uint8)
    assert find(flat, *read(jpeg(Image.fromarray(flat)))) is None


def test_a_part_of_an_image_too_small_to_tell_is_none() -> None:
    grey = original(BEETLE)
    tiny = Image.fromarray(grey).crop((300, 200, 356, 256))
    assert find(grey, *read(jpeg(tiny))) is None
