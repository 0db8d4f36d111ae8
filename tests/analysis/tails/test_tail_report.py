"""The reference table of tail estimators on known laws, verdicts, mixtures and dependence."""

import numpy as np
import pytest

from fastsde.analysis.tails.estimators import (
    characteristic,
    group_moment,
    hill,
    log_moment,
    moment_tail,
    pickands,
    quantile_fit,
    reduced_bias,
)
from fastsde.analysis.tails.gaussian_null import FALSE_ALARMS, detectable_index, gaussian_test
from fastsde.analysis.tails.registry import ESTIMATORS
from fastsde.analysis.tails.tail_report import tail_report
from fastsde.analysis.tails.verdict import MEANING, QUIET

SIZE = 100_000


def judged(sample, *arguments, **options):
    """Report on rows that are independent draws."""
    return tail_report(sample, *arguments, unit=np.arange(len(sample)), **options)


def stable(alpha, shape, rng):
    """Chambers, Mallows and Stuck (1976), in its plain form."""
    angle, clock = rng.uniform(-np.pi / 2, np.pi / 2, shape), rng.exponential(size=shape)
    spread = (np.cos((1 - alpha) * angle) / clock) ** ((1 - alpha) / alpha)
    return np.sin(alpha * angle) / np.cos(angle) ** (1 / alpha) * spread


def clock(alpha, shape, rng):
    """One-sided stable values of index alpha / 2, by Kanter (1975): the shared clock of elliptical noise."""
    a = alpha / 2
    angle, wait = rng.uniform(0, np.pi, shape), rng.exponential(size=shape)
    first = np.sin(a * angle) / np.sin(angle) ** (1 / a)
    return first * (np.sin((1 - a) * angle) / wait) ** ((1 - a) / a)


LAWS = {
    "stable 1.2": lambda rng: stable(1.2, SIZE, rng),
    "stable 1.5": lambda rng: stable(1.5, SIZE, rng),
    "stable 1.9": lambda rng: stable(1.9, SIZE, rng),
    "gaussian": lambda rng: rng.standard_normal(SIZE),
    "student 3": lambda rng: rng.standard_t(3, SIZE),
    "laplace": lambda rng: rng.laplace(size=SIZE),
    "gaussian x lognormal": lambda rng: rng.standard_normal(SIZE) * rng.lognormal(size=SIZE),
}

# What each estimate is for 1e5 values of each law, and how far from it one sample may lie: four or more
# standard deviations over samples. None: no number worth the name.
TABLE = {
    #                        reduced bias, moment,      log-moment,  group,        characteristic
    "stable 1.2": ((1.21, 0.13), (1.22, 0.16), (1.20, 0.03), (1.21, 0.08), (1.20, 0.03)),
    "stable 1.5": ((1.51, 0.17), (1.53, 0.30), (1.50, 0.04), (1.50, 0.12), (1.50, 0.03)),
    "stable 1.9": ((2.97, 0.35), (2.00, 0.35), (1.90, 0.07), (1.91, 0.20), (1.90, 0.02)),
    "gaussian": (None, (np.inf, 0.0), (1.99, 0.10), (1.99, 0.12), (2.00, 0.02)),
    "student 3": ((2.93, 0.38), (3.05, 1.10), (1.59, 0.05), (1.78, 0.13), (1.62, 0.03)),
    "laplace": ((5.61, 0.70), None, (1.42, 0.04), (1.82, 0.13), (1.64, 0.03)),
    "gaussian x lognormal": ((2.63, 0.33), (3.34, 1.30), (1.08, 0.04), (1.50, 0.13), (1.08, 0.03)),
}
COLUMNS = ("reduced_bias_hill", "moment", "log_moment", "group", "characteristic")
HILL = {
    "stable 1.2": ((1.22, 0.16), (1.22, 0.08)),
    "stable 1.5": ((1.53, 0.20), (1.64, 0.09)),
    "stable 1.9": ((2.65, 0.36), (3.66, 0.25)),
    "gaussian": ((8.95, 0.80), (6.01, 0.33)),
    "student 3": ((2.90, 0.36), (2.66, 0.10)),
    "laplace": ((5.44, 0.70), (3.81, 0.25)),
    "gaussian x lognormal": ((2.59, 0.33), (2.05, 0.13)),
}
VERDICTS = {
    "stable 1.2": "stable",
    "stable 1.5": "stable",
    "stable 1.9": "stable",
    "gaussian": "light",
    "student 3": "power",
    "laplace": "light",
    "gaussian x lognormal": "power",
}


@pytest.fixture(scope="module")
def samples():
    return {name: law(np.random.default_rng([7, n])) for n, (name, law) in enumerate(LAWS.items())}


@pytest.fixture(scope="module")
def reports(samples):
    return {name: judged(x[:, None]) for name, x in samples.items()}


