"""Fixtures of the command-line tests: a runner, a study file, and the stand-in as the integration."""

import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from stand_in import TINY

from fastsde.cli import main


@pytest.fixture
def invoke():
    """Run ``fastsde`` with arguments; the result has exit_code, stdout and stderr."""
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def study_file(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture
def integrated(stand_in, monkeypatch):
    """Put the stand-in where commands look for the integration, and return it."""
    module = SimpleNamespace(integrate=stand_in, compile_step=lambda study, name, problem: None)
    monkeypatch.setitem(sys.modules, "fastsde.integrate.integration", module)
    return stand_in
