"""TIFF -> grey. Which page, how its samples are fetched, and what is refused before that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backlabel.errors import UnreadableImageError
from backlabel.images import ifd, mosaic, pages, strips, subsampled, via_tifffile
from backlabel.images.ifd import Chain, Directory, Layout
from backlabel.images.luma import luma
from backlabel.images.orientation import upright
from backlabel.images.pages import Pages
from backlabel.images.picture import Limits, Picture
from backlabel.images.samples import PALETTE, RGB, Meaning, to_grey, to_unit
from backlabel.images.segments import segments
from backlabel.images.source import Source

_ASSOCIATED_ALPHA = 1
_BYTE = 8  # bits
_PLANAR = (1, 2)  # channels side by side in each pixel, or plane after plane
_MASK = 4  # photometric interpretation of a transparency mask


def read(source: Source, limits: Limits, number: int | None = None) -> Picture:
    """The picture of an open TIFF, on its page `number` or on the main one.

    Raises UnreadableImageError.
    """
    found, page, samples, meaning = _decoded(source, limits, number)
    grey, note = to_grey(samples, meaning)
    grey, rotation = upright(grey, page.number(ifd.ORIENTATION, 1))
    size = mosaic.size(page) if mosaic.is_mosaic(page, limits) else None
    reduced = f"reduced to 1/{mosaic.factor(page)}" if size else ""
    notes = (_which(found, page), reduced, note, rotation)
    note = ", ".join(part for part in notes if part)
    known = pages.pages(found)
    return Picture(grey, "tiff", note, page.in_file, known.others, known.apart, size)


def read_pages(source: Source, limits: Limits) -> Pages:
    """The pages of an open TIFF. Raises UnreadableImageError."""
    return pages.pages(ifd.pages(Layout(source.read), limits.max_pages))


def read_unit(source: Source, limits: Limits, number: int | None = None) -> NDArray[np.float32]:
    """The same picture in its full depth: (H, W), 0 black to 1 white."""
    _, page, samples, meaning = _decoded(source, limits, number)
    return upright(to_unit(samples, meaning), page.number(ifd.ORIENTATION, 1))[0]


def _decoded(
    source: Source, limits: Limits, number: int | None
) -> tuple[Chain, Directory, NDArray[np.generic], Meaning]:
    layout = Layout(source.read)
    found = ifd.pages(layout, limits.max_pages)
    page = pages.chosen(found, number)
    return found, page, *_page(page, layout, source, limits)


def _page(
    page: Directory, layout: Layout, source: Source, limits: Limits
) -> tuple[NDArray[np.generic], Meaning]:
    refuse(page, limits)
    if mosaic.is_mosaic(page, limits):
        meaning = _meaning(page, via_tifffile.colour(page))
        return mosaic.decode(page, segments(page, source), source, layout, meaning)
    samples, photometric = _samples(page, layout, source, limits)
    return samples, _meaning(page, photometric)


def samples(source: Source, limits: Limits, number: int | None = None) -> NDArray[np.generic]:
    """(H, W, channels) as stored: full depth, neither rotated nor inverted; a mosaic's reduced.

    Raises UnreadableImageError.
    """
    layout = Layout(source.read)
    page = pages.chosen(ifd.pages(layout, limits.max_pages), number)
    return _page(page, layout, source, limits)[0]


def _samples(
    page: Directory, layout: Layout, source: Source, limits: Limits
) -> tuple[NDArray[np.generic], int]:
    """(H, W, channels), and the photometric interpretation that they now have."""
    photometric, found = page.number(ifd.PHOTOMETRIC, 1), segments(page, source)
    if subsampled.is_subsampled(page):
        return subsampled.decode(page, found, source), photometric
    plan = strips.plan(page, found)
    if plan is not None:
        return strips.decode(plan, source, layout), photometric
    return via_tifffile.decode(source, page, found, limits)


def refuse(page: Directory, limits: Limits) -> None:
    """Raise UnreadableImageError for a page that is empty, or larger than the limits allow."""
    width, height = page.number(ifd.WIDTH, 0), page.number(ifd.LENGTH, 0)
    if width <= 0 or height <= 0:
        raise UnreadableImageError("corrupt", f"its header says {width} x {height} pixels")
    most = max(limits.max_pixels, limits.max_mosaic_pixels)
    if width * height > most:
        raise UnreadableImageError(
            "bomb", f"its header says {width} x {height} pixels, the limit is {most}"
        )
    bits, channels = max(page.numbers(ifd.BITS, (1,))), page.number(ifd.SAMPLES, 1)
    if bits < 1 or channels < 1:
        raise UnreadableImageError("corrupt", f"its header says {channels} x {bits} bits a pixel")
    decoded = width * height * channels * max(bits, _BYTE) // _BYTE
    if decoded > limits.max_decoded_bytes and not mosaic.is_mosaic(page, limits):
        raise UnreadableImageError(
            "bomb", f"decoded it has {decoded} bytes, the limit is {limits.max_decoded_bytes}"
        )
    _refuse_segments(page, limits)


def _refuse_segments(page: Directory, limits: Limits) -> None:
    tile = page.number(ifd.TILE_WIDTH, 0) * page.number(ifd.TILE_LENGTH, 0)
    if tile > limits.max_pixels or page.number(ifd.IMAGE_DEPTH, 1) > 1:
        raise UnreadableImageError("bomb", "its header asks for huge tiles or for a volume")
    if page.number(ifd.PLANAR, 1) not in _PLANAR:
        raise UnreadableImageError(
            "corrupt", f"its header says planar configuration {page.number(ifd.PLANAR, 1)}"
        )
    if page.number(ifd.PHOTOMETRIC, 1) == _MASK:
        raise UnreadableImageError("unsupported", "it holds a transparency mask and no picture")


def _meaning(page: Directory, photometric: int) -> Meaning:
    extra = page.numbers(ifd.EXTRA_SAMPLES)
    bits = page.number(ifd.BITS, 1)
    return Meaning(
        photometric=photometric,
        bits=bits,
        palette=_palette(page.numbers(ifd.COLOUR_MAP), bits) if photometric == PALETTE else None,
        premultiplied=photometric == RGB and extra[:1] == (_ASSOCIATED_ALPHA,),
    )


def _palette(colour_map: tuple[int, ...], bits: int) -> NDArray[np.uint8]:
    """The grey of each index, from all reds, all greens, all blues of 16 bits each."""
    if len(colour_map) != 3 << bits:
        raise UnreadableImageError("corrupt", f"a palette of {len(colour_map)} numbers")
    colours = np.array(colour_map, np.int64).reshape(3, -1).T
    # Some old programs wrote 8-bit colours, which would all be black: libtiff's rule.
    shallow = colours if colours.max() <= 0xFF else colours >> _BYTE  # noqa: PLR2004
    greys: NDArray[np.uint8] = luma(shallow.astype(np.uint8)[np.newaxis])[0]
    return greys


def _which(chain: Chain, page: Directory) -> str:
    last = max(one.in_file for one in chain.found)
    more = " or more" if chain.beyond else ""
    return f"page {page.in_file} of {last}{more}" if last > 1 else ""
