"""Two degenerate minima: the Bayes posterior against Langevin dynamics at 1/n, and SGD, which sticks."""

import numpy as np
import pytest
from landscape_studies import landscape_study, run
from scipy import stats

N, ROOTS, BARRIER = 100, (-0.5, 0.5), -1 / 6
LANDSCAPE = {
    "kind": "polynomial-regression",
    "roots": list(ROOTS),
    "orders": [2, 4],
    "scale": 2.0,
    "samples": N,
    "seed": 1,
    "start": {"point": [-0.2], "std": 0.2},
}
COUNT = 1024


def end(model, steps):
    study = landscape_study(LANDSCAPE, model, rate=0.01, steps=steps, time={"snapshots": {"at": [0, steps]}})
    return run(study, COUNT)[0]["parameters"][[0, -1], :, 0]


def posterior():
    """Values of w, and the distribution function there, by quadrature of ``exp(-n L)``."""
    numbers = landscape_study(LANDSCAPE, {"kind": "gd"}).landscape.numbers()
    w = np.linspace(-4, 4, 80_001)
    f = 2 * (w + 0.5) ** 2 * (w - 0.5) ** 4
    square, product = np.mean(numbers.inputs**2), np.mean(numbers.inputs * numbers.labels)
    density = np.exp(-N * (square * f * f / 2 - product * f))
    return w, np.cumsum(density) / density.sum()


@pytest.mark.statistics
def test_langevin_dynamics_at_one_over_n_samples_the_posterior():
    """Kolmogorov-Smirnov, false alarm 1e-3; four times the temperature is refused."""
    w, cdf = posterior()

    def pvalue(temperature, steps):
        model = {"kind": "sde", "noise": "isotropic", "temperature": temperature, "substeps": 1}
        return stats.kstest(end(model, steps)[1], lambda x: np.interp(x, w, cdf)).pvalue

    assert pvalue(1 / N, 20_000) > 1e-3
    assert pvalue(4 / N, 5_000) < 1e-3  # negative control


@pytest.mark.statistics
def test_sgd_stays_at_the_degeneracy_of_its_side_where_the_posterior_does_not():
    """No chain crosses the barrier, and more of them are close to the roots than of the posterior."""
    w, cdf = posterior()
    start, last = end({"kind": "sgd", "batch": 30, "sampling": "replacement"}, 20_000)
    crossed = (start > BARRIER) != (last > BARRIER)
    assert crossed.mean() < 0.02
    near = np.mean(np.min(np.abs(last[:, None] - ROOTS), axis=1) < 0.25)
    expected = sum(np.diff(np.interp([root - 0.25, root + 0.25], w, cdf))[0] for root in ROOTS)
    assert near > expected + 0.2
    share = 1 - np.interp(BARRIER, w, cdf)
    assert abs(np.mean(last > BARRIER) - share) > 5 * np.sqrt(share * (1 - share) / COUNT)
