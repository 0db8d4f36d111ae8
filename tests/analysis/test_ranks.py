"""One ranking: headline, table, pairs, relevance and page put the models of each example in one order."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeEnsemble, FakeTrajectories, fake_ensemble

from fastsde.analysis import Settings, analyze, sections
from fastsde.analysis.headline import NAMED
from fastsde.analysis.ranking import ordered, ranking, verdict, verdict_words
from fastsde.problem.data import build_problem
from fastsde.report import tables
from fastsde.report.distances import figures as distances_figures
from fastsde.report.distances import text as distances
from fastsde.study.sweep import load_cases

FEW = ("adaptive", "anisotropic_escape", "heavy_tail_escape", "saddle_to_saddle", "superposition")
"""Examples of networks and landscapes with few and many models; the others with ``FASTSDE_TESTS=all``."""
EXAMPLES = [
    path
    for path in sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))
    if path.stem in FEW or os.environ.get("FASTSDE_TESTS") == "all"
]
QUICK = Settings(
    permutations=39, directions=6, frequencies=16, sliced_limit=60, kernel_limit=40, pair_limit=40,
    transport_limit=32, blocks=40, chosen=2, replicates=5,
)  # fmt: skip
TRAJECTORIES, STEPS = 80, np.array([0, 10, 100, 300, 1000])


def _ensemble(path):
    """The models of an example, at distances from the reference that do not follow the file."""
    study = load_cases(path)[0].study
    problem = build_problem(study)
    rng = np.random.default_rng(7)
    strength = np.asarray(problem.mode_strength, dtype=float)
    views = {}
    for name in study.models:
        shift = rng.uniform(0.0, 0.5)
        growth = np.linspace(0.0, 1.0, len(STEPS))[:, None, None]
        noise = rng.normal(0.0, 0.1, (len(STEPS), TRAJECTORIES, len(strength)))
        shares = (1 + shift) * growth + noise
        loss = np.exp(-3 * shares.mean(axis=2) + shift)
        arrays = {
            "modes": shares * np.where(strength > 0, strength, 1.0),
            "loss": loss,
            "diverged_step": np.full(TRAJECTORIES, -1),
        }
        views[name] = FakeTrajectories(STEPS, STEPS * study.time.learning_rate, arrays, {"dt": 1.0})
    return FakeEnsemble(study, problem, views)


def _named(headline, names):
    """Names in the order in which the sentences on the nearest and on the farther models give them."""
    sentences = re.split(r"(?:Indist|Dist)inguishable|Undetermined", headline)[0]
    places = {name: re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", sentences) for name in names}
    return sorted((name for name in names if places[name]), key=lambda name: places[name].start())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_all_say_the_same(path, monkeypatch):
    asked = {name: sections.SECTIONS[name] for name in ("distances", "pairs", "relevance")}
    monkeypatch.setattr(sections, "SECTIONS", asked)
    ensemble = _ensemble(path)
    names = list(ensemble.names)
    reference = next((name for name in names if ensemble.study.models[name].kind == "sgd"), names[0])
    found = analyze(ensemble, reference, settings=QUICK)
    ranks = ranking(found)
    if len(names) > 2:
        effects = [found.effects.between(reference, name).mean for name in ranks]
        assert effects == sorted(effects)
        assert effects[0] < effects[-1]

    shown = _named(found.headline(), ranks)
    assert shown == [name for name in ranks if name in shown]
    assert (shown[0], shown[-1]) == (ranks[0], ranks[-1])
    assert len(shown) == len(ranks) if len(ranks) <= NAMED + 1 else len(shown) >= 5
    assert [row["model"] for row in found.summary()] == [reference, *ranks]
    assert [row["model"] for row in found.summary_rows()] == ordered(found)
    nearby = found.sections["relevance"]
    assert (nearby.nearest, nearby.farthest) == (ranks[0], ranks[-1])
    panel = distances_figures.all_pairs(found).axes[0]
    assert [label.get_text() for label in panel.get_xticklabels()] == ordered(found)
    written = [text.get_text() for text in panel.texts[: len(names)]]
    assert written[1:] == [f"{found.effects.between(reference, name).mean:.2g}" for name in ranks]
    page = tables.results(found)
    assert re.findall(r'<th scope="row">([\w-]+)', page) == ordered(found)


def test_verdicts_in_words_are_those_of_the_significance():
    ensemble = _ensemble(EXAMPLES[0])
    names = list(ensemble.names)
    found = analyze(ensemble, names[0], settings=QUICK, sections=["distances"])
    page = tables.results(found)
    for row in found.summary()[1:]:
        told = found.models[row["model"]].significance
        assert row["verdict"] == told.verdict == verdict(found, names[0], row["model"])
        assert f">{told.verdict}</b>" in page


def test_pairs_with_the_reference_have_its_p_values(monkeypatch):
    """One procedure, one number; other pairs are tested by less, and the words say by what."""
    asked = {name: sections.SECTIONS[name] for name in ("distances", "pairs")}
    monkeypatch.setattr(sections, "SECTIONS", asked)
    ensemble = fake_ensemble(60, 5, ("sgd", "gd", "sgd_gauss", "levy"), shift={"gd": 2.0})
    found = analyze(ensemble, settings=QUICK)
    pairs, names = found.sections["pairs"], list(found.models)
    told = [found.models[name].significance.p_value for name in names]
    assert pairs.p_value[names.index("sgd")].tolist() == pairs.p_value[:, names.index("sgd")].tolist() == told
    alone = analyze(ensemble, settings=QUICK, sections=["pairs"], before=found)
    assert np.array_equal(alone.sections["pairs"].p_value, pairs.p_value)
    assert verdict(found, "sgd_gauss", "levy") == "indistinguishable"
    words = "not distinguished by MMD and energy distance at the chosen snapshots"
    assert verdict_words(found, "sgd_gauss", "levy") == words
    assert verdict_words(found, "sgd", "levy") == "indistinguishable"
    said = distances.pairs_finding(found)
    assert "Not distinguished by MMD and energy distance at the chosen snapshots: sgd_gauss and levy." in said
    assert "Indistinguishable by all distances: sgd and sgd_gauss; sgd and levy." in said
    assert said.startswith("Of 6 pairs of models, 3 are distinguishable at 30 trajectories per sample.")
