"""Figures and tables for a paper, one figure alone, and equations on the first sheet."""

import math
import re
from types import SimpleNamespace

import pytest
from fakes import fake_ensemble

from fastsde.analysis import Analysis, Settings, analyze
from fastsde.report import drawing, write_paper
from fastsde.report.sheet import _equation, formula
from fastsde.report.spec import FIGURES
from fastsde.report.style import COLUMN, TEXT
from fastsde.report.symbols import SYMBOLS, letters, meanings
from fastsde.report.write import write_figure
from fastsde.study.models.model import MODEL_KINDS
from fastsde.study.models.sde import Sde
from fastsde.study.noise.law import NOISE_LAWS
from fastsde.system.errors import RequestError

QUICK = Settings(permutations=49, directions=8, sliced_limit=60, kernel_limit=60)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    place = tmp_path_factory.mktemp("paper")
    found = analyze(fake_ensemble(60, 8, ("sgd", "gd")), settings=QUICK, sections=("snapshots",))
    found.save(place / "analysis.h5")
    return place


def test_a_paper_gets_figures_of_its_widths_and_a_table(directory, monkeypatch):
    monkeypatch.setattr(drawing, "WORTHWHILE_SECONDS", math.inf)
    folder = write_paper(directory)
    analysis = Analysis.load(directory / "analysis.h5")
    drawn = {spec.name for spec in FIGURES.values() if spec.draw and spec.applies(analysis)}
    assert {path.stem for path in folder.glob("*.pdf")} == drawn
    for path in folder.glob("*.pdf"):
        box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", path.read_bytes())
        assert float(box[1]) / 72 in (pytest.approx(COLUMN, abs=0.02), pytest.approx(TEXT, abs=0.02))
    table = (folder / "results.tex").read_text(encoding="utf-8")
    assert table.startswith(r"\begin{tabular}{lrrrrr}")
    assert table.count(r"\\") == 3
    assert "0 of 60" in table


def test_one_figure_alone(directory):
    path = write_figure(directory, "effect")
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(RequestError, match="no figure 'tails'"):
        write_figure(directory, "tails")


def test_every_kind_of_model_that_is_integrated_has_an_equation():
    own = [kind for name, kind in MODEL_KINDS.items() if kind.__module__.startswith("fastsde.")]
    without = [kind.__name__ for kind in own if kind.equation is MODEL_KINDS["imported"].equation]
    assert without == ["Imported"]


def _equations():
    """Equations of all kinds of models and laws of fastsde's own."""
    yield from (law.equation for name, law in NOISE_LAWS.items() if law.__module__.startswith("fastsde."))
    yield from (
        Sde(noise=noise, temperature=heat, batch=1, sampling="replacement").equation()
        for noise, heat in (("isotropic", 0.1), ("gradient", None))
    )
    for name, kind in MODEL_KINDS.items():
        if kind.__module__.startswith("fastsde.") and name not in ("imported", "sde"):
            for noise in ("isotropic", "gradient"):
                yield kind.model_construct(noise=noise, substeps=2, beta=0.9).equation()


def test_every_letter_of_an_equation_is_explained():
    """Words that equations say themselves need no explanation; all else is in `SYMBOLS`."""
    words = (
        "a and as averages batch by component corrected d diag E erf exp friction given gradient independent "
        "i iu k limit mass of one rate share sided sign sqrt stable subordinator tempered the u Poisson"
    )
    unknown = {word for text in _equations() for word in letters(text)} - set(SYMBOLS) - set(words.split())
    assert unknown == set()
    sde, adam = (
        "d theta = -grad U dt + dM, dM = Sigma^(1/2) dW, Sigma = 2 T I",
        "dm = (grad U) dt + Sigma^(1/2) dW",
    )
    found = dict(meanings([sde]))
    assert found["Sigma"] == "the covariance of the noise per unit time"
    assert found["W"] == "Brownian motion"
    assert "xi" not in found
    assert sum(letter == "Sigma" for letter, _ in meanings([sde, adam])) == 2


def test_equations_are_written_with_the_letters_of_mathematics():
    shown = formula("theta <- theta - (eta/l) [(1 + s) g_1 - s g_2], s = (2l - 1)^(1/2)")
    assert shown.startswith("&theta; &larr; &theta; &minus; (&eta;/l) [(1 + s) g<sub>1</sub> &minus; s g")
    assert shown.endswith("(2l &minus; 1)<sup>1/2</sup>")
    assert "(&alpha;/2)-stable" in formula("A0 one-sided (alpha/2)-stable")


def test_the_scale_of_the_noise_is_written_into_the_equation():
    """Of stable noise it is ``eta^(1 - 1/alpha)``, as the equation says, times the root of C."""
    sde = Sde(noise="gradient", batch=1, sampling="replacement", alpha=1.6)
    study = SimpleNamespace(models={"levy": sde}, time=SimpleNamespace(learning_rate=1e-4))
    words = "the square root of the covariance of one sample's gradient (a batch of 1); per time^(1/1.6)"
    one = SimpleNamespace(temperature=None, noise_scale=1e-4 ** (1 - 1 / 1.6), noise_scale_of=words)
    shown = _equation(SimpleNamespace(models={"levy": one}), study, "levy")
    assert "&Sigma; = &eta;<sup>2 &minus; 2/&alpha;</sup> C(&theta;)" in shown
    assert "&Sigma;<sup>1/2</sup> = 0.0316 C<sub>1</sub><sup>1/2</sup>, &alpha; = 1.6" in shown
    one.noise_scale_of = "the square root of the given covariance"
    assert "= 0.0316 times the square root of the given covariance" in _equation(
        SimpleNamespace(models={"levy": one}), study, "levy"
    )
