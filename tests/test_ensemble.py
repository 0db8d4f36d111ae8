"""Integration as a whole: the same bits however it is cut up, first passages, explosions, and what the caller sees."""

import numpy as np
import pytest
from small_studies import (
    GRADIENT,
    ISOTROPIC,
    MODELS,
    POPULATION_MODELS,
    every_model,
    integrated,
    one_model,
    random_points,
    reference,
)

import fastsde
from fastsde.errors import Interrupted

EVERYTHING = [
    "loss", "gradient_norm", "modes", "singular_values", "effective_rank", "balance", "noise_trace",
    "update_noise", "mode_matrix", "end_to_end", "parameters",
]  # fmt: skip
ALL_MODELS = [*MODELS, *POPULATION_MODELS]


def assert_same_bits(got, expected, rows=slice(None)):
    """Compare snapshots and events of two integrations bit by bit, the second cut to `rows`."""
    for name, values in got[0].items():
        np.testing.assert_array_equal(values, expected[0][name][:, rows], err_msg=name)
    for name, values in got[1].events.items():
        np.testing.assert_array_equal(values, expected[1].events[name][rows], err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("model", ALL_MODELS)
def test_numbers_depend_on_neither_threads_nor_the_range(model, dtype):
    study = every_model(
        model,
        dtype=dtype,
        steps=15,
        time={"snapshots": {"at": [4, 5]}},
        record={"observables": EVERYTHING},
        events={"loss_below": [1.0, 0.4], "mode_learned": [0.3, 0.8]},
    )
    whole = integrated(study, 256, threads=1)
    assert all(np.isfinite(values).all() for values in whole[0].values())
    assert not np.array_equal(whole[0]["loss"][-1, 0], whole[0]["loss"][-1, 1])
    assert_same_bits(integrated(study, 256, threads=2), whole)
    assert_same_bits(integrated(study, 100, 100, threads=2), whole, slice(100, 200))
    assert_same_bits(integrated(study, 1, 77, threads=1), whole, slice(77, 78))


@pytest.mark.parametrize("model", ALL_MODELS)
def test_snapshots_change_nothing(model):
    few = every_model(model, steps=11)
    many = every_model(model, steps=11, time={"snapshots": {"count": 12, "spacing": "linear"}})
    sparse, dense = integrated(few, 9), integrated(many, 9)
    for name, values in sparse[0].items():
        np.testing.assert_array_equal(values, dense[0][name][[0, -1]], err_msg=name)
    np.testing.assert_array_equal(sparse[1].parameters, dense[1].parameters)


def test_trajectories_and_steps_beyond_32_bits_have_draws_of_their_own():
    study = one_model({"kind": "sgd"}, widths=(2, 2), record={"observables": ["parameters"]})
    starts = [integrated(study, 4, first)[0]["parameters"][0] for first in (0, 2**32, 2**33, 2**39)]
    assert len(np.unique(np.concatenate(starts), axis=0)) == 16


def two_models(**changes):
    study = one_model({"kind": "gd"}, **changes)
    return study.replace(models={"m": {"kind": "gd"}, "other": {"kind": "sgd"}})


@pytest.mark.parametrize(("start", "equal"), [("paired", True), ("independent", False)])
def test_models_start_from_the_same_points_only_when_paired(start, equal):
    study = two_models(start=start, record={"observables": ["parameters"]})
    firsts = []
    for name in study.models:
        kept = []
        fastsde.integrate(study, name, 3, 20, on_snapshot=lambda _, v, kept=kept: kept.append(v))
        firsts.append(kept[0]["parameters"])
    assert np.array_equal(*firsts) == equal
    assert len(np.unique(firsts[0], axis=0)) == 20


def first_step(hit, every=1):
    """First step at which each column of `hit` (steps, ...) holds, looking every so often and at the end; or -1."""
    looked = np.zeros(len(hit), dtype=bool)
    looked[::every] = looked[-1] = True
    seen = hit & looked.reshape(-1, *(1,) * (hit.ndim - 1))
    return np.where(seen.any(axis=0), seen.argmax(axis=0), -1)


@pytest.mark.parametrize("every", [1, 7])
@pytest.mark.parametrize(
    "model", [{"kind": "sgd", "sampling": "epoch"}, {**GRADIENT, "substeps": 1}, {"kind": "gd"}]
)
def test_first_passages_are_those_of_a_scan_over_every_step(model, every):
    levels, fractions = [3.0, 0.5, 0.12, 1e-9], [0.1, 0.5, 0.95]
    study = one_model(
        model,
        steps=200,
        rate=0.04,
        time={"snapshots": {"count": 201, "spacing": "linear"}},
        record={"observables": ["loss", "modes"]},
        events={"loss_below": levels, "mode_learned": fractions, "every": every},
    )
    strength = fastsde.build_problem(study).mode_strength
    values, outcome = integrated(study, 50)
    below = values["loss"][..., None] < levels
    learned = values["modes"][:, :, None] >= np.array(fractions)[:, None] * strength
    np.testing.assert_array_equal(outcome.events["loss_below_step"], first_step(below, every))
    np.testing.assert_array_equal(outcome.events["mode_learned_step"], first_step(learned, every))
    passed = outcome.events["loss_below_step"]
    assert (passed[:, 3] == -1).all()
    assert len(np.unique(passed[:, 1])) > 10 or every > 1
    assert (outcome.events["exploded_step"] == -1).all()


def test_passages_and_dt_count_integrator_steps():
    coarse, fine = (
        one_model({"kind": "gd", "substeps": k}, steps=60, rate=0.02, events={"loss_below": [0.5]})
        for k in (1, 10)
    )
    (_, one), (_, ten) = integrated(coarse, 20), integrated(fine, 20)
    assert ten.attributes["dt"] == pytest.approx(0.002)
    assert ten.attributes["substeps"] == 10
    ratio = ten.events["loss_below_step"][:, 0] / one.events["loss_below_step"][:, 0]
    assert np.all((ratio > 8) & (ratio < 12))


EXPLOSIVE = {
    "sgd": ({"kind": "sgd", "sampling": "replacement"}, {}),
    "large-batch": (MODELS["large-batch"], {}),
    "gradient": ({**GRADIENT, "substeps": 1, "sampling": "replacement"}, {}),
    "fresh": ({"kind": "sgd"}, {"samples": "population"}),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("model", EXPLOSIVE)
def test_explosions_are_counted_and_touch_no_other_trajectory(model, dtype):
    dynamics, data = EXPLOSIVE[model]
    study = one_model(
        dynamics,
        rate=0.33,
        steps=60,
        dtype=dtype,
        data=data,
        time={"snapshots": {"count": 61, "spacing": "linear"}},
        record={"observables": EVERYTHING},
        events={"loss_below": [1e-30]},
    )
    values, outcome = integrated(study, 64)
    step = outcome.events["exploded_step"]
    exploded = step >= 0
    assert 3 < exploded.sum() < 61
    for name, value in values.items():
        nan = np.isnan(value).reshape(*value.shape[:2], -1)
        assert np.array_equal(nan.any(axis=2), nan.all(axis=2)), name
        np.testing.assert_array_equal(nan.all(axis=2), values_after(step, 61), err_msg=name)
    assert (outcome.events["loss_below_step"] == -1).all()
    survivor = int(np.flatnonzero(~exploded)[0])
    assert_same_bits(integrated(study, 1, survivor), (values, outcome), slice(survivor, survivor + 1))


def values_after(step, snapshots):
    """Say which snapshots come at or after the explosion, (snapshots, trajectories)."""
    return (step >= 0) & (np.arange(snapshots)[:, None] >= step)


def test_stable_noise_of_the_sde_is_tamed_and_does_not_explode():
    model = {**GRADIENT, "alpha": 1.3, "substeps": 8, "sampling": "replacement"}
    study = one_model(model, rate=0.05, steps=400)
    values, outcome = integrated(study, 64)
    assert (outcome.events["exploded_step"] == -1).all()
    assert np.isfinite(values["loss"]).all()
    untamed = one_model({**model, "substeps": 1}, rate=0.05, steps=400)
    assert (integrated(untamed, 64)[1].events["exploded_step"] >= 0).sum() > 5


def test_the_callers_see_snapshots_in_order_and_all_progress():
    study = one_model(
        {**ISOTROPIC, "temperature": 0.1, "substeps": 3}, steps=9, time={"snapshots": {"at": [2, 5]}}
    )
    indices, progress = [], []
    fastsde.integrate(
        study, "m", 0, 37, on_snapshot=lambda i, _: indices.append(i), on_progress=progress.append, threads=2
    )
    assert indices == [0, 1, 2, 3]
    assert progress == sorted(progress)
    assert progress[-1] == 37 * 9 * 3


def test_stopping_interrupts():
    with pytest.raises(Interrupted):
        integrated(one_model({"kind": "gd"}), 8, stop=lambda: True)


def test_given_starting_points_replace_the_initialisation():
    study = one_model({"kind": "gd"}, record={"observables": ["parameters"]})
    start = random_points(study, 11)
    kept = start.copy()
    values, outcome = integrated(study, 11, start=start)
    np.testing.assert_array_equal(values["parameters"][0], start)
    np.testing.assert_array_equal(values["parameters"][-1], outcome.parameters)
    np.testing.assert_array_equal(start, kept)
    assert outcome.parameters.shape == (11, reference(study).size)


def test_what_does_not_exist_is_nan():
    data = {"samples": "population", "inputs": {"kind": "student-t", "nu": 3.0}, "label_noise": 0.3}
    study = one_model({"kind": "sgd"}, data=data, rate=1e-3)
    values, _ = integrated(study)
    assert np.isnan(values.pop("noise_trace")).all()
    assert all(np.isfinite(value).all() for value in values.values())
