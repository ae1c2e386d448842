"""Ctrl-C at any moment of a command: one line, exit status 130; SIGTERM: 143."""

from __future__ import annotations

import subprocess
import sys

import pytest

LINE = "backlabel: interrupted; run the same command again to go on\n"
SWALLOWED = """
class Dropped:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def run():
    dropped = Dropped()
    del dropped
    time.sleep(5)
    return 0
"""
TURNED = """
def run():
    try:
        signal.raise_signal(signal.SIGINT)
    finally:
        raise UnboundLocalError("as a library does that closes what it did not open")
"""
IN_A_CLASS = """
class Meta:
    def __set_name__(self, owner, name):
        signal.raise_signal(signal.SIGINT)

def run():
    class Made:
        one = Meta()
"""
TURNED_INTO_OURS = """
from backlabel import cli, commands
from backlabel.errors import ConfigError

def upgrade(_):
    try:
        signal.raise_signal(signal.SIGINT)
    except BaseException as error:
        raise ConfigError("what was being read cannot be read") from error

def run():
    commands.upgrade = upgrade
    return cli.main(["upgrade"])
"""
ANOTHER_THREAD = """
def run():
    with interrupts.waiting():
        threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT)).start()
        time.sleep(0.2)
        print("the block is whole")
    print("never")
"""
AT_THE_END = """
atexit.register(signal.raise_signal, signal.SIGINT)

def run():
    print("done")
    return 0
"""
HEAD = """
import atexit, os, signal, sys, threading, time
from backlabel import interrupts
"""
TAIL = "sys.exit(interrupts.one_line(run))"


def outcome(body):
    done = subprocess.run(
        [sys.executable, "-c", HEAD + body + TAIL], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "body",
    [
        "def run():\n    signal.raise_signal(signal.SIGINT)\n",
        SWALLOWED,
        TURNED,
        TURNED_INTO_OURS,
        IN_A_CLASS,
    ],
    ids=[
        "plain",
        "dropped by a destructor",
        "turned into another error",
        "turned into an error of backlabel",
        "wrapped by a class",
    ],
)
def test_an_interrupt_is_one_line_whatever_a_library_makes_of_it(body):
    assert outcome(body) == (130, "", LINE)


def test_sigterm_ends_a_command_likewise():
    assert outcome("def run():\n    signal.raise_signal(signal.SIGTERM)\n") == (143, "", LINE)


def test_an_interrupt_waits_for_the_end_of_a_block_in_every_thread():
    assert outcome(ANOTHER_THREAD) == (130, "the block is whole\n", LINE)


def test_an_interrupt_after_the_end_changes_nothing():
    assert outcome(AT_THE_END) == (0, "done\n", "")


def test_an_error_without_an_interrupt_is_shown_as_ever():
    status, _, error = outcome("def run():\n    raise ZeroDivisionError\n")
    assert status == 1
    assert error.rstrip().endswith("ZeroDivisionError")
