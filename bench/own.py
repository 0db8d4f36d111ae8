"""Ratios of fastsde alone: tails over Gaussian noise, the generator over NumPy's, threads, the limit."""

from dataclasses import dataclass

import numpy as np

from fastsde.benchmark.cases import CASES, GRADIENT, MODEL, STABLE, TEMPERED
from fastsde.benchmark.limits import SHAPES, normal_probe, product_probe, steadiest
from fastsde.benchmark.throughput import PIECES, by_round, fewer, runner, step_times, steps_for
from fastsde.benchmark.timing import calls_for, in_turns
from fastsde.benchmark.work import step_work
from fastsde.problem.data import build_problem
from fastsde.system.threads import default_threads

__all__ = [
    "GENERATORS",
    "Ratio",
    "generator_ratio",
    "own_ratios",
    "share_ratios",
    "tail_ratios",
    "thread_ratios",
]

GENERATORS = ("SFC64", "PCG64", "PCG64DXSM", "Philox", "MT19937")


@dataclass(frozen=True)
class Ratio:
    """One row: what is compared, the target ratio, and the measured one."""

    title: str
    asked: str
    ratio: float
    lowest: float
    highest: float
    rounds: int
    note: str = ""


def _ratio(title, asked, values, note=""):
    values = np.asarray(values, dtype=float)
    return Ratio(
        title, asked, float(np.median(values)), float(values.min()), float(values.max()), len(values), note
    )


def own_ratios(*, rounds=5, target=1.0, tell=print):
    """Measure all ratios."""
    ratios = []
    for measure in (tail_ratios, generator_ratio, thread_ratios, share_ratios):
        for ratio in measure(rounds=rounds, target=target):
            tell(f"  {ratio.title}: {ratio.ratio:.3g}, {ratio.lowest:.3g} to {ratio.highest:.3g}")
            ratios.append(ratio)
    return ratios


def tail_ratios(*, rounds, target):
    """Time of a step with stable or tempered gradient noise over that with Gaussian noise; 8 substeps."""
    base = next(case for case in CASES if case.name == "gradient-10")
    gaussian = base.replace(model={**GRADIENT, "substeps": STABLE["substeps"]})
    ratios = []
    for dtype in ("float32", "float64"):
        cases = [gaussian, base.replace(model=STABLE), base.replace(model=TEMPERED)]
        cases = [fewer(case.replace(dtype=dtype)) for case in cases]
        steps = [steps_for(case, target / PIECES) for case in cases]
        runs = [runner(case, n, 1) for case, full in zip(cases, steps, strict=True) for n in (1, full)]
        times = np.array(in_turns(runs, PIECES * rounds))
        taken = [step_times(times[2 * i], times[2 * i + 1], n) for i, n in enumerate(steps)]
        for name, tails in (("stable", taken[1]), ("tempered", taken[2])):
            title = f"{name} gradient noise, time over Gaussian, {dtype}"
            ratios.append(_ratio(title, "at most 1.3", by_round(tails / taken[0])))
    return ratios


def generator_ratio(*, rounds, target):
    """Normals per second of one core, float32, over NumPy's fastest generator; each fills a small buffer."""
    probe = normal_probe("float32")
    buffer = np.empty(4096, dtype=np.float32)
    sources = [np.random.Generator(getattr(np.random, name)(1)) for name in GENERATORS]

    def fill(source, count):
        for _ in range(count):
            source.standard_normal(dtype=np.float32, out=buffer)

    works = [probe.work, *(lambda count, s=source: fill(s, count) for source in sources)]
    amounts = np.array([probe.amount] + [buffer.size] * len(sources))
    counts = [calls_for(work, target / 4) for work in works]
    runs = [lambda w=work, n=count: w(n) for work, count in zip(works, counts, strict=True)]
    rates = amounts[:, None] * np.array(counts)[:, None] / np.array(in_turns(runs, rounds))
    best = 1 + int(np.argmax(np.median(rates[1:], axis=1)))
    note = f"{np.median(rates[0]) / 1e6:.0f} and {np.median(rates[best]) / 1e6:.0f} million per second"
    title = f"normals per second, one core, float32, over NumPy's {GENERATORS[best - 1]}"
    return [_ratio(title, "12", rates[0] / rates[best], note)]


def thread_ratios(*, rounds, target):
    """Rate of all threads over that of one, 8192 trajectories."""
    threads = default_threads()
    if threads < 2:
        return []
    ratios = []
    for name in ("langevin-10", "gradient-10", "sgd-4-10"):
        case = next(case for case in CASES if case.name == name)
        gains = _gains(case, threads, target, rounds)
        title = f"{threads} threads over one, {case.title}, {case.trajectories} trajectories"
        ratios.append(_ratio(title, "1.9" if threads == 2 else "", gains))
    return ratios


def _gains(case, threads, target, rounds):
    steps = steps_for(case, target / PIECES)
    runs = [runner(case, n, count) for count in (1, threads) for n in (1, steps)]
    times = np.array(in_turns(runs, PIECES * rounds))
    return by_round(step_times(times[0], times[1], steps) / step_times(times[2], times[3], steps))


def share_ratios(*, rounds, target):
    """Fraction of the limit of one core that one thread reaches."""
    ratios = []
    for name in ("langevin-10", "gradient-10", "langevin-10-f64", "gradient-10-f64"):
        case = fewer(next(case for case in CASES if case.name == name))
        taken, limits = _step_and_limit(case, rounds, target)
        title = f"fraction of the limit, {case.title}, {case.dtype}"
        note = f"{1e6 * np.median(taken):.3f} us per step, limit {1e6 * np.median(limits):.3f}"
        if np.median(limits / taken) > 1:
            note += "; above 1: the limit was measured wrongly, this is not a result"
        ratios.append(_ratio(title, "at least 0.8", by_round(limits / taken), note))
    return ratios


def _step_and_limit(case, rounds, target):
    """Time one thread's step, alternating with its indispensable operations; in seconds, one entry per round.

    The limit is the time of the step's flop at the rate of the product kernel, for the best shape whose data
    fit into the L1 cache, plus that of its normals at the rate of the generator. Parameters updated one by
    one count as fused multiply-adds at the same rate, although they are loaded and stored.
    """
    study = case.study(steps_for(case, target / PIECES))
    steps, work = study.time.steps, step_work(study, MODEL, build_problem(study))
    singles = [*(product_probe(case.dtype, *shape) for shape in SHAPES), normal_probe(case.dtype)]
    counts = [calls_for(probe.work, target / 20 / PIECES) for probe in singles]
    calls = [lambda p=probe, n=count: p.work(n) for probe, count in zip(singles, counts, strict=True)]
    times = np.array(in_turns([*calls, runner(case, 1, 1), runner(case, steps, 1)], PIECES * rounds))
    amounts = np.array([probe.amount * count for probe, count in zip(singles, counts, strict=True)])
    rates = amounts[:, None] / times[:-2]
    limits = (work.flops + 2 * work.updates) / steadiest(rates[:-1]) + work.normals / rates[-1]
    return step_times(times[-2], times[-1], steps) / case.trajectories, limits
