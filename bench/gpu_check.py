"""``python -m bench.gpu --check``: every case of tests/gpu/cases.py on the GPU against the CPU.

Trajectory by trajectory, for every observable and for the parameters at the end: the largest difference, in
units of the last place of the observable's largest value. First passages have to be the same. Of every case
there are two controls, which have to be seen: another seed, and one weight of one trajectory that starts off
by one unit in its last place.

Each case is a process of its own (``python -m bench.gpu_check NAME DTYPE``). The CPU's code is compiled there
without optimisation, which takes a quarter of the time and gives the same bits: kernels are not allowed to
round otherwise than they say.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np

__all__ = ["LIMITS", "commands", "compare", "line", "main", "units", "verdict"]

TESTS = Path(__file__).parents[1] / "tests"
LIMITS = {"float64": 1e-11, "float32": 2e-5}
"""Largest difference, relative to the observable's largest value, that the tests allow."""
TRAJECTORIES, FIRST = 64, 5


def commands(dry=False, wanted=()):
    """Return the processes of a check, by case and precision."""
    cases = _cases()
    names = [name for name in cases.ALL if not wanted or name in wanted]
    pairs = [(name, dtype) for name in names for dtype in LIMITS]
    more = ["--dry"] if dry else []
    return {f"{name}, {dtype}": ["bench.gpu_check", name, dtype, *more] for name, dtype in pairs}


def _cases():
    for folder in (TESTS, TESTS / "gpu"):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    import cases

    return cases


def units(found, expected):
    """Return the largest difference, in units of the last place of the largest expected value.

    Numbers that are infinite or not a number count as infinitely wrong unless both are.

    Examples
    --------
    >>> float(units(np.array([1.0, 1.5 + 2.0**-52]), np.array([1.0, 1.5])))
    1.0
    """
    both = np.isfinite(found) & np.isfinite(expected)
    if not np.array_equal(np.isnan(found), np.isnan(expected)) or not np.array_equal(
        found[~both], expected[~both], equal_nan=True
    ):
        return np.inf
    if not both.any():
        return 0.0
    largest = np.spacing(np.abs(expected[both]).max())
    return np.abs(found[both].astype(np.float64) - expected[both]).max() / largest


def taken(study, start, device, count, seed=None):
    """Return everything that an integration gives, by name: float arrays, and passages."""
    import fastsde

    kept = []
    study = study if seed is None else study.replace(seed=seed)
    outcome = fastsde.integrate(
        study, "m", FIRST, count, start=start, device=device, on_snapshot=lambda _, v: kept.append(v)
    )
    if not outcome.attributes["device"].startswith(device):
        raise RuntimeError(f"computed on {outcome.attributes['device']}, not on {device}")
    values = {name: np.stack([one[name] for one in kept]) for name in kept[0]}
    return {**values, "parameters at the end": outcome.parameters}, outcome.events


def _scattered(points, seed):
    """Return points about those that all trajectories of a landscape start from."""
    return points + (0.1 * np.random.default_rng(seed).standard_normal(points.shape)).astype(points.dtype)


def compare(name, dtype, count=TRAJECTORIES):
    """Return what a check of a case finds: differences by observable, and whether the controls are seen."""
    from fastsde.integrate.beginning import beginning
    from fastsde.integrate.lowering import lower
    from fastsde.problem.data import build_problem

    study = _cases().case(name, dtype)
    lowered = lower(study, "m", build_problem(study))
    drawn = beginning(study, lowered, FIRST, count, None).parameters[:, : lowered.network.parameters]
    spread = np.ptp(drawn, axis=0).max() > 0
    start, elsewhere = (drawn, None) if spread else (_scattered(drawn, seed) for seed in (0, 1))
    given = None if spread else start  # where it is possible, the device draws them
    moved = start.copy()
    place = int(np.abs(start[0]).argmax())
    moved[0, place] = np.nextafter(start[0, place], np.inf, dtype=start.dtype)
    short = study.replace(time={"steps": 1, "snapshots": {"at": [0, 1]}})
    expected, passed = taken(study, given, "cpu", count)
    found, events = taken(study, given, "cuda", count)
    other, _ = taken(study, elsewhere, "cuda", count, seed=study.seed + 1)
    nudged, _ = taken(short, moved, "cuda", count)
    straight, _ = taken(short, start, "cuda", count)
    numbers = [value for value in expected.values() if value.dtype.kind == "f"]
    end = "parameters at the end"
    return {
        "differences": {
            key: float(units(found[key], value)) for key, value in expected.items() if value.dtype.kind == "f"
        },
        "numbers": int(sum(np.isfinite(value).sum() for value in numbers)),
        "identical": float(np.mean([np.mean(found[end] == expected[end])])),
        "spread": float(np.ptp(expected[end][np.isfinite(expected[end]).all(axis=1)], axis=0).max()),
        "passages": int(sum((steps >= 0).sum() for steps in passed.values())),
        "passages_differ": int(sum((events[key] != steps).sum() for key, steps in passed.items())),
        "limit": LIMITS[dtype] / float(np.finfo(dtype).eps),
        "other_seed": float(units(other[end], expected[end])),
        "one_unit_off": int((nudged[end][0] != straight[end][0]).sum()),
        "others_untouched": bool(np.array_equal(nudged[end][1:], straight[end][1:], equal_nan=True)),
    }


def verdict(found):
    """Return what is wrong with a case, as text; empty if nothing is."""
    if "failed" in found:
        return found["failed"]
    wrong = [f"{name} differs" for name, one in found["differences"].items() if not one <= found["limit"]]
    if found["passages_differ"]:
        wrong.append(f"{found['passages_differ']} first passages differ")
    if not found["numbers"] or not found["spread"] > 0:
        wrong.append("nothing was compared")
    if not found["other_seed"] > found["limit"]:
        wrong.append("another seed was not seen")
    if not found["one_unit_off"]:
        wrong.append("a weight off by one unit was not seen")
    if not found["others_untouched"]:
        wrong.append("a weight of one trajectory changed another")
    return ", ".join(wrong)


def line(name, found):
    """Return a case's result in a line."""
    wrong = verdict(found)
    if "failed" in found:
        return f"FAILED {name}: {wrong}"
    shown = ", ".join(f"{key} {value:.3g}" for key, value in found["differences"].items())
    controls = f"seed {found['other_seed']:.2g}, one unit off: {found['one_unit_off']} numbers"
    return (
        f"{'FAILED' if wrong else 'ok'} {name}: {shown}; {found['passages']} passages the same; "
        f"{found['numbers']} numbers, {100 * found['identical']:.0f} % of parameters identical; "
        f"controls: {controls}" + (f"; WRONG: {wrong}" if wrong else "")
    )


def main(arguments=None):
    """Check one case, and print what is found as JSON."""
    import numba

    name, dtype, *more = sys.argv[1:] if arguments is None else arguments
    warnings.simplefilter("ignore")  # unoptimised code is not kept
    numba.config.OPT = type(numba.config.OPT)("0")
    print(json.dumps(compare(name, dtype, 4 if more else TRAJECTORIES)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
