"""Local learning coefficients: exact ones against other formulas, sampled ones against exact ones."""

import itertools
import json

import numpy as np
import pytest
from studies import study

import fastsde
from fastsde.analysis.learning_coefficient import exact_learning_coefficient, learning_coefficient
from fastsde.analysis.learning_coefficient.gibbs import gibbs
from fastsde.analysis.learning_coefficient.states import states_of
from fastsde.problem.data import build_problem
from fastsde.problem.network import DeepLinearNetwork
from fastsde.system.errors import RequestError


def reduced_rank(inputs, hidden, outputs, rank):
    """The coefficient and multiplicity of two layers (Aoyagi and Watanabe 2005, main theorem)."""
    m, h, n, r = inputs, hidden, outputs, rank
    if m + h < n + r:
        return (h * m - h * r + n * r) / 2, 1
    if n + h < m + r:
        return (h * n - h * r + m * r) / 2, 1
    if m + n < h + r:
        return m * n / 2, 1
    even = -((h + r) ** 2) - m * m - n * n + 2 * (h + r) * (m + n) + 2 * m * n
    odd = (m + h + n + r) % 2
    return (even + odd) / 8, 1 + odd


def half_codimension(widths, rank):
    """Half the codimension of the matrices with a given product of this rank, from the types of their orbits.

    A tuple of matrices is a sum of intervals [a, b] of layers (Gabriel); the codimension of an orbit is the
    dimension of Ext(M, M), the sum of -<I, J> over pairs for which Euler's form is negative.
    """
    last = len(widths) - 1
    intervals = [(a, b) for a in range(last + 1) for b in range(a, last + 1)]
    inside = {one: [int(one[0] <= k <= one[1]) for k in range(last + 1)] for one in intervals}

    def extensions(one, other):
        m, n = inside[one], inside[other]
        return max(
            0, sum(m[k] * n[k + 1] for k in range(last)) - sum(x * y for x, y in zip(m, n, strict=True))
        )

    table = np.array([[extensions(one, other) for other in intervals] for one in intervals])

    def types(place, left, chosen):
        if place == len(intervals):
            yield from [chosen] if not any(left) else []
            return
        a, b = intervals[place]
        if any(left[:a]):
            return
        most = min(left[a : b + 1])
        for count in (
            [rank] if (a, b) == (0, last) and rank <= most else range(most + 1) if b - a < last else []
        ):
            rest = [x - count if a <= k <= b else x for k, x in enumerate(left)]
            yield from types(place + 1, rest, [*chosen, count])

    least = min(np.array(one) @ table @ np.array(one) for one in types(0, list(widths), []))
    return (least + rank * (widths[0] + widths[-1] - rank)) / 2


def test_two_layers_are_reduced_rank_regression():
    for m, h, n in itertools.product(range(1, 8), repeat=3):
        for r in range(min(m, h, n) + 1):
            assert tuple(exact_learning_coefficient([m, h, n], r)) == reduced_rank(m, h, n, r)


def test_the_coefficient_is_half_a_codimension():
    cases = [*itertools.product((1, 2, 3), repeat=4), (2, 1, 2, 2, 1), (2, 2, 2, 2, 2), (4, 2, 3, 4), (3, 5)]
    for widths in cases:
        for rank in range(min(widths) + 1):
            assert exact_learning_coefficient(widths, rank).value == half_codimension(widths, rank)


def test_known_values_and_what_is_refused():
    assert exact_learning_coefficient([5, 3], 2) == (7.5, 1)  # regular: half the parameters
    assert exact_learning_coefficient([1, 1, 1, 1], 0) == (0.5, 3)  # (a b c)^2
    assert exact_learning_coefficient([4, 10, 10, 10, 4], 4) == (8.0, 1)  # of the map's 16 entries
    for widths, rank in (([3], 1), ([3, 2], 3), ([3, 0, 2], 0), ([3, 2], -1)):
        with pytest.raises(RequestError, match="no network of widths"):
            exact_learning_coefficient(widths, rank)


def learning(widths, strengths, **more):
    teacher = {"singular_values": strengths}
    a_study = study(widths, samples="population", noise=0.0, **more)
    return a_study.replace(data={"teacher": teacher})


NETWORKS = {
    "regular": ((4, 2, 4), [2.0, 1.0], 6.0),
    "two layers, one mode of three units": ((5, 3, 5), [2.0], 8.0),
    "three layers, one mode": ((4, 4, 4, 4), [2.0], 6.5),
}


@pytest.mark.statistics
@pytest.mark.parametrize("name", NETWORKS)
def test_estimates_hold_the_exact_value(name):
    """At ``n_beta = 1e10`` the bias is below 0.02; intervals of 99.9 %, widened by it. Negative controls: the
    coefficients of other ranks, and half the number of parameters, are outside."""
    widths, strengths, exact = NETWORKS[name]
    a_study = learning(widths, strengths, spectrum=(0.5, 2.0))
    _, states = states_of(a_study, "minimum")
    found = learning_coefficient(a_study, states, n_beta=1e10, steps=150, burn_in=150, chains=96)
    reach = 1.7 * (found.high[0] - found.value[0]) + 0.02
    assert found.exact[0] == exact
    assert abs(found.value[0] - exact) < reach
    others = [exact_learning_coefficient(widths, rank).value for rank in range(min(widths) + 1)]
    for other in [*others, states.size / 2]:
        assert other == exact or abs(found.value[0] - other) > reach


