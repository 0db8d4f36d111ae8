"""What an interactive session shows of ensembles and results: one line that says what they are."""

import dataclasses

import numpy as np
import pytest
from fakes import fake_ensemble
from studies import study

import fastsde
from fastsde.analysis import Settings, analyze
from fastsde.analysis.distances.head_to_head import compare
from fastsde.system.brief import LENGTH

LONGEST = LENGTH + 100


@pytest.fixture(scope="module")
def analysis():
    quick = Settings(permutations=19, directions=8, sliced_limit=60, kernel_limit=60, bootstrap=20)
    return analyze(fake_ensemble(60, 6), settings=quick)


def test_an_ensemble_says_what_it_holds_open_and_closed(finished_run):
    with fastsde.open(finished_run) as ensemble:
        assert repr(ensemble) == f"<Ensemble {finished_run / 'ensemble.h5'}: sgd, sde>"
        said = repr(ensemble["sde"])
    assert said.startswith("<Trajectories sde: 10 of 4 snapshots to step 40; loss, modes, ")
    assert len(said) < LONGEST
    assert repr(ensemble) == f"<Ensemble {finished_run / 'ensemble.h5'}: closed>"


def test_an_analysis_says_what_was_compared(analysis):
    said = repr(analysis)
    assert said.startswith("<Analysis of an ensemble in memory: ")
    assert "\n" not in said
    assert f"snapshots to step {int(analysis.step[-1]):,}" in said
    assert len(said) < LONGEST


def records(value):
    """Yield a record and all records in it."""
    if dataclasses.is_dataclass(value):
        yield value
        value = vars(value)
    if isinstance(value, dict):
        for one in value.values():
            yield from records(one)


def test_every_record_of_an_analysis_is_shown_in_one_line(analysis):
    found = list(records(analysis))
    assert len({type(one) for one in found}) > 20
    long = [type(one).__name__ for one in found if len(repr(one)) > LONGEST or "\n" in repr(one)]
    assert long == []
    name = next(iter(analysis.models))
    assert repr(analysis.models[name]).startswith(f"ModelResult(kind={analysis.models[name].kind!r}, ")


def test_results_of_functions_are_shown_in_one_line():
    s = study(steps=3)
    outcome = fastsde.integrate(s, "m", 0, 8)
    for one in (outcome, outcome.checkpoint, fastsde.build_problem(s)):
        assert len(repr(one)) < LONGEST
        assert "\n" not in repr(one)
    assert "parameters=<float64 8 x 20>" in repr(outcome)
    ensemble = fake_ensemble(60, 6)
    names = list(ensemble.names)[:2]
    for pair in compare(ensemble, names, settings=Settings(permutations=19)):
        assert len(repr(pair)) < LONGEST


def test_a_record_keeps_all_that_it_had():
    """A representation of a class does not become a field, nor part of comparisons."""
    one = fastsde.build_problem(study())
    assert "__repr__" not in {field.name for field in dataclasses.fields(one)}
    assert np.array_equal(dataclasses.replace(one, optimum_loss=1.0).teacher, one.teacher)
