"""``fastsde compare``: what it prints, and what it refuses."""

import json

import pytest
from fakes import fake_ensemble

import fastsde.storage.ensemble


@pytest.fixture
def run(tmp_path, monkeypatch):
    class Open:
        def __enter__(self):
            return fake_ensemble(80, 8, ("sgd", "sgd_gauss", "langevin"), seed=2)

        def __exit__(self, *exception):
            return None

    monkeypatch.setattr(fastsde.storage.ensemble, "open_ensemble", lambda path, **options: Open())
    return tmp_path


def test_tables_and_a_sentence(invoke, run):
    result = invoke("compare", run, "--models", "sgd, langevin", "--permutations", "99", "--snapshot", "5")
    assert result.exit_code == 0, result.output
    for said in ("sgd and langevin at step", "Sinkhorn divergence", "95 % null quantile", "log10 loss"):
        assert said in result.stdout
    assert "sgd and langevin are distinguishable" in result.stdout
    assert list(run.iterdir()) == []


def test_several_models_get_one_table_per_step(invoke, run):
    arguments = ("--models", "sgd,langevin,sgd_gauss", "--permutations", "99", "--snapshot", "5")
    result = invoke("compare", run, *arguments)
    assert result.exit_code == 0, result.output
    assert "Sinkhorn divergence" not in result.stdout
    lines = [line.split() for line in result.stdout.splitlines() if "istinguishable" in line]
    assert [line[0] for line in lines[:2]] == ["sgd_gauss", "langevin"]
    assert "Nearest to sgd: sgd_gauss at step" in result.stdout
    detailed = invoke("compare", run, *arguments, "--details").stdout
    assert detailed.count("Sinkhorn divergence") == 3


def test_json(invoke, run):
    result = invoke("compare", run, "--models", "sgd,sgd_gauss,langevin", "--permutations", "19", "--json")
    found = json.loads(result.stdout)
    assert [(one["first"], one["second"]) for one in found] == [
        ("sgd", "sgd_gauss"), ("sgd", "langevin"), ("sgd_gauss", "langevin"),
    ]  # fmt: skip
    assert 0 < found[1]["pair"]["tests"]["energy"]["p_value"][0] <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "sgd"], "two different models"),
        (["--models", "sgd,nobody"], "no model 'nobody'"),
        (["--models", "sgd,langevin", "--snapshot", "99"], "no snapshot 99"),
        ([], "--models"),
    ],
)
def test_bad_input(invoke, run, arguments, message):
    result = invoke("compare", run, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_needs_an_ensemble(invoke, tmp_path):
    result = invoke("compare", tmp_path, "--models", "sgd,gd")
    assert result.exit_code == 2
    assert "no ensemble" in result.stderr


def test_a_step_beyond_the_end_is_said(invoke, run):
    arguments = ("compare", run, "--models", "sgd,langevin", "--permutations", "19")
    result = invoke(*arguments, "--step", "50000")
    assert "note: the run ends at step 20,000, before step 50,000; step 20,000 is compared" in result.stderr
    assert "note" not in invoke(*arguments, "--step", "19000").stderr


def test_progress_is_told_on_stderr(invoke, run):
    result = invoke(
        "compare", run, "--models", "sgd,langevin", "--permutations", "19", "--progress", "log", "--json"
    )
    assert "compare" in result.stderr
    assert json.loads(result.stdout)
