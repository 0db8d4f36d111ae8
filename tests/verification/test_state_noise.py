"""Laws of noise that follows the state: multiplicative noise in a quartic well, and escape at equal trace."""

import numpy as np
import pytest
from landscape_studies import landscape_study
from scipy import stats

import fastsde

pytestmark = pytest.mark.statistics
MU = 1.5
TIME, STEP = 25.0, 25e-4


def squares(zeta, count=4000, **more):
    """x^2 at the end of ``dx = -mu (x^3 - x) dt + zeta x dW`` from 1 (Chen et al. 2023, x in sqrt(mu))."""
    well = {"kind": "double-well", "height": MU, "start": {"point": [1.0]}}
    model = {"kind": "sde", "noise": "multiplicative", "zeta": zeta, "substeps": 1, **more}
    study = landscape_study(well, model, rate=STEP, steps=round(TIME / STEP))
    return fastsde.integrate(study, "m", 0, count, threads=2).parameters[:, 0] ** 2


@pytest.mark.parametrize("sense", ["ito", "stratonovich"])
def test_the_stationary_law_of_multiplicative_noise_is_a_gamma_law(sense):
    """x^2 has the Gamma law of shape ``r - 1/2``, in Stratonovich's sense r, of rate ``r = mu / zeta^2``.

    Kolmogorov-Smirnov at 1e-4, of 4000 trajectories; relaxation takes 1 / (2 mu), a 75th of the time. The
    error of the step, of order ``mu dt = 0.004``, is below what they resolve. The law of the other sense is
    rejected.
    """
    found = squares(0.8, interpretation=sense)
    ratio = MU / 0.8**2
    shape = {"ito": ratio - 0.5, "stratonovich": ratio}
    other = {"ito": "stratonovich", "stratonovich": "ito"}[sense]
    assert stats.kstest(found, stats.gamma(shape[sense], scale=1 / ratio).cdf).pvalue > 1e-4
    assert stats.kstest(found, stats.gamma(shape[other], scale=1 / ratio).cdf).pvalue < 1e-4


def test_trajectories_collapse_beyond_twice_the_curvature():
    """ln |x| near 0 drifts by ``mu - zeta^2 / 2``: the collapse begins at ``zeta^2 = 2 mu = 3``.

    Below it (2) the share of the stationary law below |x| = 1e-3 is that of a Gamma law of shape 1/4, with a
    bound of 6 standard errors. Above it (6) the walk of ln |x| is at ``-1.5 t = -37`` with standard deviation
    ``2.45 sqrt(t) = 12``, so that 0.994 are below ``ln 1e-3 = -6.9``, but for those held up by the well.
    """
    below, above = (np.mean(squares(np.sqrt(z)) < 1e-6) for z in (2.0, 6.0))
    share = stats.gamma(0.25, scale=1 / 0.75).cdf(1e-6)
    assert abs(below - share) < 6 * np.sqrt(share / 4000)
    assert above > 0.95
    assert np.mean(squares(np.sqrt(6.0), interpretation="stratonovich") < 1e-6) < 0.1


FORMS = {
    "isotropic": {"noise": "isotropic"},
    "diagonal": {"noise": "gradient-diagonal"},
    "hessian": {"noise": "hessian"},
    "leading": {"noise": "hessian-leading"},
}


def test_noise_along_the_steep_direction_leaves_a_sharp_minimum_more_often():
    """Trace 0.01 in each of 500 steps (Zhu et al. 2019): isotropic, diagonal; Hessian; leading.

    2000 trajectories each: the bounds are 5 standard errors of a difference (0.016 at most) or more away from
    what 4000 others gave. At 45 degrees both variances of a sample's gradient are equal but for scatter.
    """
    left = {}
    for name, form in FORMS.items():
        study = landscape_study(
            {"kind": "two-basins"},
            {"kind": "sde", "substeps": 1, "trace": 2.0, **form},
            rate=0.005,
            steps=500,
        )
        ends = fastsde.integrate(study, "m", 0, 2000, threads=2).parameters
        left[name] = np.mean(ends.sum(axis=1) < 0)
    assert abs(left["isotropic"] - left["diagonal"]) < 0.05
    assert left["hessian"] > left["diagonal"] + 0.2
    assert left["leading"] > left["hessian"] + 0.05
