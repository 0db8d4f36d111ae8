"""Every peer simulates the same law as fastsde, and the test detects others: ``pytest bench/test_law.py``.

Fixed seeds; each comparison rejects a peer with the same law with probability 0.001.
"""

import numpy as np
import pytest

from bench import peers
from bench.law import compare
from bench.ours import run_of
from bench.setting import setting_of
from fastsde.benchmark.cases import CASES

STEPS = {"langevin-10": 64, "gradient-10": 256, "sgd-4-10": 160}
"""Enough steps for the noise to affect the loss, which at first only decreases."""
PAIRS = [
    ("langevin-10", "torch"),
    ("langevin-10", "jax"),
    ("langevin-10", "numpy"),
    ("langevin-10", "diffrax"),
    ("gradient-10", "torch"),
    ("gradient-10", "jax"),
    ("gradient-10", "numpy"),
    ("sgd-4-10", "jax"),
]
TRAJECTORIES = 2048


def named(name):
    return next(case for case in CASES if case.name == name)


@pytest.mark.parametrize(("name", "peer"), PAIRS)
@pytest.mark.filterwarnings("default")
def test_peers_have_our_law(name, peer):
    module = peers.load(peer)
    if module is None:
        pytest.skip(f"{peer} is not installed")
    case, steps = named(name), STEPS[name]
    run = next(iter(module.variants(setting_of(case, TRAJECTORIES, steps)).values()))
    law = compare(run_of(case, TRAJECTORIES, steps, None)(seed=1), run(2))
    assert law.same, law


@pytest.mark.parametrize("peer", peers.NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("default")
def test_peers_compute_and_save_in_the_precision_of_the_case(peer, dtype):
    module = peers.load(peer)
    if module is None:
        pytest.skip(f"{peer} is not installed")
    setting = setting_of(named("langevin-10").replace(dtype=dtype), 32, 4)
    parameters, losses = next(iter(module.variants(setting).values()))(1)
    assert parameters.dtype == losses.dtype == dtype
    first, second, third = np.float64(parameters).reshape(32, 3, 10, 10).swapaxes(0, 1)
    deviation = third @ second @ first - setting.optimum
    expected = 0.5 * setting.scale * np.square(deviation).sum(axis=(1, 2)) + setting.floor
    np.testing.assert_allclose(losses, expected, rtol=2e-5 if dtype == "float32" else 1e-12)


@pytest.mark.filterwarnings("default")
def test_the_bare_loop_has_our_law():
    module = peers.load("torch")
    if module is None:
        pytest.skip("torch is not installed")
    case, count, steps = named("sgd-4-10"), 128, 160
    [run] = module.variants(setting_of(case, count, steps)).values()
    law = compare(run_of(case, count, steps, None)(seed=1), run(2))
    assert law.same, law


@pytest.mark.parametrize(
    ("name", "change", "steps"),
    [
        ("langevin-10", {"temperature": 0.009}, 64),
        ("gradient-10", {"batch": 2}, 256),
        ("sgd-4-10", {"batch": 2}, 1024),
        ("sgd-4-10", {"sampling": "replacement"}, 1024),
    ],
)
def test_another_law_is_noticed(name, change, steps):
    """Long enough runs: at 64 steps SGD still looks like gradient descent."""
    case = named(name)
    other = case.replace(model={**case.model, **change})
    law = compare(
        run_of(case, TRAJECTORIES, steps, None)(seed=1), run_of(other, TRAJECTORIES, steps, None)(seed=2)
    )
    assert not law.same, law


def test_a_run_that_diverged_is_not_the_same_law():
    ours = run_of(named("langevin-10"), TRAJECTORIES, 8, None)(seed=1)
    theirs = run_of(named("langevin-10"), TRAJECTORIES, 8, None)(seed=2)
    assert compare(ours, theirs).same
    theirs[0][0, 0] = float("inf")
    assert not compare(ours, theirs).same
