"""Where compiled kernels are kept: nothing that is wrong there stops a run."""

from __future__ import annotations

import os
import pickle
import resource
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import pytest

from backlabel.kernels.compiled import COMPILING
from backlabel.kernels.kept import VARIABLE

pytestmark = pytest.mark.slow

SOURCES = Path(__file__).parents[2] / "src"
USING = """
import numpy as np
from backlabel.kernels.histogram import histogram
print(histogram(np.arange(256, dtype=np.uint8)).sum())
"""
AGAIN = "backlabel: kernels are compiled again: "


def run(folder, program=USING, *, check=True, **options):
    environment = os.environ | {VARIABLE: str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment |= options.pop("environment", {})
    return subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=check,
        **options,
    )


def warned(folder, why, **options):
    """The run does its work and gives one line of warning, which names the reason."""
    done = run(folder, **options)
    assert done.stdout == "256\n"
    lines = done.stderr.removeprefix(COMPILING).splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith(AGAIN)
    assert why in lines[0]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A folder into which two processes at once have compiled all kernels, once.

    Not to be changed: copy it.
    """
    folder = tmp_path_factory.mktemp("kept") / "cache"
    with ThreadPoolExecutor(2) as pool:
        both = pool.map(run, [folder, folder])
    assert sorted(one.stderr for one in both) == ["", COMPILING]
    return folder


@pytest.fixture
def single(tmp_path):
    """Sources that hold one kernel: to compile all of them takes a moment."""
    shutil.copytree(SOURCES, tmp_path / "src")
    for file in (tmp_path / "src/backlabel/kernels").glob("[!_]*.py"):
        if file.stem not in {"compiled", "histogram", "kept"}:
            file.unlink()
    return tmp_path / "src"


@pytest.fixture
def kept(filled, tmp_path):
    """A copy of it that one test may spoil."""
    folder = tmp_path / "cache"
    subprocess.run(["cp", "-a", str(filled), str(folder)], check=True)
    return folder


def histogram_file(folder):
    (file,) = folder.glob("kernels/*/histogram.histogram-*")
    return file


def test_the_first_run_compiles_all_and_says_so_and_later_ones_are_silent(filled):
    names = {file.name.partition("-")[0] for file in filled.glob("kernels/*/*-*")}
    assert {"ssim.ssim_sum", "hamming.search", "reproduced.reproduced"} <= names
    everything = "from backlabel.kernels.compiled import compile_all; compile_all()"
    for program in (USING, everything):
        assert run(filled, program).stderr == ""


def test_the_folder_is_the_users_alone(filled):
    for folder in (filled / "kernels", *filled.glob("kernels/*")):
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:20],
        lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
    ],
    ids=["torn in its digest", "one bit"],
)
def test_a_broken_file_is_replaced(kept, spoil):
    file = histogram_file(kept)
    file.write_bytes(spoil(file.read_bytes()))
    warned(kept, "is damaged")
    assert run(kept).stderr == ""


class Planted:
    def __reduce__(self):
        return print, ("planted code ran",)


def test_a_planted_pickle_does_not_run(kept):
    histogram_file(kept).write_bytes(pickle.dumps(Planted()))
    warned(kept, "is damaged")


def test_nothing_in_the_working_folder_or_beside_the_sources_is_loaded(filled, tmp_path):
    planted = pickle.dumps(numba.__version__) + pickle.dumps(Planted())
    for folder in (".backlabel/kernels/kernels/histogram", "__pycache__", "kernels"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "histogram.histogram-16.py311.nbi").write_bytes(planted)
        (tmp_path / folder / histogram_file(filled).name).write_bytes(planted)
    done = run(filled, cwd=tmp_path, environment={"NUMBA_CACHE_DIR": str(tmp_path)})
    assert (done.stdout, done.stderr) == ("256\n", "")


def test_a_folder_in_which_others_may_write_is_not_used(kept):
    (kept / "kernels").chmod(0o770)
    warned(kept, "others may write there (chmod go-w)")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_used(kept):
    os.chown(kept / "kernels", 65534, -1)
    warned(kept, "belongs to another user")


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    warned(tmp_path / "file" / "cache", "cannot be made")


def test_a_relative_folder_is_not_used(tmp_path):
    warned("cache", "is not an absolute path", cwd=tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_a_home_that_cannot_be_written(tmp_path):
    home = tmp_path / "home"
    home.touch()  # even root cannot write below it
    warned("", "cannot be made", environment={"HOME": str(home), "XDG_CACHE_HOME": ""})


def full_disk():
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


@pytest.mark.usefixtures("not_counted")
def test_a_full_disk(tmp_path, single):
    warned(
        tmp_path / "cache",
        "cannot be written (File too large)",
        preexec_fn=full_disk,
        environment={"PYTHONPATH": str(single)},
    )
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert [path.name for path in files if path.stat().st_size] == []


def test_checkouts_with_equal_sources_share_kernels(single, tmp_path):
    folder, here = tmp_path / "cache", {"PYTHONPATH": str(single)}
    elsewhere = {"PYTHONPATH": str(shutil.copytree(single, tmp_path / "elsewhere"))}
    assert run(folder, environment=here).stderr == COMPILING
    assert run(folder, environment=elsewhere).stderr == ""
    changed = tmp_path / "elsewhere/backlabel/kernels/histogram.py"
    changed.write_text(changed.read_text() + "# changed\n")
    assert run(folder, environment=elsewhere).stderr == COMPILING


OTHERS = """
import numba, numpy as np
import backlabel.kernels.histogram as ours

@numba.njit(cache=True)
def doubled(x):
    return 2 * x

assert type(doubled._cache) is numba.core.caching.FunctionCache
ours.histogram(np.zeros(5, np.uint8))
print(doubled(21), numba.config.CACHE_DIR, numba.config.CACHE_LOCATOR_CLASSES)
"""


def test_kernels_of_other_programs_are_left_to_numba(filled, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(OTHERS)
    done = run(filled, f"import runpy; runpy.run_path({str(script)!r})")
    assert (done.stdout.split(), done.stderr) == (["42"], "")
    assert [*tmp_path.glob("__pycache__/script.doubled*.nbc")] != []


def test_other_types_are_refused_and_not_compiled_anew(filled):
    program = USING.replace("dtype=np.uint8", "dtype=np.int64") + "\n"
    done = run(filled, program, check=False)
    assert "No matching definition" in done.stderr
