"""Dates of every order, and numbers with units."""

from __future__ import annotations

import math

import pytest

from backlabel.microscope import values


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("9 Dec 2019", "2019-12-09"),
        ("13.02.2020", "2020-02-13"),
        ("03.02.2020", "2020-02-03"),
        ("02/13/2020", "2020-02-13"),
        ("13/02/2020", "2020-02-13"),
        ("02/02/2020", "2020-02-02"),
        ("2020/02/03", "2020-02-03"),
        ("2020-02-03", "2020-02-03"),
    ],
)
def test_dates(written, day):
    assert values.day_of(written) == (day, "")


@pytest.mark.parametrize(
    "written", ["02/03/2020", "13/13/2020", "2020", "31 Feb 2020", "1 Jan 1601", "1 Jan 1964"]
)
def test_a_date_that_is_not_certain_is_none_and_a_note(written):
    day, note = values.day_of(written)
    assert day is None
    assert written.split()[0] in note


@pytest.mark.parametrize(
    ("clock", "date"),
    [
        ("14:05:09", "2020-02-03T14:05:09"),
        ("9:05", "2020-02-03T09:05:00"),
        ("12:00:00 AM", "2020-02-03T00:00:00"),
        ("12:00:00 PM", "2020-02-03T12:00:00"),
        ("25:00:00", "2020-02-03"),
        ("noon", "2020-02-03"),
        (None, "2020-02-03"),
    ],
)
def test_times(clock, date):
    assert values.moment("2020-02-03", clock) == (date, "")


@pytest.mark.parametrize(
    ("written", "nanometres"),
    [("4.9 mm", 4.9e6), (".5um", 500.0), ("1e-3 m", 1e6), ("-12 um", -12000.0), ("7 pm", 0.007)],
)
def test_lengths(written, nanometres):
    assert values.scaled(written, values.LENGTHS) == nanometres


@pytest.mark.parametrize("written", [None, "", "  ", "\0"])
def test_nothing_is_none(written):
    assert values.number(written) is None
    assert values.scaled(written, values.LENGTHS) is None


@pytest.mark.parametrize("written", ["much", "1e999 mm", "4", "4 furlongs", "nan"])
def test_no_number_or_no_known_unit_is_nan(written):
    assert math.isnan(values.scaled(written, values.LENGTHS))
