"""Where tensors are computed."""

from __future__ import annotations

import torch

from backlabel.errors import ConfigError


def resolve(name: str) -> str:
    """`cpu` or `cuda` for any of auto, cpu, cuda. Raises ConfigError if there is no CUDA."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "compare.device is cuda, but torch finds no CUDA device. "
            "Set compare.device=auto or cpu."
        )
    return name
