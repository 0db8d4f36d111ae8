"""Detection of saddles, their curvature and the noise there, against points and covariances known exactly."""

import numpy as np
import pytest
from saddle_paths import PATH, context, ensemble, measured, path, saddle_point
from studies import study
from tools import INPUTS, Case

from fastsde.analysis.saddles.locator import Locator
from fastsde.analysis.saddles.noise_at_saddles import NoiseCollector
from fastsde.analysis.saddles.saddle_noise import noise_rows, noise_shape, sign_rows, sign_shape
from fastsde.analysis.saddles.section import saddle_name
from fastsde.analysis.saddles.visits import Visits, VisitTracker, kept_modes
from fastsde.problem.network import DeepLinearNetwork

STRENGTH = np.array([3.0, 2.0, 1.0])


def test_kept_modes_are_bits():
    modes = np.array([[0.0, 1.1, 0.0], [2.9, 2.0, 0.9], [1.4, -2.0, 0.4], [np.nan, 2.0, 1.0]])
    assert kept_modes(modes, STRENGTH).tolist() == [2, 7, 0, -1]
    assert saddle_name(0b110) == "2+3"


def test_visits_begin_and_end_where_the_plateau_does():
    """Two trajectories: one goes 0 -> 1 -> elsewhere, the other leaves, comes back, and stays to the end."""
    kept = np.array([[0, 0], [0, 0], [1, 1], [1, 1], [1, 1], [3, 1], [3, 1]])
    there = np.array([[1, 1], [1, 0], [0, 1], [1, 1], [1, 0], [0, 1], [1, 1]], dtype=bool)
    gradient = np.array([[5.0, 9], [4, 9], [9, 3], [2, 1], [3, 9], [9, 2], [1, 0.5]])
    tracker = VisitTracker(2, checks=2)
    for snapshot in range(7):
        tracker.add(
            snapshot, kept[snapshot], there[snapshot], gradient[snapshot], {"loss": gradient[snapshot] * 10}
        )
    found = tracker.visits()
    rows = zip(found.trajectory, found.kept, found.entry, found.last, found.closest, strict=True)
    assert [tuple(map(int, row)) for row in rows] == [(0, 0, 0, 1, 1), (0, 1, 3, 4, 3), (1, 1, 2, 6, 6)]
    assert found.there["loss"].tolist() == [40.0, 20.0, 5.0]


def test_a_single_look_is_no_visit():
    tracker = VisitTracker(1, checks=2)
    for snapshot, there in enumerate([True, False, True, False]):
        tracker.add(snapshot, np.array([0]), np.array([there]), np.ones(1), {})
    assert tracker.visits().trajectory.size == 0


@pytest.mark.parametrize(
    "recorded", [("loss", "gradient_norm", "modes"), ("loss", "modes", "parameters"), ("loss", "modes")]
)
def test_every_saddle_of_a_known_path_is_visited_once_and_the_minimum_is_none(recorded):
    found = measured(ensemble(2, [PATH], recorded))
    assert found.kept == ("none", "1", "1+2")
    assert found.rank.tolist() == [0, 1, 2]
    visits = found.models["m"]
    assert visits.visits.tolist() == [6, 6, 6]
    assert visits.ends.tolist() == [0, 0, 0]
    squares = found.plateau - found.plateau[-1]
    strength = ensemble(2, [PATH]).problem.mode_strength
    assert squares[0] == pytest.approx((strength[0] ** 2 + strength[1] ** 2) / 2)
    assert np.allclose(visits.dwell[:, 1], 5 * 0.05, atol=2 * 0.05)
    assert np.all(visits.distance < 0.01)


@pytest.mark.parametrize("recorded", [("loss", "gradient_norm", "modes"), ("loss", "modes")])
def test_steady_learning_has_no_saddle(recorded):
    """Negative control: all modes grow together from six tenths of the layers' size, without a rest."""

    def steady(network, problem, order):
        return np.linspace(0.6, 1.0, 30)[:, None] * saddle_point(network, problem, (0, 1, 2))

    assert measured(ensemble(2, [PATH], recorded, walk=steady)).models["m"].visits.sum() == 0


