"""Where numba keeps compiled kernels, and how they are loaded; numba imports this module itself.

By itself numba keeps them beside the source file. DVC runs an experiment in a checkout of its own
that is deleted afterwards: without this, each would spend its first quarter minute compiling.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, UserProvidedCacheLocator
from numba.core.runtime import rtsys  # type: ignore[attr-defined]

from backlabel.storage.files import shared_folder, shared_root


class SharedCacheLocator(UserProvidedCacheLocator):
    """Keeps kernels below the main repository's `.backlabel`, by the name of their source file.

    Kernels are compiled anew when a module has changed that code may come from: one beside theirs,
    a private one of any room, or `lanes`. numba by itself looks only at the file that a kernel
    stands in, and would keep one whose helper in another file is new.
    """

    def __init__(self, py_func: object, py_file: str) -> None:
        super().__init__(py_func, py_file)  # type: ignore[no-untyped-call]
        path = Path(py_file)
        self._cache_path = str(shared_folder() / "kernels" / path.parent.name / path.stem)

    def get_source_stamp(self) -> str:
        """A digest over all modules that the kernel's code may come from."""
        return stamp(Path(self._py_file).parent)

    @classmethod
    def from_function(cls, py_func: object, py_file: str) -> SharedCacheLocator | None:
        """None for kernels of others, and outside of a DVC repository, where no folder is left."""
        ours = Path(py_file).is_relative_to(Path(__file__).parent)
        if not ours or not (shared_root() / ".dvc").is_dir():
            return None
        made = cls(py_func, py_file)
        try:
            made.ensure_cache_path()  # type: ignore[no-untyped-call]
        except OSError:
            return None  # a folder that cannot be written: numba asks the next locator
        return made


@cache  # asked for every kernel, and sources do not change while they run
def stamp(folder: Path) -> str:
    """A digest over the modules that kernels in this folder of a package may be made from."""
    inside = [above for above in (folder, *folder.parents) if (above / "__init__.py").exists()]
    package = inside[-1]
    modules = {*folder.glob("*.py"), *package.rglob("_[a-z]*.py"), *package.glob("lanes.py")}
    digest = hashlib.sha256()
    for module in sorted(modules):
        name = module.relative_to(package).as_posix()
        digest.update(name.encode() + b"\0" + module.read_bytes() + b"\0")
    return digest.hexdigest()


def _load_kept(self: Any, signature: object, context: object) -> object:
    """`load_overload` of numba 0.68, which first imports all that compiling needs: 0.2 s.

    Our code calls numba's run-time system and nothing else of it; compiling imports the rest.
    """
    if not isinstance(self._impl.locator, SharedCacheLocator):
        return _load_by_numba(self, signature, context)
    rtsys.initialize(context)
    with self._guard_against_spurious_io_errors():
        return self._load_overload(signature, context)


_load_by_numba: Any = FunctionCache.load_overload
FunctionCache.load_overload = _load_kept  # type: ignore[method-assign]
