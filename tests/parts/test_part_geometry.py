"""Maps from a TIFF to a JPEG, and what both show."""

from __future__ import annotations

import numpy as np
import pytest
from published_parts import BEETLE, original

from backlabel.parts.features import Features, inverted, mirrored
from backlabel.parts.geometry import Box, Map, corners_of, overlap, shares
from backlabel.parts.rendering import common, largest_rectangle, renderings, settled, upright


def turned(degrees: float, scale: float = 1.0, shift: tuple[float, float] = (0, 0)) -> Map:
    """Counter-clockwise as one sees it, where y points down."""
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return Map(np.array([[c, s, shift[0]], [-s, c, shift[1]]]))


@pytest.mark.parametrize("degrees", [-170, -90, -0.3, 0, 3, 90, 179])
@pytest.mark.parametrize("scale", [0.4, 1, 1.5])
def test_angle_and_scale_are_those_it_was_made_with(degrees: float, scale: float) -> None:
    place = turned(degrees, scale)
    assert place.angle == pytest.approx(degrees)
    assert place.scale == pytest.approx(scale)
    assert not place.is_mirrored


def test_there_and_back_is_nowhere() -> None:
    place = turned(20, 0.7, (5, -3))
    np.testing.assert_allclose(place.after(place.inverse()).matrix, np.eye(2, 3), atol=1e-12)


def test_centres_of_pixels_are_half_a_pixel_from_corners() -> None:
    double = Map(np.array([[2.0, 0, 0], [0, 2, 0]]))
    np.testing.assert_allclose(double.to_centres(), [[2, 0, 0.5], [0, 2, 0.5]])
    np.testing.assert_allclose(Map.of_centres(double.to_centres()).matrix, double.matrix)


@pytest.mark.parametrize("tilt", [0.0, 1e-17, -1e-9])
def test_a_quadrant_covers_a_quarter(tilt: float) -> None:
    place = Map(np.array([[1.0, tilt, 0], [tilt, 1, 0]]))
    assert shares(place, ((960, 1280), (480, 640)), Box(0, 0, 640, 480)) == pytest.approx(
        (0.25, 1), abs=1e-5
    )


def test_images_side_by_side_share_nothing() -> None:
    assert overlap(turned(0, shift=(50, 0)), (40, 50), Box(0, 0, 50, 40))[0] == 0


def test_the_largest_rectangle_by_trying_all() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        cells = random.random((6, 7)) < 0.7
        best = max(
            (
                (bottom - top) * (right - left)
                for top in range(6)
                for bottom in range(top + 1, 7)
                for left in range(7)
                for right in range(left + 1, 8)
                if cells[top:bottom, left:right].all()
            ),
            default=0,
        )
        found = largest_rectangle(cells)
        if found is None:
            assert best == 0
        else:
            top, left, bottom, right = found
            assert cells[top:bottom, left:right].all()
            assert (bottom - top) * (right - left) == best


def test_what_is_compared_are_whole_blocks_that_show_the_tiff() -> None:
    shape = (100, 150)
    box = common(
        turned(0, shift=(20, 20)), shape, (140, 190), Box(0, 0, 190, 140)
    )  # a frame of 20 pixels
    assert box == Box(24, 24, 144, 96)


def test_the_last_block_may_be_cut_by_the_edge_of_the_jpeg() -> None:
    edge = Box(0, 0, 203, 101)
    assert common(turned(0, shift=(-9, -9)), (200, 300), (101, 203), edge) == edge


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("mirror", [False, True])
def test_right_angles_move_pixels_and_nothing_else(quarters: int, mirror: bool) -> None:
    grey = original(BEETLE)
    shown = np.rot90(grey[:, ::-1] if mirror else grey, quarters)
    width, height = grey.shape[1], grey.shape[0]
    flip = Map(np.array([[-1.0 if mirror else 1, 0, width if mirror else 0], [0, 1, 0]]))
    place = flip
    for _ in range(quarters):
        place = Map(np.array([[0.0, 1, 0], [-1, 0, width]])).after(place)
        width, height = height, width
    ours, rest = upright(grey, place)
    np.testing.assert_array_equal(ours, shown)
    np.testing.assert_allclose(rest.matrix, np.eye(2, 3), atol=1e-9)
    assert place.is_mirrored is mirror


def test_what_is_less_than_the_error_of_an_estimate_is_taken_away() -> None:
    box = Box(0, 0, 640, 480)
    place = Map(np.array([[1.0002, 0.0001, -10.1], [-0.0001, 0.9999, -20.05]]))
    np.testing.assert_allclose(settled(place, box).matrix, [[1, 0, -10], [0, 1, -20]], atol=1e-9)


def test_pixels_that_are_shown_as_they_are_are_not_resampled() -> None:
    grey = original(BEETLE)
    box = Box(8, 16, 200, 160)
    (shown,) = renderings(grey, turned(0, shift=(-30, -40)), box)
    np.testing.assert_array_equal(shown, grey[56:216, 38:238])


def test_descriptors_of_a_mirrored_image_are_foretold() -> None:
    grey = original(BEETLE)
    plain, other = Features.of(grey), Features.of(np.ascontiguousarray(grey[:, ::-1]))
    flipped = plain.points * [-1, 1] + [grey.shape[1], 0]
    apart = np.abs(flipped[:, None] - other.points[None]).max(2)
    rows, columns = np.nonzero(apart < 0.1)
    assert len(rows) > 200
    a, b = mirrored(plain.descriptors)[rows].astype(int), other.descriptors[columns].astype(int)
    assert np.median(np.linalg.norm(a - b, axis=1)) < 60  # of 512: the same
    c = plain.descriptors[rows].astype(int)
    assert np.median(np.linalg.norm(c - b, axis=1)) > 200


def test_descriptors_of_an_inverted_image_are_foretold() -> None:
    grey = original(BEETLE)
    plain, other = Features.of(grey), Features.of(255 - grey)
    apart = np.abs(plain.points[:, None] - other.points[None]).max(2)
    rows, columns = np.nonzero(apart < 0.1)
    assert len(rows) > 200
    a, b = inverted(plain.descriptors)[rows].astype(int), other.descriptors[columns].astype(int)
    assert np.median(np.linalg.norm(a - b, axis=1)) < 60  # of 512: the same


def test_features_survive_their_encoding() -> None:
    features = Features.of(original(BEETLE))
    again = Features.decoded(features.encoded())
    np.testing.assert_array_equal(again.points, features.points)
    np.testing.assert_array_equal(again.descriptors, features.descriptors)
    assert again.shape == features.shape == (480, 640)
    assert Features.count(len(features.encoded())) == len(features.points) == 500


def test_corners_go_around() -> None:
    assert corners_of((3, 5)).tolist() == [[0, 0], [5, 0], [5, 3], [0, 3]]
