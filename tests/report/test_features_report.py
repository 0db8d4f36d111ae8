"""The sections on feature learning and equilibrium on the page of a small run that has all of them."""

import dataclasses
import re

import matplotlib as mpl
import numpy as np
import pytest
from test_report import _Checker

import fastsde
from fastsde.analysis import Analysis, Settings, analyze
from fastsde.report import style, write_report
from fastsde.report.currents import tables as currents_tables
from fastsde.report.features import late_law as features_late
from fastsde.report.features import text as features
from fastsde.report.spec import FIGURES
from fastsde.run.run import run
from fastsde.study.study import Study

SECTIONS = ("diffusion", "rank", "alignment", "late_law", "currents", "mixing")
SPECS = [spec for spec in FIGURES.values() if spec.section in SECTIONS]

STUDY = """
seed = 5
trajectories = 64
[network]
widths = [2, 3, 2]
init = { std = 0.2 }
loss = "half"
[data]
samples = 8
inputs = { kind = "gaussian", whiten = true }
teacher = { singular_values = [3.0, 2.0] }
label_noise = 0.5
[time]
learning_rate = 0.02
steps = 1500
snapshots = { count = 40, spacing = "log", late = { count = 24, every = 2 } }
[record]
observables = ["loss", "modes", "mode_matrix", "mode_drift", "mode_diffusion", "singular_values",
               "mode_alignment", "layer_alignment", "balance"]
[models.sgd]
kind = "sgd"
sampling = "replacement"
[models.sde]
kind = "sde"
noise = "gradient"
substeps = 2
[models.langevin]
kind = "sde"
noise = "isotropic"
temperature = "matched"
substeps = 2
[models.gd]
kind = "gd"
"""
QUICK = Settings(permutations=49, directions=8, sliced_limit=32, kernel_limit=32, surrogates=40)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "features"
    run(Study.from_toml(STUDY), path, threads=1)
    with fastsde.open(path) as ensemble:
        analyze(ensemble, settings=QUICK).save(path / "analysis.h5")
    return path


@pytest.fixture(scope="module")
def analysis(directory):
    return Analysis.load(directory / "analysis.h5")


def test_every_section_is_on_the_page(directory, blank_figures):
    html = write_report(directory).read_text(encoding="utf-8")
    checker = _Checker()
    checker.feed(html)
    assert checker.open == []
    for spec in SPECS:
        assert f'<h{3 if spec.detail else 2} id="{spec.name}">' in html
        assert (directory / "figures" / f"{spec.name}.png").is_file()
    assert "nan" not in " ".join(checker.text).replace("nance", "")
    assert not re.search(r"\{\w+[(.\[}]", " ".join(checker.text)), "a placeholder that is not filled in"


def test_every_finding_names_the_models(analysis):
    for spec in SPECS:
        finding = spec.finding(analysis)
        if spec.name not in ("diffusion", "rates"):
            assert "sgd" in finding
            assert finding.endswith(".")


def test_legends_of_the_sections_lie_inside(analysis):
    with mpl.rc_context(style.RC):
        for spec in SPECS:
            figure = spec.draw(analysis)
            figure.draw_without_rendering()
            box = figure.legends[0].get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.x1
            assert all(box.y1 <= axes.get_window_extent().y0 for axes in figure.axes)


def test_what_the_noiseless_model_has_and_has_not(analysis):
    found = analysis.sections
    assert "gd" not in found["diffusion"].models
    assert found["late_law"].models["gd"].reason == "collapsed onto a point"
    assert np.all(np.abs(found["late_law"].models["gd"].offset.value) < 1e-3)
    assert "do not move" in found["currents"].models["gd"].reason
    assert found["mixing"].models["gd"].reason == "the modes do not move"


def test_the_peak_precedes_learning_under_gradient_noise_and_not_under_isotropic_noise(analysis):
    finding = features.diffusion_finding(analysis)
    assert finding.startswith("In sgd the peak of the diffusion precedes learning in every mode. For modes ")
    assert finding.endswith(
        " In sde it precedes learning in every mode. In langevin it does not precede learning."
    )


@pytest.mark.parametrize(("p_value", "moves"), [(0.06, False), (1e-4, True)])
def test_both_pages_say_by_one_rule_that_a_law_still_moves(analysis, p_value, moves):
    found = analysis.sections["late_law"]
    laws = {
        name: law if law.reason else dataclasses.replace(law, motion_p=p_value, learned=np.ones(2))
        for name, law in found.models.items()
    }
    spoiled = dataclasses.replace(
        analysis, sections=analysis.sections | {"late_law": dataclasses.replace(found, models=laws)}
    )
    assert ("not stationary yet (p &lt; 0.001)" in features_late.late_finding(spoiled)) is moves
    assert ("The laws of sgd, " in currents_tables.currents_finding(spoiled)) is moves
    assert "gd are not stationary" not in currents_tables.currents_finding(spoiled)


def test_sections_survive_the_file_and_the_document(directory, analysis):
    document = analysis.document()["sections"]
    for name in ("diffusion", "rank", "alignment", "late_law", "currents", "mixing"):
        assert set(document[name]["models"]) <= set(analysis.models)
    again = Analysis.load(directory / "analysis.h5").document()["sections"]
    assert again == document
