"""The limits of this machine and how close fastsde comes to them: the benchmark of ``fastsde bench``."""

from fastsde.benchmark.figure import draw as draw
from fastsde.benchmark.run import Benchmark as Benchmark
from fastsde.benchmark.run import run_benchmark as run_benchmark

__all__ = ["Benchmark", "draw", "run_benchmark"]