PARAMETERS = ("loss", "gradient_norm", "modes", "parameters")
WRONG = [(), (1,), (0, 1), (0, 1, 2)]


def test_two_layers_have_strict_saddles_with_as_many_negative_eigenvalues_as_the_theory_says():
    """lambda_min = -s_{r+1}, and (h - r)(d - r) negative ones: a pair of each unused unit and unlearned mode.

    One more for each stronger mode that was passed over (physics of G2).
    """
    found = ensemble(2, [PATH, WRONG], PARAMETERS)
    got, s = measured(found), found.problem.mode_strength
    types = got.types
    assert got.kept == ("none", "1", "2", "1+2")
    assert types.strict.tolist() == [1, 1, 1, 1]
    assert np.allclose(types.lowest, [-s[0], -s[1], -s[0], -s[2]], rtol=1e-9)
    assert types.negative.tolist() == [15, 8, 9, 3]
    assert types.parameters == 30
    assert np.all((types.error > 1e-16) & (types.error < 1e-11))
    assert "computed" in got.curvature_source
    assert got.models["m"].negative.tolist() == got.models["m"].visits.tolist()


def test_saddles_of_two_layers_off_white_inputs_have_the_largest_residual_as_least_eigenvalue():
    """lambda_min = -|R|_2, R = W S - Syx, for any second moment of the inputs."""
    spectrum = {"samples": 12, "inputs": {"kind": "gaussian", "spectrum": [3.0, 1.0, 0.2]}}
    found = ensemble(2, [PATH], (*PARAMETERS, "end_to_end"), **spectrum)
    got, problem = measured(found), found.problem
    maps = Locator(context(found), DeepLinearNetwork(found.study.network.widths)).basis.maps([0, 1, 3])
    residual = maps @ problem.covariance - problem.cross
    assert np.allclose(got.types.lowest, -np.linalg.norm(residual, 2, axis=(1, 2)), rtol=1e-9)
    assert got.types.strict.tolist() == [1, 1, 1]


def test_three_layers_have_flat_saddles_but_where_a_stronger_mode_is_left_out():
    """lambda_min = -s_m^(1/3) (s_k - s_m) with mode m in the stead of k, else none below zero (G2)."""
    found = ensemble(3, [PATH, WRONG], PARAMETERS)
    got, s = measured(found), found.problem.mode_strength
    types = dict(zip(got.kept, zip(got.types.strict, got.types.negative, strict=True), strict=True))
    assert types == {"none": (0, 0), "1": (0, 0), "2": (1, 1), "1+2": (0, 0)}
    wrong = -(s[1] ** (1 / 3)) * (s[0] - s[1])
    place = got.kept.index("2")
    assert got.types.lowest[place] == pytest.approx(wrong, rel=1e-9)
    assert got.models["m"].lowest[place, 1] == pytest.approx(wrong, rel=1e-4)
    assert dict(zip(got.kept, got.top, strict=True)) == {"none": 1, "1": 1, "2": 0, "1+2": 1}
    assert got.curvature_scale == pytest.approx(3 * s[0] ** (4 / 3), rel=1e-6)


def test_a_visit_some_way_off_does_not_make_a_flat_saddle_strict():
    """Three layers, rank 1, parameters shifted by 0.05: the state has a negative eigenvalue of account."""
    rng = np.random.default_rng(5)

    def nearby(network, problem, order):
        points = path(network, problem, order)
        return points + 0.05 * rng.standard_normal(points.shape)

    got = measured(ensemble(3, [PATH], PARAMETERS, walk=nearby))
    visits, place = got.models["m"], got.kept.index("1")
    assert visits.visits[place] == 6
    assert visits.negative[place] == 6
    assert np.all(visits.lowest[place] < -0.01 * got.curvature_scale)
    assert got.types.strict[place] == got.types.negative[place] == 0


