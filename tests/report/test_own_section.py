"""A section and its page, declared in one file outside the package: measured, stored, read, shown."""

import json

import numpy as np
import pytest
from declared import imported, preserved
from fakes import fake_ensemble

from fastsde.analysis import Analysis, Settings, analyze, cost
from fastsde.analysis.sections import SECTIONS
from fastsde.report import write_report
from fastsde.report.drawing import files_of
from fastsde.report.spec import FIGURES
from fastsde.system.errors import RequestError

QUICK = Settings(permutations=19, directions=4, frequencies=16, sliced_limit=30, kernel_limit=30)
FILE = '''
"""How long the loss of a trajectory stays above a level."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis import Cost, Section, register_section
from fastsde.report import FigureSpec, register_figure, style


@dataclass(frozen=True)
class Model:
    share: NDArray[np.float64]


@dataclass(frozen=True)
class Above:
    level: float
    models: dict[str, Model]


def measure(context):
    if not context.recorded("loss"):
        return None
    level = ABOVE.own_settings(context.settings)["level"]
    models = {
        name: Model(np.array([np.mean(view.read("loss", k) > level) for k in range(len(view.step))]))
        for name, view in context.views.items()
    }
    return Above(level, models)


def cells(analysis, name):
    found = ABOVE.of(analysis)
    return {} if found is None else {"above": f"{found.models[name].share[-1]:.0%}"}


ABOVE = register_section(
    Section("above", Above, measure, settings={"level": 1.0}, cells=cells, cost=Cost((0.5,) + 7 * (0,)))
)


def draw(analysis):
    figure, (panel,) = style.grid(1, 1, 2.5)
    for name, one in analysis.sections["above"].models.items():
        panel.plot(analysis.step, one.share, label=name)
    style.legend_below(figure, [panel])
    return figure


register_figure(
    FigureSpec(
        name="above",
        section="above",
        title="Loss above the level",
        caption="Share of trajectories with a loss above the level.",
        source="<code>ensemble.h5 /MODEL/loss</code>.",
        draw=draw,
        answers=True,
        finding=lambda analysis: f"The level is {analysis.sections['above'].level:g}.",
    )
)
register_figure(
    FigureSpec("above_table", "A table alone", section="above", beside=lambda analysis: "<p>a table</p>")
)
'''


@pytest.fixture
def _own(tmp_path, monkeypatch):
    """Import the file; what it registers is forgotten afterwards."""
    preserved(monkeypatch, SECTIONS, FIGURES)
    imported(tmp_path / "above.py", FILE)


@pytest.mark.usefixtures("_own")
def test_a_section_and_its_page_need_one_file(tmp_path, request):
    ensemble = fake_ensemble(60, 8, ("sgd", "gd"))
    before = analyze(ensemble, settings=QUICK, sections=["alignment"])
    found = analyze(ensemble, settings=QUICK, sections=["above"], before=before)
    assert list(found.sections)[-1] == "above"
    assert found.seconds["above"] > 0
    assert Analysis.load(found.save(tmp_path / "analysis.h5")).sections["above"].level == 1.0
    loaded = Analysis.load(tmp_path / "analysis.h5")
    share = loaded.sections["above"].models["sgd"].share
    assert share.tolist() == (ensemble["sgd"]["loss"] > 1.0).mean(axis=1).tolist()
    document = json.loads(json.dumps(found.document()))
    assert document["sections"]["above"]["models"]["sgd"]["share"] == share.tolist()
    assert loaded.summary_rows()[0]["above"] == f"{share[-1]:.0%}"

    assert files_of(FIGURES["above"], loaded, ("png",))["png"].startswith(b"\x89PNG")
    request.getfixturevalue("blank_figures")
    html = write_report(tmp_path).read_text(encoding="utf-8")
    assert '<h2 id="above">Loss above the level</h2>\n<figure>' in html
    assert "<figcaption><b>The level is 1.</b>" in html
    assert '<li><a href="#above">Loss above the level</a>: The level is 1.</li>' in html
    assert '<h2 id="above_table">A table alone</h2>\n<details>' in html
    assert "<p>a table</p>" in html
    assert (tmp_path / "figures" / "above.png").is_file()
    assert not (tmp_path / "figures" / "above_table.png").exists()
    assert cost.analysis_seconds(ensemble.study, 1)["above"] == 0.5


@pytest.mark.usefixtures("_own")
def test_a_section_has_settings_of_its_own():
    ensemble = fake_ensemble(60, 8, ("sgd", "gd"))
    settings = Settings(own={"above": {"level": 1e9}})
    record = SECTIONS["above"].measure(_context(ensemble, settings))
    assert record.level == 1e9
    assert not np.any(record.models["sgd"].share)
    for own, words in (({"above": {"height": 1.0}}, "it has level"), ({"nothing": {}}, "which there is not")):
        with pytest.raises(RequestError, match=words):
            analyze(ensemble, settings=Settings(own=own), sections=["above"])


def _context(ensemble, settings):
    from fastsde.analysis import Context
    from fastsde.analysis.views import common_views
    from fastsde.system.progress import Silent

    return Context(ensemble, common_views(ensemble, None), "sgd", settings, Silent())


def test_an_analysis_with_an_unknown_section_is_read_without_it(tmp_path, request):
    request.getfixturevalue("_own")
    ensemble = fake_ensemble(60, 8, ("sgd", "gd"))
    analyze(ensemble, settings=QUICK, sections=["above"]).save(tmp_path / "analysis.h5")
    SECTIONS._declared.pop("above")
    assert "above" not in Analysis.load(tmp_path / "analysis.h5").sections


def test_a_section_needs_a_name_and_a_dataclass():
    from fastsde.analysis import Section

    with pytest.raises(ValueError, match="letters, digits and underscores"):
        Section("a/b", Settings, lambda context: None)
    with pytest.raises(TypeError, match="dataclass"):
        Section("name", dict, lambda context: None)
