"""``python -m bench``: check that each library simulates the same law, time it, and write the ratios."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from bench.own import own_ratios
from bench.table import markdown, plain
from bench.versus import CONTESTS, hold
from fastsde.benchmark.limits import measure_limits, measure_memory
from fastsde.system.threads import default_threads


def _arguments(arguments):
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--markdown", type=Path, default=Path("bench/results/table.md"), metavar="FILE")
    parser.add_argument("--json", type=Path, default=Path("bench/results/table.json"), metavar="FILE")
    parser.add_argument(
        "--cases", nargs="+", choices=_names(), metavar="NAME", help=f"some of {', '.join(_names())}"
    )
    parser.add_argument("--peers", nargs="+", metavar="NAME", help="some of torch, jax, numpy, diffrax")
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (default: 5)")
    parser.add_argument(
        "--target", type=float, default=1.0, metavar="SECONDS", help="time per run (default: 1)"
    )
    parser.add_argument("--quick", action="store_true", help="rough measurement: shorter runs, two rounds")
    parser.add_argument("--only", choices=["peers", "own", "all"], default="all")
    return parser.parse_args(arguments)


def _names():
    return list(dict.fromkeys(contest.case.name for contest in CONTESTS))


def main(arguments=None):
    """Run the benchmark; results are written after every comparison, so that an interruption loses one."""
    given = _arguments(arguments)
    rounds, target, scale = (2, 0.2, 0.25) if given.quick else (given.rounds, given.target, 1.0)
    threads = default_threads()
    print("limits of this machine", file=sys.stderr)
    limits = [
        limit
        for dtype in ("float32", "float64")
        for limit in measure_limits(dtype, threads, target / 10, rounds)
    ]
    limits.append(measure_memory(threads, target / 10, rounds))
    results, ratios = [], []
    if given.only != "own":
        for contest in CONTESTS:
            if given.cases and contest.case.name not in given.cases:
                continue
            chosen = {name: ratio for name, ratio in contest.asked.items() if name in (given.peers or [name])}
            print(contest.case.title, contest.case.dtype, file=sys.stderr)
            results += hold(_with(contest, chosen), rounds=rounds, target=target, scale=scale, tell=_tell)
            _write(given, plain(results, ratios, limits))
    if given.only != "peers":
        print("ratios of fastsde alone", file=sys.stderr)
        ratios = own_ratios(rounds=rounds, target=target, tell=_tell)
    page = _write(given, plain(results, ratios, limits))
    print(page)


def _with(contest, chosen):
    return dataclasses.replace(contest, asked=chosen)


def _tell(line):
    print(line, file=sys.stderr, flush=True)


def _write(given, data):
    page = markdown(data)
    for path, text in ((given.markdown, page), (given.json, json.dumps(data, indent=2))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    return page


if __name__ == "__main__":
    main()
