"""One case of `bench.gpu` in a process of its own: ``python -m bench.gpu_one WHAT NAME ...``, ends in JSON.

``first``: a few trajectories, which compiles or loads the programs; how long that takes. ``jax``: the whole
run of the peer, its fastest variant, chosen by short runs.
"""

import importlib.util
import json
import os
import sys
import time

__all__ = ["first", "jax", "main"]

SHORT = 16
"""A choice among variants takes so many times fewer steps."""


def first(name):
    """Return the seconds until a process has its first trajectories of a case, and where they go."""
    begun = time.perf_counter()
    from bench.gpu_cases import DRY, MODEL, SIZES, Size, study_of
    from fastsde.integrate.integration import integrate
    from fastsde.system.stopwatch import stopwatch

    imported = time.perf_counter() - begun
    steps = DRY[name].steps if name in DRY else min(2, SIZES[name].steps)
    study = study_of(name, Size(64, steps) if os.environ.get("NUMBA_ENABLE_CUDASIM") != "1" else DRY[name])
    with stopwatch() as seconds:
        integrate(study, MODEL, 0, study.trajectories, device="cuda")
    spent = {key: round(value, 3) for key, value in seconds.items()}
    return {"seconds": time.perf_counter() - begun, "spent": {"import": round(imported, 3), **spent}}


def jax(name, trajectories, steps):
    """Return the time of JAX for a case on its default device; nothing if JAX is not installed."""
    if importlib.util.find_spec("jax") is None:
        return {"failed": "JAX is not installed"}
    import jax

    from bench.gpu_cases import NETWORKS
    from bench.peers import jax_peer
    from bench.setting import setting_of

    jax_peer.BATCHES = (trajectories,)
    short = {}
    samples = NETWORKS[name].samples
    unit = samples if isinstance(samples, int) else 1
    few = max(unit, steps // SHORT // unit * unit)
    for variant, run in jax_peer.variants(setting_of(NETWORKS[name], trajectories, few)).items():
        short[variant] = _timed(run)
    variant = min(short, key=short.get)
    run = jax_peer.variants(setting_of(NETWORKS[name], trajectories, steps))[variant]
    return {"seconds": _timed(run), "variant": variant, "device": str(jax.devices()[0])}


def _timed(run):
    run(0)
    begun = time.perf_counter()
    run(1)
    return time.perf_counter() - begun


def main(arguments=None):
    """Do one thing, and print what is found as JSON."""
    what, name, *numbers = sys.argv[1:] if arguments is None else arguments
    found = first(name) if what == "first" else jax(name, *map(int, numbers))
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
