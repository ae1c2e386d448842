"""Where tensors are computed."""

from __future__ import annotations

import ctypes
from pathlib import Path

from backlabel.errors import ConfigError

_NVIDIA_DRIVER = "libcuda.so.1"
_AMD_DRIVER = Path("/dev/kfd")  # torch built for ROCm calls its devices cuda, too


def resolve(name: str) -> str:
    """`cpu` or `cuda` for any of auto, cpu, cuda. Raises ConfigError if there is no CUDA."""
    if name == "auto":
        return "cuda" if _has_cuda() else "cpu"
    if name == "cuda" and not _has_cuda():
        raise ConfigError(
            "compare.device is cuda, but torch finds no CUDA device. "
            "Set compare.device=auto or cpu."
        )
    return name


def _has_cuda() -> bool:
    """What torch says; without a driver, which torch would need, it is not asked."""
    if not has_driver():
        return False
    import torch  # noqa: PLC0415 - takes seconds to import

    return torch.cuda.is_available()


def has_driver() -> bool:
    """Whether a driver is installed through which torch could reach a device."""
    if _AMD_DRIVER.exists():
        return True
    try:
        ctypes.CDLL(_NVIDIA_DRIVER)
    except OSError:
        return False
    return True
