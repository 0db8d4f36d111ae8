import base64
import dataclasses
import io
import math
import pickle
import re
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from fakes import fake_ensemble, fake_study
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from fastsde.analysis import Analysis, Settings, analyze
from fastsde.analysis.distances.registry import DISTANCES
from fastsde.analysis.distances.relevance import Relevance, Verdict
from fastsde.report import drawing, style, write_report
from fastsde.report.course import text as course
from fastsde.report.distances import figures as distances_figures
from fastsde.report.effect import text as effect
from fastsde.report.sheet import FIRST
from fastsde.report.spec import FIGURES
from fastsde.report.words import study_sentences
from fastsde.report.writing import number
from fastsde.system.errors import FastsdeError

QUICK = Settings(permutations=49, directions=8, sliced_limit=60, kernel_limit=60)
VOID = {"meta", "img", "br"}


class _Checker(HTMLParser):
    """Fails on tags that are not closed in order, and collects what the page refers to."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.links = [], [], []

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs") / "saddle_to_saddle"
    directory.mkdir()
    analyze(fake_ensemble(150, 10), settings=QUICK).save(directory / "analysis.h5")
    return directory


@pytest.fixture
def undivided(monkeypatch):
    """Draw in this process alone: starting another takes longer than a small report."""
    monkeypatch.setattr(drawing, "WORTHWHILE_SECONDS", math.inf)


@pytest.fixture(scope="module")
def page(run):
    """Write the report with all its figures, in this process alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "WORTHWHILE_SECONDS", math.inf)
        return write_report(run).read_text(encoding="utf-8")


def test_page_is_well_formed_and_needs_nothing_else(page):
    checker = _Checker()
    checker.feed(page)
    assert checker.open == []
    elsewhere = [link for link in checker.links if not link.startswith("#")]
    assert len(elsewhere) == page.count("<figure>") > 4
    assert all(link.startswith("data:image/png;base64,") for link in elsewhere)
    assert "http" not in re.sub(r'base64,[^"]+', "", page).split("<pre>")[0]


def test_figures_are_files_and_inside(run, page):
    embedded = [base64.b64decode(data) for data in re.findall(r"base64,([^\"]+)", page)]
    written = {path.stem: path.read_bytes() for path in (run / "figures").glob("*.png")}
    analysis = Analysis.load(run / "analysis.h5")
    drawn = [spec.name for spec in FIGURES.values() if spec.applies(analysis)]
    assert set(written) == set(drawn)
    first = [name for name in drawn if name in FIRST]
    assert embedded == [written[name] for name in (*first, *(name for name in drawn if name not in first))]
    for image in embedded:
        assert image.startswith(b"\x89PNG")
        assert int.from_bytes(image[16:20], "big") == pytest.approx(style.WIDTH * style.DPI, abs=2)


def test_most_important_first(page):
    places = (
        'class="question"',
        'class="finding"',
        "<table>",
        "<img",
        "How sure",
        'id="contents"',
        "<details>",
    )
    assert sorted(places, key=page.index) == list(places)
    assert "<h1>saddle to saddle</h1>" in page


def test_page_tells_counts_seed_versions_study(run, page):
    analysis = Analysis.load(run / "analysis.h5")
    levy = analysis.models["levy"].diverged
    for text in (
        f"<td>{levy} of 150</td>",
        analysis.fingerprint,
        analysis.versions["numpy"],
        "seed of the study",
        "singular_values = [100.0, 90.0, 80.0, 70.0]",
        "4-10-10-10-4",
        "reference (control, its two halves: ",
    ):
        assert text in page


