"""``python -m bench.gpu_compile``: how long compiling for a GPU takes, without a GPU.

Each case twice, in processes of their own: with an empty program cache, and again, when all is there. What a
driver does to load the code is not part of it. Seconds are of a processor, since cores may be shared: of
numba (types and lowering), of NVVM (to PTX) and of nvJitLink (to machine code), kernel by kernel.
"""

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from unittest import mock

from bench.gpu_jobs import Clock, results
from fastsde.kernels.gpu.placement import HOPPER

__all__ = ["CASES", "main"]

CASES = ("langevin", "gradient", "sgd")


@contextmanager
def timed(found):
    """Add up the seconds of NVVM and of nvJitLink."""
    from numba.cuda.cudadrv import driver, nvvm

    def counting(name, function):
        def call(*args, **more):
            begun = time.process_time()
            try:
                return function(*args, **more)
            finally:
                found[name] = found.get(name, 0.0) + time.process_time() - begun

        return call

    with ExitStack() as stack:
        for module, name, label in ((nvvm, "compile_ir", "nvvm"), (driver._Linker, "complete", "nvjitlink")):
            stack.enter_context(mock.patch.object(module, name, counting(label, getattr(module, name))))
        yield


def one(name, dtype):
    """Return the seconds of a case in this process, all in all and kernel by kernel."""
    from bench.gpu_cases import MODEL, NETWORKS
    from fastsde.integrate.gpu.ahead import store_programs
    from fastsde.kernels.gpu import offline

    kernels = []
    store = offline.store_kernel

    def stored(function, values, capability):
        stages, begun = {}, time.process_time()
        with timed(stages):
            compiled = store(function, values, capability)
        whole = time.process_time() - begun
        stages["numba"] = whole - sum(stages.values())
        kernels.append({name: round(seconds, 2) for name, seconds in stages.items()})
        return compiled

    with mock.patch.object(offline, "store_kernel", stored):
        study = NETWORKS[name].study(16).replace(dtype=dtype)
        compiled = store_programs(study, MODEL, HOPPER)
    return {"compiled": compiled, "seconds": round(time.process_time(), 2), "kernels": kernels}


def main(arguments=None):
    """Print a line per case and process; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_compile", description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES, metavar="NAME")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--one", choices=CASES, help="one case in this process, as JSON")
    given = parser.parse_args(arguments)
    if given.one:
        print(json.dumps(one(given.one, given.dtype)))
        return 0
    for name in given.cases:
        command = ["bench.gpu_compile", "--one", name, "--dtype", given.dtype]
        with tempfile.TemporaryDirectory() as folder:
            for when in ("cold", "from disk"):
                begun = time.perf_counter()
                for _, found in results({when: command}, 1, Clock(600), {"NUMBA_CACHE_DIR": folder}):
                    print(f"{name}, {when}: {time.perf_counter() - begun:.1f} s, {found}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
