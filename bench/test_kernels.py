"""Kernels alone, over data in the first-level cache: ``pytest bench --benchmark-only``."""

import numpy as np
import pytest

from fastsde.benchmark.limits import normal_probe, product_probe, update_probe
from fastsde.kernels.cpu import aligned
from fastsde.kernels.lanes import lane_count
from fastsde.kernels.sampling import ZERO_KEY, sample_positive_stable, sample_stable, sample_tempered

DTYPES = ("float32", "float64")
REPETITIONS = 200


def timed(benchmark, work, amount, unit):
    """Time ``work(REPETITIONS)`` after two calls to warm up, and report the rate."""
    benchmark.pedantic(work, args=(REPETITIONS,), rounds=20, warmup_rounds=2)
    if benchmark.stats is not None:
        benchmark.extra_info["rate"] = amount * REPETITIONS / benchmark.stats.stats.min
        benchmark.extra_info["unit"] = unit


@pytest.mark.benchmark(group="matrix product")
@pytest.mark.parametrize("size", [4, 8, 10, 12, 16, 32])
@pytest.mark.parametrize("dtype", DTYPES)
def test_product(benchmark, size, dtype):
    probe = product_probe(dtype, size, size, size)
    timed(benchmark, probe.work, probe.amount, probe.unit)


@pytest.mark.benchmark(group="normals")
@pytest.mark.parametrize("dtype", DTYPES)
def test_normals(benchmark, dtype):
    probe = normal_probe(dtype)
    timed(benchmark, probe.work, probe.amount, probe.unit)


@pytest.mark.benchmark(group="normals")
@pytest.mark.parametrize("generator", ["SFC64", "PCG64", "Philox"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_normals_of_numpy(benchmark, generator, dtype):
    source = np.random.Generator(getattr(np.random, generator)(0))
    out = np.empty(96 * lane_count(dtype), dtype=dtype)

    def work(repetitions):
        for _ in range(repetitions):
            source.standard_normal(dtype=np.dtype(dtype), out=out)

    timed(benchmark, work, out.size, "normals/s")


@pytest.mark.benchmark(group="updates")
@pytest.mark.parametrize("dtype", DTYPES)
def test_updates(benchmark, dtype):
    probe = update_probe(dtype)
    timed(benchmark, probe.work, probe.amount, probe.unit)


@pytest.mark.benchmark(group="stable")
@pytest.mark.parametrize("kind", ["positive", "symmetric", "tempered"])
@pytest.mark.parametrize("alpha", [1.2, 1.6])
def test_stable(benchmark, kind, alpha):
    out = aligned(REPETITIONS * lane_count("float64"), "float64")
    fill = {
        "positive": lambda count: sample_positive_stable(out, count, alpha / 2, ZERO_KEY),
        "symmetric": lambda count: sample_stable(out, count, alpha, ZERO_KEY),
        "tempered": lambda count: sample_tempered(
            out, count, alpha / 2, np.log(0.25 / alpha) / (alpha / 2), 1, 0.125, ZERO_KEY
        ),
    }[kind]
    timed(benchmark, fill, lane_count("float64"), "numbers/s")
    assert np.isfinite(out).all()
