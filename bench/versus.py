"""fastsde compared with other libraries: first the law, then the time, in alternating runs."""

from dataclasses import dataclass

import numpy as np

from bench import peers
from bench.law import compare
from bench.ours import run_of
from bench.setting import setting_of
from fastsde.benchmark.cases import CASES, TANH, Case
from fastsde.benchmark.timing import seconds
from fastsde.system.threads import default_threads

__all__ = ["CONTESTS", "Contest", "Result", "hold"]


@dataclass(frozen=True)
class Contest:
    """A case, the libraries that are compared, and the target ratio to each (None: no target)."""

    case: Case
    asked: dict
    trajectories: int
    steps: dict
    """Steps of one run of each peer; whole epochs for SGD."""
    law: tuple | None = None
    """Trajectories and steps for the check of the law, if the timed run has too few; None: the same."""
    threads: int | None = None
    """Threads of fastsde; None: all. 1 if the peer uses one."""


def _named(name):
    return next(case for case in CASES if case.name == name)


SMALL = {"torch": 128, "jax": 64, "numpy": 64, "diffrax": 64}
LARGE = {"torch": 32, "jax": 32, "numpy": 32}
THREE, ALL = ("torch", "jax", "numpy"), ("torch", "jax", "numpy", "diffrax")


def _asked(names, **ratios):
    return {name: ratios.get(name) for name in names}


CONTESTS = (
    Contest(_named("langevin-10"), _asked(ALL, torch=15, jax=50), 8192, SMALL),
    Contest(_named("gradient-10"), _asked(THREE, torch=15, jax=50), 8192, SMALL, law=(8192, 256)),
    Contest(_named("langevin-10-f64"), _asked(ALL, torch=10, jax=25), 8192, SMALL),
    Contest(_named("gradient-10-f64"), _asked(THREE, torch=10, jax=25), 8192, SMALL, law=(8192, 256)),
    Contest(_named("sgd-4-10"), _asked(["jax"], jax=25), 8192, {"jax": 512}, law=(8192, 1024)),
    Contest(TANH, _asked(["jax"], jax=10), 8192, {"jax": 512}, law=(8192, 1024)),
    Contest(_named("sgd-4-10"), _asked(["torch"], torch=8000), 4, {"torch": 512}, law=(48, 1024), threads=1),
    Contest(_named("langevin-32"), _asked(THREE, torch=4, jax=4, numpy=4), 1024, LARGE),
    Contest(_named("langevin-64"), _asked(THREE, torch=4, jax=4, numpy=4), 256, LARGE),
)
"""The rows of the table."""
LEAST = 2048
"""Smallest number of trajectories of fastsde in a check of the law."""


@dataclass(frozen=True)
class Result:
    """One row: a case against one peer."""

    case: str
    title: str
    dtype: str
    peer: str
    variant: str
    asked: float | None
    p_value: float
    ours: float
    """Median seconds of a trajectory-step."""
    theirs: float
    ratio: float
    """Median over rounds of the peer's time divided by fastsde's in the same round."""
    lowest: float
    highest: float
    rounds: int
    threads: int


def hold(contest, *, rounds=5, target=1.0, scale=1.0, tell=print):
    """Check and time one contest.

    Parameters
    ----------
    contest : Contest
    rounds : int
        Number of alternating rounds.
    target : float
        Seconds of one run of fastsde, which determine its number of steps.
    scale : float
        Factor of the peers' numbers of steps, for a quick look.
    tell : callable

    Returns
    -------
    list of Result
        A peer that is not installed is left out.

    Raises
    ------
    RuntimeError
        If a peer simulates another law.
    """
    results = []
    for name in contest.asked:
        module = peers.load(name)
        if module is None:
            tell(f"  {name}: not installed, skipped")
            continue
        results.append(_against(contest, name, module, rounds, target, scale, tell))
    return results


def _against(contest, name, module, rounds, target, scale, tell):
    case = contest.case
    threads = contest.threads or default_threads()
    variant, run, steps = _fastest(contest, name, module, scale)
    law = _law(contest, module, variant, run, steps)
    if not law.same:
        raise RuntimeError(f"{name} on {case.name}: the laws differ, p = {law.p_value:.2g}, {law}")
    count = _trajectories(contest, ours=True)
    own_steps = _own_steps(case, count, threads, target)
    own = run_of(case, count, own_steps, threads)
    run(0)
    own(0)
    ours, theirs = [], []
    for turn in range(rounds):
        sides = [(own, ours, count * own_steps), (run, theirs, contest.trajectories * steps)]
        for side, times, work in sides if turn % 2 == 0 else reversed(sides):
            times.append(seconds(lambda side=side, turn=turn: side(turn + 1)) / work)
    ratios = np.array(theirs) / np.array(ours)
    result = Result(
        case=case.name,
        title=case.title,
        dtype=case.dtype,
        peer=name,
        variant=variant,
        asked=contest.asked[name],
        p_value=law.p_value,
        ours=float(np.median(ours)),
        theirs=float(np.median(theirs)),
        ratio=float(np.median(ratios)),
        lowest=float(ratios.min()),
        highest=float(ratios.max()),
        rounds=rounds,
        threads=threads,
    )
    tell(f"  {name} ({variant}): {result.ratio:.1f}x, {result.lowest:.1f} to {result.highest:.1f}")
    return result


def _trajectories(contest, *, ours):
    """Return the trajectories of one run; a peer that runs one at a time is compared with an ensemble."""
    return 8192 if ours and contest.trajectories < 64 else contest.trajectories


def _law(contest, module, variant, run, steps):
    """Compare the timed run with one of fastsde of the same length and another seed.

    If the contest says so, runs of other sizes are compared, since the noise of SGD takes effect late.
    """
    count = contest.trajectories
    if contest.law is not None:
        count, steps = contest.law
        run = module.variants(setting_of(contest.case, count, steps))[variant]
    own = run_of(contest.case, max(count, LEAST), steps, None)
    return compare(own(11), run(12))


def _fastest(contest, name, module, scale):
    """Time each variant at a quarter of the length; return the fastest: its name, its run and its steps."""
    full = contest.steps[name]
    epoch = contest.case.samples if contest.case.samples != "population" else 1
    steps = max(epoch, int(full * scale) // epoch * epoch)
    short = max(epoch, steps // 4 // epoch * epoch)
    trial = module.variants(setting_of(contest.case, contest.trajectories, short))
    taken = {}
    for variant, run in trial.items():
        run(0)
        taken[variant] = seconds(lambda run=run: run(1))
    best = min(taken, key=taken.get)
    return best, module.variants(setting_of(contest.case, contest.trajectories, steps))[best], steps


def _own_steps(case, count, threads, target):
    from fastsde.benchmark.throughput import steps_for

    return max(16, steps_for(case.replace(trajectories=count), target * threads))