def test_heavy_tailed_model_has_no_variance_on_the_page(page):
    shape = page.split('<h2 id="shape">')[1].split("</table>")[0]
    levy, sgd = (next(row for row in shape.split("<tr>") if f">{name}<" in row) for name in ("levy", "sgd"))
    assert levy.count("no: moments below 0.4") == 4  # mean, sd, skewness, kurtosis
    assert sgd.count("&plusmn;") > levy.count("&plusmn;") > 0
    correlations = page.split("<b>Correlations</b>")[1].split("</table>")[0]
    assert "&plusmn;" in next(row for row in correlations.split("<tr>") if ">sgd<" in row)
    assert "&plusmn;" not in next(row for row in correlations.split("<tr>") if ">levy<" in row)


def test_sentences_on_the_course(run):
    analysis = Analysis.load(run / "analysis.h5")
    loss, modes, learning = (
        say(analysis) for say in (course.loss_finding, course.modes_finding, course.learning_finding)
    )
    median = analysis.models["sgd"].moments.median[-1, analysis.quantities.index("loss")]
    assert loss.startswith(f"The median loss at the end is {number(median)} (")
    assert "in sgd" in loss
    assert re.match(
        r"Median fraction of modes 1, 2, 3 and 4 learned at the end: \d+, \d+, \d+, \d+&nbsp;% in sgd", modes
    )
    told = learning.split("Learning times differ from those of sgd (log-rank test)")
    assert "sgd_gauss" in told[0]
    assert "gd " in told[1]
    assert "langevin " in told[1]


def test_names_are_escaped(run):
    from fastsde.analysis import Analysis
    from fastsde.report.page import page as write_page

    html = write_page(Analysis.load(run / "analysis.h5"), fake_study(), "<b>x</b> & y", {})
    assert "<title>&lt;b&gt;x&lt;/b&gt; &amp; y</title>" in html


@pytest.mark.parametrize("models", [("gd", "langevin"), ("langevin",)])
def test_figures_of_an_analysis_without_a_reference_are_drawn_or_explained(models):
    analysis = analyze(fake_ensemble(60, 8, models), settings=QUICK)
    assert not analysis.reference
    drawn, refused = set(), {}
    for spec in FIGURES.values():
        try:
            spec.draw(analysis)
            drawn.add(spec.name)
        except FastsdeError as error:
            refused[spec.name] = str(error)
    assert not {spec.name for spec in FIGURES.values() if spec.applies(analysis)} & refused.keys()
    assert all("this analysis has no" in said or "nothing to draw" in said for said in refused.values())
    assert {"loss", "modes", "learning", "shape", "tails", "saddle_visits", "escape"} <= drawn
    assert "distances" not in drawn
    with pytest.raises(FastsdeError, match=r"no reference.*--reference MODEL"):
        _ = analysis.models[analysis.reference]
    assert dataclasses.asdict(analysis)["models"].keys() == analysis.models.keys()
    assert pickle.loads(pickle.dumps(analysis)).reference == ""


def test_report_without_reference_and_little_recorded(tmp_path, blank_figures):
    ensemble = fake_ensemble(40, 6, ("gd", "langevin"))
    for view in ensemble.views.values():
        del view.arrays["update_noise"], view.arrays["mode_learned_step"]
    analyze(ensemble, settings=QUICK).save(tmp_path / "analysis.h5")
    html = write_report(tmp_path).read_text(encoding="utf-8")
    written = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert {"loss", "modes", "pairs", "tail_estimators"} <= written
    assert not written & {"distances", "learning", "saddle_noise"}
    assert "the study has no SGD" in html


def test_report_of_a_model_that_diverged_whole(tmp_path, undivided):
    ensemble = fake_ensemble(60, 8, ("sgd", "levy"))
    view = ensemble.views["levy"]
    for name in ("loss", "modes", "update_noise"):
        view.arrays[name][2:] = np.nan
    view.arrays["diverged_step"][:] = view.step[2]
    view.arrays["mode_learned_step"][:] = -1
    analyze(ensemble, settings=QUICK).save(tmp_path / "analysis.h5")
    html = write_report(tmp_path).read_text(encoding="utf-8")
    assert "<td>60 of 60</td>" in html
    assert "all 60 trajectories of levy diverge" in html


