"""Every peer has the law of ours, and the test would notice if it had not: ``pytest bench/test_law.py``.

Fixed seeds; each comparison turns a peer of the same law away with probability 0.001.
"""

import pytest

from bench import peers
from bench.law import compare
from bench.ours import run_of
from bench.setting import setting_of
from fastsde.benchmark.cases import CASES

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
    case, steps = named(name), 64
    run = next(iter(module.variants(setting_of(case, TRAJECTORIES, steps)).values()))
    law = compare(run_of(case, TRAJECTORIES, steps, None)(seed=1), run(2))
    assert law.same, law


@pytest.mark.filterwarnings("default")
def test_the_bare_loop_has_our_law():
    module = peers.load("torch")
    if module is None:
        pytest.skip("torch is not installed")
    case, count, steps = named("sgd-4-10"), 96, 96
    [run] = module.variants(setting_of(case, count, steps)).values()
    law = compare(run_of(case, count, steps, None)(seed=1), run(2))
    assert law.same, law


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("langevin-10", {"temperature": 0.012}),
        ("gradient-10", {"substeps": 2}),
        ("sgd-4-10", {"batch": 2}),
    ],
)
def test_another_law_is_noticed(name, change):
    case, steps = named(name), 64
    other = case.replace(model={**case.model, **change})
    law = compare(
        run_of(case, TRAJECTORIES, steps, None)(seed=1), run_of(other, TRAJECTORIES, steps, None)(seed=2)
    )
    assert not law.same, law


def test_a_run_that_diverged_is_not_the_same_law():
    assert not compare([1.0, 2.0, 3.0], [1.0, float("inf"), 3.0]).same
