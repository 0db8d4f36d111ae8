"""What the page says of saddles and escape: the direction of an effect, and ranges over models."""

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import fake_ensemble

from fastsde.analysis import Settings, analyze
from fastsde.analysis.escape.effects import Group, effect
from fastsde.analysis.escape.passages import Passages
from fastsde.analysis.phrases import between
from fastsde.analysis.ranking import ranking
from fastsde.report.escape import effects as escape
from fastsde.report.escape.figures import effect_panels
from fastsde.report.saddles.figures import drawn_saddles
from fastsde.report.spec import FIGURES, said
from fastsde.study.objective import LANDSCAPE_WORDS

QUICK = Settings(permutations=19, directions=4, sliced_limit=40, kernel_limit=40)


def found(covariate, low, high, values):
    rng = np.random.default_rng(0)

    def stays(scale):
        return Passages(scale * rng.lognormal(0, 0.2, 200), np.ones(200, bool), np.zeros(200, bool))

    groups = [
        Group(f"m{v}", {"kind": "sde", covariate: v}, 0, stays(s))
        for v, s in zip(values, (low, high), strict=True)
    ]
    return {f"rank 0 {covariate} 0": effect(groups, covariate)}


@pytest.mark.parametrize(
    ("covariate", "low", "high", "values", "said"),
    [
        ("alpha", 1.0, 2.0, (1.2, 2.0), "Half have escaped sooner with tails of index 1.2 instead of 2"),
        ("alpha", 2.0, 1.0, (1.2, 2.0), "Half have escaped later with tails of index 1.2 instead of 2"),
        ("alpha", 1.0, 1.0, (1.2, 2.0), "No effect of tails of index 1.2 instead of 2 was detected"),
        ("noise", 1.0, 2.0, ("isotropic", "gradient"), "with anisotropic noise instead of isotropic"),
        ("time.learning_rate", 1.0, 2.0, (0.1, 0.2), "sooner with learning rate 0.1 instead of 0.2"),
    ],
)  # fmt: skip
def test_the_sentence_says_which_way(covariate, low, high, values, said):
    effects = found(covariate, low, high, values)
    (sentence,) = escape.effect_sentences(effects)
    assert said in sentence
    finding = escape.effect_finding(effects, ("rank 0",))
    assert finding.endswith(f"{sentence} Intervals are 95&nbsp;%, over 200 trajectories per sample.")


def test_an_interval_without_an_end_is_said_in_words():
    """Of the low level hardly more than half escape: some replicates never reach the half."""
    rng = np.random.default_rng(3)

    def stays(count):
        escaped = np.arange(100) < count
        return Passages(np.where(escaped, rng.lognormal(0, 0.2, 100), 9.0), escaped, np.zeros(100, bool))

    groups = [Group(f"m{v}", {"kind": "sde", "alpha": v}, 0, stays(n)) for v, n in ((1.2, 52), (2.0, 100))]
    effects = {"rank 0 alpha 0": effect(groups, "alpha")}
    assert effects["rank 0 alpha 0"].ratio_low == 0
    (sentence,) = escape.effect_sentences(effects)
    assert sentence.endswith(" or more).")
    (row,) = escape.effect_rows(effects, ("rank 0",))
    table = escape.effects_table(effects, 1.0, "steps", ("rank 0",))
    assert not any("inf" in text or "nan" in text for text in (sentence, *row.values(), table))
    limit = between(-math.inf, effects["rank 0 alpha 0"].ratio_high)
    assert row["ratio"].endswith(f"({limit})")
    assert f"({limit})" in table
    assert limit.endswith(" or less")


def test_the_share_that_has_escaped_is_named_beside_the_times():
    """Only 30 of 100 escape at one level: times are of a quarter, wherever they are shown."""
    escaped = np.arange(100) < 30
    stays = Passages(np.where(escaped, 1.0 + np.arange(100) / 100, 9.0), escaped, np.zeros(100, bool))
    groups = [Group(f"m{v}", {"kind": "sde", "alpha": v}, 0, stays) for v in (1.2, 2.0)]
    effects = {"rank 0 alpha 0": effect(groups, "alpha")}
    (row,) = escape.effect_rows(effects, ("rank 0",))
    assert row["share escaped"] == "a quarter"
    assert row["time"] == "1.24 to 1.24"
    assert "<td>a quarter</td>" in escape.effects_table(effects, 1.0, "steps", ("rank 0",))
    figure = effect_panels(effects, 1.0, "steps", ("rank 0",))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "from rank 0 to 1, a quarter escaped"
    ]


def test_a_barrier_is_reached_and_a_saddle_left():
    effects = found("alpha", 1.0, 2.0, (1.2, 2.0))
    assert escape.effect_finding(effects, ("rank 0",)).startswith("Do heavier tails escape faster from the")
    said = escape.effect_finding(effects, ("radius 1", "coordinate 1 above 0.5"))
    assert said.startswith("Do heavier tails reach radius 1 faster? ")
    assert "to radius 1" in escape.effects_table(effects, 0.5, "steps", ("radius 1",))


def test_no_caption_of_a_landscape_has_words_of_a_network():
    specs = [FIGURES[name] for name in ("effect", "distances", "modes", "learning", "pairs", "mixing")]
    analysis = SimpleNamespace(objective=SimpleNamespace(vocabulary=LANDSCAPE_WORDS))
    shown = [said(text, analysis) for spec in specs for text in (spec.title, spec.caption, spec.source)]
    outside = [re.sub(r"<code>.*?</code>", "", text) for text in shown]
    found = [
        re.findall(r"\b(?:modes?|learn\w*|strength|singular|losses)\b|<sup>T</sup>", one) for one in outside
    ]
    assert not any(found), found


