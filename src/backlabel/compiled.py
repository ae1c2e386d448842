"""Where numba keeps compiled kernels, so that a temporary checkout need not compile them anew.

numba keeps them beside the source file. DVC runs an experiment in a checkout of its own that is
deleted afterwards: without this, each would spend its first quarter minute compiling.
"""

from __future__ import annotations

from pathlib import Path

from numba.core.caching import UserProvidedCacheLocator

from backlabel.files import shared_folder, shared_root


class SharedCacheLocator(UserProvidedCacheLocator):
    """Keeps kernels below the main repository's `.backlabel`, by the name of their source file.

    numba checks a digest of the source file: another version of it is compiled, not mistaken.
    """

    def __init__(self, py_func: object, py_file: str) -> None:
        super().__init__(py_func, py_file)  # type: ignore[no-untyped-call]
        path = Path(py_file)
        self._cache_path = str(shared_folder() / "kernels" / path.parent.name / path.stem)

    @classmethod
    def from_function(cls, py_func: object, py_file: str) -> SharedCacheLocator | None:
        """None outside of a DVC repository: a library leaves no folders where it is used."""
        if not (shared_root() / ".dvc").is_dir():
            return None
        made = cls(py_func, py_file)
        try:
            made.ensure_cache_path()  # type: ignore[no-untyped-call]
        except OSError:
            return None  # a folder that cannot be written: numba asks the next locator
        return made
