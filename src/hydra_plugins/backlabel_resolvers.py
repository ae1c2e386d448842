"""Lets `conf/` say `${at_most:120,${.other}}`: a default that gives way to another parameter.

Hydra imports every module of the package `hydra_plugins` when it starts; DVC is told where this one
lies by `hydra.plugins_path` in `.dvc/config`.
"""

from omegaconf import OmegaConf

OmegaConf.register_new_resolver("at_most", min, replace=True)
