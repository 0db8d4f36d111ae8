"""The benchmark: counted work, exponents, shares, and a whole tiny benchmark with its figure."""

import json
import math
import time

import numpy as np
import pytest

from fastsde.benchmark import draw, run_benchmark
from fastsde.benchmark.cases import FIELD, GRADIENT, LANGEVIN, MODEL, SGD, SQUARE, Case, cases
from fastsde.benchmark.limits import measure_limits, product_probe, tile_rates
from fastsde.benchmark.scaling import AXES, Axis, exponent
from fastsde.benchmark.throughput import step_times
from fastsde.benchmark.timing import Rate, calls_for, in_turns
from fastsde.benchmark.work import Work, step_work
from fastsde.problem.data import build_problem
from fastsde.system.progress import Progress

GROWING = Axis(
    "trajectories", "", (32, 64), (32, 64), lambda n: Case("n", "", (2, 2, 2), LANGEVIN, trajectories=n), 1
)


def work_of(case):
    study = case.study(1)
    return step_work(study, MODEL, build_problem(study))


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (Case("", "", SQUARE, LANGEVIN), Work(6 * 2000, 300, 100)),
        (Case("", "", SQUARE, GRADIENT), Work(7 * 2000, 55 + 100, 100)),
        (Case("", "", SQUARE, {"kind": "gd"}), Work(6 * 2000, 0, 100)),
        (Case("", "", FIELD, GRADIENT, samples=16), Work(3 * 2 * 240 * 4 + 4 * 16 * 16, 16, 40)),
        (Case("", "", FIELD, SGD, samples=16), Work(2 * (280 + 240), 0, 280)),
        (Case("", "", FIELD, {**SGD, "batch": 4}, samples=16), Work(8 * (280 + 240) + 8 * 280, 0, 0)),
        (Case("", "", FIELD, {**SGD, "batch": 16}, samples=16), Work(3 * 2 * 240 * 4 + 4 * 16 * 16, 0, 40)),
        (Case("", "", FIELD, SGD), Work(2 * (280 + 240) + 2 * 16, 8, 280)),
        (Case("", "", (3, 2), LANGEVIN), Work(0, 6, 6)),
    ],
)
def test_work_is_counted(case, expected):
    assert work_of(case) == expected


def test_every_case_has_a_study_and_a_name_of_its_own():
    assert len({case.name for case in cases()}) == len(cases())
    for case in (*cases(), *cases(dtype="float64")):
        study = case.study(3)
        assert study.dtype == case.dtype
        assert study.models[MODEL].substeps == case.substeps
        assert work_of(case).flops > 0


def test_cases_of_one_precision_are_all_networks_in_it():
    widths = {(case.widths, case.title) for case in cases()}
    for dtype in ("float32", "float64"):
        chosen = cases(quick=True, dtype=dtype)
        assert {case.dtype for case in chosen} == {dtype}
        assert {(case.widths, case.title) for case in chosen} == widths


@pytest.mark.parametrize("axis", AXES, ids=lambda axis: axis.name)
def test_every_axis_changes_one_size(axis):
    assert set(axis.quick) - set(axis.sizes) <= {512, 2048, 8192}
    works = [work_of(axis.case(size)) for size in axis.quick]
    flops = [work.flops for work in works]
    assert axis.why.endswith(".")
    if axis.name == "trajectories":
        assert len(set(flops)) == 1
    else:
        assert flops == sorted(set(flops))


def test_a_law_gives_its_exponent_back():
    assert exponent([8, 16, 32], [8.0**2.5, 16.0**2.5, 32.0**2.5]) == pytest.approx(2.5)


def test_the_shortest_start_is_subtracted_and_never_more_than_the_run():
    short, long = np.array([1.0, 9.9, 0.9]), np.array([2.9, 0.8, 4.9])
    assert step_times(short, long, 11).tolist() == pytest.approx([0.2, 0.004, 0.4])


def test_turns_go_forth_and_back():
    seen = []
    times = in_turns([lambda: seen.append("a"), lambda: seen.append("b")], rounds=3)
    assert "".join(seen) == "abbaab"
    assert [len(row) for row in times] == [3, 3]


