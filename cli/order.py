"""``fastsde order``: how fast the error of each model's steps falls when dt is halved."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, Progress, make

__all__ = ["command"]


@click.command("order", short_help="Measure weak and strong orders: halve dt and watch the error.")
@options.study_file
@options.threads
@click.option("--model", "names", multiple=True, metavar="NAME", help="Only this model; may be repeated.")
@click.option(
    "--trajectories",
    type=click.IntRange(16),
    default=1024,
    show_default=True,
    help="Trajectories of each level.",
)
@click.option("--levels", type=click.IntRange(2, 10), default=5, show_default=True, help="Steps to compare.")
@click.option("--steps", type=click.IntRange(1), help="Learning-rate steps, in place of the study's.")
@options.progress
@options.as_json
def command(
    study_file: Path,
    threads: int | None,
    names: tuple[str, ...],
    trajectories: int,
    levels: int,
    steps: int | None,
    progress: Mode,
    as_json: bool,
) -> None:
    """Halve dt, with the same noise at all levels, and print differences and orders at the end of the study.

    The coarsest dt is the study's. Strong difference: mean distance between the points of a dt and of its
    half. Weak difference: that of the means of the coordinates and of their squares. Both fall as the error
    does. Uncertainties are standard errors over trajectories; a weak order counts the dt at which the weak
    difference is above 3 of them. Orders mean little where trajectories that start together part in time, as
    those of a long training do: take fewer steps. Models without a dt (SGD), with jumps or stable noise, in
    fractional time or with momentum are left out, and the reason is given for each.

    \b
    Examples:
        fastsde order examples/rotational_current.toml
        fastsde order saddle.toml --model langevin --levels 6 --steps 100
    """
    from fastsde.cli import show, work
    from fastsde.cli.signals import stop_at_once
    from fastsde.integrate.convergence import measure_orders, why_not_orderable
    from fastsde.system.errors import StudyError

    study = work.load_study(study_file, None)
    if steps is not None:
        study = study.replace(time={"steps": steps, "snapshots": {"at": [steps]}})
    unknown = [name for name in names if name not in study.models]
    if unknown:
        raise StudyError(f"no model {unknown[0]!r}; the study has {', '.join(study.models)}")
    reasons = {name: why_not_orderable(study.models[name]) for name in names or study.models}
    without = [f"models.{name}: {why}" for name, why in reasons.items() if why]
    wanted = [name for name, why in reasons.items() if not why]
    if not wanted or (names and without):
        raise StudyError("\n  ".join(["no order to measure", *without]), str(study_file))
    for line in without:
        click.echo(f"left out: {line}", err=True)
    found = {}
    reporter = make(progress)
    each = 2 ** (levels + 1) - 1  # a level has twice the steps of the one before
    with stop_at_once(), reporter.task("order", each * len(wanted), "runs of the coarsest step"):
        for number, name in enumerate(wanted):
            reporter.update(each * number, name)
            found[name] = measure_orders(
                study,
                name,
                trajectories=trajectories,
                levels=levels,
                threads=threads,
                on_level=_teller(reporter, each * number, name),
            )
    if as_json:
        show.print_json(
            {
                name: {
                    "dt": one.dt.tolist(),
                    "strong": one.strong.tolist(),
                    "strong_error": one.strong_error.tolist(),
                    "weak": one.weak.tolist(),
                    "weak_error": one.weak_error.tolist(),
                    "strong_order": one.strong_order,
                    "strong_order_error": one.strong_order_error,
                    "weak_order": one.weak_order,
                    "weak_order_error": one.weak_order_error,
                    "trajectories": one.trajectories,
                    "expected": {"strong": one.expected_strong, "weak": 1.0},
                }
                for name, one in found.items()
            }
        )
        return
    for name, one in found.items():
        weak_words = f"{one.weak_order:.2f} +- {one.weak_order_error:.2f}"
        if math.isnan(one.weak_order):
            weak_words = "not seen above the noise"
        click.echo(
            f"{name}: strong order {one.strong_order:.2f} +- {one.strong_order_error:.2f} "
            f"(expected {_words(one.expected_strong)}), weak order {weak_words} (expected 1), "
            f"{one.trajectories} trajectories"
        )
        click.echo(f"  {'dt':>10}  {'strong difference':>24}  {'weak difference':>24}")
        for row in zip(one.dt, one.strong, one.strong_error, one.weak, one.weak_error, strict=True):
            dt, strong, spread, weak, doubt = row
            click.echo(f"  {dt:10.3g}  {strong:12.4g} +- {spread:8.2g}  {weak:12.4g} +- {doubt:8.2g}")


def _teller(reporter: Progress, before: int, name: str) -> Callable[[int], None]:
    """Return what tells the reporter that a level is done."""
    return lambda level: reporter.update(before + 2 ** (level + 1) - 1, name)


def _words(order: float) -> str:
    """Say which order is expected."""
    return "none: the noise jumps with the gradient" if math.isnan(order) else f"{order:g}"
