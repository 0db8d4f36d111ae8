"""Components of variance against known answers, and the section on a run that branches."""

import numpy as np
import pytest
from studies import study

import fastsde
from fastsde.analysis import Settings
from fastsde.analysis.branching.variance_components import variance_components
from fastsde.report import write_report

QUICK = Settings.quickly()


def sample(states, branches, within, between, seed=0):
    random = np.random.default_rng(seed)
    centres = random.normal(0, between, (states, 1))
    return (centres + random.normal(0, within, (states, branches))).reshape(-1, 1)


def test_the_textbook_case():
    """Two groups of unequal size, by hand: MSW = (2 + 2) / 3, MSB = 5/6 * ... with n0 = 12/5."""
    values = np.array([1.0, 2.0, 3.0, 6.0, 8.0, np.nan])[:, None]
    found = variance_components(values, 3)
    within = (2 + 2) / 3
    outer = 3 * (2 - 4) ** 2 + 2 * (7 - 4) ** 2
    np.testing.assert_allclose(found.within, within)
    np.testing.assert_allclose(found.between, (outer - within) / (5 - 13 / 5))


@pytest.mark.statistics
@pytest.mark.parametrize(("within", "between"), [(1.0, 2.0), (1.0, 0.0), (0.5, 0.5)])
def test_expectations_and_intervals(within, between):
    """Means over 200 samples within 4 standard errors (false alarm 1e-4); intervals hold 85 to 100 %."""
    found = [variance_components(sample(40, 5, within, between, seed), 5, seed) for seed in range(200)]
    for name, truth in (("within", within**2), ("between", between**2)):
        values = np.array([getattr(one, name)[0] for one in found])
        assert abs(values.mean() - truth) < 4 * values.std() / np.sqrt(len(values))
    if between:
        share = within**2 / (within**2 + between**2)
        held = np.mean([one.low[0] <= share <= one.high[0] for one in found])
        assert 0.85 < held <= 1


def test_extremes():
    same = variance_components(np.repeat([[1.0], [2.0], [5.0]], 4, axis=0), 4)
    assert same.share[0] == 0.0
    nothing = variance_components(np.ones((12, 1)), 4)
    assert np.isnan(nothing.share[0])
    assert np.isnan(variance_components(np.ones((3, 1)), 4).between[0])
    noise = variance_components(sample(300, 4, 1.0, 0.0), 4)
    assert noise.high[0] > 0.95


def test_a_run_that_branches_is_split_and_reported(tmp_path, blank_figures):
    record = {"observables": ["loss", "modes", "parameters"]}
    source = study(model={"kind": "sgd"}, steps=30, record=record, trajectories=30, rate=0.02, noise=1.0)
    fastsde.run(source, tmp_path / "source")
    init = {"kind": "snapshot", "ensemble": str(tmp_path / "source"), "model": "m", "branches": 4, "step": 3}
    branched = study(
        model={"kind": "sgd"}, steps=2000, record=record, trajectories=120, rate=0.02, network={"init": init},
        time={"snapshots": {"count": 12}}, noise=1.0,
    )  # fmt: skip
    fastsde.run(branched, tmp_path / "run")
    with fastsde.open(tmp_path / "run") as ensemble:
        analysis = fastsde.analyze(ensemble, settings=QUICK, sections=["branching"])
    found = analysis.sections["branching"]
    assert (found.states, found.branches) == (30, 4)
    share = found.models["m"].share
    np.testing.assert_array_equal(share[0], 0.0)
    assert ((share >= 0) & (share <= 1)).all()
    assert (share[1] < 0.2).all()
    assert (share[-1, :2] > 0.8).all()  # by then SGD has forgotten where it came from
    analysis.save(tmp_path / "run" / "analysis.h5")
    page = write_report(tmp_path / "run").read_text()
    assert "Variance explained by the initial state" in page
    assert "the noise after the branching explains" in page
    with fastsde.open(tmp_path / "source") as ensemble:
        found = fastsde.analyze(ensemble, settings=QUICK, sections=["branching"])
        assert "branching" not in found.sections
