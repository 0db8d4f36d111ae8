"""Fixtures of the tests that need a run: a tiny study, and a stand-in for the integration."""

import os
from pathlib import Path

import pytest
from extension_files import forget_imports
from hypothesis import settings
from stand_in import TINY, StandIn

from fastsde.run import compile_ahead
from fastsde.run.run import run
from fastsde.study.study import Study
from fastsde.system import timings

COMPILING = ("verification", "integrate", "kernels")
"""Folders of tests most of which compile models of their own."""

settings.register_profile("any machine", deadline=None)  # a busy one is no reason to fail
settings.load_profile("any machine")


def pytest_collection_modifyitems(items):
    """Begin with the files that have slow tests, then those that compile many models.

    At the end no process shall wait long for another: what is short comes last.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, item.path.parent.name not in COMPILING))


@pytest.fixture(autouse=True)
def alone(monkeypatch, request):
    """Compile in one process: the tests themselves are shared among as many as there are cores."""
    if "ahead" not in request.fixturenames:
        monkeypatch.setattr(compile_ahead, "MEMORY", 1 << 62)


@pytest.fixture(autouse=True)
def no_past_runs(monkeypatch):
    """Forecasts in tests are corrected by no runs on this machine, unless a test gives them a file."""
    monkeypatch.setattr(timings, "path", lambda: Path(os.devnull) / "timings.json")


@pytest.fixture
def tiny_study():
    return Study.from_toml(TINY)


@pytest.fixture
def allowed(monkeypatch):
    """Allow code that a study names, in a process that has imported none."""
    monkeypatch.setenv("FASTSDE_ALLOW_CODE", "1")
    forget_imports()
    yield
    forget_imports()


@pytest.fixture
def blank_figures(monkeypatch):
    """Put one blank image in the place of every figure of a report: drawing them is most of its time."""
    from fastsde.report import drawing

    monkeypatch.setattr(drawing, "files_of", lambda spec, analysis, formats: dict.fromkeys(formats, b"blank"))


@pytest.fixture
def stand_in():
    return StandIn()


@pytest.fixture
def finished_run(tiny_study, stand_in, tmp_path):
    """Return the directory of a finished run of the tiny study in parts of four."""
    run(tiny_study, tmp_path / "run", integrate=stand_in, part_size=4)
    return tmp_path / "run"
