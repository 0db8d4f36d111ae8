"""Time one case on request, for `bench.turns`; it runs with the fastsde that it imports, of any commit.

Started as a file, since `bench` lies beside the sources of this commit. Arguments are the name of the case,
its precision, trajectories, and the seconds of a run. The first line of the output is a number of steps that
takes about as long; then every line of the input, a number of steps, is answered by the seconds they take.
"""

import sys

from fastsde.benchmark.cases import CASES, TANH
from fastsde.benchmark.throughput import runner, steps_for
from fastsde.benchmark.timing import seconds


def main(name, dtype, trajectories, target):
    """Answer until the input ends."""
    case = next(case for case in (*CASES, TANH) if case.name == name)
    case = case.replace(dtype=dtype, trajectories=int(trajectories))
    print(steps_for(case, float(target)), flush=True)
    runs = {}
    for line in sys.stdin:
        steps = int(line)
        if steps not in runs:
            runs[steps] = runner(case, steps, 1)
            runs[steps]()
        print(seconds(runs[steps]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
