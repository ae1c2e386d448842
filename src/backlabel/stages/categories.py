"""The label schemes of `conf/labels`, as the stages use them."""

from __future__ import annotations

from backlabel import config
from backlabel.labels.schemes import Scheme


def label_schemes(params: config.Params) -> list[Scheme]:
    """The chosen label scheme, then all others that `conf/labels` offers."""
    others = [other for other in config.schemes() if other.name != params.labels.name]
    return [Scheme(**dict(one)) for one in (params.labels, *others)]
