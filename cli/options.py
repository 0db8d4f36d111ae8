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
    """Refuse, before any work, a file that cannot be written at its end."""
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
    help="Directory of the run; made if absent, resumed if it holds this study.  [default: runs/STUDY]",
)

threads = click.option(
    "--threads",
    metavar="N",
    type=click.IntRange(min=1),
    help="Threads to compute with; the numbers do not depend on it.  [default: what the scheduler grants]",
)

trajectories = click.option(
    "--trajectories",
    metavar="N",
    type=click.IntRange(1, 2**40),
    help="Trajectories of each model, instead of what the study says; more extend a finished run.",
)

steps = click.option(
    "--steps",
    metavar="N",
    type=click.IntRange(1, 2**44),
    help="Learning-rate steps, instead of what the study says; more extend a finished run.",
)

part_size = click.option(
    "--part-size",
    metavar="N",
    type=click.IntRange(min=1),
    help="Trajectories of one part file; the numbers do not depend on it.  [default: from the study]",
)

reference = click.option(
    "--reference",
    metavar="MODEL",
    help="The model that the others are compared with.  [default: the first of kind sgd]",
)

progress = click.option(
    "--progress",
    type=click.Choice(["auto", "bar", "log", "none"]),
    default="auto",
    show_default=True,
    help="Report progress on stderr by a bar or by few lines; auto: a bar on a terminal.",
)


def models(*, required: bool) -> Callable[[Callback], Callback]:
    """Make the option that chooses models: names separated by commas."""
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
    help="Compute the checksums of all parts first: finds changed bytes, reads every file.",
)

sections = click.option(
    "--sections",
    metavar="A,B,...",
    callback=_names,
    help="Measure these sections only, and keep the others of an analysis that is there; snapshots and "
    "distances are measured together, since verdicts rest on both.  [default: all]",
)

quick = click.option(
    "--quick",
    is_flag=True,
    help="A first look: fewer shuffles, replicates and trajectories, as the results then say.",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


_RUNNING = (
    click.option(
        "--checkpoint",
        "checkpoint_seconds",
        metavar="SECONDS",
        type=click.FloatRange(min=0.0),
        default=60.0,
        show_default=True,
        help="Time between two checkpoints of a part: what is lost, at most, if the process is killed.",
    ),
    click.option(
        "--keep-state/--no-keep-state",
        default=None,
        help="Keep where trajectories end, to add steps later.  [default: if it at most doubles the files]",
    ),
    click.option(
        "--repair",
        is_flag=True,
        help="Compute broken part files again; files that cannot be read are left alone.",
    ),
    click.option(
        "--verify/--no-verify",
        default=True,
        show_default=True,
        help="Compute the checksums of the parts that stand already.",
    ),
    click.option(
        "--device",
        type=click.Choice(["cpu", "cuda", "auto"]),
        default="cpu",
        show_default=True,
        help="Integrate on processors or on an NVIDIA GPU; auto: on one if there is one.",
    ),
    click.option(
        "--gpu",
        metavar="N",
        type=click.IntRange(min=0),
        help="Which GPU, from 0; one process each, with --shard.  [default: the first]",
    ),
    click.option("--any-version", is_flag=True, help="Mix numbers of different versions of the program."),
)


def running(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of how a study is run, beside threads and sizes."""
    for option in reversed(_RUNNING):
        command = option(command)
    return command


def default_directory(study_file: Path, output: Path | None) -> Path:
    """Return the run's directory: what was asked for, or runs/ and the study file's stem."""
    return output if output is not None else Path("runs") / study_file.stem
