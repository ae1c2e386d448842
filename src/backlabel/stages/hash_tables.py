"""The tables of the hash stage, written row by row: none of them is held as a whole."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from backlabel.errors import UnreadableImageError
from backlabel.hashing import engine
from backlabel.hashing.engine import PageOutcome
from backlabel.hashing.outcomes import Outcome
from backlabel.inventory.files import Listed
from backlabel.labels.schemes import Category
from backlabel.storage import large, paths, tables
from backlabel.storage.files import make_folder
from backlabel.storage.rows import JpegHash, Passed, TiffHash


@dataclass
class Written:
    """What the tables hold."""

    tiffs: int = 0
    jpegs: Counter[str] = field(default_factory=Counter)
    """By category, in the order in which the first of each comes."""
    lacking: int = 0
    """Pictures of both kinds whose hash says little."""
    unreadable: list[Passed] = field(default_factory=list)

    @property
    def readable(self) -> int:
        """Pictures that have a hash."""
        return self.tiffs + self.jpegs.total()

    def metrics(self) -> dict[str, object]:
        """As `metrics/hash.json` has them."""
        return {
            "jpegs": self.jpegs.total(),
            "tiffs": self.tiffs,
            "unreadable": len(self.unreadable),
            "unreadable_by_reason": dict(Counter(row.reason for row in self.unreadable)),
            "without_information": self.lacking,
            "jpegs_by_category": dict(self.jpegs),
        }


def write_jpegs(
    items: Sequence[Listed],
    categories: Sequence[Category],
    results: Sequence[Outcome],
    written: Written,
    form: large.Form,
) -> None:
    """Write the table of all published copies, and that of each category."""
    members: dict[str, array[int]] = {}

    def readable() -> Iterator[JpegHash]:
        # A published copy is one picture, whatever further pages its file has.
        pages = ([PageOutcome(None, one)] for one in results)
        for i, row in enumerate(engine.rows("jpeg", items, pages)):
            if isinstance(row, Passed):
                written.unreadable.append(row)
                continue
            members.setdefault(categories[i].name, array("q")).append(i)
            written.lacking += bool(row.information)
            yield _of_category(row, categories[i])

    def of(numbers: Iterable[int]) -> Iterator[JpegHash]:
        for i in numbers:
            outcome = results[i]
            assert not isinstance(outcome, UnreadableImageError)
            yield _of_category(engine.row(items[i].path, outcome), categories[i])

    large.write(paths.JPEG_HASHES, JpegHash, readable(), count=len(items), form=form)
    make_folder(paths.CATEGORY_HASHES)
    for category, numbers in members.items():
        written.jpegs[category] = len(numbers)
        if form.has_csv(len(numbers)):
            tables.write(paths.category_path(category), JpegHash, of(numbers))
        else:
            paths.category_path(category).unlink(missing_ok=True)


def _of_category(row: TiffHash, category: Category) -> JpegHash:
    return JpegHash(**vars(row), category=category.name, label=category.label)


def write_tiffs(
    items: Sequence[Listed],
    pages: Iterable[Sequence[PageOutcome]],
    written: Written,
    form: large.Form,
) -> None:
    """Write the table of the originals, of which each page may be the one that was published."""

    def readable() -> Iterator[TiffHash]:
        for row in engine.rows("tiff", items, pages):
            if isinstance(row, Passed):
                written.unreadable.append(row)
                continue
            written.tiffs += 1
            written.lacking += bool(row.information)
            yield row

    large.write(paths.TIFF_HASHES, TiffHash, readable(), count=len(items), form=form)
