"""Stops `dvc exp run` before it starts where something would get lost, or parameters are wrong.

DVC composes `conf/` over `params.yaml` without looking at it, a stage finds a wrong parameter only
when it runs, and what others put into the labelled set is gone before the first stage starts. Hydra
asks a plugin of this kind where to search for the configuration: in DVC's own process, before
anything is written.
"""

import sys
from functools import cache

from dvc.cli.parser import get_main_parser
from dvc.dependency.param import ParamsDependency
from dvc.exceptions import DvcException
from dvc.utils.cli_parse import to_path_overrides
from dvc.utils.hydra import get_hydra_sweeps
from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from backlabel import composing
from backlabel.errors import BacklabelError
from backlabel.storage import paths
from backlabel.storage.files import shared_folder

_RUNS_EXPERIMENTS = (["exp", "run"], ["experiments", "run"])


class RefuseEarly(SearchPathPlugin):
    """Adds no place to search; raises DVC's error, whose text DVC prints."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Look at the parameters, unless it is backlabel itself that composes."""
        if composing.is_composing():
            return
        try:
            _look()
        except BacklabelError as error:
            raise DvcException(f"backlabel: {error}") from None  # DVC would print both


@cache  # a sweep is composed once for each of its experiments
def _look() -> None:
    composing.refuse_unsettled()
    words = sys.argv[1:]
    if words[:2] not in _RUNS_EXPERIMENTS:
        return
    asked = get_main_parser().parse_args(words)
    for overrides in _overrides(asked.set_param):
        composing.check_overrides(overrides)
    if not (asked.queue or asked.tmp_dir):
        from backlabel.labels import written  # noqa: PLC0415 - NumPy, of use here alone

        written.unchanged(paths.LABELED, shared_folder() / "cache")


def _overrides(set_param: list[str]) -> list[list[str]]:
    """What `-S` says on DVC's command line, one list for each experiment of a sweep."""
    by_file = to_path_overrides(set_param)
    sweeps = get_hydra_sweeps(by_file) if by_file else []
    return [sweep.get(ParamsDependency.DEFAULT_PARAMS_FILE, []) for sweep in sweeps]
