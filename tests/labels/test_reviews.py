"""What people write by hand: each mistake is named with its place and with what to write."""

from __future__ import annotations

import pytest

from backlabel.errors import DataError, TableError
from backlabel.labels import reviews
from backlabel.storage import tables
from backlabel.storage.rows import Choice, Decision

HEADER = "TIFF_path,TIFF_sha256,decision,JPEG_path,JPEG_sha256,label,who,why\n"
A, B = "a" * 64, "b" * 64
GOOD = f"a.tif,{A},accept,p.jpg,{B},L9,Ada,Same crack.\n"


@pytest.fixture
def decisions(tmp_path):
    def read(content: str | bytes):
        path = tmp_path / "decisions.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return reviews.read(path)

    return read


def test_every_kind_of_decision(decisions, tmp_path):
    rows = [
        Decision("a, b.tif", A, Choice.ACCEPT, "p.jpg", B, "L9", "Ada", 'The "same" crack.'),
        Decision("=c.tif", A, Choice.RELABEL, "p.jpg", B, "L2", "Ada", "It is a film."),
        Decision("d.tif", A, Choice.REJECT, None, None, None, "Bo", ""),
    ]
    tables.write(tmp_path / "written.csv", Decision, rows)
    assert decisions((tmp_path / "written.csv").read_bytes()) == rows


def test_line_ends_of_windows(decisions):
    assert decisions((HEADER + GOOD).replace("\n", "\r\n")) == decisions(HEADER + GOOD)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (f"\ufeff{HEADER}", r"line 1: starts with a byte-order mark .*Save the file as UTF-8"),
        (HEADER.encode("utf-16"), r"line 1: starts with a byte-order mark"),
        (
            HEADER.replace(",", ";"),
            r"line 1: .* by semicolons. Separate them by commas: TIFF_path,",
        ),
        (HEADER.replace(",", "\t"), r"line 1: .* by tabulators"),
        (HEADER.replace("who", "Who"), r"line 1: found 'TIFF_path.*Who.*'; write TIFF_path,"),
        ("", r"line 1: found ''; write TIFF_path,"),
        (f"{HEADER}{GOOD}".encode() + b"\xe9,\n", "line 3: is no UTF-8"),
        (HEADER + GOOD + '"open', r"line 3: .*quotation mark"),
        (f"{HEADER}\n{GOOD}", "line 2: is empty; remove it"),
        (HEADER + GOOD.replace(",", ";"), "line 2: found 1 cells; write 8, separated by commas"),
        (HEADER + GOOD.replace("accept", "Accept"), "'Accept'; write accept, relabel or reject"),
        (HEADER + GOOD.replace("accept", "maybe"), "line 2, column decision: found 'maybe'"),
        (HEADER + GOOD.replace(A, ""), "line 2, column TIFF_sha256: found ''; write 64 digits"),
        (HEADER + GOOD.replace(B, B[1:]), "line 2, column JPEG_sha256: found 'b+'; write 64"),
        (HEADER + GOOD.replace("p.jpg", ""), "line 2, column JPEG_path: found ''; write the path"),
        (HEADER + GOOD.replace("L9", ""), "line 2, column label: found ''; write a label"),
        (HEADER + GOOD.replace("Ada", " "), "line 2, column who: found ' '; write the name"),
        (
            HEADER + GOOD.replace("accept", "relabel").replace("Same crack.", " "),
            "line 2, column why: found ' '; write why",
        ),
        (HEADER + GOOD.replace("a.tif", "a\\b.tif"), "line 2: .*backslash"),
    ],
)
def test_a_mistake_is_named_with_what_to_write(decisions, content, complaint):
    with pytest.raises(TableError, match=complaint) as raised:
        decisions(content)
    assert "stage" not in str(raised.value)  # no stage writes this file


def test_all_mistakes_are_named_at_once(decisions):
    wrong = GOOD.replace("accept", "Accept").replace(A, "")
    with pytest.raises(TableError, match=r"(?s)line 2, column TIFF.*line 2, column dec.*line 3"):
        decisions(HEADER + wrong + wrong)


def test_missing_decisions_are_no_decisions_lost_in_silence(tmp_path):
    with pytest.raises(DataError, match=r"decisions\.csv: cannot be read.*git checkout"):
        reviews.read(tmp_path / "decisions.csv")
