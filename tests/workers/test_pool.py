from __future__ import annotations

import ctypes
import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backlabel.errors import UnreadableImageError
from backlabel.workers.pool import CHUNK, map_files

LIMITS = {"max_seconds": 20.0, "max_memory_mib": 200, "what": "test"}


def square(number: int) -> int:
    return number * number


def uneven(number: int) -> int:
    time.sleep(0.2 if number == 0 else 0)
    return number


def hostile(kind: str) -> str:
    if kind == "unreadable":
        raise UnreadableImageError("corrupt", "the test says so")
    if kind == "hang":
        time.sleep(60)
    if kind == "crash":
        ctypes.string_at(0)
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "memory":
        return str(len(bytearray(1 << 30)))
    return "fine"


def buggy(number: int) -> float:
    return 1 / number


def process_id(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize(("workers", "chunk"), [(1, CHUNK), (3, CHUNK), (3, 1), (3, 100)])
def test_results_come_in_the_order_of_the_items(workers, chunk):
    results = map_files(square, range(40), workers=workers, chunk=chunk, **LIMITS)
    assert list(results) == [(number, number * number) for number in range(40)]


def test_a_slow_item_does_not_change_the_order():
    assert [item for item, _ in map_files(uneven, range(9), workers=3, **LIMITS)] == [*range(9)]


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
    limits = LIMITS | ({"max_seconds": 1.0} if kind == "hang" else {})
    items = ["good", kind, "good", kind, "good"]
    outcomes = [
        result.reason if isinstance(result, UnreadableImageError) else result
        for _, result in map_files(hostile, items, workers=1, **limits)
    ]
    assert outcomes == ["fine", reason, "fine", reason, "fine"]


def test_any_other_error_is_a_bug_and_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(map_files(buggy, [1, 0, 1], workers=2, **LIMITS))


def test_work_is_done_in_other_processes_that_are_kept():
    ids = {result for _, result in map_files(process_id, range(30), workers=2, **LIMITS)}
    assert os.getpid() not in ids
    assert len(ids) <= 2


def test_items_are_taken_as_they_are_needed():
    taken = []
    items = (taken.append(number) or number for number in range(1000))
    results = map_files(square, items, workers=2, **LIMITS)
    for _ in range(10):
        next(results)
    results.close()
    assert len(taken) <= 6 * CHUNK


def test_no_worker_is_left_when_the_rest_is_not_wanted():
    results = map_files(process_id, range(100), workers=2, **LIMITS)
    next(results)
    results.close()
    assert multiprocessing.active_children() == []


PARENT = """
import sys
sys.path[:0] = {path!r}
from test_pool import LIMITS, hostile, process_id
from backlabel.workers.pool import CHUNK, map_files
if __name__ == "__main__":
    print(next(map_files(process_id, [1], workers=1, **LIMITS))[1], flush=True)
    results = map_files({function}, {items}, workers=2, **LIMITS)
    for _, worker in results:
        print(worker, flush=True)
"""


def test_workers_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(path=sys.path, function="process_id", items="iter(int, 1)"))
    parts = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, script], **parts) as parent:  # its death is told there
        workers = {int(parent.stdout.readline()) for _ in range(40)}
        parent.kill()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert workers


def in_worker() -> None:
    os.environ["PREPARED"] = str(os.getpid())


def prepared_by(_: int) -> str:
    return os.environ.get("PREPARED", "")


def cannot_prepare() -> None:
    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), "a kernel")


def test_each_worker_is_prepared_before_its_first_item():
    results = map_files(both_of, range(4), workers=2, chunk=1, prepare=in_worker, **LIMITS)
    assert all(prepared == worker for _, (prepared, worker) in results)


def both_of(number: int) -> tuple[str, str]:
    return prepared_by(number), str(process_id(number))


def test_what_cannot_be_prepared_is_raised_here():
    with pytest.raises(OSError, match="File too large: 'a kernel'"):
        list(map_files(square, range(3), workers=1, prepare=cannot_prepare, **LIMITS))


def doubled(numbers):
    return [2 * number for number in numbers]


def with_what_was_seen(number, seen):
    if number == 2 and multiprocessing.current_process().name != "MainProcess":
        os.kill(os.getpid(), signal.SIGKILL)
    return number, seen


def too_much(numbers):
    return [bytearray(1 << 30) for _ in numbers]


def test_each_item_comes_with_what_was_seen_of_it():
    results = map_files(with_what_was_seen, [0, 1, 3], workers=1, look_at=doubled, **LIMITS)
    assert [result for _, result in results] == [(0, 0), (1, 2), (3, 6)]


def test_items_beside_a_lost_one_are_looked_at_again():
    results = map_files(with_what_was_seen, range(4), workers=1, look_at=doubled, **LIMITS)
    fine = {item: result for item, result in results if item != 2}
    assert fine == {0: (0, 0), 1: (1, 2), 3: (3, 6)}


def test_what_takes_too_much_memory_to_look_at_is_not_seen():
    results = map_files(with_what_was_seen, [0, 1], workers=1, look_at=too_much, **LIMITS)
    assert [result for _, result in results] == [(0, None), (1, None)]


def test_what_workers_have_ready_is_not_left_in_the_environment():
    before = dict(os.environ)
    list(map_files(square, range(3), workers=1, prepare=in_worker, **LIMITS))
    assert dict(os.environ) == before