def test_the_table_has_both_ends():
    effects = found("alpha", 1.0, 2.0, (1.2, 2.0))
    html = escape.effects_table(effects, 0.5, "steps", ("rank 0", "rank 1"))
    one = effects["rank 0 alpha 0"]
    assert f"{one.time[0] / 0.5:,.4g} at 1.2" in html
    (row,) = escape.effect_rows(effects, ("rank 0", "rank 1"))
    assert row["values"] == "1.2 to 2"
    assert row["unit"] == "200 trajectories per sample"


def test_divergence_and_the_unit_are_said():
    """Of the upper level one in ten diverges; three data sets are the unit, of two levels that share them."""
    rng = np.random.default_rng(1)

    def stays(gone):
        return Passages(rng.lognormal(0, 0.2, 100), ~gone, gone)

    groups = [
        Group(f"m{a}", {"kind": "sde", "alpha": a}, data, stays(np.arange(100) < number))
        for a, number in ((1.2, 0), (2.0, 10))
        for data in range(3)
    ]
    effects = {"rank 0 alpha 0": effect(groups, "alpha")}
    (sentence,) = escape.effect_sentences(effects)
    assert sentence.endswith("). Diverged 0 of 300 at 1.2, 30 of 300 at 2.")
    assert escape.effect_finding(effects, ("rank 0",)).endswith("over 3 data sets.")
    html = escape.effects_table(effects, 1.0, "steps", ("rank 0",))
    assert "diverged 0 of 300 at 1.2, 30 of 300 at 2" in html
    (row,) = escape.effect_rows(effects, ("rank 0",))
    assert (row["diverged"], row["unit"]) == ("0, 30", "3 data sets")
    alone = {"rank 0 alpha 0": effect([g for g in groups if g.name == "m1.2" or not g.dataset], "alpha")}
    said = escape.effect_finding(alone, ("rank 0",))
    assert "100 trajectories per sample of the one data set in common" in said


@pytest.fixture(scope="module")
def analysis():
    return analyze(fake_ensemble(150, 40), settings=QUICK, sections=["distances", "saddles", "escape"])


def test_findings_say_what_was_counted(analysis):
    sections = analysis.sections["saddles"]
    share = 100 * sections.models["sgd"].visits / 150
    spec = FIGURES
    visited = max((k for k in drawn_saddles(sections) if sections.rank[k] > 0),
                  key=lambda k: sum(one.visits[k] for one in sections.models.values()))  # fmt: skip
    one = sections.models["sgd"]
    ends = f"({100 * one.share_low[visited]:.0f} to {100 * one.share_high[visited]:.0f})"
    assert f"{share[visited]:.0f} % {ends} in sgd" in spec["saddle_visits"].finding(analysis)
    assert one.share_low[visited] < share[visited] / 100 < one.share_high[visited]
    curved = spec["saddle_curvature"].finding(analysis)
    assert curved.startswith("The saddles themselves: the origin: flat, 0 of ")
    assert "Visiting states have a significantly negative eigenvalue: the origin in 100 % (" in curved
    assert curved.endswith("Where the saddle itself is flat, this is due to their distance from it.")
    assert ": flat, 0 of " not in spec["saddle_visits"].finding(analysis)
    assert '<span class="what">flat, 0 of ' in spec["saddle_visits"].beside(analysis)
    assert "lower bound" in spec["saddle_visits"].beside(analysis)  # only the modes are recorded
    assert "<td>0." in spec["saddle_visits"].beside(analysis)
    noise = spec["saddle_noise"].finding(analysis)
    spread = sections.noise["sgd"]
    assert (
        f"{spread.step_participation[visited]:.3g} ({spread.step_participation_low[visited]:.3g} to" in noise
    )
    said = spec["escape"].finding(analysis)
    assert "Median escape time indistinguishable from sgd's: " in said
    assert "langevin 1." in said
    assert "gd 0." in said
    course = spec["escape_hazard"].finding(analysis)
    assert course.startswith("Escape rate from rank 0 after the start at the origin: sgd rises (")
    assert course.endswith(f"Indistinguishable from it: {', '.join(ranking(analysis))}.")


def test_the_curvature_at_visits_is_not_that_of_the_saddle(analysis):
    """lambda_min is near -60 in the made-up runs; a hundredth of the minimum's largest eigenvalue is 20.

    The network has more than two layers: its saddles of the strongest modes are flat all the same.
    """
    found = analysis.sections["saddles"]
    one = found.models["sgd"]
    assert found.curvature_scale == pytest.approx(2000, rel=0.01)
    assert one.negative.sum() + one.not_negative.sum() == one.visits.sum()
    assert np.all(one.negative == one.visits)
    assert np.all(found.types.strict[found.top == 1] == 0)
    one = found.models["gd"]
    assert np.all(one.lowest[one.visits > 0] < -60)


@pytest.mark.parametrize("spec", [spec for spec in FIGURES.values() if spec.section == "saddles"])
def test_no_text_on_saddles_speaks_of_layers_that_a_study_may_not_have(spec):
    assert "layers or more" not in spec.caption + spec.source
