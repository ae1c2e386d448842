"""A JPEG's folder and prefix must agree under the chosen scheme."""

from __future__ import annotations

from pathlib import Path

import pytest

from backlabel import config
from backlabel.errors import SchemeError
from backlabel.labels.schemes import Category, Scheme, categories

CONF = Path(__file__).parents[2] / "conf"
SCHEMES = {s.name: Scheme(s.name, s.categories) for s in config.schemes(CONF)}
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
    assert categories(paths, "data/jpeg", scheme) == [
        Category(i, folder) for i, folder in enumerate(order)
    ]


def test_other_folder_names_of_a_category():
    paths = ["j/Films_Coated_Surface/L2_a.jpg", "j/particles/deeper/L5_b.jpg"]
    assert categories(paths, "j", SEED) == [Category(2, "Films"), Category(5, "Particles")]


def test_scheme_that_would_fit_is_named():
    paths = ["j/Tips/L5_a.jpg", "j/Fibres/L9_b.jpg"]
    with pytest.raises(SchemeError, match=r"j/Tips/L5_a\.jpg: .*labels=nffa"):
        categories(paths, "j", SEED, SCHEMES.values())


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
        categories([path], "j", SEED, SCHEMES.values())


def test_no_scheme_fits():
    with pytest.raises(SchemeError, match="No scheme of conf/labels fits"):
        categories(["j/Particles/L0_a.jpg"], "j", SEED, SCHEMES.values())
