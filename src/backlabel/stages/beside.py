"""What later stages read below the data besides images, so that they need not watch all of it.

Stage hash alone depends on `data`: DVC walks it once. The table says what else a later stage reads
there, and any change of it runs that stage.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from backlabel import config
from backlabel.errors import DataError
from backlabel.inventory.scanning import Inventory
from backlabel.microscope.beside import beside, digest, may_be_beside
from backlabel.storage.rows import Beside


def rows(tiffs: Inventory, params: config.Params) -> list[Beside]:
    """The texts beside TIFFs that tell how they were taken, and the tables of the parameters."""
    tables = [params.data.truth, params.label.group_table]
    found = {*_texts(tiffs), *(table for table in tables if table and Path(table).exists())}
    return [Beside(path, digest(path)) for path in sorted(found, key=os.fsencode)]


def require_data(params: config.Params) -> None:
    """Raise DataError where the images are not here: DVC fetches them for stage hash alone."""
    for folder in (*params.data.jpegs, *params.data.tiffs):
        if not Path(folder).is_dir():
            raise DataError(
                f"{folder}: the folder is not there, and this stage reads images. "
                "`dvc pull data.dvc` fetches them, where they are tracked so."
            )


def _texts(tiffs: Inventory) -> Iterator[str]:
    listed = {row.path for row in tiffs.skips if may_be_beside(row.path)}
    if listed:
        for path in tiffs.images.paths:
            yield from listed.intersection(beside(path))
