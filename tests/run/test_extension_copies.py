"""Studies with extensions from run to results: copies in the run's directory, other code refused."""

import json
import os
import subprocess
import sys

import h5py
import pytest
from click.testing import CliRunner
from extension_files import REGISTRY, extension, forget_imports, study_text
from stand_in import StandIn

import fastsde
from fastsde.analysis import Analysis
from fastsde.cli import main
from fastsde.run.merge import merge
from fastsde.run.run import run
from fastsde.run.scheduler import Shard
from fastsde.run.status import status
from fastsde.run.submit import Job
from fastsde.storage.run_directory import claim, claim_sweep
from fastsde.study.study import Study
from fastsde.study.sweep import load_cases
from fastsde.system.errors import StoreError, StudyError

pytestmark = pytest.mark.usefixtures("allowed")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Make a folder with a study and its extension, and work elsewhere."""
    path = tmp_path / "home"
    path.mkdir()
    (path / "mine.py").write_text(extension())
    (path / "study.toml").write_text(study_text())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return path


def finished(home, directory, **options):
    run(Study.load(home / "study.toml"), directory, integrate=StandIn(), **options)
    forget_imports()
    return directory


def test_a_run_keeps_a_copy_that_is_found_when_it_is_opened(home, tmp_path):
    directory = finished(home, tmp_path / "run")
    assert (directory / "extensions" / "mine.py").read_text() == extension()
    (home / "mine.py").unlink()
    with fastsde.open(directory) as ensemble:
        assert ensemble["sgd"]["loss"].shape == (4, 10)
        assert ensemble.study.extensions[0].file == "mine.py"
    assert "mark" in REGISTRY
    forget_imports()
    moved = directory.rename(tmp_path / "moved")
    assert status(moved).whole


def test_headers_say_which_code(home, tmp_path):
    directory = finished(home, tmp_path / "run")
    kept = [directory / "ensemble.h5", *(directory / "parts").iterdir()]
    for path in kept:
        with h5py.File(path) as file:
            (entry,) = json.loads(file.attrs["extensions"])
        assert entry == {"file": "mine.py", "sha256": Study.load(home / "study.toml").extensions[0].sha256}


def test_a_run_goes_on_with_the_same_code_only(home, tmp_path):
    directory = tmp_path / "run"
    finished(home, directory, shard=Shard(1, 2))
    (home / "mine.py").write_text(extension(value="edited"))
    with pytest.raises(StoreError, match=r"other code.*\n  mine\.py: there [0-9a-f]{16}, here") as caught:
        finished(home, directory)
    assert str(directory / "study.toml") in str(caught.value)
    assert caught.value.exit_code == 2
    forget_imports()
    (home / "mine.py").write_text(extension())
    finished(home, directory)
    assert status(directory).whole


def test_a_study_without_the_extension_is_another_one(home, tmp_path):
    directory = finished(home, tmp_path / "run")
    plain = Study.from_toml(study_text(names=None))
    with pytest.raises(StoreError, match=r"mine\.py: there [0-9a-f]{16}, here absent"):
        claim(plain, directory)
    run(plain, tmp_path / "plain", integrate=StandIn())
    assert not (tmp_path / "plain" / "extensions").exists()
    with pytest.raises(StoreError, match=r"mine\.py: there absent, here [0-9a-f]{16}"):
        claim(Study.load(home / "study.toml"), tmp_path / "plain")


def test_absent_code_is_named_when_results_are_opened(home, tmp_path):
    directory = finished(home, tmp_path / "run")
    (directory / "extensions" / "mine.py").unlink()
    for read in (lambda: fastsde.open(directory).study, lambda: status(directory)):
        with pytest.raises(StudyError, match=r"extensions\[0\]") as caught:
            read()
        assert str(directory / "extensions" / "mine.py") in str(caught.value)
    (directory / "extensions" / "mine.py").write_text(extension(value="edited"))
    with pytest.raises(StudyError, match="has other content"):
        status(directory)


def test_parts_of_shards_are_joined_if_their_code_is_the_same(home, tmp_path):
    first = finished(home, tmp_path / "first", shard=Shard(1, 2))
    second = finished(home, tmp_path / "second", shard=Shard(2, 2))
    merge([first, second], tmp_path / "both")
    assert (tmp_path / "both" / "extensions" / "mine.py").is_file()
    forget_imports()
    (home / "mine.py").write_text(extension(value="edited"))
    third = finished(home, tmp_path / "third", shard=Shard(2, 2))
    with pytest.raises(StoreError, match="other code"):
        merge([first, third], tmp_path / "mixed")
    forget_imports()
    part = next((third / "parts").iterdir())
    part.rename(first / "parts" / part.name)
    with pytest.raises(StoreError, match="other code") as caught:
        merge([first])
    assert part.name in str(caught.value)


def test_a_checkpoint_of_other_code_is_not_continued(home, tmp_path):
    from fastsde.study.compatibility import same_code

    study = Study.load(home / "study.toml")
    text = study.to_toml()
    assert same_code(text, study)
    (home / "mine.py").write_text(extension(value="edited"))
    assert not same_code(text, Study.load(home / "study.toml"))


def test_a_sweep_keeps_a_copy_beside_its_file(home, tmp_path):
    file = home / "study.toml"
    file.write_text(study_text() + '\n[sweep]\n"time.learning_rate" = [0.1, 0.2]\n')
    claim_sweep(file, load_cases(file), tmp_path / "sweep")
    forget_imports()
    claim_sweep(file, load_cases(file), tmp_path / "sweep")
    assert len(load_cases(tmp_path / "sweep" / "sweep.toml")) == 2
    forget_imports()
    (home / "mine.py").write_text(extension(value="edited"))
    with pytest.raises(StoreError, match=r"another version of mine\.py"):
        claim_sweep(file, load_cases(file), tmp_path / "sweep")


def test_a_job_array_needs_nothing_but_its_directory(home, tmp_path, monkeypatch):
    from fastsde.run import submit

    monkeypatch.setattr(submit, "_sbatch", lambda arguments: "1")
    submit.submit(Study.load(home / "study.toml"), tmp_path / "run", "mine", Job(2))
    forget_imports()
    (home / "mine.py").unlink()
    task = Study.load(tmp_path / "run" / "study.toml")
    run(task, tmp_path / "run", integrate=StandIn(), shard=Shard(1, 2))


def test_an_analysis_is_read_with_the_extensions_of_its_study(home, tmp_path):
    directory = finished(home, tmp_path / "run")
    fastsde.analyze(directory).save(directory / "analysis.h5")
    forget_imports()
    Analysis.load(directory / "analysis.h5")
    assert "mark" in REGISTRY


def test_commands_end_with_2_and_a_message(home, tmp_path, monkeypatch):
    directory = finished(home, tmp_path / "run")
    monkeypatch.delenv("FASTSDE_ALLOW_CODE")
    study = str(home / "study.toml")
    for words in (
        ["run", study],
        ["plan", study],
        ["order", study],
        ["sweep", study],
        ["study", study],
        ["submit", study, "--tasks", "2"],
        ["status", str(directory)],
        ["merge", str(directory)],
        ["analyze", str(directory)],
        ["compare", str(directory), "--models", "sgd,sde"],
    ):
        found = CliRunner().invoke(main, words)
        assert found.exit_code == 2, (words, found.output)
        assert "extensions[0]" in found.output, words
        assert "FASTSDE_ALLOW_CODE=1" in found.output, words


@pytest.mark.slow
def test_processes_of_their_own_know_the_extension(home, tmp_path):
    """The whole way in processes that share nothing but files."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for words in (
        ["run", str(home / "study.toml"), "-o", str(tmp_path / "run"), "--threads", "1"],
        ["status", str(tmp_path / "run")],
        ["compare", str(tmp_path / "run"), "--models", "sgd,sde", "--permutations", "19"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "fastsde", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (words, done.stderr)
        (home / "mine.py").unlink(missing_ok=True)
