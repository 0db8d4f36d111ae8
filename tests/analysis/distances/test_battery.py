"""The sections ``distances``, ``pairs`` and ``relevance`` on made-up ensembles whose answers are known."""

import numpy as np
import pytest
from fakes import fake_ensemble

from fastsde.analysis import Analysis, Settings, analyze
from fastsde.analysis.context import Context
from fastsde.analysis.distances import battery, pairs, relevance
from fastsde.analysis.distances.effect_sizes import measure_effects
from fastsde.analysis.distances.points import Points
from fastsde.analysis.distances.registry import DISTANCES
from fastsde.analysis.distances.way import equal_shares
from fastsde.system.progress import Silent

QUICK = Settings(
    permutations=99, directions=8, frequencies=32, sliced_limit=100, kernel_limit=80, pair_limit=60,
    transport_limit=32, blocks=50, chosen=2, replicates=20,
)  # fmt: skip
NAMES = set(DISTANCES)


def _context(ensemble, settings=QUICK, reference="sgd"):
    views = {name: ensemble[name] for name in ensemble.names}
    effects = measure_effects(Points(ensemble, views, reference), reference, settings.seed)
    return Context(ensemble, views, reference, settings, Silent(), effects=effects)


@pytest.fixture(scope="module")
def ensemble():
    """Langevin's modes are 4 % smaller than the others', in the end by 40 times their spread."""
    made = fake_ensemble(240, 16, ("sgd", "sgd_gauss", "langevin", "levy"), seed=3, shift={"langevin": 1.6})
    made.views["langevin"].arrays["modes"] *= 0.96
    return made


@pytest.fixture(scope="module")
def context(ensemble):
    return _context(ensemble)


@pytest.fixture(scope="module")
def found(context):
    return battery.measure(context)


@pytest.mark.statistics
def test_every_distance_is_taken(found):
    """Of 24 tests of one law at level 5 %, 6 or more below it have probability 1e-3 were they independent."""
    assert set(found.models["langevin"].tests) == NAMES
    told = {
        name: sum(int(np.sum(one.p_value < 0.05)) for one in pair.tests.values())
        for name, pair in found.models.items()
    }
    assert told["sgd"] <= 5
    assert told["sgd_gauss"] <= 5
    assert told["langevin"] >= 18
    assert found.models["langevin"].tests["mmd"].distinguishable
    assert not found.models["sgd_gauss"].tests["mmd"].distinguishable


def test_what_does_not_exist_says_why(found):
    levy = found.models["levy"]
    assert set(levy.reasons["exact_w2"]) == {"needs moments of order 2; levy only has moments below 0.4"}
    assert np.isnan(levy.tests["exact_w2"].value).all()
    assert np.isnan(levy.coordinates.mean[:, :4]).all()
    assert np.isfinite(levy.coordinates.mean[:, 4]).all()  # log10 loss has all moments
    assert np.isfinite(levy.coordinates.median).all()
    assert np.isfinite(levy.tests["mmd"].p_value).all()
    assert not found.models["langevin"].reasons


def test_coordinates_and_divergences(found, ensemble):
    one = found.models["langevin"].coordinates
    at = found.snapshot[0]
    first, second = (ensemble[name].read("modes", int(at))[:, 0] / 100 for name in ("sgd", "langevin"))
    x, y = first[:120], second[120:]
    assert one.mean[0, 0] == pytest.approx(y.mean() - x.mean())
    assert one.mean_error[0, 0] == pytest.approx(np.sqrt(x.var(ddof=1) / 120 + y.var(ddof=1) / 120))
    assert one.median[0, 0] == pytest.approx(np.median(y) - np.median(x))
    assert found.models["langevin"].divergences.neighbours.shape == (2, 2)
    assert np.all(found.models["langevin"].divergences.gaussian > 0)


def test_chosen_snapshots_cover_the_way(ensemble):
    points = Points(ensemble, ensemble.views, "sgd")
    chosen = equal_shares(points.way("sgd"), 3)
    assert chosen[-1] == 15
    assert np.all(np.diff(chosen) > 0)
    still = fake_ensemble(40, 9, ("sgd",))
    for name in ("modes", "loss"):
        still.views["sgd"].arrays[name][:] = still.views["sgd"].arrays[name][0]
    assert equal_shares(Points(still, still.views, "sgd").way("sgd"), 4).tolist() == [2, 4, 6, 8]


def test_all_pairs(context):
    found = pairs.measure(context)
    assert found.names == ("sgd", "sgd_gauss", "langevin", "levy")
    for matrix in found.kinds.values():
        assert np.array_equal(matrix.value, np.swapaxes(matrix.value, 1, 2), equal_nan=True)
    mmd, energy = found.kinds["mmd_features"], found.kinds["energy"]
    assert np.all(mmd.p_value[:, 2, [0, 1, 3]] < 0.05)
    assert np.all(mmd.p_value[:, 0, [0, 1]] > 0.01)
    assert np.isnan(energy.value[:, 3]).all()
    assert np.all(energy.ratio[:, 0, 2] > 1)
    assert np.array_equal(found.p_value, found.p_value.T)
    assert np.all(found.p_value[2, [0, 1, 3]] < 0.02)
    assert np.all(found.p_value[0, [0, 1]] > 0.01)
    assert pairs.measure(_context(fake_ensemble(20, 6, ("sgd",)))) is None


def test_which_distance_to_use(context):
    found = relevance.measure(context)
    assert found.farthest == "langevin"
    assert found.sizes.tolist() == [32, 64]
    assert set(found.distances) == NAMES
    mmd, exact = found.distances["mmd"], found.distances["exact_w2"]
    assert np.all(mmd.power_farthest >= 0.9)
    assert np.all(mmd.size <= 0.25)  # 20 replicates at 5 %: more than 5 have probability 3e-4
    assert np.isnan(exact.seconds[1])
    assert exact.seconds[0] > 0
    assert mmd.exists
    assert not exact.exists
    assert found.recommended in {"mmd", "mmd_features", "mmd_widths", "knn_kl"}


def test_without_anything_to_compare():
    alone = _context(fake_ensemble(200, 6, ("sgd",)))
    assert relevance.measure(alone) is None
    assert relevance.measure(Context(alone.ensemble, alone.views, "sgd", QUICK, Silent())) is None
    assert battery.measure(_context(fake_ensemble(40, 6, ("gd", "langevin")), reference="")) is None


def test_sections_are_kept_in_the_file(ensemble, tmp_path):
    analysis = analyze(ensemble, settings=QUICK, sections=["distances", "pairs", "relevance"])
    loaded = Analysis.load(analysis.save(tmp_path / "analysis.h5"))
    assert set(loaded.sections) >= {"distances", "pairs", "relevance"}
    before, after = (one.sections["distances"].models["levy"] for one in (analysis, loaded))
    assert after.reasons == before.reasons
    assert np.array_equal(after.tests["knn_kl"].value, before.tests["knn_kl"].value)
    assert loaded.sections["relevance"].recommended == analysis.sections["relevance"].recommended
    assert loaded.document()["sections"]["pairs"]["names"] == ["sgd", "sgd_gauss", "langevin", "levy"]