@pytest.mark.statistics
def test_the_bias_falls_with_n_beta():
    """Nothing to learn, widths 3-2-3: below the exact 2.5, and nearer for larger n_beta (fixed seed)."""
    a_study = learning((3, 2, 3), [1e-9], spectrum=(1.0, 1.0))
    found = learning_coefficient(
        a_study, np.zeros((1, 12)), n_beta=[1e2, 1e4, 1e8], steps=300, burn_in=100, chains=64
    )
    exact = exact_learning_coefficient((3, 2, 3), 0).value
    off = exact - found.value
    assert off[0] > 0.1 > abs(off[2])
    assert off[0] > off[1] > off[2]


@pytest.mark.statistics
def test_gibbs_draws_a_layer_from_its_law():
    """One round of a network of one layer is exact: the mean loss of 40,000 draws, on sheared inputs."""
    a_study = study((2, 3), samples=7, spectrum=(0.5, 2.0))
    network, problem = DeepLinearNetwork((2, 3)), build_problem(a_study)
    centre = np.linspace(-1, 1, 6)
    points = np.zeros((40_000, 6))
    trace = gibbs(network, problem, centre, (3.0, 0.5), points, np.random.default_rng(0), 0, 1)[0]
    precision = 3.0 * problem.covariance + 0.5 * np.eye(2)
    mean = (3.0 * problem.cross + 0.5 * centre.reshape(3, 2)) @ np.linalg.inv(precision)
    expected = network.loss(mean.ravel(), problem) - network.loss(centre, problem)
    expected += 1.5 * np.trace(problem.covariance @ np.linalg.inv(precision))
    assert trace.mean() == pytest.approx(expected, abs=4 * trace.std() / 200)


@pytest.mark.statistics
def test_the_samplers_agree_and_sgld_errs_with_its_step():
    """A regular network: MALA and Gibbs have the same mean within 4 standard errors; SGLD has it with a short
    step, and a larger one with a long step or a small batch."""
    a_study = study((3, 2, 3), samples=12, noise=0.0, spectrum=(0.5, 2.0))
    a_study = a_study.replace(data={"teacher": {"singular_values": [2.0, 1.0]}})
    _, states = states_of(a_study, "minimum")
    common = {"n_beta": 300.0, "gamma": 5.0, "chains": 48}
    exact = learning_coefficient(a_study, states, steps=400, **common)
    mala = learning_coefficient(a_study, states, sampler="mala", steps=1200, **common)
    short = learning_coefficient(a_study, states, sampler="sgld", step=4e-5, steps=1500, **common)
    long = learning_coefficient(a_study, states, sampler="sgld", step=5e-4, steps=400, **common)

    def apart(one, other):
        errors = [(each.high - each.value)[0] / 2 for each in (one, other)]
        return (one.value[0] - other.value[0]) / np.hypot(*errors)

    assert abs(apart(mala, exact)) < 4
    assert 0.4 < mala.accepted[0] < 0.8
    assert abs(apart(short, exact)) < 4
    assert apart(long, exact) > 8
    noisy = learning_coefficient(a_study, states, sampler="sgld", step=5e-4, batch=2, steps=400, **common)
    assert noisy.value[0] > long.value[0]


def test_a_saddle_is_no_minimum():
    a_study = study((3, 4, 3), samples="population", network={"init": {"kind": "saddle", "rank": 1}})
    names, states = states_of(a_study, "saddle")
    found = learning_coefficient(a_study, states, names=names, n_beta=1e3, steps=20, burn_in=50, chains=8)
    assert found.rows()[0]["note"] == "no minimum: chains find a lower loss"
    assert np.isnan(found.exact[0])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"sampler": "sgld"}, "sgld needs a step"),
        ({"sampler": "hmc"}, "no sampler 'hmc'"),
        ({"batch": 2}, "batches are of sgld"),
        ({"chains": 1}, "two chains or more"),
        ({"gamma": 0.0}, "above 0"),
    ],
)
def test_what_cannot_be_estimated_is_refused(more, words):
    a_study = study((3, 4, 3), samples="population")
    with pytest.raises(RequestError, match=words):
        learning_coefficient(a_study, np.zeros((1, 24)), **more)
    with pytest.raises(RequestError, match="starts at no saddle"):
        states_of(a_study, "saddle")


def test_the_command_prints_estimates(invoke_llc, tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(learning((3, 2, 3), [2.0]).to_toml())
    result = invoke_llc(path, "--nbeta", "1e3,1e6", "--steps", "50", "--chains", "8", "--json")
    document = json.loads(result.stdout)
    assert document["n_beta"] == [1e3, 1e6]
    assert document["exact"] == [3.5, 3.5]
    wrong = invoke_llc(path, "--at", "saddle")
    assert wrong.exit_code == 2
    assert "starts at no saddle" in wrong.stderr
    assert invoke_llc(path, "--nbeta", "x").exit_code == 2
    assert fastsde.exact_learning_coefficient is exact_learning_coefficient


@pytest.fixture
def invoke_llc():
    from click.testing import CliRunner

    from fastsde.cli import main

    return lambda *arguments: CliRunner().invoke(main, ["llc", *map(str, arguments)])
