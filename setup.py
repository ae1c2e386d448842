"""Puts the template of a project into the wheel: this repository's own dvc.yaml and conf/.

`backlabel init` writes them; there is no second copy of them to keep.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class BuildWithTemplate(build_py):
    """Builds the package, and the template in it."""

    def run(self) -> None:
        """Copy what `backlabel.project.template` reads, except for editable installs."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "backlabel/project/template"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(ROOT / "conf", target / "conf")
        shutil.copy(ROOT / "dvc.yaml", target)


setup(cmdclass={"build_py": BuildWithTemplate})
