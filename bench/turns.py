"""How the time of a step compares with that of another commit: ``python -m bench.turns COMMIT``.

Both programs run the same case on one thread in turns of a few hundredths of a second, so that a host that
becomes slower or faster does so for both. The median ratio over many turns is then known to a percent or two,
even where single times change by a factor of two; its interval is by bootstrap (95 %). Starts are included,
the same in both. The other program, and with it what was compiled of it, stays in ``build/bits``.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap

from bench.bits import environment, package
from fastsde.benchmark.cases import CASES, TANH, Case

TRAJECTORIES = {"langevin-32": 64, "langevin-64": 32}
"""Trajectories of a case, otherwise `FEW`: a step must be short against a turn."""
FEW = 256


def main(arguments=None):
    """Compare all chosen cases."""
    known = {case.name: case for case in (*CASES, TANH) if case.dtype == "float32"}
    parser = argparse.ArgumentParser(prog="python -m bench.turns", description=__doc__)
    parser.add_argument("commit", help="git commit to compare with")
    parser.add_argument(
        "--cases", nargs="+", choices=known, default=list(known), metavar="NAME", help=", ".join(known)
    )
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--rounds", type=int, default=40, help="turns of each program (default: 40)")
    parser.add_argument(
        "--target", type=float, default=0.05, metavar="SECONDS", help="time per turn (default: 0.05)"
    )
    chosen = parser.parse_args(arguments)
    there = package(chosen.commit)
    print(f"| case | {chosen.commit[:9]}, us | now, us | now over {chosen.commit[:9]} |\n|---|---|---|---|")
    for name in chosen.cases:
        case = known[name].replace(dtype=chosen.dtype, trajectories=TRAJECTORIES.get(name, FEW))
        old, new = in_turns(case, there, chosen.rounds, chosen.target)
        drawn = bootstrap((new / old,), np.median, method="percentile", random_state=0)
        low, high = drawn.confidence_interval
        ratio = f"{np.median(new / old):.3f} ({low:.3f} to {high:.3f})"
        print(f"| {case.title}, {chosen.dtype} | {old.min():.4g} | {new.min():.4g} | {ratio} |", flush=True)


def in_turns(case: Case, there: Path, rounds: int, target: float):
    """Return the microseconds of a trajectory-step per round, of the program at `there` and of this one."""
    with started(case, there, target) as other, started(case, None, target) as own:
        both = (other, own)
        steps = max(int(one.stdout.readline()) for one in both)
        for one in both:
            ask(one, steps)
        times = np.empty((rounds, 2))
        for turn in range(rounds):
            for index in (0, 1) if turn % 2 == 0 else (1, 0):
                times[turn, index] = ask(both[index], steps)
        for one in both:
            one.stdin.close()
    return 1e6 * times.T / steps / case.trajectories / case.substeps


def started(case: Case, there: Path | None, target: float):
    """Start `bench.timed_case` with the program at `there`, by default the installed one."""
    script = Path(__file__).with_name("timed_case.py")
    command = [sys.executable, script, case.name, case.dtype, case.trajectories, target]
    return subprocess.Popen(
        list(map(str, command)),
        env=environment(there),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def ask(one: subprocess.Popen, steps: int) -> float:
    """Return the seconds that a program takes for this many steps."""
    one.stdin.write(f"{steps}\n")
    one.stdin.flush()
    return float(one.stdout.readline())


if __name__ == "__main__":
    main()