def diverging(*names):
    """An ensemble of SGD and Langevin of which the named models learn mode 1 at once and then diverge."""
    ensemble = fake_ensemble(60, 8, ("sgd", "langevin"))
    for name in names:
        view = ensemble.views[name]
        for key in ("loss", "modes", "update_noise"):
            view.arrays[key][1:] = np.nan
        view.arrays["diverged_step"][:] = view.step[1]
        view.arrays["mode_learned_step"][..., 0] = 1
    return ensemble


def test_passages_on_the_way_to_divergence_are_not_learning(tmp_path, blank_figures):
    analysis = analyze(diverging("sgd", "langevin"), settings=QUICK)
    for row in analysis.summary():
        assert row["learned_steps"] is None
    escape = analysis.sections["escape"]
    assert not escape.effects
    assert not any(one.arrived.any() or one.escaped.any() for one in escape.models.values())
    assert effect.effect_finding(analysis).startswith("Undetermined: too few trajectories survive")
    assert not course.learning_finding(analysis)
    analysis.save(tmp_path / "analysis.h5")
    html = write_report(tmp_path).read_text(encoding="utf-8")
    for section in ("learning", "escape", "escape_hazard", "escape_effects"):
        assert f'<h2 id="{section}">' not in html
    assert "What makes escape faster" not in html


def test_one_model_that_only_diverges_has_no_learning_times(tmp_path, blank_figures):
    analysis = analyze(diverging("langevin"), settings=QUICK)
    analysis.save(tmp_path / "analysis.h5")
    html = write_report(tmp_path).read_text(encoding="utf-8")
    learning = html.split('<h2 id="learning">')[1].split("</table>")[0]
    row = learning.split('<th scope="row">langevin')[1].split("</tr>")[0]
    assert row.count('<span class="none">') == row.count("<td>") == 4
    assert "Undetermined for langevin: nearly all trajectories diverge." in html
    assert "undetermined in langevin, where too few trajectories survive" in html


def test_few_divergent_trajectories_leave_learning_times():
    analysis = analyze(fake_ensemble(60, 8, ("sgd", "levy")), settings=QUICK)
    assert 0 < analysis.models["levy"].diverged < 30
    assert analysis.models["levy"].learning is not None
    assert analysis.sections["escape"].models["levy"].arrived[0] == 60


def test_one_trajectory(tmp_path, undivided):
    analyze(fake_ensemble(1, 6, ("sgd", "gd")), settings=QUICK).save(tmp_path / "analysis.h5")
    assert "Undetermined how far gd is from sgd: " in write_report(tmp_path).read_text(encoding="utf-8")