def test_the_type_of_a_saddle_of_many_parameters_is_found_by_lanczos(monkeypatch):
    monkeypatch.setattr("fastsde.analysis.saddles.saddle_types.DENSE", 10)
    for layers, strict in ((2, [1, 1, 1, 1]), (3, [0, 0, 1, 0])):
        got = measured(ensemble(layers, [PATH, WRONG], PARAMETERS))
        assert got.types.strict.tolist() == strict
        assert np.isnan(got.types.negative).all()


def test_without_curvature_visits_have_none_and_saddles_still_have_a_type():
    found = measured(ensemble(2, [PATH]))
    assert found.models["m"].negative.sum() == found.models["m"].not_negative.sum() == 0
    assert found.curvature_source.startswith("unknown")
    assert np.isnan(found.models["m"].lowest).all()
    assert found.types.strict.tolist() == [1, 1, 1]


def test_nothing_is_measured_without_loss_and_modes():
    assert measured(ensemble(2, [PATH], ("loss", "gradient_norm"))) is None


def covariance(samples):
    centred = samples - samples.mean(axis=0)
    return centred.T @ centred / len(samples)


@pytest.mark.parametrize("widths", [(3, 4, 2), (2, 5, 3, 4)])
def test_noise_of_a_data_set_is_the_covariance_of_its_gradients(widths):
    case = Case(study(widths))
    theta = case.points()[0]
    rows = case.reference.push(theta, noise_rows(case.reference.end_to_end(theta), case.problem))
    exact = covariance(case.reference.sample_gradients(theta, case.problem))
    assert np.allclose(rows.T @ rows, exact, atol=1e-12 * np.abs(exact).max())
    shape = noise_shape(rows)
    values = np.linalg.eigvalsh(exact)
    assert shape.trace == pytest.approx(values.sum())
    assert shape.participation == pytest.approx(values.sum() ** 2 / (values**2).sum())
    assert shape.spectrum[0] == pytest.approx(values[-1] / values.sum())


@pytest.mark.statistics
@pytest.mark.parametrize("data", ["population", "spectrum", "heavy"])
def test_noise_of_a_population_is_the_covariance_of_many_gradients(data):
    """Entries within 6 standard errors of those of 400,000 samples (Student-t with 14 degrees)."""
    more = dict(INPUTS[data])
    if data == "heavy":
        more["inputs"] = {"kind": "student-t", "nu": 14.0}
    case = Case(study((3, 4, 2), noise=0.4, **more))
    rng, problem = np.random.default_rng(0), case.problem
    w = case.reference.end_to_end(case.points()[0])
    n = 400_000
    x = rng.standard_normal((n, 3)) @ problem.factor.T
    if data == "heavy":
        x *= np.sqrt(12 / rng.chisquare(14, (n, 1)))
    y = x @ problem.teacher.T + 0.4 * rng.standard_normal((n, 2))
    samples = ((x @ w.T - y)[:, :, None] * x[:, None, :]).reshape(n, -1)
    rows = noise_rows(w, problem).reshape(-1, 6)
    exact = rows.T @ rows
    pairs = samples[:, :, None] * samples[:, None, :]
    error = pairs.std(axis=0) / np.sqrt(n)
    assert np.all(np.abs(covariance(samples) - exact) < 6 * error)
    assert np.any(np.abs(covariance(samples) - 1.05 * exact) > 6 * error)
    trace = case.reference.noise_trace(case.points()[0], problem)
    pushed = case.reference.push(case.points()[0], noise_rows(w, problem))
    assert (pushed**2).sum() == pytest.approx(trace)


def test_a_population_without_moments_has_no_covariance():
    case = Case(study((3, 4, 2), samples="population", inputs={"kind": "student-t", "nu": 3.0}))
    with pytest.raises(ValueError, match="no covariance"):
        noise_rows(np.zeros((2, 3)), case.problem)


