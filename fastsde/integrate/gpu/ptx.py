"""What the kernels of a study become for a GPU, on a machine that need not have one.

Needs the toolkit that the extra ``cuda12`` or ``cuda13`` brings, and for registers and memory the assembler
``ptxas`` (the package ``nvidia-cuda-nvcc``, or a CUDA toolkit in the path).
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsde.system.errors import DeviceError

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["Usage", "assemble", "find_ptxas", "ptx"]


@dataclass(frozen=True)
class Usage:
    """What a kernel takes of a multiprocessor.

    Attributes
    ----------
    registers : int
        A thread.
    stack : int
        Bytes of a thread's own memory.
    spilled : int
        Bytes that a thread stores because registers do not suffice.
    shared : int
        Bytes of shared memory of a block, of which the size is known when compiling.
    """

    registers: int
    stack: int
    spilled: int
    shared: int


def ptx(
    study: Study,
    model: str,
    task: str = "advance",
    capability: tuple[int, int] = (9, 0),
    where: str | None = None,
) -> str:
    """Return the PTX of a model's kernel.

    Parameters
    ----------
    study : Study
    model : str
        Its name.
    task : str
        Of `fastsde.kernels.gpu.tasks.TASKS`.
    capability : tuple of int
        Compute capability.
    where : {"local", "lane", "shared", "block", "team", "global"}, optional
        Where the memory of a trajectory is; as `memory_class` chooses by default.
    """
    from fastsde.integrate.gpu.host_jobs import host_job, task_options
    from fastsde.integrate.gpu.placements import memory_class
    from fastsde.integrate.gpu.programs import model_program
    from fastsde.integrate.lowering import lower
    from fastsde.kernels.gpu.offline import compile_kernel
    from fastsde.kernels.gpu.placement import limit_of
    from fastsde.problem.data import build_problem

    lowered = lower(study, model, build_problem(study))
    limit = limit_of(capability)
    chosen = where or (memory_class(lowered, study.dtype, limit) if task == "advance" else "global")
    program = model_program(study, lowered, chosen, limit=limit, **task_options(study, lowered, task))
    return str(compile_kernel(program, task, host_job(study, lowered, task), capability))


def find_ptxas() -> str | None:
    """Return the path of the assembler: of the package ``nvidia-cuda-nvcc``, or in the path.

    That of the package is of the toolkit's own version; an older one refuses newer PTX.
    """
    spec = importlib.util.find_spec("nvidia")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).glob("*/bin/ptxas")):
            return str(path)
    return shutil.which("ptxas")


def assemble(source: str, capability: tuple[int, int] = (9, 0)) -> Usage:
    """Assemble PTX and return what the kernel takes.

    Raises
    ------
    DeviceError
        If there is no assembler, or it refuses the source.
    """
    program = find_ptxas()
    if program is None:
        raise DeviceError(
            "ptxas was not found\nFix: pip install nvidia-cuda-nvcc, or a CUDA toolkit in the path"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.ptx"
        path.write_text(source)
        target = f"-arch=sm_{capability[0]}{capability[1]}"
        run = subprocess.run(
            [program, "-v", target, str(path), "-o", str(path.with_suffix(".cubin"))],
            capture_output=True,
            text=True,
        )
    if run.returncode:
        raise DeviceError(f"ptxas refuses the kernel: {run.stderr[:500]}")
    return read_usage(run.stderr)


def read_usage(text: str) -> Usage:
    r"""Read what ``ptxas -v`` says of the last kernel.

    Examples
    --------
    >>> read_usage("16 bytes stack frame, 4 bytes spill stores, 8 bytes spill loads\n"
    ...            "ptxas info    : Used 40 registers, used 1 barriers, 96 bytes smem")
    Usage(registers=40, stack=16, spilled=4, shared=96)
    """

    def last(pattern: str) -> int:
        found: list[Any] = re.findall(pattern, text)
        return int(found[-1]) if found else 0

    return Usage(
        registers=last(r"Used (\d+) registers"),
        stack=last(r"(\d+) bytes stack frame"),
        spilled=last(r"(\d+) bytes spill stores"),
        shared=last(r"(\d+) bytes smem"),
    )
