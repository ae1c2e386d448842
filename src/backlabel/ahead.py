"""Imported once by the process that workers are forked from: makes ready what they will need.

What cannot be made ready is left for whoever needs it: it is told there, and not by two processes.
"""

import contextlib
import importlib
import os

from backlabel.memory import no_search_for_garbage

WANTED = "BACKLABEL_AHEAD"
"""The variable of the environment that says what: `module`, or `module:function` to call."""


def _make_ready(wanted: str) -> None:
    importlib.import_module("backlabel.workers.pool")
    module, _, function = wanted.partition(":")
    made = importlib.import_module(module)
    if function:
        getattr(made, function)()


if WANTED in os.environ:
    with contextlib.suppress(ImportError, OSError), no_search_for_garbage():
        _make_ready(os.environ.pop(WANTED))
