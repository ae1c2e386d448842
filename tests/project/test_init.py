"""`backlabel init` and `backlabel upgrade`, without running the stages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import workspace
from backlabel import cli, composing, config
from backlabel.project import pinned, repository, template

ROOT = Path(__file__).parents[2]


def yaml(path):
    return YAML(typ="safe", pure=True).load(Path(path).read_text())


@pytest.fixture
def without_dvc(monkeypatch):
    """DVC is not started: its settings have a test of their own."""
    monkeypatch.setattr(repository, "set_up", lambda: None)


def init(*options):
    return cli.main(["init", "--yes", *options])


@pytest.mark.usefixtures("without_dvc")
def test_what_is_written_is_what_stages_read(folder):
    assert init("--licence", "CC0-1.0") == 0
    params = config.load()
    assert (params.data.jpegs, params.data.tiffs) == (("published",), ("raw",))
    assert (params.data.jpeg_formats, params.data.tiff_formats) == (("png",), ("tiff",))
    assert params.labels.categories == (("Wood",), ("Öl film",))
    assert (params.label.about.name, params.label.about.licence) == (folder.name, "CC0-1.0")
    assert Path("params.yaml").read_text() == composing.compose()
    assert composing.refuse_unsettled() == []
    assert "sample" not in "".join(path.read_text() for path in Path("conf").rglob("*.yaml"))


@pytest.mark.usefixtures("without_dvc", "folder")
def test_stages_depend_on_the_version_and_not_on_source_files():
    init()
    ours = yaml("dvc.yaml")["stages"]
    theirs = yaml(ROOT / "dvc.yaml")["stages"]
    assert set(ours) == set(theirs)
    for name, stage in ours.items():
        assert stage["cmd"] == f"python -m backlabel {name}"
        assert {"backlabel.yaml": ["version"]} in stage["params"]
        assert not any(dep.startswith("src") for dep in stage["deps"])
        assert stage.get("outs") == theirs[name].get("outs")
        assert stage["params"][:-1] == theirs[name]["params"]
    assert ours["hash"]["deps"] == ["published", "raw"]
    assert pinned.version() == yaml("backlabel.yaml")["version"]


def test_the_template_is_this_repositorys_own():
    assert template.folder() == ROOT
    assert set(template.conf()) == {
        path.relative_to(ROOT / "conf").as_posix() for path in (ROOT / "conf").rglob("*.yaml")
    } - {"label/about/sample.yaml"}
    for name, lines in (
        (".gitignore", template.IGNORED_BY_GIT),
        (".dvcignore", template.IGNORED_BY_DVC),
        (".gitattributes", template.MERGED_BY_LINES),
    ):
        assert set(lines) <= {*(ROOT / name).read_text().splitlines()}


@pytest.mark.usefixtures("without_dvc")
def test_names_that_yaml_takes_for_something_else(folder):
    """Hydra reads YAML 1.1 and DVC YAML 1.2: what is text to one may be a number to the other."""
    names = ["No", "007", "1e3", "2024-01-01", "1_000", "12:30", "~", "a: b", "#5", "y", "-", "é"]
    for name in names:
        (folder / "published" / name).mkdir()
        data = (folder / "published/Wood/0.png").read_bytes()
        (folder / "published" / name / "0.png").write_bytes(data)
    (folder / "raw").rename(folder / "2024-11-01")
    assert init("--originals", "2024-11-01", "--copies", "published", "--name", "1.0") == 0
    params = config.load()
    assert {line[0] for line in params.labels.categories} == {*names, "Wood", "Öl film"}
    assert (params.data.tiffs, params.label.about.name) == (("2024-11-01",), "1.0")
    assert composing.refuse_unsettled() == []


@pytest.mark.usefixtures("without_dvc")
def test_a_second_init_writes_nothing(folder, capsys):
    init()
    Path("README.md").write_text("mine")
    before = workspace.listing(folder, ".")
    assert init("--name", "other") == 0
    assert "nothing was written" in capsys.readouterr().out
    assert workspace.listing(folder, ".") == before


@pytest.mark.usefixtures("without_dvc", "folder")
def test_an_init_that_was_killed_is_completed():
    init()
    for name in ("backlabel.yaml", "dvc.yaml", "conf/hash/default.yaml"):
        Path(name).unlink()
    Path("README.md").write_text("mine")
    assert init() == 0
    assert Path("README.md").read_text() == "mine"
    assert Path("dvc.yaml").exists()
    assert pinned.version()


@pytest.mark.usefixtures("without_dvc")
def test_files_of_others_are_not_overwritten(folder, capsys):
    Path("params.yaml").write_text("learning_rate: 1\n")
    before = workspace.listing(folder, ".")
    assert init() == 2
    assert "params.yaml: there already" in capsys.readouterr().err
    assert workspace.listing(folder, ".") == before


@pytest.mark.usefixtures("without_dvc", "folder")
def test_stages_of_others_stay():
    Path("dvc.yaml").write_text("# mine\nstages:\n  own:\n    cmd: ls  # all\n")
    assert init() == 0
    assert Path("dvc.yaml").read_text().startswith("# mine\nstages:\n  own:\n    cmd: ls  # all\n")
    assert set(yaml("dvc.yaml")["stages"]) > {"own", "hash", "label"}


@pytest.mark.usefixtures("without_dvc", "folder")
def test_plots_of_others_stay():
    Path("dvc.yaml").write_text("plots:\n- mine.csv:\n    x: a\n    y: b\n")
    assert init() == 0
    drawn = [name for plot in yaml("dvc.yaml")["plots"] for name in plot]
    assert drawn[0] == "mine.csv"
    assert "plots/scores.csv" in drawn


@pytest.mark.usefixtures("without_dvc", "folder")
def test_a_stage_of_the_same_name_is_refused(capsys):
    Path("dvc.yaml").write_text("stages:\n  hash:\n    cmd: ls\n")
    assert init() == 2
    assert "has a stage 'hash' already" in capsys.readouterr().err


@pytest.mark.usefixtures("without_dvc")
def test_folders_elsewhere_are_linked(folder, tmp_path_factory, capsys):
    elsewhere = tmp_path_factory.mktemp("archive") / "deep"
    (folder / "raw").rename(elsewhere)
    assert init("--originals", str(elsewhere), "--copies", "published") == 0
    assert Path("data/tiff").readlink() == elsewhere
    assert yaml("dvc.yaml")["stages"]["hash"]["deps"] == ["data", "published", "data/tiff"]
    assert "/data/tiff" not in Path(".gitignore").read_text().splitlines()


@pytest.mark.usefixtures("without_dvc")
def test_a_link_goes_again_after_an_error(folder, tmp_path_factory, capsys):
    elsewhere = tmp_path_factory.mktemp("archive")
    assert init("--originals", str(elsewhere), "--copies", "published") == 2
    assert "no originals in it" in capsys.readouterr().err
    assert not Path("data/tiff").is_symlink()


@pytest.mark.usefixtures("without_dvc", "folder")
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--originals", "nowhere", "--copies", "published"], "nowhere: no such folder"),
        (["--labels", "colours"], "--labels colours: is unknown; there are"),
        (["--labels", "prefix"], "has no prefix"),
        (["--labels", "table"], "data/labels.csv: not a CSV table"),
        (["--licence", "a\nb"], "label.about.licence"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(folder, options, complaint, capsys):
    before = workspace.listing(folder, ".")
    assert init(*options) == 2
    assert complaint in capsys.readouterr().err
    assert workspace.listing(folder, ".") == before


@pytest.mark.usefixtures("without_dvc", "folder")
def test_questions_are_answered_by_enter(monkeypatch):
    asked = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "")
    assert cli.main(["init"]) == 0
    assert asked[:2] == ["Folders of originals [raw]: ", "Folders of copies [published]: "]
    assert config.load().data.tiffs == ("raw",)


@pytest.mark.usefixtures("without_dvc")
def test_nothing_found_and_nothing_answered(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "")
    assert cli.main(["init"]) == 2
    assert asked[0] == "Folders of originals: "
    assert "no folder of originals found here" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_dvc_and_git_are_set_up(folder):
    assert init("--remote", "/mnt/shared/set") == 0
    settings = subprocess.run(
        [sys.executable, "-m", "dvc", "config", "--list", "--project"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    wanted = {"hydra.enabled=true", "core.remote=storage", "plots.html_template=plots.html"}
    assert wanted <= {*settings.splitlines()}
    assert Path(".dvc/plots.html").read_text() == (ROOT / ".dvc/plots.html").read_text()
    assert Path(".git").is_dir()


def test_a_folder_inside_of_a_dvc_repository_is_refused(folder, capsys, monkeypatch):
    (folder / ".dvc").mkdir()
    (folder / "inner").mkdir()
    monkeypatch.chdir(folder / "inner")
    assert init("--originals", "../raw", "--copies", "../published") == 2
    assert "dvc init --subdir" in capsys.readouterr().err
    assert list(Path().iterdir()) == [Path("data")]
    assert list(Path("data").iterdir()) == []


@pytest.fixture
def older(folder, without_dvc):
    """A project of an older version: a parameter more, two fewer, another dependency."""
    init()
    text = Path("conf/read/default.yaml").read_text().replace("max_seconds: 20", "max_hours: 3")
    Path("conf/read/default.yaml").write_text(
        text.replace("max_pixels: 178956970", "max_pixels: 5")
    )
    Path("dvc.yaml").write_text(Path("dvc.yaml").read_text().replace("      - hash.engine\n", ""))
    own = Path("conf/labels/own.yaml")
    own.write_text(own.read_text().replace("table: null\n", ""))
    Path("backlabel.yaml").write_text("version: 0.0.1\n")
    choices = Path("conf/config.yaml")
    choices.write_text(choices.read_text().replace("- track: default", "- weather: default"))
    (folder / "conf/track").rename(folder / "conf/weather")
    return folder


@pytest.mark.usefixtures("older")
def test_stages_refuse_another_version(capsys):
    assert cli.main(["hash"]) == 2
    assert "this project is of backlabel 0.0.1" in capsys.readouterr().err


def test_upgrade_shows_what_it_would_change(older, capsys):
    before = workspace.listing(older, ".")
    assert cli.main(["upgrade", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "\n-max_hours: 3" in told
    assert "\n+max_seconds: 20" in told
    assert "\n+      - hash.engine" in told
    assert workspace.listing(older, ".") == before


@pytest.mark.usefixtures("older")
def test_upgrade_keeps_what_people_chose(capsys):
    assert cli.main(["upgrade"]) == 0
    params = config.load()
    assert (params.read.max_pixels, params.read.max_seconds) == (5, 20)
    assert params.labels.categories == (("Wood",), ("Öl film",))
    assert params.track.experiment == "backlabel"
    assert "weather" not in Path("conf/config.yaml").read_text()
    pinned.refuse_another()
    capsys.readouterr()
    assert cli.main(["upgrade"]) == 0
    assert capsys.readouterr().out == "up to date already\n"


@pytest.mark.usefixtures("without_dvc", "folder")
def test_upgrade_of_a_new_project_changes_nothing(capsys):
    init()
    capsys.readouterr()
    assert cli.main(["upgrade"]) == 0
    assert capsys.readouterr().out == "up to date already\n"


@pytest.mark.usefixtures("folder")
def test_upgrade_without_a_project(capsys):
    assert cli.main(["upgrade"]) == 2
    assert "See `backlabel init`" in capsys.readouterr().err
