"""Finite volumes, jumps and fractional time against exact laws."""

import numpy as np
import pytest
from scipy.linalg import solve_continuous_lyapunov
from scipy.sparse.linalg import spsolve
from scipy.special import erfcx, gamma, ndtr

from fastsde.analysis.density.drift_diffusion import generator, selling
from fastsde.analysis.density.dynamics import Dynamics
from fastsde.analysis.density.evolution import ImplicitEuler, SplitStep, evolve
from fastsde.analysis.density.fractional_laplacian import FarJumps, far_jumps_matrix, neighbour_rates
from fastsde.analysis.density.fractional_time import evolve_fractional
from fastsde.analysis.density.grid import Grid, start_masses
from fastsde.analysis.density.solve import Start, density, find_domain, full_generator

POINT = Start(np.array([[1.0]]), np.zeros(1))


def well(temperature=0.1, **more):
    """The double well ``x^4 / 4 - x^2 / 2``."""
    return Dynamics(
        1,
        lambda x: x[:, 0] ** 4 / 4 - x[:, 0] ** 2 / 2,
        lambda x: x**3 - x,
        np.array([[2 * temperature]]),
        **more,
    )


def bowl(variance, dimension=1, **more):
    """The bowl ``|x|^2 / 2`` under noise of a covariance."""
    return Dynamics(
        dimension, lambda x: np.sum(x**2, axis=1) / 2, lambda x: x, variance * np.eye(dimension), **more
    )


def linear(matrix, covariance):
    """An Ornstein-Uhlenbeck process, ``dx = -A x dt + B dW``."""
    return Dynamics(2, lambda x: 0 * x[:, 0], lambda x: 0 * x, covariance, correction=lambda x: -x @ matrix.T)


def stationary(matrix):
    """The masses that a sparse generator leaves as they are."""
    fixed = matrix.tolil()
    fixed[0] = 1.0
    return spsolve(fixed.tocsc(), np.eye(1, matrix.shape[0])[0])


def test_the_gibbs_law_is_stationary_to_rounding():
    grid = Grid.over([(-2.5, 2.5)], [37])
    energy = well().potential(grid.points)
    gibbs = np.exp(-energy / 0.1)
    rates = generator(well(), grid)
    assert np.abs(rates @ gibbs).max() < 1e-11 * np.abs(rates).max()
    assert np.abs(rates @ np.exp(-energy / 0.12)).max() > 1e-3 * np.abs(rates).max()


def multiplicative(sense):
    """The quartic well of Chen, Kunin et al. 2023, mu = 1.5, zeta^2 = 1."""
    return Dynamics(
        1,
        lambda x: 1.5 * (x[:, 0] ** 4 / 4 - x[:, 0] ** 2 / 2),
        lambda x: 1.5 * (x**3 - x),
        lambda x: x[:, :, None] ** 2,
        sense=sense,
    )


def exact_multiplicative(sense, edges):
    """Masses of ``|x|^(2 mu - 2 (1 - a)) exp(-mu x^2)``: the Gamma law of ``x^2``."""
    from scipy.stats import gamma as law

    return np.diff(law.cdf(edges**2, 1.5 - 0.5 + sense, scale=1 / 1.5))


@pytest.mark.parametrize("sense", [0.0, 0.5, 1.0])
def test_multiplicative_noise_has_its_law_in_every_sense_to_second_order(sense):
    errors = []
    for cells in (60, 120, 240):
        grid = Grid((np.linspace(0.0, 3.5, cells + 1),))
        errors.append(
            np.abs(
                stationary(generator(multiplicative(sense), grid))
                - exact_multiplicative(sense, grid.edges[0])
            ).sum()
        )
    assert errors[-1] < 1e-3
    assert np.log2(errors[0] / errors[2]) / 2 > 1.7
    other = exact_multiplicative(0.5 if sense != 0.5 else 0.0, grid.edges[0])
    assert np.abs(stationary(generator(multiplicative(sense), grid)) - other).sum() > 0.1


