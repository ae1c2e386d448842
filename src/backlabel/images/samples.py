"""Samples of any depth and colour -> 8-bit grey. The rules stand in docs/reading.md."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backlabel.errors import UnreadableImageError
from backlabel.images.faults import library_faults
from backlabel.images.luma import luma
from backlabel.images.picture import GreyImage
from backlabel.images.value_range import value_range
from backlabel.kernels.lookup import through

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
CIE_LAB, ICC_LAB, ITU_LAB, LINEAR_RAW = 8, 9, 10, 34892

_CHANNELS = {
    WHITE_IS_ZERO: 1,
    BLACK_IS_ZERO: 1,
    RGB: 3,
    PALETTE: 1,
    CMYK: 4,
    YCBCR: 3,
    CIE_LAB: 1,  # of three, the first is the lightness, and it alone is used
    ICC_LAB: 1,
    ITU_LAB: 1,
    LINEAR_RAW: 3,
}
_LIGHTNESS = {CIE_LAB: "Lab", ICC_LAB: "Lab", ITU_LAB: "Lab", YCBCR: "YCbCr"}
_BYTE = 8  # bits
_TOP = 255
_LUMA = np.array([19595, 38470, 7471]) / (1 << 16)  # Pillow's weights, as in `luma`
_DEEP_TABLE = 1 << 16
_ROWS_AT_ONCE = 256  # of a deep image are scaled together, so that float64 stays small


@dataclass(frozen=True)
class Meaning:
    """What the samples of an image stand for, in TIFF's terms."""

    photometric: int
    bits: int
    palette: NDArray[np.uint8] | None = None  # grey of each index
    premultiplied: bool = False  # colours were multiplied by the fourth channel


def to_grey(samples: NDArray[np.generic], meaning: Meaning) -> tuple[GreyImage, str]:
    """(H, W, channels) -> grey and a note. Raises UnreadableImageError for an unknown colour."""
    used = _used_channels(samples, meaning)
    if meaning.photometric == PALETTE:
        return _through_palette(used[..., 0], meaning), "palette"
    shallow, note = to_8bit(used, meaning.bits)
    if meaning.photometric == WHITE_IS_ZERO:
        return np.ascontiguousarray(_TOP - shallow[..., 0]), _join("white is zero", note)
    if used.shape[2] == 1:
        colour = _LIGHTNESS.get(meaning.photometric, "")
        return np.ascontiguousarray(shallow[..., 0]), _join(colour, note)
    grey, colour = _from_colour(shallow, meaning, samples)
    return grey, _join(colour, note)


