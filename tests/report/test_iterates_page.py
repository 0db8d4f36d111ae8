"""What the page says and draws of iterates, displacement and increments."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import FakeTrajectories

from fastsde.analysis import Settings
from fastsde.analysis.displacement import section as displacement
from fastsde.analysis.increments import section as increments
from fastsde.analysis.iterates import section as iterates
from fastsde.report.spec import FIGURES
from fastsde.study.objective import NETWORK_WORDS

STEP = np.arange(0, 101, 5)


@pytest.fixture(scope="module")
def analysis():
    """A walk, and a law that is stable and grows, so that its index changes halfway."""
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.standard_normal((len(STEP), 400, 2)), axis=0)
    levy = np.cumsum(rng.standard_cauchy((len(STEP), 400, 2)), axis=0)
    levy[: len(STEP) // 2 + 1] = rng.standard_normal((len(STEP) // 2 + 1, 400, 2))
    views = {
        name: FakeTrajectories(
            STEP,
            STEP * 0.1,
            {"diverged_step": np.full(400, -1), "modes": path, "path_length": np.abs(path).sum(axis=2)},
            {"dt": 0.1},
        )
        for name, path in (("walk", walk), ("levy", levy))
    }
    objective = SimpleNamespace(vocabulary=SimpleNamespace(mode="coordinate"))
    laws = {"walk": SimpleNamespace(tail_index=math.inf), "levy": SimpleNamespace(tail_index=1.0)}
    context = SimpleNamespace(
        views=views,
        branches=1,
        settings=Settings(),
        ensemble=SimpleNamespace(study=SimpleNamespace(models=laws, widths=(1, 2), objective=objective)),
        recorded=lambda *names: all(name in view.variables for view in views.values() for name in names),
    )
    sections = (("iterates", iterates), ("displacement", displacement), ("increments", increments))
    return SimpleNamespace(
        objective=SimpleNamespace(vocabulary=NETWORK_WORDS),
        sections={name: module.measure(context) for name, module in sections},
        models=dict.fromkeys(views),
        reference="walk",
        step=STEP.astype(np.float64),
        mode_strength=np.ones(2),
        effects=SimpleNamespace(ranking=lambda reference: ["levy"]),
    )


def said(analysis, name):
    spec = FIGURES[name]
    assert spec.applies(analysis)
    return spec.finding(analysis), spec.beside(analysis)


def test_a_changing_law_is_not_called_stationary(analysis):
    finding, table = said(analysis, "iterate_tails")
    assert "<i>light</i> in walk" in finding
    assert "In levy the index from whole vectors differs" in finding
    assert "and walk the index" not in finding
    assert "Snapshots at steps 50 and 100" in table


def test_columns_that_are_not_gaussian_are_counted(analysis):
    finding, table = said(analysis, "iterate_quantiles")
    assert "0 of 2 in walk" in finding
    assert "2 of 2 in levy" in finding
    assert "0.001 or less" in table


def test_displacement_is_named_and_has_a_median_where_there_is_no_mean(analysis):
    finding, table = said(analysis, "displacement")
    assert finding.startswith("Squared displacement from halfway: diffusive in walk")
    assert "exponent of the median" in finding
    assert table.count("<tr>") == 5


def test_increments_of_a_walk_are_independent(analysis):
    finding, _ = said(analysis, "increments")
    assert "Correlation of an increment of mode 1 over 5 steps with the next one" in finding


@pytest.mark.parametrize("name", ["iterate_tails", "iterate_quantiles", "displacement", "increments"])
def test_figures_are_drawn(analysis, name):
    figure = FIGURES[name].draw(analysis)
    assert all(panel.lines or panel.containers for panel in figure.axes)
