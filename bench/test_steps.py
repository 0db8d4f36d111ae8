"""Steps of whole ensembles, one thread, by model, width and precision: ``pytest bench --benchmark-only``."""

import pytest

from fastsde.benchmark.cases import GRADIENT, LANGEVIN, SGD, STABLE, TEMPERED, Case
from fastsde.benchmark.throughput import runner

DTYPES = ("float32", "float64")
POPULATION = {"langevin": LANGEVIN, "gradient": GRADIENT, "stable": STABLE, "tempered": TEMPERED}
SAMPLES = {"sgd": SGD, "sgd of 4": {**SGD, "batch": 4}, "gradient": GRADIENT, "gd": {"kind": "gd"}}
STEPS = 32


def timed(benchmark, case):
    """Time a run of `STEPS` learning-rate steps, its start included, after one run to warm up."""
    benchmark.pedantic(runner(case, STEPS, 1), rounds=5, warmup_rounds=1)
    if benchmark.stats is not None:
        steps = STEPS * case.substeps * case.trajectories
        benchmark.extra_info["us/trajectory-step"] = 1e6 * benchmark.stats.stats.min / steps


@pytest.mark.benchmark(group="population")
@pytest.mark.parametrize("model", POPULATION)
@pytest.mark.parametrize("width", [10, 32])
@pytest.mark.parametrize("dtype", DTYPES)
def test_population(benchmark, model, width, dtype):
    count = 1024 if width == 10 else 128
    timed(benchmark, Case(model, "", (width,) * 4, POPULATION[model], dtype=dtype, trajectories=count))


@pytest.mark.benchmark(group="samples")
@pytest.mark.parametrize("model", SAMPLES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_samples(benchmark, model, dtype):
    widths = (4, 10, 10, 10, 4)
    timed(benchmark, Case(model, "", widths, SAMPLES[model], samples=16, dtype=dtype, trajectories=1024))
