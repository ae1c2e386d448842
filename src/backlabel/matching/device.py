"""Where tensors are computed."""

from __future__ import annotations

import ctypes
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from backlabel.errors import ConfigError, WorkerError
from backlabel.workers.cluster import Cluster, is_elsewhere

if TYPE_CHECKING:
    from backlabel.matching.ssim import Window  # which needs the kernels

_NVIDIA_DRIVER = "libcuda.so.1"
_AMD_DRIVER = Path("/dev/kfd")  # torch built for ROCm calls its devices cuda, too


def resolve(name: str, window: Window, cluster: Cluster | None = None) -> str:
    """`cpu` or `cuda` for any of auto, cpu, cuda. Raises ConfigError if there is no CUDA.

    `auto` is a GPU for Gaussian windows alone: by uniform ones a core has computed the SSIM before
    the pixels would be there (benchmarks/matching.md). On a cluster it is the CPU, so that results
    are the same bytes whichever worker has a GPU, and whether there is CUDA is asked on each
    worker, by `require_on_worker`.
    """
    if is_elsewhere(cluster):
        return "cpu" if name == "auto" else name
    if name == "auto":
        return "cuda" if window == "gaussian" and _has_cuda() else "cpu"
    if name == "cuda" and not _has_cuda():
        raise ConfigError(
            "compare.device is cuda, but torch finds no CUDA device. "
            "Set compare.device=auto or cpu."
        )
    return name


def require_on_worker(name: str) -> None:
    """Raise WorkerError if `name` is `cuda` and this worker of a cluster has none."""
    if name == "cuda" and not _has_cuda():
        raise WorkerError(
            f"compare.device is cuda, but the worker on {socket.gethostname()} finds no CUDA "
            "device. Start workers where there is one (on Slurm by cluster.directives, as "
            "--gres=gpu:1) and torch is one for its driver, or set compare.device=auto or cpu."
        )


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