def test_the_sign_covariance_sees_the_shape_whatever_the_tails():
    """An isotropic Cauchy-like law has all directions alike; a flat one has not."""
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((20_000, 4)) / np.abs(rng.standard_normal((20_000, 1)))
    assert noise_shape(sign_rows(draws)).participation == pytest.approx(4, rel=0.01)
    flat = noise_shape(sign_rows(draws * [1, 1, 0.01, 0.01]), np.eye(4)[3])
    assert flat.participation < 2.1
    assert flat.alignment < 0.01


def collector(found):
    network = DeepLinearNetwork(found.study.network.widths, found.study.network.loss_scale)
    return NoiseCollector("m", context(found), network, Locator(context(found), network))


@pytest.mark.statistics
@pytest.mark.parametrize(("degrees", "verdict"), [(np.inf, "mixture"), (2.0, "power")])
def test_the_tail_near_a_saddle_is_judged_in_its_own_scale(degrees, verdict):
    """Gaussian draws of many scales look heavy and are told as a mixture; t with 2 degrees stays heavy."""
    found = ensemble(2, [PATH], ("loss", "gradient_norm", "modes", "parameters"))
    rng = np.random.default_rng(1)
    level = rng.lognormal(0, 1.5, 20_000)
    unit = rng.standard_t(degrees, (20_000, 3)) if np.isfinite(degrees) else rng.standard_normal((20_000, 3))
    gathered = collector(found)
    gathered.scaled = True
    gathered.draws = {0b1: [np.column_stack([level[:, None] * unit, *[level] * 3, np.arange(20_000)])]}
    nobody = Visits(*(np.zeros(0, dtype=int) for _ in range(5)), there={})
    tails = gathered.result(nobody, [0b1, 0b11]).tails
    assert tails.verdict[1] == "none"
    assert np.isnan(tails.estimates["hill"].index[1])
    assert tails.count.tolist() == [20_000, 0]
    assert tails.raw.estimates["hill"].high[0] < 3
    if verdict == "mixture":
        assert tails.verdict[0] == "mixture"
        assert tails.estimates["hill"].low[0] > 3
    else:
        assert tails.verdict[0] in ("power", "heavy", "stable", "unclear")
        assert tails.estimates["hill"].low[0] < 3


def test_noise_at_a_visited_point_is_that_of_its_covariance():
    found = ensemble(2, [PATH], ("loss", "gradient_norm", "modes", "parameters"))
    view, problem = found.views["m"], found.problem
    network = DeepLinearNetwork(found.study.network.widths)
    theta = view.arrays["parameters"][9, 0]  # on the way from the origin to the first saddle
    visits = Visits(*(np.array([n]) for n in (0, 1, 9, 9, 9)), there={})
    got = collector(found).result(visits, [0b1, 0b11])
    exact = covariance(network.sample_gradients(theta, problem))
    values = np.linalg.eigvalsh(exact)
    assert got.states.tolist() == [1, 0]
    assert got.dimension[0] == theta.size
    assert got.participation[0] == pytest.approx(values.sum() ** 2 / (values**2).sum())
    assert got.power[0] == pytest.approx(0.05 * values.sum())
    toward = network.push(theta, np.outer(problem.mode_left[:, 1], problem.mode_right[:, 1]))
    if np.linalg.norm(toward) > 0:
        share = toward @ exact @ toward / (toward @ toward) / values.sum() * theta.size
        assert got.along_mode[0] == pytest.approx(share)
    hessian = network.hessian_vector(np.broadcast_to(theta, (theta.size,) * 2), np.eye(theta.size), problem)
    energy, vectors = np.linalg.eigh(hessian)
    low = vectors[:, energy < energy[0] + 0.01 * (energy[-1] - energy[0])]
    assert energy[0] < -0.1
    mean = np.trace(low.T @ exact @ low) / low.shape[1]
    assert got.along_lowest[0] == pytest.approx(mean / values.sum() * theta.size)


