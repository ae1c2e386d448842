"""Stops `dvc exp run` before it overwrites parameters that stand in `params.yaml` alone.

DVC composes `conf/` over `params.yaml` without looking at it. Hydra asks a plugin of this kind
where to search for the configuration, in DVC's own process and before anything is written.
"""

from dvc.exceptions import DvcException
from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from backlabel import composing
from backlabel.errors import BacklabelError


class RefuseToOverwrite(SearchPathPlugin):
    """Adds no place to search; raises DVC's error, whose text DVC prints."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Look at the parameters, unless it is backlabel itself that composes."""
        if composing.is_composing():
            return
        try:
            composing.refuse_unsettled()
        except BacklabelError as error:
            raise DvcException(f"backlabel: {error}") from error