def to_unit(samples: NDArray[np.generic], meaning: Meaning) -> NDArray[np.float32]:
    """(H, W, channels) -> (H, W) from 0 black to 1 white: `to_grey` without its rounding.

    More than 8 bits, and floats, keep their depth; what holds no more than 8 is its grey / 255.
    """
    deep = samples.dtype.kind == "f" or meaning.bits > _BYTE
    if not deep or meaning.photometric in (PALETTE, CMYK):
        return to_grey(samples, meaning)[0].astype(np.float32) / np.float32(_TOP)
    used = _used_channels(samples, meaning)
    low, high = value_range(used)
    out = np.empty(used.shape[:2], np.float32)
    for top in range(0, len(used), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        share = _share(used[rows], low, high)
        out[rows] = share @ _LUMA if used.shape[2] > 1 else share[..., 0]
    return 1 - out if meaning.photometric == WHITE_IS_ZERO else out


def to_8bit(samples: NDArray[np.generic], bits: int) -> tuple[NDArray[np.uint8], str]:
    """Any real samples -> 0..255 and a note; all channels are scaled alike.

    Up to 8 bits the type's whole range becomes 0..255. More bits, and floats, are scaled by what
    the image holds: its least finite value becomes 0, its greatest 255, rounded to even, single
    outliers left out (`value_range`).
    """
    if samples.dtype.kind == "f" or bits > _BYTE:
        return _scale_by_range(samples, bits)
    if samples.dtype.kind == "i":
        half = 1 << (bits - 1)
        return _scale_whole(samples.astype(np.int16) + half, bits), f"signed {bits} bit"
    if bits == _BYTE:
        return samples.astype(np.uint8, copy=False), ""
    if samples.max() >= 1 << bits:
        raise UnreadableImageError("corrupt", f"it holds more than the {bits} bit of its header")
    return _scale_whole(samples, bits), f"{bits} bit"


def _scale_whole(samples: NDArray[np.generic], bits: int) -> NDArray[np.uint8]:
    top = (1 << bits) - 1
    table = (np.arange(top + 1) * 2 * _TOP + top) // (2 * top)
    scaled: NDArray[np.uint8] = table.astype(np.uint8)[samples.astype(np.intp) & top]
    return scaled


def _scale_by_range(samples: NDArray[np.generic], bits: int) -> tuple[NDArray[np.uint8], str]:
    low, high = value_range(samples)
    kind = {"f": "float", "i": "signed"}.get(samples.dtype.kind, "")
    note = f"{kind} {bits} bit scaled {low:.6g}..{high:.6g}".lstrip()
    if samples.dtype == np.uint16:
        table = _stretch(np.arange(_DEEP_TABLE, dtype=np.uint16), low, high)
        return through(table, samples.astype(np.uint16, copy=False)), note
    out = np.empty(samples.shape, np.uint8)
    for top in range(0, len(samples), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        out[rows] = _stretch(samples[rows], low, high)
    return out, note


def _stretch(samples: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    stretched: NDArray[np.uint8] = np.rint(_share(samples, low, high) * _TOP).astype(np.uint8)
    return stretched


def _share(samples: NDArray[np.generic], low: float, high: float) -> NDArray[np.float64]:
    """Where each sample lies between `low`, 0, and `high`, 1."""
    if high == low:
        return np.zeros(samples.shape)
    # Halves first: the distance between two float64 may exceed the greatest float64.
    with np.errstate(over="ignore", invalid="ignore"):
        share = (samples.astype(np.float64) / 2 - low / 2) / (high / 2 - low / 2)
    share = np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0)
    clipped: NDArray[np.float64] = np.clip(share, 0, 1)
    return clipped


def _used_channels(samples: NDArray[np.generic], meaning: Meaning) -> NDArray[np.generic]:
    if samples.dtype.kind not in "buif":
        raise UnreadableImageError("unsupported", f"samples of type {samples.dtype}")
    wanted = _CHANNELS.get(meaning.photometric)
    if wanted is None:
        raise UnreadableImageError(
            "unsupported", f"photometric interpretation {meaning.photometric} is not known"
        )
    if meaning.photometric == LINEAR_RAW and samples.shape[2] < wanted:
        wanted = 1
    if meaning.photometric == YCBCR and meaning.bits > _BYTE:
        wanted = 1  # one range for all three would shift the colours, of which grey has no need
    if samples.shape[2] < wanted:
        raise UnreadableImageError(
            "corrupt", f"{samples.shape[2]} channels, where its colour needs {wanted}"
        )
    if meaning.premultiplied and samples.shape[2] > wanted:
        return _unmultiplied(samples[..., :wanted], samples[..., wanted:][..., :1], meaning.bits)
    return samples[..., :wanted]


def _through_palette(indices: NDArray[np.generic], meaning: Meaning) -> GreyImage:
    if meaning.palette is None:
        raise UnreadableImageError("corrupt", "a palette image without a palette")
    index_kind = np.uint8 if meaning.bits <= _BYTE else np.uint16
    if indices.dtype.kind not in "bu" or len(meaning.palette) != 1 << meaning.bits:
        raise UnreadableImageError("corrupt", "the palette does not fit the samples")
    table = np.zeros(np.iinfo(index_kind).max + 1, np.uint8)
    table[: len(meaning.palette)] = meaning.palette
    return through(table, indices.astype(index_kind, copy=False))


def _from_colour(
    shallow: NDArray[np.uint8], meaning: Meaning, samples: NDArray[np.generic]
) -> tuple[GreyImage, str]:
    if meaning.photometric in (CMYK, YCBCR):
        mode = "CMYK" if meaning.photometric == CMYK else "YCbCr"
        return _with_pillow(shallow, mode), mode
    divided = meaning.premultiplied and samples.shape[2] > len("RGB")
    return luma(shallow), "RGB, alpha divided out" if divided else "RGB"


def _unmultiplied(
    colour: NDArray[np.generic], alpha: NDArray[np.generic], bits: int
) -> NDArray[np.generic]:
    """Colours / alpha, cut off as Pillow's "RGBa" mode does it; black where alpha is 0.

    What holds more than 16 bits, and floats, become shares of alpha: they are scaled afterwards.
    """
    whole = colour.dtype.kind == "u" and bits <= 2 * _BYTE
    out = np.zeros(colour.shape, colour.dtype if whole else np.float64)
    top = np.uint32((1 << bits) - 1)
    for first in range(0, len(colour), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        there = np.broadcast_to(np.greater(alpha[rows], 0), out[rows].shape)
        if whole:
            clear = colour[rows].astype(np.uint32) * top // np.maximum(alpha[rows], 1)
            np.copyto(out[rows], np.minimum(clear, top), casting="unsafe", where=there)
        else:
            with np.errstate(over="ignore"):
                np.divide(colour[rows], alpha[rows], out=out[rows], where=there, casting="unsafe")
    return out


def _with_pillow(shallow: NDArray[np.uint8], mode: str) -> GreyImage:
    """Pillow's own conversion, by way of RGB, as the plain chain has it."""
    height, width = shallow.shape[:2]
    with library_faults():
        image = Image.frombytes(mode, (width, height), shallow.tobytes())
        return np.array(image.convert("RGB").convert("L"))


def _join(*notes: str) -> str:
    return ", ".join(note for note in notes if note)
