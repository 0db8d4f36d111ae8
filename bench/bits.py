"""Whether two versions compute the same numbers, bit for bit: ``python -m bench.bits COMMIT``.

Every study of ``examples/`` is shortened, in both precisions, and run by the program as it is and by the
program of another commit. All numbers of their part files are then compared: observables, first passages, and
the states at the end. Prints one line for each model and precision; exits with 1 if any differ. The other
program, and with it what was compiled of it, stays in ``build/bits``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from fastsde.storage.schema import FORMER_NAMES, observables
from fastsde.study.study import Study
from fastsde.study.sweep import load_cases
from fastsde.system.errors import StudyError

ROOT = Path(__file__).resolve().parent.parent
TRAJECTORIES, STEPS = 8, 40
NAMES = {former: name for name, former in FORMER_NAMES.items()}


def main() -> int:
    """Run both versions and compare."""
    parser = argparse.ArgumentParser(description="compare with the numbers of another commit, bit for bit")
    parser.add_argument("commit", help="git commit to compare with")
    parser.add_argument("--examples", nargs="*", type=Path, help="study files (all of examples/ by default)")
    arguments = parser.parse_args()
    chosen = arguments.examples or sorted((ROOT / "examples").glob("*.toml"))
    there = package(arguments.commit)
    counts = [compare(path, dtype, there) for path in chosen for dtype in ("float64", "float32")]
    equal, different = (sum(column) for column in zip(*counts, strict=True))
    print(f"{equal} of {equal + different} pairs of model and precision are equal, bit for bit")
    return 1 if different else 0


def package(commit: str) -> Path:
    """Lay out the program of a commit as one importable package; return where."""
    name = _git("rev-parse", commit).decode().strip()
    place = ROOT / "build" / "bits" / name
    if not place.exists():
        source = place.with_suffix(".new")
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir(parents=True)
        subprocess.run(["tar", "-x", "-C", source], input=_git("archive", name), check=True)
        for folder in ("kernels", "cli"):
            (source / folder).rename(source / "fastsde" / folder)
        source.rename(place)
    return place


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, capture_output=True).stdout


def compare(path: Path, dtype: str, there: Path) -> tuple[int, int]:
    """Run one example in both; return how many models are equal and how many are not."""
    study = shortened(path, dtype)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / path.name
        file.write_text(study.to_toml(), encoding="utf-8")
        new, old = run(None, file, Path(folder) / "new"), run(there, file, Path(folder) / "old")
        changed = {name: differences(new / "parts", old / "parts", name) for name in study.models}
    for name, variables in changed.items():
        verdict = f"different: {', '.join(variables)}" if variables else "equal"
        print(f"{path.stem:28} {dtype} {name:20} {verdict}", flush=True)
    different = sum(bool(variables) for variables in changed.values())
    return len(changed) - different, different


def shortened(path: Path, dtype: str) -> Study:
    """Return the study of a file (of a sweep, its first case) with few steps and all it can record."""
    study = load_cases(path)[0].study
    time = {"steps": STEPS, "snapshots": {"at": [0, 1, STEPS // 2, STEPS]}}
    study = study.replace(dtype=dtype, trajectories=TRAJECTORIES, time=time)
    for name in observables():
        wanted = list(dict.fromkeys([*study.record.observables, name]))
        with contextlib.suppress(StudyError):  # not of this objective, or these data
            study = study.replace(record={"observables": wanted})
    return study


def environment(place: Path | None) -> dict[str, str]:
    """Return the variables with which Python imports the program at `place`, by default the installed one."""
    return os.environ | ({} if place is None else {"PYTHONPATH": str(place)})


def run(place: Path | None, study: Path, output: Path) -> Path:
    """Run a study with the program at `place`, by default the installed one; return the run's directory."""
    command = [sys.executable, "-m", "fastsde", "run", study, "-o", output, "--progress", "none"]
    done = subprocess.run(
        list(map(str, command)), env=environment(place), cwd=output.parent, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{study.name} with {place or 'the installed program'}: {done.stderr}")
    return output


def differences(new: Path, old: Path, model: str) -> list[str]:
    """Return the names of the variables of a model's parts that differ."""
    parts = [sorted(folder.glob(f"{model}-[0-9]*.h5")) for folder in (new, old)]
    pairs = list(zip(*parts, strict=True))
    if not pairs:
        raise SystemExit(f"no parts of {model} in {new}")
    return [name for pair in pairs for name in _differences(*pair)]


def _differences(new: Path, old: Path) -> Iterator[str]:
    with h5py.File(new) as first, h5py.File(old) as second:
        ours, theirs = dict(_arrays(first)), dict(_arrays(second))
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in ours or name not in theirs:
            yield f"{name} only in one"
        elif ours[name].dtype != theirs[name].dtype or ours[name].tobytes() != theirs[name].tobytes():
            yield name


def _arrays(file: h5py.File) -> Iterator[tuple[str, np.ndarray]]:
    names: list[str] = []
    file.visit(names.append)
    for name in names:
        if isinstance(file[name], h5py.Dataset):
            group, _, last = name.rpartition("/")
            yield f"{group}/{NAMES.get(last, last)}", file[name][...]


if __name__ == "__main__":
    sys.exit(main())
