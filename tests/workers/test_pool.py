"""Order, limits and deaths of workers."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
import scipy.linalg  # noqa: F401 - it and NumPy have threads of their own
from work_done import buggy, hostile, process_id, square

from backlabel.errors import UnreadableImageError, WorkerError
from backlabel.workers.crew import map_files
from backlabel.workers.pool import CHUNK, Workers

pytestmark = pytest.mark.slow

MOST_KILLED = 8
LIMITS = {"max_seconds": 20.0, "max_memory_mib": 200}


def mapped(function, items, *, workers=1, **others):
    return map_files(function, items, workers=workers, what="test", **(LIMITS | others))


def uneven(number: int) -> int:
    time.sleep(0.2 if number == 0 else 0)
    return number


def page_faults(count: int) -> int:
    """Of `count` times three arrays of 3 MiB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        _ = [np.ones(3 << 20, np.uint8) for _ in range(3)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def threads(_: int) -> tuple[int, int]:
    """Those that there are, and those that OpenCV would start."""
    return len([*Path("/proc/self/task").iterdir()]), cv2.getNumThreads()


def killed_once(marker: Path) -> str:
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return "fine"
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def quickly(number: int) -> int:
    time.sleep(0.01)
    return number


def reasons(results):
    return [
        result.reason if isinstance(result, UnreadableImageError) else result
        for _, result in results
    ]


def test_a_worker_keeps_the_memory_of_arrays_that_it_frees():
    [(_, faults)] = mapped(page_faults, [10])
    assert faults < 15 * (3 << 20) // resource.getpagesize()  # half of them, had it given all back


def test_libraries_have_one_thread_in_a_worker():
    """Their buffers would count as an image's memory, on 64 cores by gigabytes."""
    ((_, (running, of_opencv)),) = mapped(threads, [0])
    assert running == 2  # one serves, one watches the parent
    assert of_opencv == 1


@pytest.mark.parametrize(("workers", "chunk"), [(1, CHUNK), (3, CHUNK), (3, 1), (3, 100)])
def test_results_come_in_the_order_of_the_items(workers, chunk):
    results = mapped(square, range(40), workers=workers, chunk=chunk)
    assert list(results) == [(number, number * number) for number in range(40)]


def test_a_slow_item_does_not_change_the_order():
    assert [item for item, _ in mapped(uneven, range(9), workers=3)] == [*range(9)]


def test_no_items_need_no_worker():
    assert list(mapped(square, [])) == []
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("unreadable", "corrupt"),
        ("hang", "too slow"),
        ("crash", "crashed the decoder"),
        ("killed", "crashed the decoder"),
        ("memory", "too much memory"),
    ],
)
def test_a_hostile_item_harms_only_itself(kind, reason):
    limits = {"max_seconds": 5.0} if kind == "hang" else {}
    items = ["good", kind, "good", kind, "good"]
    assert reasons(mapped(hostile, items, **limits)) == ["fine", reason, "fine", reason, "fine"]


def test_each_item_has_the_whole_time():
    assert reasons(mapped(quickly, range(600), max_seconds=5.0)) == [*range(600)]


def test_an_item_whose_worker_was_killed_is_tried_again(tmp_path):
    assert reasons(mapped(killed_once, [tmp_path / "killed"])) == ["fine"]


def test_any_other_error_is_a_bug_and_is_raised():
    with pytest.raises(ZeroDivisionError) as raised:
        list(mapped(buggy, [1, 0, 1], workers=2))
    assert "in buggy" in raised.value.__notes__[0]


def test_work_is_done_in_other_processes_that_are_kept():
    ids = {result for _, result in mapped(process_id, range(30), workers=2)}
    assert os.getpid() not in ids
    assert len(ids) <= 2


def test_workers_serve_one_map_after_the_other():
    with Workers(1, **LIMITS) as workers:
        ids = {
            result
            for function in (process_id, process_id)
            for _, result in workers.map(function, range(3), what="test")
        }
        assert [result for _, result in workers.map(square, [3], what="test")] == [9]
    assert len(ids) == 1
    assert multiprocessing.active_children() == []


