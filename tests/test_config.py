"""Parameters are checked at the door, and params.yaml is what conf/ composes."""

from __future__ import annotations

import copy
import typing
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from backlabel import composing, config, layout
from backlabel.errors import ConfigError
from backlabel.inventory import content
from backlabel.labels import schemes
from backlabel.matching import device, variants
from parameters import leaves

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def composed():
    return YAML(typ="safe", pure=True).load(composing.compose(ROOT / "conf"))


@pytest.fixture
def values(composed):
    return copy.deepcopy(composed)


def test_params_yaml_is_what_conf_composes():
    assert (ROOT / "params.yaml").read_text() == composing.compose(ROOT / "conf"), (
        "params.yaml and conf/ differ: run `make params`"
    )


def test_defaults_are_the_documented_ones(values):
    compare = config.check(values, "conf").compare
    assert compare.hamming_threshold == 150
    assert compare.ssim_hamming_threshold == 150
    assert compare.min_ssim == 0.70


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("compare", "hamming_threshold", "140"),
        ("compare", "hamming_threshold", 1025),
        ("compare", "hamming_threshold", "???"),
        ("compare", "min_ssim", float("nan")),
        ("compare", "top_k", 0),
        ("compare", "device", "gpu"),
        ("compare", "n_tiff", 0),
        ("hash", "category", "a/b"),
        ("read", "max_seconds", 0),
        ("cluster", "kind", "cloud"),
        ("cluster", "address", "there:8786"),
        ("cluster", "walltime", "one hour"),
        ("data", "jpeg", "/somewhere/else"),
        ("data", "tiff", "../elsewhere"),
        ("data", "jpeg", []),
        ("data", "jpeg", ["data/a", "/b"]),
        ("data", "tiff_formats", ["gif"]),
        ("labels", "categories", [[]]),
        ("label", "splits", {"train": 0.7, "val": 0.2, "test": 0.2}),
        ("label", "splits", {"train": 1.2, "val": -0.1, "test": -0.1}),
        ("label", "splits", {"train": 0.8, "test": 0.2}),
        ("label", "near_hamming", 1025),
        ("label", "public", "yes"),
        ("label", "group_by", "specimen"),
        ("label", "group_by", "column:"),
    ],
)
def test_wrong_value_names_the_parameter(values, section, key, value):
    values[section][key] = value
    with pytest.raises(ConfigError, match=rf"{section}\.{key}"):
        config.check(values, "params.yaml")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"tiff": ["data/a", "data/a/b"]}, "data/a/b lies in data/a"),
        ({"jpeg": "data", "jpeg_formats": ["png"], "tiff_formats": ["png"]}, "share images"),
    ],
    ids=["nested", "a format of both sides"],
)
def test_an_image_has_one_place(values, data, complaint):
    values["data"].update(data)
    with pytest.raises(ConfigError, match=complaint):
        config.check(values, "params.yaml")


def test_a_public_set_needs_its_files(values):
    values["label"].update(public=True, store="manifest")
    with pytest.raises(ConfigError, match="public leaves out where the originals are"):
        config.check(values, "params.yaml")


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        ({"by": "table"}, "needs a CSV"),
        ({"table": "data/labels.csv"}, "table has no effect while by is published"),
        ({"by": "table", "table": "labels.csv"}, r"labels\.table must lie below data/"),
    ],
)
def test_a_label_table_is_said_whole(values, labels, complaint):
    values["labels"].update(labels)
    with pytest.raises(ConfigError, match=complaint):
        config.check(values, "params.yaml")


def test_what_is_named_twice_is_one_list():
    assert set(typing.get_args(layout.By)) == set(typing.get_args(schemes.By))
    formats = typing.get_args(typing.get_args(layout.Formats)[0])[0]
    assert set(typing.get_args(formats)) == set(content.KINDS)


def test_unknown_parameter_is_named(values):
    values["compare"]["hamming_treshold"] = 140
    with pytest.raises(ConfigError, match=r"compare\.hamming_treshold: is unknown"):
        config.check(values, "params.yaml")


def test_missing_parameter_is_named(values):
    del values["compare"]["seed"]
    with pytest.raises(ConfigError, match=r"compare\.seed: is missing"):
        config.check(values, "params.yaml")


@pytest.mark.parametrize(
    ("section", "key", "value", "allowed"),
    [
        ("compare", "hamming_threshold", "lots", "a whole number from 0 to 1024"),
        ("compare", "min_ssim", 2, "a number from -1 to 1"),
        ("compare", "n_tiff", 0, "a whole number of 1 or more or null"),
        ("read", "max_seconds", 0, "a number above 0"),
        ("compare", "device", "gpu", "one of auto, cpu, cuda"),
        ("label", "public", "yes", "true or false"),
        ("compare", "variants", ["upside"], "one of identity, flip_h"),
        ("label", "splits", 3, "a section of parameters"),
    ],
)
def test_error_names_what_is_allowed(values, section, key, value, allowed):
    values[section][key] = value
    with pytest.raises(ConfigError, match=rf"{section}\.{key}[.0]*: must be {allowed}"):
        config.check(values, "params.yaml")


def test_unknown_parameter_is_told_the_nearest_one(values):
    values["compare"]["hamming_treshold"] = 140
    with pytest.raises(ConfigError, match=r"did you mean compare\.hamming_threshold\?"):
        config.check(values, "params.yaml")


