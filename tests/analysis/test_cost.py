"""What an analysis is said to cost, against what it costs; and what it needs of a study."""

import time
from types import SimpleNamespace

import pytest
from study_files import changed

from fastsde.analysis import Settings, analyze, cost, sections
from fastsde.analysis.cost import (
    REPORT,
    analysis_seconds,
    expected_seconds,
    keep_analysis_times,
    keep_report_time,
    later_seconds,
)
from fastsde.analysis.requirements import check_analysable
from fastsde.analysis.section_cost import TERMS, Size, terms
from fastsde.analysis.sections import SECTIONS
from fastsde.study.study import Study
from fastsde.system import timings
from fastsde.system.errors import StudyError


def test_every_section_has_a_cost():
    costs = [cost.SNAPSHOTS_COST, *(section.cost for section in SECTIONS.values())]
    assert all(len(one.coefficients) == len(TERMS) for one in costs)
    assert all(value >= 0 for one in costs for value in one.coefficients)


def test_more_of_anything_costs_no_less():
    study = changed()
    here = sum(analysis_seconds(study, 2).values())
    many = study.replace(trajectories=100 * study.trajectories)
    long = study.replace(time={"steps": 10_000, "snapshots": {"count": 500}})
    assert here < sum(analysis_seconds(many, 2).values())
    assert here < sum(analysis_seconds(long, 2).values())
    assert sum(analysis_seconds(study, 2, relative_speed=2.0).values()) == pytest.approx(here / 2)
    assert terms(Size.of(study))[1] == len(study.models)


def test_sections_of_networks_cost_nothing_on_a_landscape():
    study = Study.from_mapping(
        {
            "trajectories": 8,
            "landscape": {"kind": "quadratic", "eigenvalues": [1.0, 2.0], "start": {"point": [1.0, 1.0]}},
            "time": {"learning_rate": 0.1, "steps": 100},
            "models": {"gd": {"kind": "gd"}},
        }
    )
    assert "saddles" not in analysis_seconds(study, 1)
    assert "shape" in analysis_seconds(study, 1)


def test_relevance_costs_by_models_compared_and_size_of_samples():
    """Measured: 0.6 s at 64 trajectories, 1.8 at 128, 3.2 from 256 on; twice that with a third model."""
    said = {
        (models, count): SECTIONS["relevance"].cost.seconds(Size(models, 40, 8, count))
        for models in (1, 2, 3, 6)
        for count in (32, 64, 128, 256, 2000)
    }
    for at, real in {(2, 64): 0.6, (2, 128): 1.8, (2, 256): 3.2, (2, 2000): 3.5, (6, 2000): 5.2}.items():
        assert 1 / 1.5 < said[at] / real < 1.5
    assert said[1, 2000] == said[6, 32] == 0
    assert said[6, 2000] == said[3, 256] == 2 * said[2, 256]


def test_the_speed_of_the_machine_is_measured_once_on_one_thread(monkeypatch):
    """Cases of a sweep get equal times; threads of the linear algebra are no part of the yardstick."""
    from threadpoolctl import threadpool_info

    seen = []

    def clock():
        seen.append(max(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"))
        return float(len(seen))

    monkeypatch.setattr(cost, "time", SimpleNamespace(thread_time=clock))
    cost.machine_speed.cache_clear()
    try:
        assert cost.machine_speed() == cost.YARDSTICK_SECONDS
        rounds = len(seen)
        assert cost.machine_speed() == cost.YARDSTICK_SECONDS
    finally:
        cost.machine_speed.cache_clear()
    assert set(seen) == {1}
    assert len(seen) == rounds == 2 * cost.ROUNDS


@pytest.fixture
def past_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(timings, "path", lambda: tmp_path / "timings.json")


def test_past_runs_correct_each_section_and_stand_in_for_the_speed_of_the_machine(past_runs, monkeypatch):
    study = changed().replace(time={"steps": 10_000, "snapshots": {"count": 500}})
    costs = analysis_seconds(study, 2)
    largest = max(costs, key=costs.get)
    taken = {name: (3 if name == largest else 2) * seconds for name, seconds in costs.items()}
    monkeypatch.setattr(cost, "machine_speed", lambda: 0.1)
    assert expected_seconds(study, 2)[largest] == pytest.approx(10 * costs[largest])
    keep_analysis_times(study, 2, taken)
    keep_report_time(study, 2, 7.0)

    def unwanted():
        raise AssertionError("the speed of the machine is measured though runs say more")

    monkeypatch.setattr(cost, "machine_speed", unwanted)
    found = expected_seconds(study, 2)
    assert found.pop(REPORT) == pytest.approx(7.0)
    assert found[largest] == pytest.approx(taken[largest])
    assert later_seconds(study, 2)[1] == pytest.approx(7.0)


def test_a_section_too_short_to_say_anything_is_corrected_as_the_whole(past_runs):
    study = changed().replace(time={"steps": 10_000, "snapshots": {"count": 500}})
    costs = analysis_seconds(study, 1)
    largest, *_, small = sorted(costs, key=costs.get, reverse=True)
    assert costs[small] < timings.LEAST_SECONDS
    keep_analysis_times(study, 1, {largest: 8 * costs[largest], small: 5.0})
    whole = cost.correction_of("none of them").factor
    assert cost.correction_of(small) == (whole, 1)
    assert cost.correction_of(largest).factor == pytest.approx(8) != pytest.approx(whole)


@pytest.mark.alone
def test_the_order_of_magnitude_holds(monkeypatch):
    """All sections together, by processor time, within a factor of four; the size is none of the fitted.

    Measured: 0.9 on a busy machine, which slows down the yardstick too.
    """
    from bench.analysis import made_up

    ensemble = made_up(trajectories=150, snapshots=10, modes=2, models=2)
    monkeypatch.setattr(sections, "time", SimpleNamespace(perf_counter=time.process_time))
    begun = time.process_time()
    analyze(ensemble, settings=Settings())
    real = time.process_time() - begun
    speed = cost.YARDSTICK_SECONDS / cost.yardstick()
    said = sum(analysis_seconds(ensemble.study, 1, speed).values())
    assert 1 / 4 < said / real < 4


@pytest.mark.parametrize(
    ("observables", "reference", "words"),
    [
        (["gradient_norm"], None, "modes or loss among them"),
        (["loss"], "nobody", "one of sgd, langevin, sde"),
    ],
)
def test_what_cannot_be_analysed_is_refused(observables, reference, words):
    study = changed().replace(record={"observables": observables})
    with pytest.raises(StudyError, match=words):
        check_analysable(study, reference)


def test_what_can_be_analysed_is_not_refused():
    check_analysable(changed(), "langevin")
    check_analysable(changed().replace(record={"observables": ["loss"]}))


def test_a_landscape_needs_its_coordinates():
    study = Study.from_mapping(
        {
            "trajectories": 8,
            "landscape": {"kind": "quadratic", "eigenvalues": [1.0, 2.0], "start": {"point": [1.0, 1.0]}},
            "time": {"learning_rate": 0.1, "steps": 100},
            "record": {"observables": ["loss"]},
            "models": {"gd": {"kind": "gd"}},
        }
    )
    with pytest.raises(StudyError, match="modes among them"):
        check_analysable(study)