def test_repetitions_suit_the_target():
    clock = []
    assert calls_for(clock.append, 0.0) == 1
    assert calls_for(lambda count: None, 1.0, most=1000) == 1000


def test_a_first_call_that_compiles_does_not_set_the_repetitions():
    calls = []

    def work(count):
        calls.append(count)
        time.sleep(0.05 if len(calls) == 1 else 0.0)

    assert calls_for(work, 0.02, most=10) == 10


def test_the_product_that_is_timed_is_a_product():
    from fastsde.benchmark.loops import multiply
    from fastsde.kernels.cpu import to_lanes
    from fastsde.kernels.lanes import lane_count

    random = np.random.default_rng(0)
    lanes = lane_count("float64")
    a, b = random.standard_normal((lanes, 3, 5)), random.standard_normal((lanes, 5, 4))
    c = to_lanes(np.zeros((lanes, 12)))
    multiply(to_lanes(a.reshape(lanes, -1))[0], to_lanes(b.reshape(lanes, -1))[0], c[0], 3, 4, 5, 2)
    np.testing.assert_allclose(c.reshape(12, lanes).T.reshape(lanes, 3, 4), a @ b, rtol=1e-13)
    assert product_probe("float64", 3, 4, 5).amount == 2 * 60 * lanes


def test_limits_are_positive_and_ordered():
    limits = measure_limits("float64", threads=2, target=1e-4, rounds=2)
    assert [limit.unit for limit in limits] == ["flop/s", "normals/s", "updates/s"]
    for limit in limits:
        for rate in (limit.one, limit.all):
            assert rate.best >= rate.median >= rate.worst > 0
    assert tile_rates("float64", (4, 4, 8), 1e-4, 2).worst > 0


class Recorder(Progress):
    """Keep what a computation reports."""

    def __init__(self):
        self.stages = []

    def update(self, done, note=""):
        self.stages.append((done, note))


@pytest.fixture(scope="module")
def tiny():
    """Return a benchmark of a tiny case in float64 and the stages it told."""
    progress = Recorder()
    case = Case("tiny", "a tiny one", (2, 2, 2), LANGEVIN, trajectories=32, dtype="float64")
    result = run_benchmark(
        threads=2,
        quick=True,
        dtype="float64",
        target=1e-2,
        chosen=[case],
        axes=[GROWING],
        progress=progress,
    )
    return result, progress.stages


def test_a_benchmark_has_all_its_tables(tiny):
    result, stages = tiny
    assert stages[:2] == [(0, "limits, float64"), (1, "limits, memory")]
    assert stages[-2:] == [(4, "scaling with trajectories"), (5, "")]
    assert {row["dtype"] for row in result.limit_rows()} == {"float64", ""}
    [row] = result.throughput_rows()
    assert row["us/step"] > 0
    assert [row["threads"] for row in result.thread_rows()] == [1, 2]
    assert result.thread_rows()[0]["speed-up"] == 1.0
    assert result.scaling_rows()[0]["expected exponent"] == pytest.approx(1.0)


def test_a_benchmark_is_plain_data(tiny):
    plain = json.loads(json.dumps(tiny[0].to_mapping(), allow_nan=False))
    assert set(plain) == {"machine", "created", "versions", "limits", "throughput", "threads", "scaling"}
    [case] = plain["throughput"]
    assert case["name"] == "tiny"
    assert case["flops"] == 3 * 2 * 8
    assert case["one"]["best"] / case["limit"] > 0
    assert 0 < case["share"]["median"] < 1.5
    [grown] = plain["scaling"]
    assert {"axis", "sizes", "seconds", "limit", "measured", "expected", "asymptotic", "why"} <= set(grown)
    assert math.isfinite(grown["measured"])
    assert min(grown["seconds"]) > 0
    assert plain["machine"]["vector_bytes"] in {16, 32, 64}


def test_a_benchmark_is_drawn(tiny, tmp_path):
    draw(tiny[0], tmp_path / "bench.png")
    assert (tmp_path / "bench.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_rates_are_summarised():
    assert Rate.of([2.0, 8.0, 4.0]) == Rate(best=8.0, median=4.0, worst=2.0)