def test_items_are_taken_as_they_are_needed():
    taken = []
    items = (taken.append(number) or number for number in range(1000))
    results = mapped(square, items, workers=2)
    for _ in range(10):
        next(results)
    results.close()
    assert len(taken) <= 6 * CHUNK + 10


def test_no_worker_is_left_when_the_rest_is_not_wanted():
    results = mapped(process_id, range(100), workers=2)
    next(results)
    results.close()
    assert multiprocessing.active_children() == []


def kill_workers(stop: threading.Event, moments: random.Random, also_forkserver: bool) -> None:
    """Kill a worker, or the process that forks them, at random moments until `stop`."""
    for _ in range(MOST_KILLED):
        if stop.wait(moments.uniform(0.05, 0.2)):
            return
        pid = forkserver._forkserver._forkserver_pid
        if pid is None:  # the next is about to be started; psutil takes None for ourselves
            continue
        with suppress(psutil.NoSuchProcess):
            server = psutil.Process(pid)
            victims = server.children() or [server]
            if also_forkserver and moments.random() < 0.3:
                victims = [server]
            moments.choice(victims).kill()


@pytest.mark.parametrize("also_forkserver", [False, True])
def test_workers_that_are_killed_at_random_change_nothing(also_forkserver):
    stop = threading.Event()
    results = mapped(quickly, range(300), workers=3, chunk=8)
    assert next(results) == (0, 0)
    killer = threading.Thread(
        target=kill_workers, args=(stop, random.Random(0), also_forkserver), daemon=True
    )
    killer.start()
    try:
        found = [*results]
    finally:
        stop.set()
        killer.join()
    assert [item for item, _ in found] == [*range(1, 300)]
    # An item over which three workers were killed is lost; all else is as if nothing had happened.
    lost = [item for item, result in found if isinstance(result, UnreadableImageError)]
    assert len(lost) <= 2
    assert all(result == item for item, result in found if item not in lost)


def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_never_begin_are_an_error_of_their_own():
    with pytest.raises(WorkerError, match="ended before they could begin"):
        list(mapped(square, range(3), prepare=dies))


PARENT = """
import sys
sys.path[:0] = {path!r}
from backlabel import interrupts
from test_pool import mapped
from work_done import process_id, slowly
def main():
    print(next(mapped(process_id, [1]))[1], flush=True)
    for _, worker in mapped({function}, iter(int, 1), workers=2):
        print(worker, flush=True)
if __name__ == "__main__":
    sys.exit(interrupts.one_line(main))
"""


def parent(tmp_path, function, **options):
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(path=sys.path, function=function))
    return subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def assert_they_end(processes):
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{process}").exists() for process in processes):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_workers_end_when_their_parent_is_killed(tmp_path):
    with parent(tmp_path, "process_id", stderr=subprocess.PIPE) as started:
        workers = {int(started.stdout.readline()) for _ in range(40)}
        started.kill()
        _, told = started.communicate()
    assert_they_end(workers)
    assert workers
    assert told == ""


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.3])
def test_ctrl_c_is_answered_by_the_parent_alone(tmp_path, after_s):
    with parent(tmp_path, "slowly", stderr=subprocess.PIPE) as started:
        started.stdout.readline()
        time.sleep(after_s)
        os.killpg(started.pid, signal.SIGINT)
        _, told = started.communicate(timeout=60)
    assert told == "backlabel: interrupted; run the same command again to go on\n"


def in_worker() -> None:
    os.environ["PREPARED"] = str(os.getpid())


def cannot_prepare() -> None:
    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), "a kernel")


def prepared_by(number: int) -> tuple[str, str]:
    return os.environ.get("PREPARED", ""), str(process_id(number))


def test_each_worker_is_prepared_before_its_first_item():
    results = mapped(prepared_by, range(4), workers=2, chunk=1, prepare=in_worker)
    assert all(prepared == worker for _, (prepared, worker) in results)


def test_what_cannot_be_prepared_is_raised_here():
    with pytest.raises(OSError, match="File too large: 'a kernel'"):
        list(mapped(square, range(3), prepare=cannot_prepare))
