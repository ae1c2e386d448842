"""Every sub-command helps: a line, examples that the programs accept, completion in a shell."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest

from backlabel import cli, helping

COMMANDS = helping.sub_commands(cli.build_parser())
EXAMPLES = [typed for examples in helping.EXAMPLES.values() for typed, _ in examples]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_a_description_and_an_example(name, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    _, line = COMMANDS[name]
    assert line[1:] in " ".join(told.split())
    assert all(typed in told and why in told for typed, why in helping.EXAMPLES[name])


def test_examples_are_of_commands_that_exist():
    assert set(helping.EXAMPLES) == set(COMMANDS)


@pytest.mark.parametrize("typed", EXAMPLES)
def test_example_is_accepted(typed):
    for part in typed.split("&&"):
        words = shlex.split(part.partition(">")[0])
        if words[0] == "backlabel":
            assert cli.build_parser().parse_args(words[1:])
        else:
            assert words[0] == "dvc"


def completed(script, line):
    """What Bash offers after `line`."""
    ask = (
        f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(line.split()) - 1}\n"
        'COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}\n'
        '$(complete -p backlabel | sed "s/.*-F \\([^ ]*\\).*/\\1/") backlabel\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(["bash", "--norc"], input=ask, capture_output=True, text=True)
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="Bash is not installed")
def test_bash_completes_commands_and_options(capsys):
    assert cli.main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert completed(script, "backlabel comp") == ["compare", "compose", "completion"]
    assert completed(script, "backlabel calibrate --prec") == ["--precision"]


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_have_a_script(shell, capsys):
    assert cli.main(["completion", shell]) == 0
    assert "calibrate" in capsys.readouterr().out
