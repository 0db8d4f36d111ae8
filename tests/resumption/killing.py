"""Kill a run at random instants until it is done; used by the tests, and alone for long trials.

    python tests/resumption/killing.py FOLDER KILLS SEED

runs a small study undisturbed, then again and again with SIGKILL until KILLS have hit, in all phases:
compiling (one trial in ten has a cold compile cache), integrating, writing, renaming, joining. Half of the
kills come at a random time; the other half at a random call of one of the functions that compute or change
files, so that the short phases are hit as often as the long ones. Every trial ends with a run left in peace,
whose numbers must be those of the undisturbed one. Children are forked from a process that has imported all
but the kernels.

Every child notes what it computes and what it has saved, so that the work that a kill costs is known: of no
part more than the time between two checkpoints and the slice of steps after which the clock is looked at.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numba  # noqa: F401
import numpy as np
from losses import Losses, note

from fastsde.integrate import cpu_ensemble  # noqa: F401
from fastsde.run import run as parts
from fastsde.storage import ensemble as store
from fastsde.storage import in_progress, join, part_writer  # noqa: F401
from fastsde.study.study import Study

STUDY = """
seed = 5
trajectories = 40
[network]
widths = [3, 4, 2]
init = { std = 0.3 }
[data]
samples = 8
teacher = { singular_values = [2.0, 1.0] }
label_noise = 0.3
[time]
learning_rate = 0.003
steps = 60_000
snapshots = { count = 12, spacing = "log" }
[record]
observables = ["loss", "modes", "update_noise", "parameters"]
[events]
every = 7
loss_below = [0.4]
mode_learned = [0.5, 0.9]
[models.sgd]
kind = "sgd"
[models.sde]
kind = "sde"
noise = "gradient"
substeps = 2
"""
INTERVAL = 0.05
"""Seconds between two checkpoints."""
PHASES = {
    ("os", "replace"): 12,
    ("os", "fsync"): 24,
    ("os", "rmdir"): 6,
    ("os", "unlink"): 6,
    ("storage.part_writer", "write_seal"): 6,
    ("storage.part_writer", "commit"): 6,
    ("storage.join", "_join_model"): 2,
    ("storage.join", "write_problem"): 1,
    ("storage.in_progress", "write_checkpoint"): 6,
    ("integrate.cpu_ensemble.Blocks", "advance"): 40,
    ("integrate.cpu_ensemble.Blocks", "measure"): 24,
}
"""Functions that a process kills itself in, and the calls it has at least in an undisturbed run."""


def compute(study: Study, directory: Path, cache: Path | None = None) -> None:
    """Run the study with short parts, short slices and frequent checkpoints, and note the work done."""
    if cache is not None:
        os.environ["NUMBA_CACHE_DIR"] = str(cache)
    from fastsde.integrate import integration

    note(notes_of(directory))

    integration.SLICE_SECONDS = 0.01
    integration.FIRST_SLICE = 1 << 20
    parts.run(study, directory, part_size=16, threads=2, checkpoint_seconds=INTERVAL)


def numbers(directory: Path) -> str:
    """Return a hash of every number of an ensemble."""
    digest = hashlib.sha256()
    with store.open_ensemble(directory) as ensemble:
        for name in ensemble:
            for variable in ensemble[name].variables:
                digest.update(f"{name} {variable}".encode())
                digest.update(np.ascontiguousarray(ensemble[name][variable]).tobytes())
    return digest.hexdigest()


def notes_of(directory: Path) -> Path:
    """Return the file in which a run's last process notes its work."""
    return directory.with_name("notes")


def strike_at(phase: tuple[str, str], call: int) -> None:
    """Arrange that this process kills itself in a call of a function, before or after its work."""
    names = phase[0].split(".")
    owner = names.pop() if names[-1][0].isupper() else ""
    where = ".".join(names)
    module = sys.modules[where if where == "os" else f"fastsde.{where}"]
    module = getattr(module, owner) if owner else module
    function = getattr(module, phase[1])
    calls = 0

    def struck(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls == call // 2 + 1 and call % 2 == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **options)
        if calls == call // 2 + 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(module, phase[1], struck)


def child(study: Study, directory: Path, cache: Path | None, phase=None, call: int = 0) -> int:
    """Fork a process that computes; return its number."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        if phase is not None:
            strike_at(phase, call)
        compute(study, directory, cache)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def finished(pid: int) -> bool:
    """Wait for a child; say whether it came to its end (True) or was killed."""
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return False
    if os.WEXITSTATUS(status):
        raise RuntimeError("a run failed that nobody killed")
    return True


def phase_of(directory: Path) -> str:
    """Say from the files what a process was doing when it was killed."""
    if not (directory / "study.toml").exists():
        return "before anything"
    temporary = [path.name for path in directory.rglob(".*.tmp")]
    if any("ensemble" in name for name in temporary):
        return "joining"
    if any("state" in name for name in temporary):
        return "writing a checkpoint"
    if any("-0000" in name for name in temporary):
        return "integrating or writing a part"
    return "between files"


def trial(
    study: Study, folder: Path, random_: random.Random, cold: bool, longest: float, losses: Losses
) -> list[str]:
    """Kill a run about three times, let it end; return where it was killed."""
    directory, kills = folder / "run", []
    shutil.rmtree(directory, ignore_errors=True)
    cache = Path(tempfile.mkdtemp(dir=folder)) if cold else None
    for _ in range(random_.randint(1, 6)):
        notes_of(directory).unlink(missing_ok=True)
        if cold or random_.random() < 0.5:
            pid = child(study, directory, cache)
            begun = time.monotonic()
            while not cold and not (directory / "study.toml").exists() and time.monotonic() < begun + 30:
                time.sleep(0.005)
            time.sleep(random_.uniform(0, 8.0 if cold else longest))
            what = f"at random, {'compiling' if cold else phase_of(directory)}"
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        else:
            phase = random_.choice(list(PHASES))
            pid = child(study, directory, cache, phase, random_.randrange(2 * PHASES[phase]))
            what = ".".join(phase)
        if finished(pid):
            break
        kills.append(what)
        losses.add(notes_of(directory))
    if not finished(child(study, directory, cache)):
        raise RuntimeError("killed by another")
    left = [path.name for path in directory.rglob("*") if path.suffix == ".tmp"]
    if left or (directory / "unfinished").exists():
        raise AssertionError(f"left over: {left or 'unfinished'}")
    return kills


def main(folder: Path, wanted: int, seed: int) -> Counter[str]:
    """Kill `wanted` times, and raise if a run does not end with the numbers of the undisturbed one."""
    study, random_ = Study.from_toml(STUDY), random.Random(seed)
    folder = Path(tempfile.mkdtemp(dir=folder))
    finished(child(study, folder / "warm", None))  # fills the compile cache
    begun = time.monotonic()
    finished(child(study, folder / "undisturbed", None))
    longest = time.monotonic() - begun
    expected, tally, trials = numbers(folder / "undisturbed"), Counter(), 0
    losses = Losses(INTERVAL)
    while tally.total() < wanted:
        tally.update(trial(study, folder, random_, trials % 10 == 9, longest, losses))
        trials += 1
        if numbers(folder / "run") != expected:
            raise AssertionError(f"trial {trials}: other numbers than the undisturbed run")
    report = [
        f"{tally.total()} kills in {trials} trials, undisturbed {longest:.2f} s: all runs ended the same"
    ]
    report += [f"  {count:4d}  {what}" for what, count in sorted(tally.items())]
    report.append(losses.report())
    sys.stdout.write("\n".join(report) + "\n")
    return tally


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