DRIFT = np.array([[1.0, 0.5], [-0.2, 2.0]])
ROOT = np.array([[1.0, 0.0], [0.4, 0.7]])


def test_an_ornstein_uhlenbeck_process_has_the_covariance_and_the_current_of_lyapunovs_equation():
    noise = ROOT @ ROOT.T
    exact = solve_continuous_lyapunov(DRIFT, noise)
    grid = Grid.over([(-3.3, 3.3), (-2.1, 2.1)], [72, 72])
    rates = generator(linear(DRIFT, noise), grid)
    mass = stationary(rates)
    found = np.einsum("n,ni,nj->ij", mass, grid.points, grid.points)
    assert np.abs(found - exact).max() < 0.006
    jumps = rates.tocoo()
    before, after = grid.points[jumps.col], grid.points[jumps.row]
    swept = (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) / 2
    area = float(np.sum(jumps.data * mass[jumps.col] * swept * (jumps.row != jumps.col)))
    assert area == pytest.approx(0.0208333, rel=0.01)


def test_rotation_keeps_the_gibbs_law_and_makes_a_current():
    turn = np.array([[0.0, 2.0], [-2.0, 0.0]])
    grid = Grid.over([(-2.5, 2.5)] * 2, [60, 60])
    covariances, masses = [], []
    for rotation in (None, turn):
        masses.append(stationary(generator(bowl(0.4, 2, rotation=rotation), grid)))
        covariances.append(np.einsum("n,ni,nj->ij", masses[-1], grid.points, grid.points))
    assert np.allclose(covariances[1], 0.2 * np.eye(2), atol=4e-3)
    assert np.abs(masses[0] - masses[1]).sum() < 0.01
    still = generator(bowl(0.4, 2), grid) @ masses[0]
    turning = generator(bowl(0.4, 2, rotation=turn), grid) @ start_masses(
        grid, np.array([[1.0, 0.0]]), np.full(2, 0.2)
    )
    assert np.abs(still).max() < 1e-10
    assert turning @ grid.points[:, 1] == pytest.approx(2.0, rel=0.02)


def test_second_order_in_the_size_of_a_cell():
    errors = []
    for cells in (40, 80, 160):
        grid = Grid((np.linspace(-2.0, 2.5, cells + 1),))
        start = start_masses(grid, np.array([[1.0]]), np.array([0.3]))
        found = evolve(ImplicitEuler(generator(bowl(0.2), grid)), start, np.array([0.7]), 1e-5)[0]
        mean, variance = np.exp(-0.7), 0.1 + (0.09 - 0.1) * np.exp(-1.4)
        exact = np.diff(ndtr((grid.edges[0] - mean) / np.sqrt(variance)))
        errors.append(np.abs(found - exact).sum())
    assert errors[-1] < 2e-3
    assert np.log2(errors[0] / errors[2]) / 2 == pytest.approx(2.0, abs=0.25)


@pytest.mark.parametrize(("barrier", "exact"), [(0.0, 30.821), (0.5, 58.877), (1.0, 66.269)])
def test_mean_first_passage_over_a_barrier(barrier, exact):
    step = 0.02
    edges = np.arange(-2.5, barrier - step / 4, step) if barrier else np.arange(-2.5, -step / 4, step)
    grid = Grid((np.append(edges, [edges[-1] + step, edges[-1] + 2 * step]) - step / 2,))
    inside = grid.points[:, 0] < barrier - step / 4
    rates = generator(well(), grid)[inside][:, inside]
    times = spsolve(rates.T.tocsc(), -np.ones(inside.sum()))
    assert np.interp(-1.0, grid.points[inside, 0], times) == pytest.approx(exact, rel=3e-3)


