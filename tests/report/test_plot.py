"""Panels of the report drawn into the user's own axes, and what notebooks show."""

import matplotlib as mpl
import pytest
from stand_in import TINY

import fastsde
from fastsde.analysis import Settings
from fastsde.system.errors import RequestError

mpl.use("Agg")


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plot") / "run"
    fastsde.run(fastsde.Study.from_toml(TINY).replace(trajectories=40), folder)
    with fastsde.open(folder) as ensemble:
        return fastsde.analyze(ensemble, settings=Settings.quickly(), sections=["distances"])


@pytest.mark.parametrize("name", ["effect", "distances", "loss", "modes", "learning_times"])
def test_each_panel_is_drawn_into_axes_that_are_given(analysis, name):
    from matplotlib import pyplot

    figure, (mine, other) = pyplot.subplots(1, 2)
    assert getattr(fastsde.plot, name)(analysis, ax=mine) is mine
    assert mine.lines or mine.patches
    assert not other.has_data()
    pyplot.close(figure)
    new = getattr(fastsde.plot, name)(analysis)
    assert new.has_data()
    pyplot.close(new.figure)


def test_whole_figures_by_name_and_what_is_not_there(analysis):
    assert len(fastsde.plot.figure(analysis, "loss").axes) == 2
    for call in (
        lambda: fastsde.plot.figure(analysis, "pairs"),
        lambda: fastsde.plot.distances(analysis, "exact_wasserstein"),
    ):
        with pytest.raises(RequestError, match="expected one of"):
            call()


def test_notebooks_show_tables(analysis):
    study = fastsde.Study.from_toml(TINY)
    assert study._repr_html_().count("<tr>") == 3
    assert analysis._repr_html_().startswith(f"<p>{analysis.headline()[:10]}")
