"""The one place where what the image libraries raise becomes UnreadableImageError."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from backlabel.errors import UnreadableImageError

# What Pillow, tifffile, imagecodecs and simplejpeg were seen to raise on hostile files.
# imagecodecs' own errors are RuntimeErrors, tifffile's and JSON's are ValueErrors; the others are
# slips of the libraries on values that no sane file holds.
_LIBRARY_FAULTS = (
    OSError,
    ValueError,
    TypeError,
    RuntimeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    ImportError,
    SyntaxError,
    EOFError,
    MemoryError,
    struct.error,
    Image.DecompressionBombError,
)

_BY_CLASS: tuple[tuple[type[Exception], str], ...] = (
    (MemoryError, "too much memory"),
    (Image.DecompressionBombError, "bomb"),
    (NotImplementedError, "unsupported"),
    (ImportError, "unsupported"),
    (EOFError, "truncated"),
)

_BY_WORDS = (
    ("corrupt", ("unsupported marker",)),
    ("truncated", ("truncat", "premature end", "unexpected end", "cannot be reshaped")),
    ("unsupported", ("not supported", "unsupported", "not implemented", "not available")),
)


@contextmanager
def library_faults() -> Iterator[None]:
    """Turn every error of an image library in the block into UnreadableImageError.

    Warnings are silenced: what a library merely warns about, the readers decide themselves.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnreadableImageError:
        raise
    except _LIBRARY_FAULTS as error:
        raise UnreadableImageError(_reason(error), _detail(error)) from error


def _reason(error: Exception) -> str:
    for kind, reason in _BY_CLASS:
        if isinstance(error, kind):
            return reason
    text = str(error).lower()
    return next(
        (reason for reason, words in _BY_WORDS if any(word in text for word in words)), "corrupt"
    )


def _detail(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return f"the decoder gave up: {text or type(error).__name__}"