def test_the_wells_equilibrate_at_the_slowest_rate_of_the_generator():
    found = density(well(), POINT, np.array([20.0, 60.0]), cells=160)
    rates = full_generator(well(), found.grid).toarray()
    slowest = np.sort(np.linalg.eigvals(rates).real)[-2]
    right = found.mass[:, found.grid.centres[0] > 0].sum(axis=1) - 0.5
    assert np.log(right[1] / right[0]) / 40 == pytest.approx(slowest, rel=2e-3)


def every_kind():
    """One equation of every kind of generator, fast or slow against its noise."""
    tensor = np.array([[1.0, 0.999], [0.999, 1.0]])
    return {
        "advected": bowl(1e-4),
        "still": bowl(0.0),
        "multiplicative": multiplicative(0.5),
        "tensor": linear(DRIFT, tensor),
        "rotating": bowl(1e-3, 2, rotation=np.array([[0.0, 3.0], [-3.0, 0.0]])),
        "stable": bowl(0.1, alpha=1.5),
        "stable, following": Dynamics(
            1, lambda x: 0 * x[:, 0], lambda x: x, lambda x: x[:, :, None] ** 2, alpha=1.2
        ),
        "stable, two": bowl(0.1, 2, alpha=1.3),
        "stable, components": bowl(0.1, 2, alpha=0.8, by_component=True),
        "fractional": bowl(0.1, beta=0.6),
    }


@pytest.mark.parametrize("kind", list(every_kind()))
def test_masses_stay_positive_and_keep_their_sum(kind):
    dynamics = every_kind()[kind]
    start = Start(np.full((1, dynamics.dimension), 0.6), np.zeros(dynamics.dimension))
    domain = [(-1.0, 1.0)] * dynamics.dimension
    found = density(dynamics, start, np.array([0.0, 0.3, 5.0]), domain, 24)
    assert found.mass.min() >= 0
    assert found.mass.reshape(3, -1).sum(axis=1) == pytest.approx(1.0, abs=1e-9)


def test_any_covariance_is_decomposed_with_positive_weights():
    random = np.random.default_rng(3)
    roots = random.normal(size=(500, 2, 2)) * np.array([1.0, 0.05])
    matrices = roots @ np.swapaxes(roots, 1, 2)
    weights, offsets = selling(matrices)
    assert weights.min() >= 0
    again = np.einsum("nk,nki,nkj->nij", weights, offsets, offsets)
    assert np.allclose(again, matrices, atol=1e-9 * np.abs(matrices).max())


@pytest.mark.parametrize("alpha", [0.8, 1.5, 1.9])
def test_the_fractional_laplacian_is_of_second_order(alpha):
    """Of ``exp(-x^2)`` at 0 it is ``2^alpha Gamma((1 + alpha) / 2) / Gamma(1/2)``."""
    exact = 2**alpha * gamma((1 + alpha) / 2) / gamma(0.5)
    errors = []
    for cells in (101, 201, 401):
        grid = Grid((np.linspace(-12.0, 12.0, cells + 1),))
        bell = np.exp(-(grid.points[:, 0] ** 2))
        far = far_jumps_matrix(alpha, cells, float(grid.spacing[0]))
        near = neighbour_rates(alpha, grid, by_component=True, shares=np.ones(1))[0]
        middle = cells // 2
        found = far @ bell + near * np.convolve(bell, [1, -2, 1], "same")
        errors.append(abs(found[middle] + exact))
    assert errors[-1] < 2e-3 * exact
    assert np.log2(errors[0] / errors[2]) / 2 == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("by_component", [False, True])
def test_jumps_in_two_dimensions_have_the_characteristic_function_of_their_law(by_component):
    """Along the diagonal the laws differ: ``2^(1 - alpha/2)`` times the exponent by component."""
    grid = Grid.over([(-20.0, 20.0)] * 2, [200, 200])
    alpha, time, wave = 1.2, 0.4, 1.0
    near = neighbour_rates(alpha, grid, by_component=by_component, shares=np.ones(2))
    step = SplitStep(
        generator(bowl(2.0, 2, alpha=alpha), grid, near) * 0,
        FarJumps(alpha, grid, np.ones(2), by_component=by_component),
    )
    start = start_masses(grid, np.zeros((1, 2)), np.full(2, 0.3))
    mass = step(start, time)
    slow = time * 2 * (1 - np.cos(wave * 0.2)) * near
    for direction, factor in (((1, 0), 1.0), ((1, 1), 2.0 if by_component else 2 ** (alpha / 2))):
        turns = np.cos(wave * grid.points @ np.array(direction))
        found = np.log(mass @ turns / (start @ turns)) - np.dot(direction, slow)
        assert found == pytest.approx(-time * factor, rel=0.02)


