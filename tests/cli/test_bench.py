"""``fastsde bench``: tables, JSON and the figure, of a benchmark of one tiny case."""

import json
from functools import partial

import pytest

import fastsde.benchmark
from fastsde.benchmark.cases import LANGEVIN, Case

TINY = Case("tiny", "a tiny one", (2, 2), LANGEVIN, trajectories=16)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Let the command measure one tiny case, and return what it was asked for."""
    asked = {}

    def measure(run, **options):
        asked.update(options)
        return run(**{**options, "quick": True}, chosen=[TINY], axes=[], target=1e-3)

    monkeypatch.setattr(fastsde.benchmark, "run_benchmark", partial(measure, fastsde.benchmark.run_benchmark))
    return asked


def test_bench_prints_tables(invoke, tiny):
    result = invoke("bench", "--quick", "--threads", 1, "--dtype", "float32")
    assert result.exit_code == 0
    assert tiny["quick"] is True
    assert tiny["threads"] == 1
    assert tiny["dtype"] == "float32"
    assert "a tiny one" in result.stdout
    assert "4 measurements" in result.stderr


def test_bench_prints_json(invoke, tiny):
    result = invoke("bench", "--json", "--threads", 1, "--progress", "none")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert tiny["quick"] is False
    assert tiny["dtype"] is None
    measured = json.loads(result.stdout)
    assert [case["name"] for case in measured["throughput"]] == ["tiny"]
    assert measured["limits"][0]["one"]["best"] > 0


def test_bench_draws(invoke, tmp_path):
    result = invoke("bench", "--figure", tmp_path / "bench.png", "--threads", 1)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == str(tmp_path / "bench.png")
    assert (tmp_path / "bench.png").stat().st_size > 10_000


def test_bench_measures_nothing_for_a_figure_that_has_no_place(invoke, tmp_path, tiny):
    result = invoke("bench", "--figure", tmp_path / "absent" / "bench.png")
    assert result.exit_code == 2
    assert not tiny
