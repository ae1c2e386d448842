"""What `label.group_by` says that originals share: a folder, a cell of a table, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from backlabel.errors import DataError
from backlabel.storage import lookup, names

FOLDER, NEAR_DUPLICATES, COLUMN = "folder", "near_duplicates", "column:"


def shared(
    paths: Iterable[str], group_by: str, roots: Sequence[str], table: str | None
) -> Iterable[str | None]:
    """What each TIFF of `paths` shares with others by `group_by`; None where it shares nothing.

    `roots` are the folders of all TIFFs. With `column:<name>` it is the cell of that column in the
    CSV file `table`, whose column TIFF_path names the TIFFs as the tables of hashes do.
    """
    if group_by == FOLDER:
        return (specimen_folder(path, roots) for path in paths)
    if group_by == NEAR_DUPLICATES or table is None:
        return (None for _ in paths)
    cells = lookup.cells_by_file(
        Path(table),
        "TIFF_path",
        group_by.removeprefix(COLUMN),
        remedy="See label.group_by and label.group_table.",
    )
    paths = [*paths]
    missing = [path for path in paths if path not in cells]
    if missing:
        raise DataError(
            f"{table}: has no line for {len(missing)} of {len(paths)} labelled TIFFs, the first "
            f"{names.to_cell(missing[0])}. Add them; an empty cell stands for a TIFF by itself."
        )
    return [cells[path] or None for path in paths]


def specimen_folder(path: str, roots: Sequence[str]) -> str | None:
    """The folder of the TIFF `path`; None directly below a root, which is no specimen's folder."""
    folder = PurePosixPath(path).parent
    return None if folder in map(PurePosixPath, roots) else str(folder)
