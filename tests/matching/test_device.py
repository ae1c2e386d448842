"""Where tensors are computed, and what start-up leaves alone."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from backlabel.errors import ConfigError, WorkerError
from backlabel.matching import device
from backlabel.workers.cluster import Cluster

WINDOWS = ("uniform", "gaussian")
SLOW_TO_IMPORT = ("torch", "faiss", "hydra", "mlflow", "skimage", "imagehash")


def test_without_a_driver_all_is_on_the_cpu(monkeypatch):
    monkeypatch.setattr(device, "has_driver", lambda: False)
    for window in WINDOWS:
        assert device.resolve("auto", window) == device.resolve("cpu", window) == "cpu"
        with pytest.raises(ConfigError, match="finds no CUDA device"):
            device.resolve("cuda", window)


def test_on_a_cluster_auto_is_the_cpu_and_cuda_is_asked_of_its_workers(monkeypatch):
    monkeypatch.setattr(device, "has_driver", lambda: False)
    cluster = Cluster.model_construct(kind="slurm")
    names = ("auto", "cpu", "cuda")
    for window in WINDOWS:
        found = [device.resolve(name, window, cluster) for name in names]
        assert found == ["cpu", "cpu", "cuda"]
    with pytest.raises(WorkerError, match=rf"the worker on {socket.gethostname()} finds no CUDA"):
        device.require_on_worker("cuda")
    device.require_on_worker("cpu")


def test_auto_is_a_gpu_where_torch_finds_one_and_windows_are_gaussian(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(device, "has_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.resolve("auto", "gaussian") == device.resolve("cuda", "gaussian") == "cuda"
    assert device.resolve("auto", "uniform") == "cpu"
    assert device.resolve("cuda", "uniform") == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.resolve("auto", "gaussian") == "cpu"


def test_a_device_that_torch_finds_has_a_driver():
    torch = pytest.importorskip("torch")
    assert device.has_driver() or not torch.cuda.is_available()


def test_stages_start_without_what_they_may_not_need():
    code = (
        "import sys, backlabel.config, backlabel.stages.hash, backlabel.stages.compare;"
        "from backlabel.matching import device;"
        "device.resolve('auto', 'uniform');"
        f"print([name for name in {SLOW_TO_IMPORT} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
