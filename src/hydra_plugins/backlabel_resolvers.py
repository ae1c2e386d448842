"""Lets `conf/` say `${at_most:120,${.other}}`: a default that gives way to a lower parameter.

Hydra imports every module of the package `hydra_plugins` when it starts; DVC is told where this one
lies by `hydra.plugins_path` in `.dvc/config`.
"""

from typing import Any

from omegaconf import OmegaConf


def at_most(default: float, other: Any) -> float:
    """The smaller of the two; the default where `other` is no threshold.

    What is wrong with `other` is reported where all parameters are checked, under its own name.
    """
    is_number = isinstance(other, int | float) and not isinstance(other, bool)
    return min(default, other) if is_number and other >= 0 else default


OmegaConf.register_new_resolver("at_most", at_most, replace=True)
