"""The compile cache: many processes at once, a home that cannot be written, and stopping while it fills."""

import hashlib
import os
import subprocess
import sys
import time

import pytest
from studies import snapshots, study

import fastsde
from fastsde.integrate import compile_cache
from fastsde.problem.data import build_problem
from fastsde.system.errors import Interrupted
from fastsde.system.locks import Lock, held

SCRIPT = """
import hashlib, sys, fastsde
from landscape_studies import landscape_study
model = [{"kind": "sde", "noise": "isotropic", "temperature": 0.1}, {"kind": "gd"}][int(sys.argv[1])]
bowl = {"kind": "quadratic", "eigenvalues": [1.0, 0.2, 3.0], "start": {"std": 0.5}}
s = landscape_study(bowl, model, steps=5, record={"observables": ["loss", "modes"]})
with fastsde.open(fastsde.run(s, sys.argv[2])) as ensemble:
    print(hashlib.sha256(ensemble["m"]["modes"].tobytes()).hexdigest())
"""


def start(cache, model, directory):
    helpers = os.path.dirname(os.path.dirname(__file__))
    environment = dict(os.environ, PYTHONPATH=helpers, NUMBA_CACHE_DIR=str(cache))
    words = [sys.executable, "-c", SCRIPT, str(model), str(directory)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_processes_that_start_at_once_on_a_cold_cache_have_the_right_code(tmp_path):
    """Two models compile the same functions for different types; the cache must keep them apart."""
    together = [start(tmp_path / "cold", model, tmp_path / f"a{model}") for model in (0, 1)]
    first = [process.communicate() for process in together]
    assert all(process.returncode == 0 for process in together), first
    again = [start(tmp_path / "cold", model, tmp_path / f"b{model}") for model in (0, 1)]
    second = [process.communicate()[0] for process in again]
    assert [out for out, _ in first] == second
    assert len(set(second)) == 2
    folders = [path for path in (tmp_path / "cold").iterdir() if path.is_dir()]  # not the times of runs
    assert len(folders) == 1
    marks = [path.name for path in folders[0].glob("ready-*")]
    assert len(marks) == 5  # two of each model, and one of the landscape that they share
    assert "ready-quadratic-float64" in marks
    assert sum(name.startswith("ready-steps-") for name in marks) == 2
    with fastsde.open(tmp_path / "a0") as ensemble:
        modes, _ = snapshots(ensemble.study)
    assert second[0].strip() == hashlib.sha256(modes["modes"].tobytes()).hexdigest()


@pytest.fixture
def cold(tmp_path, monkeypatch):
    """A cache folder without a marker, and a compilation that does nothing."""
    from fastsde.kernels import options

    monkeypatch.setattr(options, "CACHE_FOLDER", tmp_path)
    calls = []
    monkeypatch.setattr(compile_cache, "_compile", lambda *arguments: calls.append(arguments[1]))
    return calls


S = study((3, 4, 2), {"kind": "sgd"})
PROBLEM = build_problem(S)


def test_a_model_is_compiled_once(cold, tmp_path):
    for _ in range(3):
        compile_cache.ensure_compiled(S, "m", PROBLEM)
    assert cold == ["m"]
    compile_cache.ensure_compiled(S.replace(dtype="float32"), "m", PROBLEM)
    assert cold == ["m", "m"]
    assert not any(held(path) for path in tmp_path.glob("lock-*"))


def test_whoever_waits_for_another_can_be_stopped(cold, tmp_path):
    lock = Lock.take(tmp_path / f"lock-{compile_cache._signature(S, 'm', PROBLEM)}")
    asked = iter([False, False, True])
    with pytest.raises(Interrupted, match="another process compiles"):
        compile_cache.ensure_compiled(S, "m", PROBLEM, lambda: next(asked))
    assert cold == []
    lock.release()
    compile_cache.ensure_compiled(S, "m", PROBLEM)
    assert cold == ["m"]


def test_another_process_compiles_steps_that_nobody_else_compiles(cold, tmp_path, monkeypatch):
    kinds = {"done": "gd", "taken": "adam", "free": "sgd"}
    three = S.replace(models={name: {"kind": kind} for name, kind in kinds.items()})
    marks = {name: compile_cache._signature(three, name, PROBLEM) for name in kinds}
    (tmp_path / f"ready-{marks['done']}").touch()
    lock = Lock.take(tmp_path / f"lock-steps-{marks['taken']}")
    compiled = []
    monkeypatch.setattr(compile_cache, "_compile_steps", lambda study, name, problem: compiled.append(name))
    compile_cache.compile_steps(three, list(kinds), PROBLEM)
    assert compiled == ["free"]
    assert (tmp_path / f"ready-steps-{marks['free']}").exists()
    lock.release()
    compile_cache.compile_steps(three, list(kinds), PROBLEM)
    assert compiled == ["free", "taken"]


def test_compiling_begins_with_a_call_where_there_is_something_to_compile(cold):
    begun = []
    for _ in range(2):
        compile_cache.ensure_compiled(S, "m", PROBLEM, begin=lambda: begun.append(1))
    assert begun == [1]


def test_compiling_can_be_left(cold, monkeypatch):
    monkeypatch.setattr(compile_cache, "_compile", lambda *arguments: time.sleep(60))
    begun = time.monotonic()
    with pytest.raises(Interrupted, match="while compiling"):
        compile_cache.ensure_compiled(S, "m", PROBLEM, lambda: True)
    assert time.monotonic() - begun < 30


def test_a_failure_is_passed_on(cold, monkeypatch):
    def fail(*arguments):
        raise ValueError("no such thing")

    monkeypatch.setattr(compile_cache, "_compile", fail)
    with pytest.raises(ValueError, match="no such thing"):
        compile_cache.ensure_compiled(S, "m", PROBLEM)


def test_a_cache_that_cannot_be_written_is_replaced(tmp_path, monkeypatch):
    from fastsde.kernels import options

    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    folder = options.cache_folder()
    assert folder.is_dir()
    assert folder == options.cache_folder()
    assert tmp_path not in folder.parents


def test_another_processor_has_a_folder_of_its_own(monkeypatch):
    from fastsde.kernels import options

    here = options.source_hash()
    monkeypatch.setattr(options, "get_host_cpu_name", lambda: "another")
    assert options.source_hash() != here
