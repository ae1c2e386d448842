"""Variants of a TIFF: the hashes that it would have after the changes that copies undergo.

A JPEG that was flipped, rotated, inverted or coloured by a rainbow, or whose databar or borders
were cut off, is far from its original's hash. Each source here gives the hash of the TIFF after the
same change, so that an ordinary search finds the JPEG. Flips, rotations and inversion are sign
changes and transpositions of the DCT and cost next to nothing; `jet`, `body` and `border` hash the
changed image anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backlabel import hashing
from backlabel.images import GreyImage

Block: TypeAlias = NDArray[np.float64]  # (32, 32), low frequencies of the DCT of a 128x128 image
Shape: TypeAlias = tuple[int, int]

FLIPS_AND_ROTATIONS = ("flip_h", "flip_v", "rot180", "rot90", "rot270", "transpose", "transverse")
PART = "part"
SOURCES = ("identity", *FLIPS_AND_ROTATIONS, "inverted", "jet", "body", "border", PART)
"""What `compare.variants` may name. `rot90` is counter-clockwise, as `numpy.rot90`; `part` has no
hash, but a search of its own."""

BODY_LEAST = 0.75
"""Least share of the rows that a copy without databar keeps."""
BORDERS = (0.005, 0.01, 0.015, 0.02, 0.025, 0.03)
"""Shares of height and width that `border` takes off every side: steps that leave a copy between
two of them within about 70 bits of one (a crop of 1 % moves 130)."""

_SAME_SHAPE = 0.004  # relative; aspect ratios closer than this give hashes within a few bits
_DC_OF_WHITE = 255.0 * 128 * 128 * 4  # scipy's unnormalised type II DCT, both axes
_ALTERNATING = np.where(np.arange(32) % 2, -1.0, 1.0)


@dataclass(frozen=True)
class Variant:
    """One change of a TIFF: a source and, where it crops, how much of the image it keeps."""

    source: str
    share: float = 1.0
    """Kept share of the rows (`body`), or taken off every side (`border`)."""

    def __str__(self) -> str:
        return f"{self.source} {self.share:g}" if self.source in {"body", "border"} else self.source

    @classmethod
    def parse(cls, text: str) -> Variant:
        """The variant whose text is `text`. Raises ValueError for anything else."""
        source, _, share = text.partition(" ")
        if source not in SOURCES:
            raise ValueError(f"{text!r} is no variant; known are {list(SOURCES)}")
        return cls(source, float(share)) if share else cls(source)


def expand(sources: Sequence[str], tiff: Shape, jpegs: Iterable[Shape]) -> list[Variant]:
    """The variants of a TIFF of shape `tiff` that `sources` ask for, given the JPEGs' shapes.

    A databar that was cut off shows in a JPEG's aspect ratio, so `body` tries exactly the ratios
    that occur. Raises ValueError for an unknown source.
    """
    unknown = sorted(set(sources) - set(SOURCES))
    if unknown:
        raise ValueError(f"unknown variants {unknown}; known are {list(SOURCES)}")
    found: list[Variant] = []
    for source in sources:
        if source == "body":
            found += [Variant("body", share) for share in body_shares(tiff, jpegs)]
        elif source == "border":
            found += [Variant("border", share) for share in BORDERS]
        elif source != PART:
            found.append(Variant(source))
    return found


def body_shares(tiff: Shape, jpegs: Iterable[Shape]) -> list[float]:
    """Shares of the TIFF's rows that give the aspect ratios of `jpegs`; near ones count once."""
    tall = tiff[0] / tiff[1]
    shares = sorted({height / width / tall for height, width in jpegs})
    kept: list[float] = []
    for share in shares:
        is_new = not kept or share - kept[-1] > _SAME_SHAPE
        if is_new and BODY_LEAST <= share < 1 - _SAME_SHAPE:
            kept.append(round(share, 4))
    return kept


def apply(variant: Variant, grey: GreyImage) -> GreyImage:
    """The TIFF's pixels as the changed copy has them, (H', W'); scale is not changed."""
    if variant.source == "body":
        return grey[: round(grey.shape[0] * variant.share)]
    if variant.source == "border":
        rows, columns = (round(size * variant.share) for size in grey.shape)
        return np.ascontiguousarray(
            grey[rows : len(grey) - rows, columns : grey.shape[1] - columns]
        )
    return np.ascontiguousarray(_PIXELS[variant.source](grey))


