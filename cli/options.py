"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Callback = TypeVar("Callback", bound=Callable[..., Any])

__all__ = [
    "as_json",
    "default_directory",
    "directory",
    "models",
    "output",
    "part_size",
    "progress",
    "quick",
    "reference",
    "running",
    "sections",
    "source",
    "steps",
    "study_file",
    "threads",
    "trajectories",
    "verify",
    "writable",
]


def writable(_context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse an output file that cannot be written, before any work is done."""
    from fastsde.system.atomic import check_writable
    from fastsde.system.errors import DiskError

    if path is not None:
        try:
            check_writable(path)
        except DiskError as error:
            raise click.BadParameter(str(error)) from error
    return path


study_file = click.argument(
    "study_file", metavar="STUDY.toml", type=click.Path(dir_okay=False, path_type=Path)
)

directory = click.argument(
    "directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)

source = click.argument("source", metavar="DIR|FILE", type=click.Path(exists=True, path_type=Path))

output = click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the run; created if absent, resumed if it holds this study.  [default: runs/STUDY]",
)

threads = click.option(
    "--threads",
    metavar="N",
    type=click.IntRange(min=1),
    help="Number of threads; results do not depend on it.  [default: all that the scheduler grants]",
)

trajectories = click.option(
    "--trajectories",
    metavar="N",
    type=click.IntRange(1, 2**40),
    help="Trajectories per model, instead of the study's value; a larger number extends a finished run.",
)

steps = click.option(
    "--steps",
    metavar="N",
    type=click.IntRange(1, 2**44),
    help="Learning-rate steps, instead of the study's value; a larger number extends a finished run.",
)

part_size = click.option(
    "--part-size",
    metavar="N",
    type=click.IntRange(min=1),
    help="Trajectories per part file; results do not depend on it.  [default: chosen from the study]",
)

reference = click.option(
    "--reference",
    metavar="MODEL",
    help="Model with which the others are compared.  [default: the first of kind sgd]",
)

progress = click.option(
    "--progress",
    type=click.Choice(["auto", "bar", "log", "none"]),
    default="auto",
    show_default=True,
    help="How to report progress on standard error; auto: a bar on a terminal, otherwise log lines.",
)


def models(*, required: bool) -> Callable[[Callback], Callback]:
    """Return the option that selects models by comma-separated names."""
    return click.option(
        "--models",
        metavar="A,B,...",
        required=required,
        callback=_names,
        help="Models, separated by commas." + ("" if required else "  [default: all]"),
    )


def _names(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(name.strip() for name in value.split(",") if name.strip())


verify = click.option(
    "--verify",
    is_flag=True,
    help="Verify the checksums of all parts first; this reads every file, and detects corrupted data.",
)

sections = click.option(
    "--sections",
    metavar="A,B,...",
    callback=_names,
    help="Compute only these sections, and keep the others of an existing analysis; snapshots and distances "
    "are always computed together.  [default: all]",
)

quick = click.option(
    "--quick",
    is_flag=True,
    help="Rough analysis with fewer permutations, replicates and trajectories; results are marked as such.",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


_RUNNING = (
    click.option(
        "--checkpoint",
        "checkpoint_seconds",
        metavar="SECONDS",
        type=click.FloatRange(min=0.0),
        default=60.0,
        show_default=True,
        help="Time between checkpoints: the most work that is lost if the process is killed.",
    ),
    click.option(
        "--keep-state/--no-keep-state",
        default=None,
        help="Store final states, so that steps can be added later.  [default: if files at most double]",
    ),
    click.option(
        "--repair",
        is_flag=True,
        help="Recompute broken part files; files that cannot be read are left untouched.",
    ),
    click.option(
        "--verify/--no-verify",
        default=True,
        show_default=True,
        help="Verify the checksums of existing parts.",
    ),
    click.option(
        "--device",
        type=click.Choice(["cpu", "cuda", "auto"]),
        default="cpu",
        show_default=True,
        help="Compute on the CPU or on an NVIDIA GPU; auto: on a GPU if one is available.",
    ),
    click.option(
        "--gpu",
        metavar="N",
        type=click.IntRange(min=0),
        help="Index of the GPU, from 0; for several GPUs run one process on each.  [default: the first]",
    ),
    click.option("--any-version", is_flag=True, help="Accept parts computed by different versions."),
)


def running(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that control how a study is run, except threads and sizes."""
    for option in reversed(_RUNNING):
        command = option(command)
    return command


def default_directory(study_file: Path, output: Path | None) -> Path:
    """Return the run's directory: the one requested, or ``runs/`` plus the study file's stem."""
    return output if output is not None else Path("runs") / study_file.stem
