"""The answer in three sentences: who is closest, who is farther, who differs; how sure, and what next."""

import pytest
from fakes import fake_ensemble

from fastsde.analysis import Settings, analyze
from fastsde.analysis.answer import answer, certainty, next_steps, question

QUICK = Settings(permutations=99, directions=8, sliced_limit=100, kernel_limit=100)


@pytest.fixture(scope="module")
def analysis():
    return analyze(fake_ensemble(100, 8), settings=QUICK, sections=("snapshots",))


def test_three_sentences_with_their_numbers(analysis):
    """The fakes of sgd_gauss and tempered have SGD's law; gd learns sooner, langevin later."""
    closest, others, apart = answer(analysis)
    assert "is the closest to sgd, at a mean effect of 0.0" in closest
    assert "; a perfect model would get about 0.0" in closest
    assert "averaged over the course of learning, its modes differ by" in closest
    assert "are not significantly farther" in closest
    assert closest.count(".") > 1
    assert others.startswith("The others are farther: ")
    assert others.index("gd at 0.") != others.index("langevin at 0.")
    assert "gd and langevin differ significantly from sgd with 50 trajectories per sample" in apart
    assert "not differ significantly from sgd" in apart
    assert "% of the trajectories of levy diverge, 0 % of those of sgd" in apart
    asked = question(analysis)
    assert asked.startswith("Which of 5 models is closest to sgd (SGD in shuffled epochs), by how much, and ")


def test_how_sure_and_what_next(analysis):
    sure = " ".join(certainty(analysis))
    assert "Samples are halves of 50 trajectories, so that one half of sgd can be compared with the" in sure
    assert "in 95 % of cases" in sure
    assert "without a control" in sure
    steps = " ".join(next_steps(analysis, "runs/fake"))
    assert "fastsde run runs/fake/study.toml -o runs/fake --trajectories 400" in steps
    assert 'sampling = "replacement"' in steps


def test_one_model_and_none_to_compare_with():
    alone = analyze(fake_ensemble(40, 6, ("sgd",)), settings=QUICK, sections=("snapshots",))
    assert len(answer(alone)) == 1
    assert question(alone).endswith("?")
    assert certainty(alone) == []
    two = analyze(fake_ensemble(60, 6, ("sgd", "gd")), settings=QUICK, sections=("snapshots",))
    first, last = answer(two)
    assert first.startswith("gd (Gradient descent) is compared with sgd, at a mean effect of ")
    assert last.startswith("gd differs significantly from sgd with 30 trajectories per sample")
    assert question(two) == "How far is gd (Gradient descent) from sgd (SGD in shuffled epochs)?"