def test_no_figure_of_relevance_where_no_distance_was_measured(run):
    """With few independent states per sample no test has a size that it is allowed."""
    analysis = Analysis.load(run / "analysis.h5")
    spec = FIGURES["relevance"]
    analysis.sections["relevance"] = empty = fake_relevance(seconds=math.nan)
    assert not spec.applies(analysis)
    assert spec.applies(dataclasses.replace(analysis, sections={"relevance": fake_relevance(seconds=0.1)}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        distances_figures.relevance(dataclasses.replace(analysis, sections={"relevance": empty})).savefig(
            io.BytesIO()
        )


def fake_relevance(seconds):
    """What every distance is worth, the same for all."""
    some = np.full(3, 0.5 if np.isfinite(seconds) else np.nan)
    one = Verdict(np.full(3, seconds), math.nan, some, some, some, some, exists=True)
    return Relevance(
        sizes=np.array([32, 64, 128]),
        replicates=10,
        nearest="sde",
        farthest="gd",
        step=np.array([1.0]),
        distances=dict.fromkeys(DISTANCES, one),
        recommended="",
    )


@pytest.mark.parametrize(("value", "drawn"), [(0.0, "linear"), (math.nan, "linear"), (2.0, "log")])
def test_an_axis_is_logarithmic_only_with_positive_data(value, drawn):
    left, right = Figure().subplots(1, 2, sharey=True)
    left.plot([1.0, 2.0], [0.0, 0.0])
    right.fill_between([1.0, 2.0], 0.0, value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert style.log_scale(left) == (drawn == "log")
        left.figure.savefig(io.BytesIO())
    assert left.get_yscale() == right.get_yscale() == drawn


def test_all_logarithmic_axes_are_made_in_one_place():
    folder = Path(style.__file__).parent
    assert not [path.name for path in folder.rglob("*.py") if re.search(r"scale\(\"log\"", path.read_text())]


def test_no_analysis(tmp_path):
    with pytest.raises(FastsdeError, match="fastsde analyze"):
        write_report(tmp_path)


def test_a_model_has_one_colour_wherever_it_is_drawn():
    lines = style.model_lines(["gd", "sgd", "sde"], "sgd")
    assert lines["sgd"].color == style.INK
    assert len({line.color for line in lines.values()}) == 3
    assert style.model_lines(["sgd", "gd", "sde"], "sgd") == lines


def test_colours_differ_in_lightness_or_hue_for_red_green_blindness():
    """Deuteranopia by Vienot's projection: no two of the first six colours fall together."""
    projection = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    lines = style.model_lines(list("abcdef"), "")
    seen = [projection @ np.array(to_rgb(line.color)) ** 2.2 for line in lines.values()]
    gaps = [np.abs(a - b).max() for i, a in enumerate(seen) for b in seen[i + 1 :]]
    assert min(gaps) > 0.04


@pytest.mark.parametrize(("first", "last"), [(1, 20_000), (150, 1200), (2000, 2600), (1, 10**9)])
def test_ticks_lie_inside_and_are_few(first, last):
    ticks = style.nice_ticks(first, last)
    assert all(first <= tick <= last for tick in ticks)
    assert len(ticks) <= 10


def test_legends_lie_inside_the_figure(run):
    import matplotlib as mpl

    analysis = Analysis.load(run / "analysis.h5")
    with mpl.rc_context(style.RC):
        for spec in [spec for spec in FIGURES.values() if spec.applies(analysis)]:
            figure = spec.draw(analysis)
            if not figure.legends:
                continue
            figure.draw_without_rendering()
            box = figure.legends[0].get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.x1
            assert all(box.y1 <= axes.get_window_extent().y0 for axes in figure.axes)


def test_study_in_words():
    text = " ".join(study_sentences(fake_study(64)))
    for part in (
        "280 parameters",
        "variance min(fan in, fan out)^-2",
        "16 samples with whitened Gaussian inputs",
        "singular values 100, 90, 80, 70",
        "20,000 steps of learning rate 0.0001",
        "64 times",
    ):
        assert part in text


NUMBERS = {
    0.0: "0",
    1234.6: "1,235",
    0.0495: "0.0495",
    2.5e-7: "2.5&times;10<sup>-7</sup>",
    3e8: "3.0&times;10<sup>8</sup>",
}


@pytest.mark.parametrize("value", NUMBERS)
def test_numbers(value):
    assert number(value) == NUMBERS[value]


def test_tails_are_judged_in_words(page):
    """The fake Levy noise is Student-t with 1.6 degrees of freedom, SGD's is Gaussian, GD has none."""
    tails = page.split('<h2 id="tails">')[1].split("<h2")[0]
    sentence = tails.split("</b>")[0]
    assert re.search(r"sgd[^:;]*: light-tailed", sentence)
    assert not re.search(r"levy[^:;]*: light-tailed", sentence)
    rows = {row.split("<")[0]: row for row in tails.split('<th scope="row">')[1:]}
    assert rows["gd"].count('<td><span class="none">') == 4
    assert rows["sgd"].count("<b>light</b>") >= 4
