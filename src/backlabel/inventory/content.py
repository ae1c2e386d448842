"""What a file is: by its first bytes, whatever its name says, and by its name."""

from __future__ import annotations

from typing import Literal

Kind = Literal["jpeg", "tiff", "png", "bmp"]
KINDS: tuple[Kind, ...] = ("jpeg", "tiff", "png", "bmp")

EXTENSIONS: dict[str, Kind] = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".png": "png",
    ".bmp": "bmp",
}


HEAD = 512  # bytes that suffice for every signature here

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_JPEG = b"\xff\xd8\xff"

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF8", "GIF"),
    (b"BM", "bmp"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"PK\x03\x04", "ZIP"),
    (b"PK\x05\x06", "ZIP"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"II\xbc", "JPEG XR"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
    (b"\0\x05\x16\x07", "AppleDouble"),
    (b"\0\x05\x16\0", "AppleSingle"),
    (b"8BPS", "Photoshop"),
    (b"SIMPLE  =", "FITS"),
    (b"version https://git-lfs", "a Git LFS pointer"),
)


def kind_of(head: bytes) -> str:
    """One of `KINDS`, the name of another format, or "" where nothing is recognised.

    `head` is the first `HEAD` bytes, or all of a shorter file.
    """
    if head[:4] in _TIFF:
        return "tiff"
    if head[:3] == _JPEG:
        return "jpeg"
    if head[:4] == b"RIFF":
        return "WebP" if head[8:12] == b"WEBP" else "RIFF"
    if head[4:8] == b"ftyp":
        return "HEIF, AVIF or MP4"
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    return _text(head)


def suffixes(kind: Kind) -> str:
    """The extensions of a kind, for people: ".tif, .tiff"."""
    return ", ".join(suffix for suffix, one in EXTENSIONS.items() if one == kind)


def kind_of_name(name: str) -> Kind | None:
    """What the extension promises; letters of any case, blanks after it ignored."""
    _, dot, extension = name.rstrip().lower().rpartition(".")
    return EXTENSIONS.get(dot + extension)


def _text(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    if start.startswith((b"<?xml", b"<svg")):
        return "XML"
    if head and not head.strip(b"\0"):
        return "NUL bytes"
    printable = all(byte >= ord(" ") or byte in b"\t\r\n\f" for byte in head)
    return "text" if len(head) > 1 and printable and _is_utf8(head) else ""


def _is_utf8(head: bytes) -> bool:
    try:
        head[: HEAD - 4].decode()  # a character may be cut at the end of the head
    except UnicodeDecodeError:
        return False
    return True