@pytest.mark.parametrize(
    ("rule", "read"),
    [
        ("combined", {"min_explained", "min_spoke", "min_margin"}),
        ("ssim", {"min_ssim"}),
        ("seed", set()),
    ],
)
def test_thresholds_that_the_rule_does_not_read(values, rule, read):
    """As docs/matching.md describes the rules."""
    values["compare"]["rule"] = rule
    unread = config.without_effect(config.check(values, "conf").compare)
    thresholds = {"min_explained", "min_spoke", "min_margin", "min_ssim"}
    assert {f"compare.{name}" for name in thresholds - read} <= set(unread)
    assert not {f"compare.{name}" for name in read} & set(unread)


def test_seed_draws_nothing_where_all_are_compared(values):
    assert "compare.seed" in config.without_effect(config.check(values, "conf").compare)
    values["compare"]["n_tiff"] = 5
    assert "compare.seed" not in config.without_effect(config.check(values, "conf").compare)


def test_all_problems_are_told_at_once(values):
    values["compare"]["top_k"] = 0
    values["read"]["max_pixels"] = 0
    with pytest.raises(ConfigError, match=r"(?s)read\.max_pixels.*compare\.top_k"):
        config.check(values, "params.yaml")


def test_contradicting_thresholds_are_refused(values):
    values["compare"].update(hamming_threshold=100, ssim_hamming_threshold=120)
    with pytest.raises(ConfigError, match=r"ssim_hamming_threshold \(120\) lies above"):
        config.check(values, "params.yaml")


def test_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match="backlabel compose"):
        config.load(tmp_path / "params.yaml")


def test_overrides_choose_a_scheme():
    text = composing.compose(ROOT / "conf", ["labels=nffa"])
    labels = config.check(YAML(typ="safe", pure=True).load(text), "conf").labels
    assert labels.name == "nffa"
    assert labels.categories[0][0] == "Porous_Sponge"


def test_every_offered_scheme_is_valid():
    offered = {path.stem for path in (ROOT / "conf" / "labels").glob("*.yaml")}
    assert {scheme.name for scheme in config.schemes(ROOT / "conf")} == offered


def test_no_parameter_has_a_name_that_dvc_ignores():
    # DVC leaves keys of these names out of its run-cache key (iterative/dvc issue 10296).
    parts = {part for name in leaves() for part in name.split(".")}
    assert not {"size", "nfiles"} & parts


def test_variants_are_those_that_matching_knows():
    assert set(typing.get_args(config.Source)) == set(variants.SOURCES)


def test_seed_way_is_selectable():
    text = composing.compose(ROOT / "conf", ["compare=seed"])
    compare = config.check(YAML(typ="safe", pure=True).load(text), "conf").compare
    assert (compare.rule, compare.hashes, compare.variants) == (
        "seed",
        "standardised",
        ("identity",),
    )
    assert compare.hamming_threshold == 150


@pytest.mark.parametrize(
    ("key", "value"),
    [("version", "next"), ("published", "soon"), ("url", "here"), ("licence", "two\nlines")],
)
def test_what_is_said_of_the_set_is_checked(values, key, value):
    values["label"]["about"][key] = value
    with pytest.raises(ConfigError, match=rf"label\.about\.{key}"):
        config.check(values, "params.yaml")


@pytest.mark.parametrize(
    ("group_by", "table", "complaint"),
    [
        ("column:wafer", None, "say in group_table"),
        ("folder", "data/specimens.csv", "group_table has no effect while group_by is folder"),
        ("column:wafer", "reviews/specimens.csv", "must lie below data/"),
    ],
)
def test_what_groups_files_is_said_whole(values, group_by, table, complaint):
    values["label"].update(group_by=group_by, group_table=table)
    with pytest.raises(ConfigError, match=f"label.*{complaint}"):
        config.check(values, "params.yaml")


@pytest.mark.parametrize("name", ["sample", "none"])
def test_words_about_the_set_are_chosen_by_name(name):
    text = composing.compose(ROOT / "conf", [f"label/about={name}"])
    about = config.check(YAML(typ="safe", pure=True).load(text), "conf").label.about
    assert (about.only_for is None, about.name) == (
        (False, "backlabel-sample") if name == "sample" else (True, None)
    )


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"address": "tcp://there:8786"}, "address has no effect while kind is local"),
        ({"kind": "dask", "address": "tls://there:8786"}, "needs tls_ca, tls_cert and tls_key"),
        ({"kind": "dask", "tls_ca": "ca.pem"}, "needs tls_ca, tls_cert and tls_key"),
    ],
)
def test_what_is_said_of_a_cluster_goes_together(values, changed, complaint):
    values["cluster"].update(changed)
    with pytest.raises(ConfigError, match=f"cluster: .*{complaint}"):
        config.check(values, "params.yaml")


@pytest.mark.parametrize("name", ["local", "dask", "slurm"])
def test_a_cluster_is_chosen_by_name(name):
    text = composing.compose(ROOT / "conf", [f"cluster={name}"])
    cluster = config.check(YAML(typ="safe", pure=True).load(text), "conf").cluster
    assert cluster.kind == name


def test_shares_may_be_any_that_sum_to_one(values):
    values["label"]["splits"] = {"train": 0.1, "val": 0.2, "test": 0.7}
    assert config.check(values, "params.yaml").label.splits.test == 0.7


def test_a_device_that_is_not_there_is_refused_before_anything_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(device, "has_driver", lambda: False)
    composing.check_overrides(["compare.device=cpu"])
    with pytest.raises(ConfigError, match="finds no CUDA device"):
        composing.check_overrides(["compare.device=cuda"])
    composing.check_overrides(["cluster=dask", "compare.device=cuda"])  # its workers are asked
