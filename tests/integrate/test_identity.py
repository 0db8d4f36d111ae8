"""A trajectory is a function of (study, seed, number): not of threads, ranges, parts or vector width."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from landscape_studies import landscape_study
from studies import snapshots, study

import fastsde
from fastsde.system.errors import Interrupted

WHOLE = os.environ.get("FASTSDE_TESTS") == "all"
POPULATION = {"samples": "population"}
STUDENT = {"samples": "population", "inputs": {"kind": "student-t", "nu": 5.0}}
MODELS = {
    "gd": ({"kind": "gd", "substeps": 2}, {}),
    "epoch": ({"kind": "sgd", "sampling": "epoch"}, {}),
    "epoch of 4": ({"kind": "sgd", "sampling": "epoch", "batch": 4}, {}),
    "distinct": ({"kind": "sgd", "sampling": "without-replacement", "batch": 2}, {}),
    "replacement": ({"kind": "sgd", "sampling": "replacement", "batch": 3}, {}),
    "fresh": ({"kind": "sgd", "sampling": "fresh", "batch": 2}, POPULATION),
    "fresh student": ({"kind": "sgd", "sampling": "fresh"}, STUDENT),
    "fresh stable": (
        {"kind": "sgd"},
        {"samples": "population", "inputs": {"kind": "stable", "alpha": 1.7}, "rate": 1e-3},
    ),
    "langevin": ({"kind": "sde", "noise": "isotropic", "temperature": 0.01}, {}),
    "langevin local": ({"kind": "sde", "noise": "isotropic", "match_at": "local"}, {}),
    "gradient": ({"kind": "sde", "noise": "gradient"}, {}),
    "gradient epochs": ({"kind": "sde", "noise": "gradient", "batch": 4, "epoch_bridge": True}, {}),
    "gradient population": ({"kind": "sde", "noise": "gradient"}, STUDENT),
    "levy": ({"kind": "sde", "noise": "gradient", "alpha": 1.5}, {}),
    "tempered": ({"kind": "sde", "noise": "gradient", "alpha": 1.5, "tempering": 20.0}, {}),
}
ALL = [
    "loss", "gradient_norm", "modes", "singular_values", "effective_rank", "balance", "noise_trace",
    "update_noise", "mode_matrix", "end_to_end", "parameters",
]  # fmt: skip
COMPILED_ELSEWHERE = ("langevin local", "tempered")
"""Models whose noise is that of another model, with a factor of their own: with ``FASTSDE_TESTS=all``."""


def case(name, dtype="float64", **more):
    model, options = MODELS[name]
    data = {"rate": 0.02, "samples": 6, "steps": 7, **options, **more}
    return study((3, 4, 2), model, dtype=dtype, record={"observables": ALL}, **data)


def same(left, right, rows=slice(None)):
    values, outcome = left
    others, other = right
    for name, value in values.items():
        np.testing.assert_array_equal(value[:, rows], others[name], err_msg=name)
    for name, value in outcome.events.items():
        np.testing.assert_array_equal(value[rows], other.events[name], err_msg=name)


@pytest.mark.parametrize("name", [name for name in MODELS if WHOLE or name not in COMPILED_ELSEWHERE])
def test_threads_and_ranges_change_nothing(name):
    s = case(name)
    whole = snapshots(s, 150, threads=1)
    assert len(np.unique(whole[0]["loss"][-1])) == 150
    same(whole, snapshots(s, 150, threads=2))
    same(whole, snapshots(s, 47, first=100, threads=2), slice(100, 147))


@pytest.mark.parametrize("name", ["gradient", *("epoch", "langevin") * WHOLE])
def test_threads_and_ranges_change_nothing_in_single_precision(name):
    s = case(name, "float32")
    same(snapshots(s, 150, threads=1), snapshots(s, 33, first=101, threads=2), slice(101, 134))


@pytest.mark.parametrize("name", ["epoch", "gradient epochs"])
def test_a_finer_look_does_not_change_the_path(name):
    coarse = case(name, time={"snapshots": {"at": [5]}})
    fine, rough = snapshots(case(name), 20)[0], snapshots(coarse, 20)[0]
    np.testing.assert_array_equal(rough["parameters"], fine["parameters"][[0, 5, 7]])


def test_part_size_changes_nothing_on_disk(tmp_path):
    s = case("gradient").replace(trajectories=40)
    for folder, size in (("a", 40), ("b", 7)):
        fastsde.run(s, tmp_path / folder, part_size=size)
    with fastsde.open(tmp_path / "a") as a, fastsde.open(tmp_path / "b") as b:
        for name in a["m"].variables:
            np.testing.assert_array_equal(a["m"][name], b["m"][name], err_msg=name)


def test_models_start_from_one_law_and_on_request_from_the_same_points():
    def starts(kind):
        s = case("gd").replace(start=kind, models={"other": {"kind": "gd"}})
        first = []
        for name in ("m", "other"):
            fastsde.integrate(
                s, name, 0, 5, on_snapshot=lambda i, v: first.append(v["parameters"]) if i == 0 else None
            )
        return first

    np.testing.assert_array_equal(*starts("paired"))
    assert not np.any(np.equal(*starts("independent")))


def test_stopping_raises_interrupted():
    with pytest.raises(Interrupted):
        fastsde.integrate(case("gd"), "m", 0, 20, stop=lambda: True)


def test_first_passages_are_those_of_a_scan_over_every_step():
    s = study((3, 4, 2), {"kind": "sgd"}, steps=200, rate=0.02, record={"observables": ["loss", "modes"]},
              events={"loss_below": [1.5, 0.5, 1e-6], "mode_learned": [0.3, 0.8]})  # fmt: skip
    values, outcome = snapshots(s, 30)
    strength = fastsde.build_problem(s).mode_strength

    def first(holds):
        return np.where(holds.any(0), holds.argmax(0), -1)

    below = np.stack([first(values["loss"] < level) for level in (1.5, 0.5, 1e-6)], axis=1)
    learned = np.stack([first(values["modes"] >= f * strength) for f in (0.3, 0.8)], axis=1)
    np.testing.assert_array_equal(outcome.events["loss_below_step"], below)
    np.testing.assert_array_equal(outcome.events["mode_learned_step"], learned)
    assert (below[:, 2] == -1).all()
    assert (below[:, 0] > 0).any()


def test_divergences_are_dated_and_disturb_nobody():
    s = study((3, 4, 2), {"kind": "gd"}, steps=60, rate=0.05)
    calm = np.full((20, 20), 0.1) + np.arange(20)[:, None] * 0.01
    wild = calm.copy()
    wild[[3, 12]] = 40.0
    quiet, _ = snapshots(s, 20, start=calm)
    values, outcome = snapshots(s, 20, start=wild)
    steps = outcome.events["diverged_step"]
    assert set(np.flatnonzero(steps >= 0)) == {3, 12}
    loss = values["loss"]
    for k in (3, 12):
        assert np.isnan(loss[steps[k] :, k]).all()
        assert np.isfinite(loss[: steps[k], k]).all()
        assert 1 < steps[k] < 10
    others = [k for k in range(20) if k not in (3, 12)]
    np.testing.assert_array_equal(loss[:, others], quiet["loss"][:, others])


def bits():
    """A hash of both precisions: batches of a network, and stable noise on a landscape."""
    digest = hashlib.sha256()
    bowl = {"kind": "quadratic", "eigenvalues": [1.0, 0.2, 3.0], "start": {"std": 0.5}}
    levy = {"kind": "sde", "noise": "isotropic", "temperature": 0.1, "alpha": 1.5}
    record = {"observables": ["loss", "modes"]}
    for one in (
        study((3, 4, 2), {"kind": "sgd"}, dtype="float32", steps=5, record=record),
        landscape_study(bowl, levy, steps=5, record=record),
    ):
        for value in snapshots(one, 21)[0].values():
            assert np.isfinite(value).all()
            digest.update(value.tobytes())
    return digest.hexdigest()


@pytest.mark.slow
def test_the_width_of_the_vectors_changes_nothing():
    here = os.path.dirname(__file__)
    paths = os.pathsep.join([here, os.path.dirname(here)])
    environment = dict(os.environ, PYTHONPATH=paths, FASTSDE_VECTOR_BYTES="16")
    run = [sys.executable, "-c", "import test_identity\nprint(test_identity.bits())"]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == bits()
