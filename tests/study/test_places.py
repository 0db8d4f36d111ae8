"""Files and modules that a study names: beside the study file first, then in the working directory."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from stand_in import TINY

import fastsde
from fastsde.problem.user import check_code
from fastsde.run.run import run
from fastsde.run.submit import Job, array_script
from fastsde.study.study import Study
from fastsde.study.sweep import load_cases
from fastsde.system.errors import StudyError

USER = """
trajectories = 4
landscape = { kind = "user", function = "bowls:bowl", size = 1 }
time = { learning_rate = 0.1, steps = 5 }
models.gd = { kind = "gd" }
"""
BOWL = """
from depth import DEPTH

def bowl(x, gradient):
    gradient[0] = DEPTH * x[0]
    return DEPTH * x[0] ** 2 / 2
"""


def folder_with_module(path, depth):
    path.mkdir()
    (path / "bowls.py").write_text(BOWL.replace("from depth import DEPTH", f"DEPTH = {depth}"))
    (path / "study.toml").write_text(USER)
    return path


def slope(study):
    """Return how far one step of descent goes from x = 1: 0.1 times the depth."""
    end = fastsde.integrate(study.replace(time={"steps": 1}), "gd", 0, 1, start=np.ones((1, 1)), threads=1)
    return 10 * (1 - end.parameters[0, 0])


@pytest.mark.usefixtures("allowed")
def test_a_module_beside_the_study_file_comes_before_the_working_directory(tmp_path, monkeypatch):
    here = folder_with_module(tmp_path / "here", 2.0)
    other = folder_with_module(tmp_path / "other", 5.0)
    monkeypatch.chdir(other)
    assert slope(Study.load(here / "study.toml")) == pytest.approx(2.0)
    assert slope(Study.from_toml(USER)) == pytest.approx(5.0)
    (here / "bowls.py").unlink()
    assert slope(Study.load(here / "study.toml")) == pytest.approx(5.0)


@pytest.mark.usefixtures("allowed")
def test_a_module_finds_its_neighbours(tmp_path):
    here = folder_with_module(tmp_path / "here", 2.0)
    (here / "bowls.py").write_text(BOWL)
    (here / "depth.py").write_text("DEPTH = 3.0\n")
    assert slope(Study.load(here / "study.toml")) == pytest.approx(3.0)


@pytest.mark.usefixtures("allowed")
def test_messages_say_where_a_module_was_looked_for(tmp_path, monkeypatch):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "study.toml").write_text(USER)
    monkeypatch.chdir(tmp_path)
    study = Study.load("studies/study.toml")
    with pytest.raises(StudyError, match="no module bowls") as caught:
        check_code(study)
    for file in (tmp_path / "studies" / "bowls.py", tmp_path / "bowls.py"):
        assert str(file) in str(caught.value)
    (tmp_path / "bowls.py").write_text("def ball(x, gradient):\n    return 0.0\n")
    with pytest.raises(StudyError, match=r"bowls\.py has no function bowl"):
        check_code(study)
    (tmp_path / "bowls.py").write_text("import no_such_thing\n")
    with pytest.raises(StudyError, match="no_such_thing"):
        check_code(Study.load("studies/study.toml"))


def test_no_module_is_imported_without_leave(tmp_path):
    here = folder_with_module(tmp_path / "here", 2.0)
    (here / "bowls.py").write_text("raise SystemExit('imported')\n")
    with pytest.raises(StudyError, match="FASTSDE_ALLOW_CODE"):
        check_code(Study.load(here / "study.toml"))


def test_register_works_after_plain_import():
    code = """
        import fastsde
        def bowl(x, gradient):
            gradient[0] = x[0]
            return x[0] ** 2 / 2
        fastsde.user.register("bowl", bowl)
        print("user" in dir(fastsde))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


def test_tasks_of_a_job_array_find_the_module(tmp_path):
    text = array_script(tmp_path, "bowl", Job(2, module_folder="/data/my studies"))
    assert "export PYTHONPATH='/data/my studies'\"${PYTHONPATH:+:$PYTHONPATH}\"\n" in text
    assert "PYTHONPATH" not in array_script(tmp_path, "bowl", Job(2))


@pytest.fixture
def branching(tmp_path, stand_in):
    """A finished run below a folder, and a study file in that folder that starts from its states."""
    folder = tmp_path / "work"
    first = Study.from_toml(TINY).replace(record={"observables": ["loss", "modes", "parameters"]})
    run(first, folder / "runs" / "first", integrate=stand_in)
    init = {"kind": "snapshot", "ensemble": "runs/first", "model": "sgd"}
    study = Study.from_mapping(first.to_mapping() | {"network": {"widths": first.widths, "init": init}})
    (folder / "branches.toml").write_text(study.to_toml())
    return folder


def test_states_are_looked_for_beside_the_study_file_first(branching, tmp_path, monkeypatch, stand_in):
    from fastsde.storage.initial_states import resolve

    monkeypatch.chdir(tmp_path)
    study = Study.load("work/branches.toml")
    assert resolve(study).network.init.origin is not None
    assert resolve(study.replace(seed=9)).network.init.origin is not None
    elsewhere = Study.from_toml((branching / "branches.toml").read_text())
    with pytest.raises(StudyError, match="looked for") as caught:
        resolve(elsewhere)
    assert str(tmp_path / "runs" / "first") in str(caught.value)
    monkeypatch.chdir(branching)
    assert resolve(elsewhere).network.init.origin == resolve(study).network.init.origin


def test_cases_of_a_sweep_look_beside_their_file(branching, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = branching / "sweep.toml"
    file.write_text(
        (branching / "branches.toml").read_text() + '\n[sweep]\n"time.learning_rate" = [0.1, 0.2]\n'
    )
    for case in load_cases(file):
        assert case.study.locate("runs/first", "network.init.ensemble") == branching / "runs" / "first"


def test_the_folder_is_no_part_of_a_study(branching):
    text = (branching / "branches.toml").read_text()
    study = Study.load(branching / "branches.toml")
    assert study == Study.from_toml(text)
    assert study.fingerprint() == Study.from_toml(text).fingerprint()
    assert str(branching) not in study.to_toml()
