"""Means and curves that come in blocks: those of all rows at once, with intervals that cover."""

import numpy as np
import pytest

from fastsde.analysis.confidence import mean
from fastsde.analysis.features.running import RunningCurve, RunningMean

FIELDS = ("value", "low", "high")


def holed(rng, rows, columns, share=0.2):
    values = rng.normal(50.0, 2.0, (rows, columns))
    values[rng.random(values.shape) < share] = np.nan
    return values


def same(one, other):
    return all(np.allclose(getattr(one, f), getattr(other, f), rtol=1e-12, equal_nan=True) for f in FIELDS)


def test_blocks_of_any_size_give_the_mean_of_all_rows():
    values = holed(np.random.default_rng(0), 301, 4)
    values[:, 2] = np.nan
    values[1:, 3] = np.nan
    running, curve, cells = RunningMean(4), RunningCurve(4), RunningMean(2, 4)
    for block in np.split(values, [0, 1, 40, 200]):
        running.add(block)
        curve.add(block)
        cells.add(block, 1)
    assert same(running.interval(), mean(values))
    assert same(curve.each(), mean(values))
    assert np.allclose(cells.interval().high[1], running.interval().high, equal_nan=True)
    assert np.isnan(cells.interval().value[0]).all()


@pytest.mark.statistics
def test_the_mean_of_a_curve_over_its_places_covers_though_curves_have_holes():
    """1000 samples of 80 walks with holes: cover between 93 and 97.5 % (95 %, false alarm about 1e-3).

    Errors that took places for independent would be far too small: they cover less than 80 %.
    """
    held, naive = 0, 0
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        walks = rng.normal(size=(80, 12)).cumsum(axis=1)
        walks[np.arange(12) > rng.integers(3, 14, 80)[:, None]] = np.nan  # how far each comes
        curve = RunningCurve(12)
        curve.add(walks[:30])
        curve.add(walks[30:])
        found, each = curve.average(np.ones(12, dtype=bool)), curve.each()
        held += bool(found.low <= 0 <= found.high)
        naive += abs(float(found.value)) <= np.sqrt(np.sum((each.high - each.value) ** 2)) / 12
    assert 930 < held < 975
    assert naive < 800