@pytest.mark.parametrize("dense", [False, True])
def test_the_stable_ornstein_uhlenbeck_law_has_its_scale(dense):
    """Quantiles of the symmetric stable law of scale ``(alpha lam)^(-1/alpha)``, physics of stable noise."""
    covariance = (lambda x: np.full((len(x), 1, 1), 2.0)) if dense else np.array([[2.0]])
    process = Dynamics(1, lambda x: x[:, 0] ** 2 / 2, lambda x: x, covariance, alpha=1.5)
    start = Start(np.zeros((1, 1)), np.zeros(1))
    domain, cells = ([(-20.0, 20.0)], 300) if dense else (None, None)
    found = density(process, start, np.array([12.0]), domain, cells)
    scale = 1.5 ** (-1 / 1.5)
    below = np.cumsum(found.mass[-1])
    for share, quantile in ((0.75, 0.9689), (0.95, 3.0519)):
        assert np.interp(share, below, found.grid.edges[0][1:]) == pytest.approx(scale * quantile, rel=0.015)
    assert found.outward[-1] < 0.02


def test_the_fractional_mean_is_a_mittag_leffler_function_at_the_order_of_the_scheme():
    grid = Grid.over([(-2.0, 2.0)], [100])
    rates = generator(bowl(0.2), grid)
    start = start_masses(grid, np.array([[1.0]]), np.zeros(1))
    times = np.array([0.1, 1.0, 10.0])
    slowest = -np.sort(np.linalg.eigvals(rates.toarray()).real)[-2]
    errors = []
    for steps in (20, 40, 80):
        found = evolve_fractional(rates, start, times, 0.5, 1.0, steps) @ grid.centres[0]
        errors.append(np.abs(found - erfcx(slowest * np.sqrt(times))).max())
    assert slowest == pytest.approx(1.0, rel=5e-3)
    assert errors[-1] < 2e-3
    assert np.log2(errors[0] / errors[1]) > 1.2
    scaled = evolve_fractional(rates, start, times, 0.5, 4.0, 80) @ grid.centres[0]
    assert scaled == pytest.approx(erfcx(slowest * 2 * np.sqrt(times)), abs=4e-3)


def test_the_box_holds_the_density():
    box = find_domain(well(), POINT, np.array([50.0]))
    assert -2.6 < box[0][0] < -1.6
    assert 1.6 < box[0][1] < 2.6
    saddle = Dynamics(1, lambda x: -(x[:, 0] ** 2) / 2, lambda x: -x, np.array([[0.2]]))
    low, high = find_domain(saddle, Start(np.zeros((1, 1)), np.zeros(1)), np.array([3.0]))[0]
    spread = np.sqrt(0.1 * (np.exp(6.0) - 1))
    assert 3.5 * spread < min(-low, high)
    assert max(-low, high) < 20 * spread


def test_the_error_of_a_density_is_estimated():
    times = np.array([0.7])
    found = density(bowl(0.2), Start(np.array([[1.0]]), np.array([0.3])), times, [(-2.0, 2.5)], 80)
    mean, variance = np.exp(-0.7), 0.1 + (0.09 - 0.1) * np.exp(-1.4)
    exact = np.diff(ndtr((found.grid.edges[0] - mean) / np.sqrt(variance)))
    error = np.abs(found.mass[0] - exact).sum() / 2
    assert 0.4 * error < found.error[0] < 2.5 * error
