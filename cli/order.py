"""``fastsde order``: the orders of convergence of each model, measured by halving dt."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, Progress, make

__all__ = ["command"]


@click.command("order", short_help="Measure weak and strong orders of convergence.")
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
@click.option(
    "--levels", type=click.IntRange(2, 10), default=5, show_default=True, help="Number of values of dt."
)
@click.option("--steps", type=click.IntRange(1), help="Learning-rate steps, instead of the study's value.")
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
    """Measure orders of convergence: halve dt repeatedly with the same noise, and compare final states.

    The coarsest dt is the study's. The strong difference is the mean distance between the final states of a
    dt and of its half; the weak difference is that between the means of the coordinates and of their squares.
    Both decrease at the order of the error. Uncertainties are standard errors over trajectories; the weak
    order is fitted where the weak difference exceeds 3 standard errors. Orders mean little if nearby
    trajectories separate, as they do in a long training run: use fewer steps then. Models without a dt (SGD),
    with jumps or stable noise, in fractional time or with momentum are skipped, with the reason for each.

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
        raise StudyError(
            f"there is no model {unknown[0]!r}; the models are {', '.join(study.models)}", str(study_file)
        )
    reasons = {name: why_not_orderable(study.models[name]) for name in names or study.models}
    without = [f"models.{name}: {why}" for name, why in reasons.items() if why]
    wanted = [name for name, why in reasons.items() if not why]
    if not wanted or (names and without):
        raise StudyError("\n  ".join(["no order can be measured", *without]), str(study_file))
    for line in without:
        click.echo(f"skipped: {line}", err=True)
    orders = {}
    reporter = make(progress)
    each = 2 ** (levels + 1) - 1  # a level has twice the steps of the previous one
    with stop_at_once(), reporter.task("order", each * len(wanted), "runs of the coarsest step"):
        for number, name in enumerate(wanted):
            reporter.update(each * number, name)
            orders[name] = measure_orders(
                study,
                name,
                trajectories=trajectories,
                levels=levels,
                threads=threads,
                on_level=_level_reporter(reporter, each * number, name),
            )
    if as_json:
        show.print_json(
            {
                name: {
                    "dt": order.dt.tolist(),
                    "strong": order.strong.tolist(),
                    "strong_error": order.strong_error.tolist(),
                    "weak": order.weak.tolist(),
                    "weak_error": order.weak_error.tolist(),
                    "strong_order": order.strong_order,
                    "strong_order_error": order.strong_order_error,
                    "weak_order": order.weak_order,
                    "weak_order_error": order.weak_order_error,
                    "trajectories": order.trajectories,
                    "expected": {"strong": order.expected_strong, "weak": 1.0},
                }
                for name, order in orders.items()
            }
        )
        return
    for name, order in orders.items():
        weak_words = f"{order.weak_order:.2f} +- {order.weak_order_error:.2f}"
        if math.isnan(order.weak_order):
            weak_words = "not significant"
        click.echo(
            f"{name}: strong order {order.strong_order:.2f} +- {order.strong_order_error:.2f} "
            f"(expected {_words(order.expected_strong)}), weak order {weak_words} (expected 1), "
            f"{order.trajectories} trajectories"
        )
        click.echo(f"  {'dt':>10}  {'strong difference':>24}  {'weak difference':>24}")
        columns = (order.dt, order.strong, order.strong_error, order.weak, order.weak_error)
        for dt, strong, strong_error, weak, weak_error in zip(*columns, strict=True):
            click.echo(
                f"  {dt:10.3g}  {strong:12.4g} +- {strong_error:8.2g}  {weak:12.4g} +- {weak_error:8.2g}"
            )


def _level_reporter(reporter: Progress, before: int, name: str) -> Callable[[int], None]:
    """Return a function that reports that a level is finished."""
    return lambda level: reporter.update(before + 2 ** (level + 1) - 1, name)


def _words(order: float) -> str:
    """Format the expected order."""
    return "none: the noise is discontinuous, as the gradient is" if math.isnan(order) else f"{order:g}"
