"""Help of every command, the version, and that asking for help loads nothing heavy."""

import json
import subprocess
import sys

import click
import pytest

from fastsde.cli import COMMANDS, main

HEAVY = ("numpy", "numba", "scipy", "h5py", "matplotlib", "pydantic", "rich")


def test_main_lists_every_command(invoke):
    result = invoke("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_has_examples(invoke, name, flag):
    result = invoke(name, flag)
    assert result.exit_code == 0
    assert "Examples:\n" in result.stdout
    assert f"fastsde {name}" in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented(name):
    command = main.get_command(click.Context(main), name)
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert all(option.help for option in options)


def test_version(invoke):
    assert invoke("--version").stdout.startswith("fastsde, version 0")


def test_unknown_command_is_bad_input(invoke):
    assert invoke("integrate").exit_code == 2


@pytest.mark.parametrize("arguments", [["--help"], ["study", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    script = (
        "import json, sys\n"
        "from fastsde.cli import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}
    assert loaded.isdisjoint(HEAVY)
