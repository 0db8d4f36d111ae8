"""The key `extensions`: which files are imported, where they are looked for, and what is said if not."""

import sys
import textwrap

import pytest
from extension_files import REGISTRY, extension, forget_imports, study_text

from fastsde.study.study import Study
from fastsde.study.sweep import load_cases
from fastsde.system.errors import StudyError

pytestmark = pytest.mark.usefixtures("allowed")


def folder(tmp_path, name="here", code=None, **changes):
    """Make a folder with a study and its extension."""
    path = tmp_path / name
    path.mkdir()
    (path / "mine.py").write_text(extension() if code is None else textwrap.dedent(code))
    (path / "study.toml").write_text(study_text(**changes))
    return path


def message(path):
    with pytest.raises(StudyError) as caught:
        Study.load(path / "study.toml")
    assert caught.value.complaints[0].where.startswith("extensions")
    assert caught.value.exit_code == 2
    assert str(path / "study.toml") in str(caught.value)
    return str(caught.value)


def test_what_a_file_registers_is_known_once_the_study_is_read(tmp_path):
    study = Study.load(folder(tmp_path) / "study.toml")
    assert "mark" in REGISTRY
    assert [one.file for one in study.extensions] == ["mine.py"]
    assert Study.from_toml(study.to_toml()) == study


def test_a_study_without_the_key_is_as_before(tmp_path):
    plain = Study.from_toml(study_text(names=None))
    assert "extensions" not in plain.to_mapping()
    assert Study.from_toml(study_text(names=[])).fingerprint() == plain.fingerprint()
    other = Study.load(folder(tmp_path) / "study.toml")
    assert other.fingerprint() != plain.fingerprint()
    assert other.lineage("sgd") != plain.lineage("sgd")


def test_the_content_alone_tells_studies_apart(tmp_path, monkeypatch):
    first = Study.load(folder(tmp_path, "a") / "study.toml")
    forget_imports()
    (tmp_path / "b" / "code").mkdir(parents=True)
    (tmp_path / "b" / "code" / "mine.py").write_text(extension())
    monkeypatch.chdir(tmp_path / "b")
    moved = Study.from_toml(study_text(names=["code/mine.py"]))
    assert moved.fingerprint() == first.fingerprint()
    forget_imports()
    changed = Study.load(folder(tmp_path, "c", extension("other")) / "study.toml")
    assert changed.fingerprint() != first.fingerprint()


def test_beside_the_study_file_comes_before_the_working_directory(tmp_path, monkeypatch):
    here, there = (
        folder(tmp_path, "a", extension(value="of a")),
        folder(tmp_path, "b", extension(value="of b")),
    )
    monkeypatch.chdir(there)
    Study.load(here / "study.toml")
    assert REGISTRY["mark"].value == "of a"
    forget_imports()
    Study.from_toml(study_text())
    assert REGISTRY["mark"].value == "of b"


def test_a_module_by_its_name(tmp_path, monkeypatch):
    here = folder(tmp_path, names=["mine"])
    assert Study.load(here / "study.toml").extensions[0].file == "mine"
    assert REGISTRY["mark"].value == "mark"
    forget_imports()
    (here / "mine.py").rename(here / "installed_mine.py")
    (here / "study.toml").write_text(study_text(names=["installed_mine"]))
    (tmp_path / "site").mkdir()
    (here / "installed_mine.py").rename(tmp_path / "site" / "installed_mine.py")
    monkeypatch.syspath_prepend(tmp_path / "site")
    study = Study.load(here / "study.toml")
    assert REGISTRY["mark"].value == "mark"
    assert Study.from_toml(study.to_toml()) == study
    monkeypatch.delitem(sys.modules, "installed_mine")


def test_no_code_runs_without_leave(tmp_path, monkeypatch):
    monkeypatch.delenv("FASTSDE_ALLOW_CODE")
    text = message(folder(tmp_path, code="raise SystemExit('imported')"))
    assert "FASTSDE_ALLOW_CODE=1" in text
    with pytest.raises(StudyError, match="FASTSDE_ALLOW_CODE=1"):
        Study.from_toml(study_text(names=["antigravity"]))


def test_a_missing_file(tmp_path, monkeypatch):
    here = folder(tmp_path)
    (here / "mine.py").unlink()
    monkeypatch.chdir(tmp_path)
    text = message(here)
    for place in (here, here / "extensions", tmp_path, tmp_path / "extensions"):
        assert str(place / "mine.py") in text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import no_such_thing", "no_such_thing"),
        ("x = 1\nraise RuntimeError('broken')", "line 2): RuntimeError: broken"),
        ("def (", "SyntaxError"),
        ("import neighbour", "put what neighbour.py has into it"),
        ("raise SystemExit(3)", "SystemExit"),
    ],
)
def test_an_error_of_the_file(tmp_path, code, said):
    here = folder(tmp_path, code=code)
    (here / "neighbour.py").write_text("")
    text = message(here)
    assert "extensions[0]" in text
    assert said in text


def test_a_name_that_is_taken(tmp_path):
    here = folder(tmp_path, names=["mine.py", "yours.py"])
    (here / "yours.py").write_text(extension("mark", "two"))
    text = message(here)
    assert "extensions[1]" in text
    assert "there is a mark named 'mark' already" in text


def test_two_files_of_one_name(tmp_path):
    here = folder(tmp_path, names=["mine.py", "code/mine.py"])
    assert "a second file of that name" in message(here)


@pytest.mark.parametrize("value", ['"mine.py"', "[3]", '["my-file"]', "[{ name = 'mine.py' }]", "true"])
def test_values_of_a_wrong_type(tmp_path, value):
    here = folder(tmp_path)
    (here / "study.toml").write_text(f"extensions = {value}\n{study_text(names=None)}")
    message(here)


def test_an_edited_file_replaces_its_earlier_version(tmp_path):
    here = folder(tmp_path)
    old = Study.load(here / "study.toml")
    (here / "mine.py").write_text(extension("mark", "edited"))
    new = Study.load(here / "study.toml")
    assert REGISTRY["mark"].value == "edited"
    assert new.fingerprint() != old.fingerprint()
    with pytest.raises(StudyError, match="has other content"):
        old.replace(seed=5)
    (here / "mine.py").write_text(extension())
    assert old.replace(seed=5).extensions == old.extensions
    assert REGISTRY["mark"].value == "mark"


def test_another_version_from_another_place_needs_another_process(tmp_path):
    Study.load(folder(tmp_path, "a") / "study.toml")
    text = message(folder(tmp_path, "b", extension("mark", "other")))
    assert str(tmp_path / "a" / "mine.py") in text
    assert "new process" in text


def test_cases_of_a_sweep_know_the_extensions(tmp_path):
    here = folder(tmp_path)
    file = here / "study.toml"
    file.write_text(study_text() + '\n[sweep]\n"time.learning_rate" = [0.1, 0.2]\n')
    cases = load_cases(file)
    assert len(cases) == 2
    assert all(case.study.extensions[0].sha256 for case in cases)
    forget_imports()
    (here / "mine.py").unlink()
    with pytest.raises(StudyError, match=r"extensions\[0\]"):
        load_cases(file)
