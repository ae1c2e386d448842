"""What tests share: clones in which the pipeline has run, or not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backlabel.reporting import store
from backlabel.workers import forking
from clones import Clone, clone_of_the_working_tree, made_once

_WORKERS_IMPORT = (
    "backlabel.calibration.over_files",
    "backlabel.hashing.file",
    "backlabel.labels.reading",
    "backlabel.parts.finder",
    "backlabel.report.samples",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: at the end no process waits for a long test of another."""
    slow = {item.path for item in items if {"slow", "pipeline"} & set(item.keywords)}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def _workers_are_forked_from_one_that_has_imported() -> None:
    """As commands do; else each of the many workers would import everything anew."""
    forking.preload(_WORKERS_IMPORT, at_once=False)


@pytest.fixture(scope="session")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone with the sample data, and nothing run. Not to be changed: copy it."""

    def make(path: Path) -> None:
        clone_of_the_working_tree(path).run("dvc", "pull", "-q", "data.dvc")

    return Clone(made_once(tmp_path_factory, "pulled", make))


@pytest.fixture(scope="session")
def reproduced(pulled: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which the whole pipeline has run. Not to be changed: copy it."""
    return Clone(
        made_once(
            tmp_path_factory, "reproduced", lambda path: pulled.copy(path).run("dvc", "repro")
        )
    )


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow store without runs: to make one takes seconds. Not to be changed: copy it."""

    def make(folder: Path) -> None:
        folder.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
            store.prepare()

    return made_once(tmp_path_factory, "store", make) / "mlflow.db"


@pytest.fixture
def not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of a test run without coverage, which could not write to a full disk either."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


NOBODY = 65534  # the user whom Linux gives no rights


@pytest.fixture
def ordinary_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The test runs as one whom permissions bind, in a folder of its own: as nobody if as root.

    Paths must be relative: the folders above are root's alone.
    """
    monkeypatch.chdir(tmp_path)
    if os.geteuid() != 0:
        yield
        return
    try:
        os.chown(tmp_path, NOBODY, -1)
        os.setresuid(NOBODY, NOBODY, 0)
    except OSError as error:  # root of a container that knows no other user
        pytest.skip(f"root cannot become another user here ({error.strerror})")
    yield
    os.setresuid(0, 0, 0)


@pytest.fixture(scope="session")
def grey() -> np.ndarray:
    """(48, 80), every value 0..255 present, no symmetry."""
    rng = np.random.default_rng(7)
    ramp = np.add.outer(np.arange(48) * 2, np.arange(80)) % 256
    noisy = np.clip(ramp + rng.integers(-9, 10, ramp.shape), 0, 255).astype(np.uint8)
    noisy[:4, :64] = np.arange(256, dtype=np.uint8).reshape(4, 64)
    return noisy


@pytest.fixture(scope="session")
def rgb(grey: np.ndarray) -> np.ndarray:
    """(48, 80, 3), three unlike channels."""
    return np.stack([grey, np.flipud(grey), 255 - np.fliplr(grey)], axis=-1)


@pytest.fixture(scope="session")
def make_tree() -> Path:
    """The program that builds a messy research tree."""
    return Path(__file__).parent / "tools/make_tree.py"