@pytest.mark.statistics
@pytest.mark.parametrize("law", LAWS)
def test_reference_table(reports, law):
    """34 numbers, each with four standard deviations or more: 0.2 % false alarms together."""
    for name, cell in zip(COLUMNS, TABLE[law], strict=True):
        if cell is not None:
            found = reports[law].estimates[name].index[0]
            assert found == pytest.approx(cell[0], abs=cell[1]), name


@pytest.mark.statistics
@pytest.mark.parametrize("law", LAWS)
def test_hill_at_one_and_five_percent(samples, law):
    for k, (expected, band) in zip((SIZE // 100, SIZE // 20), HILL[law], strict=True):
        assert hill.hill(samples[law], k) == pytest.approx(expected, abs=band)


@pytest.mark.statistics
@pytest.mark.parametrize("law", LAWS)
def test_verdicts(reports, law):
    assert reports[law].verdict == (VERDICTS[law],)
    assert reports[law].raw is None


@pytest.mark.statistics
def test_no_variance_is_said_to_exist_where_the_interval_leaves_it_open():
    """Stable values of lognormal scale have no variance; of 12 samples at most 2 may be called "power"."""
    rng = np.random.default_rng(9)
    draws = [stable(1.8, (10_000, 1), rng) for _ in range(12)]
    found = [judged(x * rng.lognormal(0, 0.5, (10_000, 1))) for x in draws]
    assert sum(one.verdict == ("power",) for one in found) <= 2
    for one in found:
        assert one.verdict != ("power",) or one.estimates["moment"].low[0] > 2


@pytest.mark.parametrize("law", ["student 3", "laplace", "gaussian x lognormal"])
def test_disagreement_is_told(reports, law):
    """Estimators that assume stability find 1.1 to 1.8 where the variance is finite."""
    assert reports[law].disagreement[0] > 0.3


@pytest.mark.parametrize("law", ["stable 1.2", "stable 1.5", "stable 1.9", "gaussian"])
def test_agreement_is_told(reports, law):
    assert reports[law].disagreement[0] < 0.25


@pytest.mark.statistics
def test_a_mixture_of_scales_is_told_and_a_stable_law_is_not_one():
    """The scale is known: divided by it, a Gaussian is light and a stable value as heavy as before."""
    rng = np.random.default_rng(1)
    scale = rng.lognormal(0.0, 1.0, 40_000)
    mixed = scale[:, None] * rng.standard_normal((40_000, 3))
    heavy = scale[:, None] * stable(1.5, (40_000, 3), rng)
    assert judged(mixed, scale).verdict == ("mixture",) * 3
    found = judged(heavy, scale)
    assert found.verdict == ("stable",) * 3
    assert found.raw.verdict != found.verdict
    assert np.all(np.abs(found.estimates["characteristic"].index - 1.5) < 0.05)


def test_an_even_scale_changes_nothing():
    x = np.random.default_rng(2).standard_t(3, (5000, 2))
    plain, scaled = judged(x), judged(x, np.full(5000, 4.0))
    assert plain.verdict == scaled.verdict == scaled.raw.verdict
    for name in ESTIMATORS:
        assert np.allclose(plain.estimates[name].index, scaled.estimates[name].index)


@pytest.mark.statistics
def test_coordinates_of_elliptical_steps_are_never_pooled():
    """One clock a step: over coordinates the group estimate sees no tail, over steps each column does."""
    rng = np.random.default_rng(3)
    noise = np.sqrt(2 * clock(1.2, (10_000, 1), rng)) * rng.standard_normal((10_000, 4))
    found = judged(noise)
    assert np.all(np.abs(found.estimates["group"].index - 1.2) < 0.2)
    assert found.verdict == ("stable",) * 4
    one_step = np.sqrt(2 * clock(1.2, 1, rng)) * rng.standard_normal(10_000)
    assert group_moment.estimate(one_step).index == pytest.approx(2.0, abs=0.2)


@pytest.mark.statistics
def test_gradient_noise_of_one_sample_is_light():
    """x^2-like noise of one step: the characteristic function says 1.2, Hill 4; no tail is claimed."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal((SIZE, 1))
    noise = (x - 0.5 * rng.standard_normal((SIZE, 1))) * x - 1
    found = judged(noise)
    assert found.estimates["characteristic"].index[0] == pytest.approx(1.18, abs=0.05)
    assert found.verdict == ("light",)
    assert found.disagreement[0] > 0.5


@pytest.mark.statistics
def test_intervals_know_of_units():
    """Every value four times: the design effect is four, intervals are twice as wide."""
    x = np.random.default_rng(5).standard_t(2, (4000, 1))
    repeated = np.repeat(x, 4, axis=0)
    whole, apart = tail_report(repeated, unit=np.arange(16_000) // 4), judged(repeated)
    assert whole.design_effect[0] == pytest.approx(4.0, rel=0.1)
    for name in ("hill", "reduced_bias_hill", "log_moment", "characteristic"):
        wide, narrow = whole.estimates[name], apart.estimates[name]
        ratio = (wide.high - wide.low) / (narrow.high - narrow.low)
        assert ratio[0] == pytest.approx(2.0, rel=0.25), name


def test_scale_sign_and_order_of_columns_do_not_matter():
    x = np.random.default_rng(6).standard_t(2, (3000, 2))
    found, other = judged(x), judged(-8 * x[:, ::-1])
    for name in ESTIMATORS:
        assert np.allclose(found.estimates[name].index, other.estimates[name].index[::-1]), name


def test_shift_does_not_matter_when_centred():
    x = np.random.default_rng(7).standard_t(2, (3001, 1))
    found, other = judged(x, centre=True), judged(x + 50.0, centre=True)
    assert np.allclose(found.estimates["hill"].index, other.estimates["hill"].index)


@pytest.mark.parametrize("sample", [np.zeros((500, 2)), np.full((500, 2), np.nan), np.zeros((20, 2))])
def test_nothing_to_estimate(sample):
    found = judged(sample, np.ones(len(sample)))
    assert found.verdict == ("none", "none")
    assert all(np.isnan(one.index).all() for one in found.estimates.values())


def test_rows_that_are_not_finite_are_left_out():
    x = np.random.default_rng(8).standard_t(3, (2000, 1))
    broken = np.insert(x, [0, 7, 100], np.nan, axis=0)
    found, expected = judged(broken), judged(x)
    assert found.count[0] == 2000
    assert np.array_equal(found.estimates["group"].index, expected.estimates["group"].index)


def test_every_verdict_has_a_meaning(reports):
    assert {one.verdict[0] for one in reports.values()} | {"mixture", "none", "heavy", "unclear"} <= set(
        MEANING
    )


@pytest.mark.parametrize(("size", "alpha"), [(64, 1.5), (1024, 1.95)])
@pytest.mark.statistics
def test_gaussian_samples_raise_no_claim_and_stable_ones_of_the_stated_index_do(size, alpha):
    """Of 300 Gaussian samples of four columns at most 5 %: more than 27 with probability 0.0015.

    Negative control: in one column of four, a stable law of the index that is stated as detectable with a
    power of 80 %; fewer than 210 of 300 with probability 1e-5.
    """
    rng = np.random.default_rng(11)
    assert detectable_index(size) == pytest.approx(alpha, abs=0.04)
    rejected = np.zeros(2, dtype=int)
    for _ in range(300):
        noise = rng.standard_normal((2, size, 4))
        noise[1, :, 0] = stable(alpha, size, rng)
        for case, one in enumerate(noise):
            p = np.array([gaussian_test(column).p_value for column in one.T])
            rejected[case] += bool(np.any(p < FALSE_ALARMS / 4))
    assert rejected[0] <= 27
    assert rejected[1] >= 210


@pytest.mark.statistics
def test_few_gaussian_values_are_undetermined_and_claim_nothing():
    """Noise of 64 trajectories: a word that claims a tail for 5 % of samples at most.

    Of 100 samples more than 12 with probability 0.0015. Negative control: a stable law of index 1.2.
    """
    rng = np.random.default_rng(12)
    words = [judged(rng.standard_normal((64, 2))).verdict for _ in range(100)]
    assert sum(any(word not in QUIET for word in one) for one in words) <= 12
    assert words.count(("undetermined", "undetermined")) >= 88
    assert sum(judged(stable(1.2, (64, 1), rng)).verdict == ("unclear",) for _ in range(30)) >= 25


@pytest.mark.statistics
def test_groups_of_different_scale_are_not_a_tail():
    """Snapshots of 64 trajectories, each scaled by its own median: of 200 at most 10 + 12 rejected.

    More than 22 with probability 3e-4; pooled without their groups more than twice as many (control).
    """
    rng = np.random.default_rng(13)
    group = np.repeat(np.arange(30), 64)
    rejected = np.zeros(2, dtype=int)
    for _ in range(200):
        x = rng.standard_normal((30, 64))
        x /= np.median(np.abs(x), axis=1, keepdims=True)
        for case, known in enumerate((group, None)):
            rejected[case] += gaussian_test(x.ravel(), known).p_value < 0.05
    assert rejected[0] <= 22 < 44 < rejected[1]


def test_what_may_be_the_coordinates_of_one_step_is_warned_of():
    """A stable law of index 1.2 whose coordinates in one step look Gaussian; as a row they show nothing."""
    rng = np.random.default_rng(14)
    step = np.sqrt(2 * clock(1.2, 1, rng)) * rng.standard_normal(1000)
    with pytest.warns(UserWarning, match="share its scale"):
        assert tail_report(step[:, None]).verdict == ("light",)
    assert set(tail_report(step[None]).verdict) == {"undetermined"}


def test_coordinates_are_not_pooled_by_a_single_estimator():
    x = np.random.default_rng(15).standard_normal((100, 4))
    with pytest.raises(ValueError, match="share its scale"):
        tail_report(x.ravel())
    for estimator in (
        characteristic,
        group_moment,
        hill,
        log_moment,
        moment_tail,
        pickands,
        quantile_fit,
        reduced_bias,
    ):
        with pytest.raises(ValueError, match="share its scale"):
            estimator.estimate(x)