def test_isotropic_noise_is_the_same_in_all_directions():
    model = {"kind": "sde", "noise": "isotropic", "temperature": 0.5}
    found = ensemble(2, [PATH], ("loss", "gradient_norm", "modes", "parameters"), model=model)
    found.views["m"].attributes["temperature"] = 0.5
    got = measured(found).noise["m"]
    assert np.all(got.participation == 30)
    assert np.all(got.along_lowest == 1)
    assert np.all(got.power == 2 * 0.5 * 30)


def test_where_only_the_end_to_end_matrix_is_known_its_noise_is_measured():
    found = ensemble(2, [PATH], ("loss", "gradient_norm", "modes", "end_to_end"))
    got = measured(found).noise["m"]
    assert np.all(got.dimension == 9)
    assert np.isnan(got.along_lowest).all()
    assert np.all(got.participation > 1)


def test_gradient_descent_has_no_noise():
    assert measured(ensemble(2, [PATH], model={"kind": "gd"})).noise == {}


def test_an_diverged_trajectory_visits_nothing_more():
    found = ensemble(2, [PATH])
    for name in ("loss", "gradient_norm", "modes"):
        found.views["m"].arrays[name][9:, 0] = np.nan
    assert measured(found).models["m"].visits.tolist() == [6, 5, 5]


def test_shares_of_visits_have_the_intervals_of_wilson():
    """All of six that visit: 61 to 100 %; none of six: 0 to 39 % (Wilson 1927)."""
    found = ensemble(2, [PATH], ("loss", "gradient_norm", "modes", "parameters"))
    for name in ("loss", "gradient_norm", "modes"):
        found.views["m"].arrays[name][20:] = np.nan  # gone before the second saddle
    one = measured(found).models["m"]
    assert one.share.tolist() == [*one.negative_share.tolist()[:2], 0] == [1, 1, 0]
    assert np.allclose(one.share_low, [0.6097, 0.6097, 0.0], atol=1e-4)
    assert np.allclose(one.share_high, [1.0, 1.0, 0.3903], atol=1e-4)
    assert np.allclose(one.negative_low[:2], 0.6097, atol=1e-4)
    assert np.isnan(one.negative_share[2])
    assert one.same_rank.tolist()[:2] == [1, 1]


def test_the_median_over_points_has_an_interval_from_six_points_on():
    recorded = ("loss", "gradient_norm", "modes", "parameters")
    six, four = (measured(ensemble(2, [PATH], recorded, count=n)).noise["m"] for n in (6, 4))
    assert np.all(six.along_lowest_low[1:] <= six.along_lowest[1:])
    assert np.all(six.along_lowest[1:] <= six.along_lowest_high[1:])
    assert six.spectrum_low.shape == six.spectrum.shape
    assert np.allclose(six.spectrum, four.spectrum, equal_nan=True)
    assert np.isnan(four.spectrum_low).all()


@pytest.mark.statistics
def test_intervals_of_single_steps_are_over_trajectories():
    """Of 200 intervals of 95 % ten miss on average, more than 24 with probability 3e-5.

    The noise is (2, 1, 1, 1) times a normal vector, and every trajectory repeats one draw five times: taken
    for the unit, draws would miss far more often (negative control). The truth is that of a million draws.
    """
    rng = np.random.default_rng(4)
    scale = np.array([2.0, 1.0, 1.0, 1.0])
    spread, along = sign_shape(scale * rng.standard_normal((1_000_000, 4)), np.arange(1_000_000), 0)
    missed = np.zeros((2, 2), dtype=int)
    for _ in range(200):
        draws = np.repeat(scale * rng.standard_normal((200, 4)), 5, axis=0)
        for number, unit in enumerate((np.arange(1000) // 5, np.arange(1000))):
            found = sign_shape(draws, unit, 0)
            truth = (float(spread.value), float(along.value))
            missed[number] += [not f.low <= t <= f.high for f, t in zip(found, truth, strict=True)]
    assert np.all(missed[0] <= 24)
    assert np.all(missed[1] > 60)
