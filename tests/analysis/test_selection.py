"""Single sections of an analysis, what is kept of an earlier one, and the quick settings."""

import dataclasses

import numpy as np
import pytest
from fakes import fake_ensemble

from fastsde.analysis import Analysis, Settings, analyze
from fastsde.system.errors import RequestError
from fastsde.system.progress import Progress

FAST = dataclasses.replace(Settings.quickly(), quick=False)


class Told(Progress):
    """Keeps the notes of what is being done."""

    def __init__(self):
        self.notes = []

    def update(self, done, note=""):
        self.notes.append(note)


@pytest.fixture(scope="module")
def ensemble():
    return fake_ensemble(64, 6, ("sgd", "gd", "levy"), seed=1)


@pytest.fixture(scope="module")
def before(ensemble):
    return analyze(ensemble, settings=FAST, sections=["escape", "shape"])


def test_only_the_wanted_sections_are_measured(before):
    assert set(before.sections) == {"distances", "escape", "shape"}
    assert set(before.seconds) == {"snapshots", "distances", "escape", "shape"}


def test_verdicts_do_not_depend_on_the_wanted_sections(ensemble):
    """They rest on the distances of the snapshots and of the section, which imply each other."""
    asked = ["distances", "tails", "shape"]
    whole = analyze(ensemble, settings=FAST, sections=asked)
    wanted = {name: one.significance.p_value for name, one in whole.models.items()}
    for name in ("snapshots", "distances", "tails"):
        for before in (None, whole, dataclasses.replace(whole, sections={})):
            found = analyze(ensemble, settings=FAST, sections=[name], before=before)
            assert "distances" in found.sections
            assert {name: one.significance.p_value for name, one in found.models.items()} == wanted


def test_the_others_are_kept(ensemble, before, tmp_path):
    loaded = Analysis.load(before.save(tmp_path / "analysis.h5"))
    told = Told()
    after = analyze(ensemble, settings=FAST, sections=["late_law"], before=loaded, progress=told)
    assert list(after.sections) == ["distances", "shape", "escape", "late_law"]
    assert set(after.seconds) == {"snapshots", "distances", "shape", "escape", "late_law"}
    assert set(told.notes) == {"late_law", ""}
    assert all(after.models[name] is one for name, one in loaded.models.items())
    assert np.array_equal(after.bandwidth, before.bandwidth)
    assert Analysis.load(after.save(tmp_path / "analysis.h5")).sections.keys() == after.sections.keys()


def test_a_section_without_an_answer_replaces_an_earlier_one(ensemble, before):
    wrong = dataclasses.replace(before, sections=before.sections | {"branching": before.sections["shape"]})
    after = analyze(ensemble, settings=FAST, sections=["branching"], before=wrong)
    assert set(after.sections) == {"distances", "escape", "shape"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"settings": Settings.quickly()},
            r"there: it is not a quick one, as this would be; analyse without",
        ),
        ({"models": ["sgd", "gd"]}, "differs in the models;"),
        ({"reference": "gd"}, "the reference"),
        ({"ensemble": (32, 6, ("sgd", "gd", "levy"))}, "the number of trajectories"),
    ],
)
def test_sections_of_something_else_are_not_mixed(ensemble, before, change, words):
    other = fake_ensemble(*change.pop("ensemble"), seed=1) if "ensemble" in change else ensemble
    with pytest.raises(RequestError, match=words):
        analyze(other, **({"settings": FAST} | change), sections=["shape"], before=before)


def test_sections_after_a_quick_analysis_say_that_it_is_one(ensemble):
    quick = analyze(ensemble, settings=Settings.quickly(), sections=["shape"])
    with pytest.raises(RequestError) as caught:
        analyze(ensemble, sections=["escape"], before=quick)
    assert str(caught.value).endswith(
        "there: it is a quick one; analyse with --quick as well, or without --sections"
    )


@pytest.mark.parametrize(
    ("names", "words"),
    [(["taisl"], "no section 'taisl' in an analysis; it has"), ([], "no section is named;")],
)
def test_a_section_that_there_is_not(ensemble, names, words):
    with pytest.raises(RequestError, match=f"{words}.*snapshots, distances"):
        analyze(ensemble, sections=names)


def test_quick_settings_are_stored_and_said(ensemble, tmp_path):
    found = analyze(ensemble, settings=Settings.quickly(), sections=["shape"])
    stored = Analysis.load(found.save(tmp_path / "analysis.h5")).settings
    assert stored == Settings.quickly()
    assert "99 permutations instead of 500" in stored.quick_words()
    assert Settings().quick_words() == ""


def test_a_path_is_opened(ensemble, monkeypatch, tmp_path):
    import contextlib

    import fastsde.storage.ensemble

    opened = []

    def open_ensemble(path):
        opened.append(path)
        return contextlib.nullcontext(ensemble)

    monkeypatch.setattr(fastsde.storage.ensemble, "open_ensemble", open_ensemble)
    for path in (tmp_path, str(tmp_path)):
        assert set(analyze(path, settings=FAST, sections=["late_law"]).sections) == {"distances", "late_law"}
    assert opened == [tmp_path, str(tmp_path)]
