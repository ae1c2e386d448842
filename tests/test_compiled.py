"""Which change of a module makes a kept kernel worthless."""

from __future__ import annotations

import pytest

from backlabel import compiled

KERNEL = "package/a/_kernel.py"
MODULES = [
    *("package/__init__.py", "package/a/__init__.py", "package/b/__init__.py"),
    *(KERNEL, "package/a/weights.py", "package/b/_vectors.py", "package/b/tables.py"),
    *("package/lanes.py", "package/cli.py"),
]


def stamp(root):
    compiled.stamp.cache_clear()
    return compiled.SharedCacheLocator(stamp, str(root / KERNEL)).get_source_stamp()


@pytest.fixture
def root(tmp_path):
    for module in MODULES:
        (tmp_path / module).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / module).write_text("x = 1\n")
    return tmp_path


@pytest.mark.parametrize(
    "module",
    [KERNEL, "package/a/weights.py", "package/b/_vectors.py", "package/lanes.py"],
    ids=["itself", "beside it", "a private one elsewhere", "the vectors"],
)
def test_a_module_that_code_may_come_from_counts(root, module):
    before = stamp(root)
    (root / module).write_text("x = 2\n")
    assert stamp(root) != before


@pytest.mark.parametrize("module", ["package/b/tables.py", "package/cli.py"])
def test_other_modules_do_not(root, module):
    before = stamp(root)
    (root / module).write_text("x = 2\n")
    assert stamp(root) == before


def test_the_folder_does_not_count(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "checkout"
    before = stamp(root)
    root.rename(elsewhere)
    assert stamp(elsewhere) == before
