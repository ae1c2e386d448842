"""conf/ is the one place to edit: where params.yaml differs, that is said, and never lost."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from backlabel import composing, config
from backlabel.errors import ConfigError

ROOT = Path(__file__).parents[1]


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A Git repository with conf/ and the params.yaml that it composes, both committed."""
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_ROOT", "DVC_EXP_NAME"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(ROOT / "conf", "conf")
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    git("init", "-q")
    commit()
    return tmp_path


def git(*arguments):
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, *arguments], check=True)


def commit():
    git("add", "conf", "params.yaml")
    git("commit", "-q", "-m", "All")


def edit(path, old, new):
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))


def experiment(monkeypatch, *overrides):
    """What a stage does under `dvc exp run -S ...`."""
    Path("params.yaml").write_text(composing.compose(overrides=list(overrides)))
    with monkeypatch.context() as during:
        during.setenv("DVC_EXP_NAME", "one")
        return composing.refuse_unsettled()


def test_nothing_differs(repository):
    assert composing.refuse_unsettled() == []


def test_edited_params_are_refused_with_both_values(repository):
    edit("params.yaml", "top_k: 10", "top_k: 7")
    with pytest.raises(
        ConfigError, match=r"compare\.top_k: 10 in conf/, 7 in params\.yaml"
    ) as told:
        composing.refuse_unsettled()
    assert "backlabel compose" in str(told.value)
    assert "backlabel adopt" in str(told.value)


def test_edited_conf_is_refused_with_both_values(repository):
    edit("conf/compare/default.yaml", "top_k: 10", "top_k: 7")
    with pytest.raises(ConfigError, match=r"compare\.top_k: 7 in conf/, 10 in params\.yaml"):
        composing.refuse_unsettled()
    composing.write_composed()
    assert composing.refuse_unsettled() == []


def test_same_number_written_otherwise_is_no_difference(repository):
    edit("params.yaml", "max_seconds: 20", "max_seconds: 20.0")
    assert composing.refuse_unsettled() == []


def test_experiments_own_parameters_pass_and_stay_passable(repository, monkeypatch):
    (found,) = experiment(monkeypatch, "compare.top_k=7")
    assert found == composing.Difference("compare.top_k", 10, 7)
    assert composing.refuse_unsettled() == [found]  # `dvc repro` after it


def test_committed_experiment_is_refused(repository, monkeypatch):
    experiment(monkeypatch, "compare.top_k=7")
    commit()
    with pytest.raises(ConfigError, match=r"compare\.top_k"):
        composing.refuse_unsettled()


def test_experiment_is_refused_once_conf_is_another(repository, monkeypatch):
    experiment(monkeypatch, "compare.top_k=7")
    edit("conf/compare/default.yaml", "min_ssim: 0.7", "min_ssim: 0.8")
    with pytest.raises(ConfigError, match=r"compare\.min_ssim: 0\.8 in conf/"):
        composing.refuse_unsettled()


def test_adopted_parameters_are_those_of_conf_and_its_comments_stay(repository):
    edit("params.yaml", "min_margin: 0.1", "min_margin: 0.2")
    before = Path("conf/compare/default.yaml").read_text()
    composing.adopt()
    assert composing.refuse_unsettled() == []
    after = Path("conf/compare/default.yaml").read_text()
    changed = [
        pair
        for pair in zip(before.splitlines(), after.splitlines(), strict=True)
        if len({*pair}) > 1
    ]
    assert [(old.split("  #")[0], new.split("  #")[0]) for old, new in changed] == [
        ("min_margin: 0.1", "min_margin: 0.2")
    ]


def test_adopting_a_lower_threshold_keeps_the_one_that_follows_it(repository):
    text = composing.compose(overrides=["compare.hamming_threshold=100"])
    Path("params.yaml").write_text(text)
    assert [one.name for one in composing.adopt()] == [
        "compare.hamming_threshold",
        "compare.ssim_hamming_threshold",
    ]
    assert (
        "ssim_hamming_threshold: ${.hamming_threshold}"
        in Path("conf/compare/default.yaml").read_text()
    )
    assert composing.compose() == text


def test_adopting_a_cluster_chooses_its_file(repository):
    Path("params.yaml").write_text(composing.compose(overrides=["cluster=slurm"]))
    composing.adopt()
    assert "- cluster: slurm" in Path("conf/config.yaml").read_text()


def test_adopting_a_scheme_chooses_its_file(repository):
    Path("params.yaml").write_text(composing.compose(overrides=["labels=nffa"]))
    composing.adopt()
    assert "- labels: nffa" in Path("conf/config.yaml").read_text()
    assert composing.refuse_unsettled() == []


def test_wrong_parameters_are_not_adopted(repository):
    edit("params.yaml", "top_k: 10", "top_k: 0")
    with pytest.raises(ConfigError, match=r"compare\.top_k"):
        composing.adopt()
    assert "top_k: 10" in Path("conf/compare/default.yaml").read_text()


def test_conf_is_composed_once_for_each_state(repository, monkeypatch):
    composing.composed()
    monkeypatch.setattr(composing, "compose", lambda: pytest.fail("composed again"))
    assert composing.composed() == YAML(typ="safe", pure=True).load(Path("params.yaml").read_text())


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"state": "another"}'])
def test_damaged_memory_of_it_is_made_anew(repository, damaged):
    values = composing.composed()
    Path(".backlabel/composed.json").write_text(damaged)
    assert composing.composed() == values


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        (
            "compare.hamming_treshold=9",
            r"compare\.hamming_treshold: .*compare\.hamming_threshold\?",
        ),
        ("+compare.hamming_treshold=9", r"did you mean compare\.hamming_threshold\?"),
        ("compare.hamming_threshold=lots", r"compare\.hamming_threshold: must be .* 0 to 1024"),
        (
            "compare.hamming_threshold=-1",  # which the other follows
            r"wrong:\n  compare\.hamming_threshold: [^\n]*\n"
            r"  compare\.ssim_hamming_threshold: [^\n]*\ndocs",
        ),
        ("compare.rule=best", r"compare\.rule: must be one of combined, ssim, seed, got 'best'"),
        ("labels=mine", "labels/mine"),
        ("compare.top_k=[", "cannot be read"),
    ],
)
def test_wrong_override_is_refused_by_name(repository, override, complaint):
    with pytest.raises(ConfigError, match=complaint):
        composing.check_overrides([override])


def test_right_overrides_pass(repository):
    composing.check_overrides(["labels=nffa", "compare=seed", "compare.n_tiff=null"])


def test_every_parameter_can_be_described():
    assert {"compare", "compare.n_tiff", "label.about.url"} <= set(config.names())
