"""Progress bars of those who look."""

from __future__ import annotations

import io

import pytest

from backlabel.workers.progress import bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("what", "rate"), [("hash", "image/s"), ("parts", "pair/s"), ("search", "block/s")]
)
def test_a_rate_says_of_what(monkeypatch, what, rate):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with bar(range(2), what) as done:
        done.update()
    assert rate in terminal.getvalue()
