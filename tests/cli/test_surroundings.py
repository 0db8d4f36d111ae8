"""Whole studies in unusual surroundings: without a compiler, in plain ASCII, beside files of others."""

import io
import json
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
from stand_in import TINY

import fastsde
from fastsde.analysis import Settings
from fastsde.cli import accept_every_character
from fastsde.report import write_report
from fastsde.storage.checksum import write_seal
from fastsde.system.errors import StoreError


def fastsde_command(*words, where, **environment):
    """Run the program in a process of its own; return what it printed."""
    names = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON"))}
    command = [sys.executable, "-m", "fastsde", *map(str, words)]
    done = subprocess.run(command, cwd=where, env=names | environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A directory with a study and its finished run, analysed; its report is a page without content."""
    directory = tmp_path_factory.mktemp("surroundings")
    (directory / "study.toml").write_text(TINY, encoding="utf-8")
    fastsde.run(fastsde.Study.load(directory / "study.toml"), directory / "run")
    with fastsde.open(directory / "run") as ensemble:
        found = fastsde.analyze(ensemble, settings=Settings.quickly(), sections=["snapshots"])
    found.save(directory / "run" / "analysis.h5")
    (directory / "run" / "report.html").write_text("a page", encoding="utf-8")
    return directory


@pytest.fixture
def run(finished, tmp_path):
    shutil.copytree(finished / "run", tmp_path / "run")
    return tmp_path / "run"


def same_numbers(one, other):
    """The same models, with the same values in all trajectories that `one` has."""
    with fastsde.open(one) as first, fastsde.open(other) as second:
        assert list(first) == list(second)
        for name in first:
            count = first[name].count
            for variable in first[name].variables:
                ours, theirs = first[name][variable], second[name][variable]
                axis = 0 if variable.endswith("_step") else 1
                np.testing.assert_array_equal(ours, np.take(theirs, range(count), axis=axis))


@pytest.mark.slow
def test_a_study_without_just_in_time_compilation(finished, tmp_path):
    """Two trajectories, run and analysed; the report has no compiled code."""
    study = finished / "study.toml"
    plain = {"where": tmp_path, "NUMBA_DISABLE_JIT": "1"}
    fastsde_command("run", study, "-o", "run", "--trajectories", 2, **plain)
    same_numbers(tmp_path / "run", finished / "run")
    told = json.loads(fastsde_command("analyze", "run", "--quick", "--json", **plain))
    assert [one["trajectories"] for one in told["models"].values()] == [2, 2]


@pytest.mark.slow
def test_names_that_are_not_ascii_where_the_system_knows_ascii_only(finished, tmp_path):
    """Without the help of Python, which by default turns such a system's encoding into UTF-8."""
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    folder = tmp_path / "läufe"
    folder.mkdir()
    shutil.copy(finished / "study.toml", folder / "größe.toml")
    told = fastsde_command(
        "study", "läufe/größe.toml", "-o", "läufe/ergebnis²", where=tmp_path, **environment
    )
    assert "läufe/ergebnis²/report.html" in told.decode()
    same_numbers(folder / "ergebnis²", finished / "run")
    assert "<title>ergebnis²</title>" in (folder / "ergebnis²" / "report.html").read_text(encoding="utf-8")
    told = fastsde_command(
        *("compare", "läufe/ergebnis²", "--models", "sgd,sde", "--step", "40"), where=tmp_path, **environment
    )
    assert "MMD²" in told.decode()


def test_every_character_can_be_printed():
    for encoding, expected in {"ascii": "ü²\udcff", "utf-8": "ü²\udcff", "latin-1": "ü²?"}.items():
        buffer = io.BytesIO()
        stream = io.TextIOWrapper(buffer, encoding=encoding)
        accept_every_character(stream)
        stream.write("ü²\udcff")
        stream.flush()
        used = "latin-1" if encoding == "latin-1" else "utf-8"
        assert buffer.getvalue().decode(used, "surrogateescape") == expected
    accept_every_character(io.StringIO())  # has no encoding


def resealed(path, change):
    """Change a file as its writer might have written it."""
    path.write_bytes(path.read_bytes()[:-115])
    with h5py.File(path, "a") as file:
        change(file.attrs)
    write_seal(path)


@pytest.mark.parametrize("text", [None, "", "[1, 2]", "3.1", "of mine", 7, json.dumps({"R": "4.3"})])
def test_parts_that_do_not_say_their_versions(run, finished, text):
    study = fastsde.Study.load(finished / "study.toml")
    part = min((run / "parts").glob("*.h5"))
    resealed(part, lambda attributes: attributes.pop("versions"))
    if text is not None:
        resealed(part, lambda attributes: attributes.create("versions", text))
    with pytest.raises(
        StoreError, match=rf"{part.name} does not state the versions with which(.|\n)*--any-version"
    ):
        fastsde.run(study, run)
    fastsde.run(study, run, any_version=True)
    same_numbers(run, finished / "run")


def test_an_ensemble_that_does_not_say_its_versions(run):
    path = run / "ensemble.h5"
    resealed(path, lambda attributes: attributes.pop("versions"))
    with fastsde.open(path) as ensemble:
        assert ensemble.provenance["versions"] == {}


class TestReport:
    def test_a_part_is_missing(self, run):
        before = (run / "report.html").read_bytes()
        min((run / "parts").glob("*.h5")).unlink()
        with pytest.raises(StoreError, match=r"have changed since they were joined\n  missing: parts/"):
            write_report(run)
        assert (run / "report.html").read_bytes() == before

    def test_the_ensemble_is_missing(self, run):
        (run / "ensemble.h5").unlink()
        with pytest.raises(StoreError, match=r"is of ensemble\.h5, which is missing.*fastsde analyze"):
            write_report(run)

    def test_the_run_has_grown(self, run):
        study = fastsde.Study.load(run / "study.toml")
        fastsde.run(study.replace(trajectories=study.trajectories + 4), run)
        with pytest.raises(StoreError, match=r"earlier state of .*fastsde analyze"):
            write_report(run)
