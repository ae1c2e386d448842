"""What a worker process reads of one file: the digest of its pixels, or how it was taken."""

from __future__ import annotations

from pathlib import Path

from backlabel import images
from backlabel.errors import UnreadableImageError
from backlabel.labels import pixels
from backlabel.labels.known import TEXT_CHANGED, Texts
from backlabel.microscope import metadata
from backlabel.microscope.acquisition import Acquisition
from backlabel.microscope.beside import beside, digest


def read(task: tuple[Path, int | None, Texts | None], limits: images.Limits) -> Acquisition | str:
    """How the page of a TIFF was taken that has these texts beside it; None: its pixels' digest.

    Raises UnreadableImageError, with TEXT_CHANGED where other texts lie beside it now.
    """
    path, page, texts = task
    if texts is None:
        return pixels.digest(images.read_samples(path, limits, page))
    taken = metadata.read(path, limits, page)
    _require(path, dict(texts))
    return taken


def _require(path: Path, texts: dict[str, str]) -> None:
    for one in beside(str(path)):
        if digest(one) != texts.get(one, ""):
            raise UnreadableImageError(TEXT_CHANGED, one)