def changed_block(block: Block, source: str) -> Block:
    """The DCT block of the image after `identity`, one of `FLIPS_AND_ROTATIONS` or `inverted`.

    Flips are exact, bit for bit; transpositions move up to about 16 bits, because the resize to
    128x128 rounds between its two axes; inversion is exact for the grey image and moves up to
    about 40 bits for the standardised one, which does not invert to itself.
    """
    return _BLOCKS[source](block)


def _invert_block(block: Block) -> Block:
    inverted = -block
    inverted[0, 0] += _DC_OF_WHITE
    return inverted


_ROWS, _COLUMNS = _ALTERNATING[:, None], _ALTERNATING[None, :]
_BLOCKS: Mapping[str, Callable[[Block], Block]] = MappingProxyType(
    {
        "identity": lambda block: block,
        "flip_h": lambda block: block * _COLUMNS,
        "flip_v": lambda block: block * _ROWS,
        "rot180": lambda block: block * _ROWS * _COLUMNS,
        "rot90": lambda block: block.T * _ROWS,
        "rot270": lambda block: block.T * _COLUMNS,
        "transpose": lambda block: block.T,
        "transverse": lambda block: block.T * _ROWS * _COLUMNS,
        "inverted": _invert_block,
    }
)
_JET_KNOTS = {
    "red": ((0.35, 0.0), (0.66, 1.0), (0.89, 1.0), (1.0, 0.5)),
    "green": ((0.125, 0.0), (0.375, 1.0), (0.64, 1.0), (0.91, 0.0)),
    "blue": ((0.0, 0.5), (0.11, 1.0), (0.34, 1.0), (0.65, 0.0)),
}
"""matplotlib's map of this name, which MATLAB made common: straight between (grey, colour)."""
_LUMA = {"red": 0.299, "green": 0.587, "blue": 0.114}  # ITU-R BT.601, as JPEG has it


def _jet_luma() -> NDArray[np.uint8]:
    """(256,): the luma of each grey level's colour; it rises, and falls from the middle on.

    Maps whose luma rises all the way, as viridis, need no variant: equalisation undoes them.
    """
    levels = np.arange(256) / 255
    luma = np.zeros(256)
    for colour, weight in _LUMA.items():
        greys, shares = zip(*_JET_KNOTS[colour], strict=True)
        luma += weight * np.interp(levels, greys, shares)
    rounded: NDArray[np.uint8] = np.rint(255 * luma).astype(np.uint8)
    return rounded


_JET = _jet_luma()
_PIXELS: Mapping[str, Callable[[GreyImage], GreyImage]] = MappingProxyType(
    {
        "identity": lambda grey: grey,
        "flip_h": lambda grey: grey[:, ::-1],
        "flip_v": lambda grey: grey[::-1],
        "rot180": lambda grey: grey[::-1, ::-1],
        "rot90": np.rot90,
        "rot270": lambda grey: np.rot90(grey, 3),
        "transpose": lambda grey: grey.T,
        "transverse": lambda grey: grey[::-1, ::-1].T,
        "inverted": lambda grey: 255 - grey,
        "jet": lambda grey: _JET[grey],
    }
)


def hashes(
    grey: GreyImage,
    variants: Iterable[Variant],
    frequencies: Callable[[GreyImage], Block],
    hash_image: Callable[[GreyImage], hashing.Hashes],
) -> Iterator[tuple[Variant, NDArray[np.uint8], NDArray[np.uint8]]]:
    """Each variant with its packed hashes (128 bytes): of the standardised and the grey image.

    `frequencies` gives the DCT blocks (2, 32, 32) of both images, `hash_image` both hashes.
    """
    blocks: Block | None = None
    for variant in variants:
        if variant.source in _BLOCKS:
            blocks = frequencies(grey) if blocks is None else blocks
            standardised, plain = (
                hashing.hash_of(changed_block(block, variant.source)) for block in blocks
            )
            yield variant, standardised, plain
        else:
            hashed = hash_image(apply(variant, grey))
            yield variant, hashed.standardised, hashed.grey
