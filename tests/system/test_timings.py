"""Times of past runs on this machine: what is kept, what is not, and by how much they correct."""

import json

import pytest

from fastsde.system import timings
from fastsde.system.timings import UNCORRECTED, Times, correction, keep


@pytest.fixture
def file(tmp_path, monkeypatch):
    target = tmp_path / "cache" / "timings.json"
    monkeypatch.setattr(timings, "path", lambda: target)
    return target


def test_a_forecast_is_corrected_by_the_median_of_past_runs(file):
    assert correction("report") == UNCORRECTED
    keep(Times("report", f"study {k}", forecast=10.0, measured=10.0 * k) for k in (1, 2, 9))
    assert correction("report") == (2.0, 3)
    assert correction("analysis") == UNCORRECTED


def test_what_was_measured_itself_counts_before_its_kind(file):
    keep(Times("integrate sgd", work, 1.0, ratio) for work, ratio in [("a", 3.0), ("b", 1.0), ("c", 1.0)])
    assert correction("integrate sgd", "a") == (3.0, 3)
    assert correction("integrate sgd", "another") == (1.0, 3)


@pytest.mark.parametrize("order", [("forecast", "measured"), ("measured", "forecast")])
def test_forecast_and_measurement_meet_in_either_order(file, order):
    seconds = {"forecast": 2.0, "measured": 3.0}
    for which in order:
        assert correction("integrate sde", "w") == UNCORRECTED
        keep([Times("integrate sde", "w", **{which: seconds[which]})])
    assert correction("integrate sde", "w") == (1.5, 1)


def test_only_the_latest_runs_count(file):
    for k in range(3 * timings.KEPT):
        keep([Times("report", str(k), 1.0, 4.0 if k < 2 * timings.KEPT else 2.0)])
    assert correction("report") == (2.0, timings.KEPT)
    keep([Times("report", "0", 1.0, 4.0)])
    assert "0" in json.loads(file.read_text())["report"]


def test_forecasts_of_what_never_runs_push_out_no_run(file):
    keep([Times("integrate sgd", "ran", 1.0, 2.0)])
    for k in range(2 * timings.KEPT):
        keep([Times("integrate sgd", f"planned {k}", forecast=1.0)])
    assert correction("integrate sgd") == (2.0, 1)
    assert len(json.loads(file.read_text())["integrate sgd"]) == 1 + timings.KEPT


def test_a_computer_that_slept_corrects_nothing(file):
    keep([Times("report", "slept", 10.0, 4000.0), Times("report", "usual", 10.0, 20.0)])
    assert correction("report") == (2.0, 1)
    keep([Times("compile", "at once", 15.0, 0.0)])
    assert correction("compile") == UNCORRECTED


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '{"report": 3}', '{"report": {"a": [1]}}', '{"report": {"a": ["x", 2]}}', "\xff"],
)
def test_a_file_that_cannot_be_read_counts_as_absent(file, text):
    file.parent.mkdir()
    file.write_text(text, encoding="latin-1")
    assert correction("report") == UNCORRECTED
    keep([Times("report", "b", 1.0, 2.0)])
    assert correction("report") == (2.0, 1)


def test_a_folder_that_cannot_be_written_is_no_failure(file):
    file.parent.write_text("")
    keep([Times("report", "a", 1.0, 2.0)])
    assert correction("report") == UNCORRECTED


def test_nothing_is_left_but_the_file(file):
    keep([Times("report", "a", 1.0, 2.0)])
    assert [path.name for path in file.parent.iterdir()] == ["timings.json"]


def test_other_kernels_and_another_cpu_have_another_file(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setattr(timings, "_name", timings._name.__wrapped__)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    here = timings.path()
    assert here.parent == tmp_path
    monkeypatch.setattr(timings, "versions", lambda: {"fastsde": "0", "kernels": "others"})
    others = timings.path()
    monkeypatch.setattr(timings, "host", lambda: {"machine": "x86_64", "processor": "another"})
    assert len({here, others, timings.path()}) == 3
