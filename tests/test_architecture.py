"""The rules of the house: who may import what, and how large things may grow."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import defaultdict
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
PACKAGE = SRC / "backlabel"
MODULES = sorted(PACKAGE.rglob("*.py"))
OWNERS = {
    "cv2": ("parts/", "kernels/resize.py"),
    "dask_jobqueue": ("workers/",),
    "distributed": ("workers/",),
    "dvc": ("dvc_repair.py",),
    "PIL": ("images/", "hashing/reference.py", "kernels/resize.py"),
    "faiss": ("parts/",),
    "hydra": ("composing.py",),
    "imagecodecs": ("images/",),
    "jinja2": ("review/", "report/"),
    "imagehash": ("hashing/reference.py",),
    "matplotlib": ("reporting/",),
    "mlflow": ("reporting/",),
    "numba": ("kernels/",),
    "ruamel": ("config.py", "composing.py", "yaml_editing.py"),
    "sqlalchemy": ("reporting/",),
    "shtab": ("helping.py",),
    "simplejpeg": ("images/",),
    "skimage": ("matching/", "calibration/degrade.py"),
    "tifffile": ("images/",),
    "starlette": ("review/",),
    "torch": ("matching/", "dataset.py"),
    "uvicorn": ("review/",),
}
"""The places that may import a library; the references that fast paths are tested against too."""
PARTS = {"ruamel": "ruamel.yaml"}
"""Distributions of a shared top-level package."""
STAGE_LINES, FILE_LINES, FUNCTION_LINES = 120, 320, 60


def imported(node: ast.AST) -> list[str]:
    """The modules that one statement imports, and for `from a import b` also a.b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def imports(path: Path, *, everywhere: bool = True) -> set[str]:
    """What a module imports: everywhere, or only when it is itself imported."""
    tree = ast.parse(path.read_text())
    nodes = ast.walk(tree) if everywhere else _run_at_import(tree)
    return {name for node in nodes for name in imported(node)}


def _run_at_import(tree: ast.Module) -> list[ast.stmt]:
    """Statements outside of functions, and not those for type checkers alone."""
    found: list[ast.stmt] = []
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        found.append(node)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, (ast.If, ast.Try, ast.With, ast.ClassDef)):
            waiting += node.body
    return found


def module_name(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """The first name below the package: a folder's or a single module's."""
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("library", OWNERS)
def test_only_its_owner_imports_a_library(library):
    places = [
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if library in {name.split(".")[0] for name in imports(path)}
    ]
    assert places, f"nothing imports {library} any more: take it out of this list"
    assert [place for place in places if not place.startswith(OWNERS[library])] == []


def test_no_private_module_is_imported_across_rooms():
    crossing = [
        f"{module_name(path)} imports {name}"
        for path in MODULES
        for name in imports(path)
        if name.startswith("backlabel.")
        and any(part.startswith("_") and not part.startswith("__") for part in name.split("."))
        and room(name) != room(module_name(path))
    ]
    assert crossing == []


def circles(edges: dict[str, set[str]]) -> list[set[str]]:
    """Groups of nodes that reach each other."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            for after in edges.get(waiting.pop(), set()) - found:
                found.add(after)
                waiting.append(after)
        return found

    nodes = {*edges, *(after for several in edges.values() for after in several)}
    below = {node: reached(node) for node in nodes}
    groups = [{other for other in below[node] if node in below[other]} for node in below]
    return [group for i, group in enumerate(groups) if group and group not in groups[:i]]


def test_no_circle_of_imports():
    known = {module_name(path) for path in MODULES}
    edges: dict[str, set[str]] = defaultdict(set)
    for path in MODULES:
        own = module_name(path)
        # A module's own package comes before it in any case: what counts is what it takes from it.
        above = {own, own.rpartition(".")[0]}
        edges[own] |= (imports(path, everywhere=False) & known) - above
    assert circles(edges) == []


def test_no_circle_of_rooms():
    edges: dict[str, set[str]] = defaultdict(set)
    for path in MODULES:
        own = room(module_name(path))
        for name in imports(path):
            if name.startswith("backlabel.") and room(name) != own and own:
                edges[own].add(room(name))
    assert circles(edges) == []


def declared(*, extras: bool = False) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = list(project["dependencies"])
    if extras:
        listed += [entry for group in project["optional-dependencies"].values() for entry in group]
    heads = (entry.split(";")[0].split("[")[0] for entry in listed)
    return {_canonical(head.split(">")[0].split("=")[0].split("<")[0]) for head in heads}


def _canonical(name: str) -> str:
    return name.strip().lower().replace("_", "-")


def distributions(paths: list[Path], own: set[str]) -> dict[str, set[str]]:
    """The distributions that may provide each foreign package which `paths` import."""
    tops = {name.split(".")[0] for path in paths for name in imports(path)}
    foreign = tops - set(sys.stdlib_module_names) - own
    providers = metadata.packages_distributions()
    return {
        name: {_canonical(PARTS.get(name, one)) for one in providers.get(name, [name])}
        for name in foreign
    }


OPTIONAL = {"distributed", "dask_jobqueue"}
"""What the extra `cluster` brings; the default imports none of it."""


def test_the_package_declares_what_it_imports_and_nothing_else():
    used = distributions(list(SRC.rglob("*.py")), {"backlabel"})
    assert [name for name in OPTIONAL if not used.pop(name) & declared(extras=True)] == []
    assert [name for name, by in used.items() if not by & declared()] == []
    # pandas reads and writes Parquet through pyarrow without an import of ours.
    idle = declared() - set().union(*used.values()) - {"pyarrow"}
    assert idle == set()


def test_tests_and_benchmarks_import_what_is_declared():
    folders = [ROOT / name for name in ("tests", "benchmarks", "scripts", "examples")]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    own = {"backlabel", *(path.stem for path in files)}
    known = declared(extras=True)
    # imagededup is timed where somebody has installed it; it does not go with our torch.
    optional = {"imagededup"}
    missing = {name for name, by in distributions(files, own).items() if not by & known}
    assert missing - optional == set()


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_stages_are_thin():
    stages = {path.name: lines(path) for path in (PACKAGE / "stages").glob("*.py")}
    assert {name: count for name, count in stages.items() if count > STAGE_LINES} == {}


def test_files_and_functions_stay_small():
    assert {path.name: lines(path) for path in MODULES if lines(path) > FILE_LINES} == {}
    large = [
        f"{path.name}: {node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES
    ]
    assert large == []
