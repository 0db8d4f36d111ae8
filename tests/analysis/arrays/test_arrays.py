"""The analysis on plain arrays: verdicts and their false alarms, what is read, and how results look."""

import json

import matplotlib as mpl
import numpy as np
import pytest
from scipy import stats

import fastsde
from fastsde.analysis import Settings
from fastsde.system.errors import RequestError

mpl.use("Agg")
FEW = Settings(permutations=99, kernel_limit=128, pair_limit=64, transport_limit=50, sliced_limit=128)


@pytest.mark.statistics
@pytest.mark.slow
def test_equal_laws_are_told_apart_in_one_of_twenty_and_different_ones_nearly_always():
    """60 pairs of 80 rows: at most 8 false alarms at 5 % (chance of more below 0.6 %).

    Of 20 pairs with a shift of 0.6 most are told apart.
    """
    rng = np.random.default_rng(0)
    alarms = found = 0
    for number in range(60):
        x, y = rng.standard_normal((2, 80, 2))
        alarms += fastsde.compare(x, y, settings=FEW).verdict == "distinguishable"
        if number < 20:
            found += fastsde.compare(x, y + np.array([0.6, 0.0]), settings=FEW).verdict == "distinguishable"
    assert alarms <= 8
    assert found >= 16


def test_snapshots_names_and_divergences_are_read():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, 3, 60, 2))
    y[2, :, 0] += 2
    result = fastsde.compare(x, y, names=("torch", "sgd"), coordinates=("a", "b"), settings=FEW)
    assert result.verdict == "distinguishable"
    assert result.pair.significance.snapshot == 2
    assert result.distances["energy"].shape == (3,)
    assert result.coordinates == ("a", "b")
    assert str(result).startswith("torch and sgd are distinguishable (p = 0.01; 60 and 60 rows).")
    assert json.dumps(result.to_dict())
    y[:, :40] = np.nan
    assert fastsde.compare(x, y, settings=FEW).verdict == "distinguishable"  # two thirds have diverged
    nothing = fastsde.compare(x[0], np.full((60, 2), np.nan), settings=FEW)
    assert nothing.verdict in ("distinguishable", "undetermined")


def test_units_matter_unless_coordinates_are_standardised():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, 100, 2)) * [1.0, 1e6]
    y[:, 0] += 1.0
    plain = fastsde.compare(x, y, settings=FEW).pair.tests["energy"].p_value[0]
    assert (
        plain > 0.05 > fastsde.compare(x, y, standardise=True, settings=FEW).pair.tests["energy"].p_value[0]
    )


def test_paired_samples_are_compared_in_halves():
    """The same starting points make samples alike: the first half of one, the second of the other."""
    x = np.random.default_rng(3).standard_normal((100, 1))
    assert fastsde.compare(x, x, paired=True, settings=FEW).count == (50, 50)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([], [1.0], "found an empty array"),
        (["a"], ["b"], "expected real numbers"),
        ([object()], [1.0], "not numbers"),
        (np.zeros((5, 2)), np.zeros((5, 3)), "equally many"),
        (np.zeros((1, 1, 1, 1)), np.zeros(3), "expected"),
        ([1j], [1.0], "expected real numbers"),
    ],
)
def test_what_cannot_be_compared_is_refused(first, second, message):
    with pytest.raises(RequestError, match=message):
        fastsde.compare(first, second)


def test_tails_have_a_verdict_for_each_column():
    rng = np.random.default_rng(4)
    x = np.column_stack([stats.levy_stable.rvs(1.5, 0, size=8000, random_state=5), rng.normal(size=8000)])
    found = fastsde.tails(x)
    assert found.verdict == ("stable", "light")
    hill = found.report.estimates["characteristic"]
    assert hill.low[0] < 1.5 < hill.high[0]
    assert "values" not in found.to_dict()
    with pytest.raises(RequestError, match="one per row"):
        fastsde.tails(x, scale=np.ones(3))


def test_survival_is_that_of_scipy_and_counts_ends():
    rng = np.random.default_rng(6)
    life, cut = rng.exponential(1.0, 300), rng.exponential(2.0, 300)
    time, ended = np.minimum(life, cut), life <= cut
    found = fastsde.survival(time, ended)
    exact = stats.ecdf(stats.CensoredData.right_censored(time, ~ended)).sf
    assert np.allclose(found.survival, exact.evaluate(found.time))
    assert found.median_low < np.log(2) < found.median_high
    assert (found.count, found.ended + found.censored) == (300, 300)
    for bad in ([-1.0], [np.nan], [[1.0]]):
        with pytest.raises(RequestError, match="times"):
            fastsde.survival(bad)
    with pytest.raises(RequestError, match="ended and diverged"):
        fastsde.survival([1.0], [True], diverged=[True])


def test_results_draw_into_given_axes_and_print_as_tables():
    from matplotlib import pyplot

    rng = np.random.default_rng(7)
    x = rng.standard_normal((200, 2))
    results = [
        fastsde.compare(x, x + 1, settings=FEW),
        fastsde.tails(x),
        fastsde.survival(np.abs(x[:, 0])),
        fastsde.moments(x),
    ]
    figure, axes = pyplot.subplots(len(results))
    for result, ax in zip(results, axes, strict=True):
        assert result.plot(ax=ax) is ax
        assert ax.has_data()
        assert len(result.table().splitlines()) == len(result.rows()) + 1
        assert result._repr_html_().count("<tr>") == len(result.rows()) + 1
        assert repr(result).endswith(".")
    pyplot.close(figure)


def test_moments_that_do_not_exist_are_left_out():
    rng = np.random.default_rng(8)
    rows = fastsde.moments(np.column_stack([rng.normal(3, 2, 5000), rng.standard_cauchy(5000)])).rows()
    assert float(rows[0]["mean"]) == pytest.approx(3, abs=0.15)
    assert rows[1]["sd"] == "-"
    assert rows[1]["median"] != "-"


def test_tables_of_pandas_and_arrays_of_xarray_are_read():
    pandas = pytest.importorskip("pandas")
    x = np.random.default_rng(9).standard_normal((100, 2))
    table = pandas.DataFrame(x, columns=["w", "v"])
    assert fastsde.compare(table, table + 1, settings=FEW).coordinates == ("w", "v")
    assert fastsde.moments(table["w"]).names == ("w",)
    xarray = pytest.importorskip("xarray")
    assert fastsde.moments(xarray.DataArray(x, dims=("trajectory", "mode"))).names == ("column 1", "column 2")
