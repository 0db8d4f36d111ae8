"""A tail estimator that is declared in one file outside the package is measured and shown like any other."""

import numpy as np
import pytest
from declared import imported, preserved
from fakes import fake_ensemble

from fastsde.analysis import Analysis, Settings, analyze
from fastsde.analysis.tails.registry import ESTIMATORS, declared
from fastsde.analysis.tails.tail_report import tail_report
from fastsde.report.tails import figures, tables

SOURCE = '''
import numpy as np
from fastsde.analysis.tails.registry import TailEstimator, from_gamma, register


def estimate(values, level, design):
    """The median excess of a Pareto tail is gamma ln 2, with standard error gamma / sqrt(k) / ln 2."""
    k = len(values) // 20
    largest = np.sort(np.abs(values))[::-1]
    gamma = float(np.median(np.log(largest[:k] / largest[k]))) / np.log(2)
    return from_gamma(gamma, gamma / np.log(2) * (design / k) ** 0.5, k, level)


register(TailEstimator(name="median_hill", label="median of the excesses", estimate=estimate, source="own"))
'''


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Import the file of a user, and forget its estimator after the test."""
    preserved(monkeypatch, ESTIMATORS)
    imported(tmp_path / "my_estimator.py", SOURCE)


def test_it_estimates_beside_the_others_and_changes_no_verdict(own, monkeypatch):
    x = np.random.default_rng(0).pareto(1.5, (20_000, 1)) + 1.0
    report = tail_report(x, None, np.arange(20_000))
    estimate = report.estimates["median_hill"]
    assert estimate.low[0] < 1.5 < estimate.high[0]
    monkeypatch.delitem(ESTIMATORS._declared, "median_hill")
    without = tail_report(x, None, np.arange(20_000))
    assert without.verdict == report.verdict
    assert without.disagreement == report.disagreement
    assert list(without.estimates) == list(report.estimates)[:-1]


def test_from_the_file_to_the_tables(own, tmp_path):
    ensemble = fake_ensemble(160, 8, ("sgd", "langevin"), seed=5)
    settings = Settings(permutations=19, replicates=2, chosen=1)
    analysis = analyze(ensemble, settings=settings, sections=["tails"])
    again = Analysis.load(analysis.save(tmp_path / "analysis.h5"))
    loss = again.sections["tails"].models["sgd"].loss
    assert np.isfinite(loss.pooled.estimates["median_hill"].index[0])
    assert "median of the excesses" in tables.estimators(again)
    labels = [label.get_text() for label in figures.side_by_side(again).axes[0].get_yticklabels()]
    assert labels == [one.marked_label for one in ESTIMATORS.values()]


def test_its_results_are_shown_where_the_file_is_not_imported():
    assert declared("median_hill").marked_label == "median_hill"


def test_declarations_say_all():
    for one in ESTIMATORS.values():
        for words in (one.label, one.estimates, one.consistent, one.standard_error, one.source):
            assert words, one.name
