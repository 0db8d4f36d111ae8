"""What the page says of tails: words for every verdict, its false-alarm rate and its power."""

from types import SimpleNamespace

import numpy as np
import pytest

from fastsde.analysis.tails.section import ModelTails, TailSection, sample_tails
from fastsde.analysis.tails.tail_pool import TailPool
from fastsde.analysis.tails.verdict import MEANING
from fastsde.report.tails import tables
from fastsde.report.tails import text as tails
from fastsde.study.objective import NETWORK_WORDS


def analysis_of(noise):
    """The part of an analysis that the page reads, of one model with this noise, (snapshot, n, mode)."""
    pool = TailPool(len(noise), 50_000)
    for snapshot in noise:
        pool.add(snapshot)
    section = TailSection({"sgd": ModelTails(sample_tails(pool), None, None)})
    modes = np.ones(noise.shape[2])
    return SimpleNamespace(
        objective=SimpleNamespace(vocabulary=NETWORK_WORDS),
        sections={"tails": section},
        models={"sgd": None},
        reference="sgd",
        mode_strength=modes,
        effects=SimpleNamespace(ranking=lambda reference: []),
    )


def test_every_verdict_has_words():
    assert set(tails.WORDS) == set(MEANING)


@pytest.mark.statistics
def test_gaussian_noise_of_few_trajectories_is_undetermined_and_says_what_would_be_seen():
    """A fixed sample; 5 % of such samples would claim a tail."""
    few = analysis_of(np.random.default_rng(0).standard_normal((3, 64, 1)))
    index = few.sections["tails"].models["sgd"].noise.pooled.detectable[0]
    assert 1.6 < index <= 1.73  # of 128 values, or somewhat fewer by the design effect
    said = tails.finding(few)
    assert f"sgd: undetermined with this number of values (detectable {index:.2f} or less)" in said
    told = tables.verdicts(few)
    assert "at most 5 % of Gaussian samples get a verdict that claims a tail" in told
    assert "with a power of 80 %" in told
    assert f"detectable {index:.2f} or less" in told
    many = analysis_of(np.random.default_rng(0).standard_normal((30, 64, 1)))
    assert "sgd: light-tailed" in tails.finding(many)


def test_estimators_that_disagree_on_gaussian_noise_are_no_finding():
    """Estimates that differ by chance do not make a law unstable: only a tail that is there does."""
    few = analysis_of(np.random.default_rng(1).standard_normal((3, 64, 1)))
    assert tails.disagreement_finding(few).startswith("The estimators agree")
    heavy = analysis_of(np.random.default_rng(1).laplace(size=(30, 400, 1)))
    assert tails.disagreement_finding(heavy).startswith("The estimators disagree")
