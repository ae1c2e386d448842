"""A JPEG's folder and prefix must agree under the chosen scheme."""

from __future__ import annotations

from pathlib import Path

import pytest

from backlabel import config
from backlabel.errors import SchemeError, TableError
from backlabel.labels.schemes import Category, Scheme, categories

CONF = Path(__file__).parents[2] / "conf"
SCHEMES = {s.name: Scheme(**dict(s)) for s in config.schemes(CONF)}
SEED, NFFA = SCHEMES["seed"], SCHEMES["nffa"]

# The documentation that the project started from gives these (its "Label format").
SEED_ORDER = "Biological Fibres Films MEMS Nanowires Particles Patterned Porous Powder Tips".split()
# 1,000 of 1,000 published mapping rows have these folders.
NFFA_ORDER = (
    "Porous_Sponge Patterned_surface Particles Films_Coated_Surface Powder Tips Nanowires "
    "Biological MEMS_devices_and_electrodes Fibres"
).split()


@pytest.mark.parametrize(("scheme", "order"), [(SEED, SEED_ORDER), (NFFA, NFFA_ORDER)])
def test_order(scheme, order):
    paths = [f"data/jpeg/{folder}/L{i}_a.jpg" for i, folder in enumerate(order)]
    assert categories(paths, ["data/jpeg"], scheme) == [
        Category(i, folder) for i, folder in enumerate(order)
    ]


def test_other_folder_names_of_a_category():
    paths = ["j/Films_Coated_Surface/L2_a.jpg", "j/particles/deeper/L5_b.jpg"]
    assert categories(paths, ["j"], SEED) == [Category(2, "Films"), Category(5, "Particles")]


def test_scheme_that_would_fit_is_named():
    paths = ["j/Tips/L5_a.jpg", "j/Fibres/L9_b.jpg"]
    with pytest.raises(SchemeError, match=r"j/Tips/L5_a\.jpg: .*labels=nffa"):
        categories(paths, ["j"], SEED, SCHEMES.values())


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("j/L5_a.jpg", "no category folder"),
        ("j/Cats/L5_a.jpg", "no category folder 'Cats'"),
        ("j/Particles/a.jpg", "must start with L5_"),
        ("j/Particles/L12_a.jpg", "no prefix L12"),
        ("j/Particles/L4_a.jpg", "L4 means 'Nanowires'"),
    ],
)
def test_disagreement_is_told(path, complaint):
    with pytest.raises(SchemeError, match=complaint):
        categories([path], ["j"], SEED, SCHEMES.values())


def found(paths, by, listed=(), **more):
    return categories(paths, ["j", "k"], Scheme("own", listed, by, **more))


def test_folders_alone_in_alphabetical_order_whatever_their_names():
    paths = ["j/glass fibre/1.png", "k/Ölfilm/sub/2.png", "j/Glass Fibre/3.png"]
    fibre, film = Category(0, "Glass Fibre"), Category(1, "Ölfilm")
    assert found(paths, "folders") == [fibre, film, fibre]


def test_listed_categories_keep_their_labels():
    paths = ["j/a/1.png", "j/c/1.png"]
    assert found(paths, "folders", [["c"], ["b"], ["a"]]) == [Category(2, "a"), Category(0, "c")]


def test_more_than_ten_categories():
    paths = [f"j/kind {i:02}/x.jpg" for i in range(12)]
    assert [one.label for one in found(paths, "folders")] == [f"L{i}" for i in range(12)]
    published = [f"j/kind {i}/L{i}_x.jpg" for i in range(12)]
    assert found(published, "published")[11] == Category(11, "kind 11")


def test_prefixes_alone():
    assert found(["j/L3_a.jpg", "k/L0_b.jpg"], "prefix") == [Category(3, "L3"), Category(0, "L0")]
    assert found(["j/L1_a.jpg"], "prefix", [["Tips"], ["Wires"]]) == [Category(1, "Wires")]
    named = found(["j/Tips_1.png", "j/Fibres_2.png", "j/tips_3.png"], "prefix")
    assert [one.name for one in named] == ["Tips", "Fibres", "Tips"]


def test_a_prefix_that_most_files_of_a_folder_lack_is_told():
    paths = ["j/A/L1_a.jpg", "j/A/L1_b.jpg", "j/A/L2_c.jpg", "j/B/L2_d.jpg"]
    with pytest.raises(SchemeError, match=r"j/A/L2_c\.jpg: the prefix L2 means 'B'"):
        found(paths, "published")


def test_two_folders_of_one_prefix_are_told():
    with pytest.raises(SchemeError, match="no category folder 'B'"):
        found(["j/A/L1_a.jpg", "j/A/L1_b.jpg", "j/B/L1_c.jpg"], "published")


@pytest.mark.parametrize(
    ("path", "by", "complaint"),
    [("j/a.png", "folders", "lies in no category folder"), ("j/a.png", "prefix", "has no prefix")],
)
def test_what_tells_no_category(path, by, complaint):
    with pytest.raises(SchemeError, match=complaint):
        found([path], by)


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "labels.csv"
        path.write_text(text, encoding="utf-8-sig")
        return str(path)

    return write


def test_a_table_names_files_by_path_or_by_name(table):
    by_table = table("file,label\nj/x/1.png,Wires\nx/2.png,Tips\n3.png,Wires\nother.png,Dust\n")
    paths = ["j/x/1.png", "j/x/2.png", "k/3.png"]
    assert [one.name for one in found(paths, "table", table=by_table)] == ["Wires", "Tips", "Wires"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("file,label\n1.png,A\n", "2 files are called 1.png"),
        ("file,label\nj/x/1.png,A\nj/x/1.png,B\n", "stands under two values of 'label'"),
        ("file,label\nj/x/1.png,a/b\n", "cannot be a folder"),
        ("path,label\nj/x/1.png,A\n", "has no column 'file'"),
    ],
    ids=["one name, two files", "two labels", "no folder name", "no column"],
)
def test_a_table_that_cannot_be_used(table, text, complaint):
    with pytest.raises(TableError, match=complaint):
        found(["j/x/1.png", "k/1.png"], "table", table=table(text))


def test_a_file_that_the_table_lacks(table):
    with pytest.raises(SchemeError, match="has no label for it"):
        found(["j/x/1.png"], "table", table=table("file,label\n2.png,A\n"))


def test_a_scheme_that_takes_whatever_comes_is_not_advised():
    with pytest.raises(SchemeError, match="No scheme of conf/labels fits"):
        categories(["j/Particles/L9_a.jpg"], ["j"], SEED, SCHEMES.values())
    with pytest.raises(SchemeError, match="labels=folders"):
        categories(["j/Wood/a.jpg"], ["j"], SEED, SCHEMES.values())


def test_no_scheme_fits():
    with pytest.raises(SchemeError, match="No scheme of conf/labels fits"):
        categories(["j/Particles/L0_a.jpg"], ["j"], SEED, SCHEMES.values())
