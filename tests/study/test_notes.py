"""Notes on a study: shuffled epochs beside independent noise want a control."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_files import POPULATION, TEXT, changed, spoiled

from fastsde.study.notes import notes
from fastsde.study.study import Study
from fastsde.study.sweep import load_cases

EPOCH = ('sampling = "replacement"', 'sampling = "epoch"')
CONTROL = '[models.{}]\nkind = "sgd"\nbatch = {}\nsampling = "replacement"\n'
SDE = '[models.sde]\nkind = "sde"\nnoise = "gradient"\n'


def test_shuffled_epochs_beside_sdes_are_noted_with_the_control():
    (note,) = notes(changed(EPOCH))
    assert "models.sgd samples in shuffled epochs, whereas the noise of models.langevin and" in note
    control = note[note.index("[models.sgd_replacement]") :]
    assert notes(Study.from_toml(spoiled(EPOCH) + control.replace("    ", ""))) == []


@pytest.mark.parametrize(
    "text",
    [
        TEXT,  # with replacement from the start
        spoiled(EPOCH) + CONTROL.format("other_name", 2),
        POPULATION + SDE,  # fresh data
        spoiled(EPOCH)[: spoiled(EPOCH).index("[models.langevin]")],  # nothing to compare with
        spoiled(EPOCH).replace('kind = "sgd"\nbatch = 2\nsampling = "epoch"', 'kind = "gd"'),  # no SGD
    ],
)
def test_other_studies_have_no_note(text):
    assert notes(Study.from_toml(text)) == []


def test_a_control_of_another_batch_is_none():
    assert len(notes(Study.from_toml(spoiled(EPOCH) + CONTROL.format("other", 4)))) == 1


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "examples").glob("*.toml")), ids=lambda p: p.stem
)
def test_examples_have_their_controls(path):
    assert notes(load_cases(path)[0].study) == []


def test_the_note_is_printed_once(invoke_study, tmp_path):
    for command in ("run", "study"):
        assert invoke_study(command, spoiled(EPOCH)).count("note: ") == 1
        assert invoke_study(command, TEXT).count("note: ") == 0


@pytest.fixture
def invoke_study(tmp_path, stand_in, monkeypatch):
    """Return what a command says on the standard error about a study of that text."""
    import sys
    from types import SimpleNamespace

    from click.testing import CliRunner

    from fastsde.cli import main, work

    module = SimpleNamespace(integrate=stand_in, compile_step=lambda study, name, problem: None)
    monkeypatch.setitem(sys.modules, "fastsde.integrate.integration", module)
    monkeypatch.setattr(work, "run_study", lambda *a, **k: tmp_path)
    monkeypatch.setattr(work, "analyze_source", lambda *a, **k: None)
    monkeypatch.setattr(work, "report_directory", lambda *a, **k: tmp_path)

    def said(command, text):
        path = tmp_path / "study.toml"
        path.write_text(text)
        return CliRunner().invoke(main, [command, str(path), "-o", str(tmp_path / command)]).stderr

    return said


def test_where_the_batch_is_swept_the_control_follows_it():
    (note,) = notes(changed(EPOCH), ["models.sgd.batch"])
    assert note.endswith(
        'and sweep "models.*.batch" instead of "models.sgd.batch", so that the control has the same batch.'
    )
    assert "sweep" not in notes(changed(EPOCH), ["models.*.batch"])[0]
