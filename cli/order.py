"""``fastsde order``: how fast the error of each model's steps falls when dt is halved."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options

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
@options.as_json
def command(
    study_file: Path,
    threads: int | None,
    names: tuple[str, ...],
    trajectories: int,
    levels: int,
    as_json: bool,
) -> None:
    """Halve dt, with the same noise at all levels, and print differences and orders at the end of the study.

    The coarsest dt is the study's. Strong difference: mean distance between the points of a dt and of its
    half. Weak difference: that of the means of the coordinates and of their squares. Both fall as the error
    does. Models without a dt (SGD), with jumps, in fractional time or with momentum are left out.

    \b
    Examples:
        fastsde order examples/rotational_current.toml
        fastsde order saddle.toml --model langevin --levels 6
    """
    from fastsde.cli import show, work
    from fastsde.errors import StudyError
    from fastsde.order import measure_orders, orderable

    study = work.load_study(study_file, None)
    unknown = [name for name in names if name not in study.models]
    if unknown:
        raise StudyError(f"no model {unknown[0]!r}; the study has {', '.join(study.models)}")
    wanted = [name for name in names or study.models if names or orderable(study.models[name])]
    if not wanted:
        raise StudyError("no model of the study has an order to measure")
    found = {
        name: measure_orders(study, name, trajectories=trajectories, levels=levels, threads=threads)
        for name in wanted
    }
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
                    "weak_order": one.weak_order,
                    "expected": {"strong": one.expected_strong, "weak": 1.0},
                }
                for name, one in found.items()
            }
        )
        return
    for name, one in found.items():
        click.echo(f"{name}: strong order {one.strong_order:.2f} (expected {one.expected_strong:g}), "
                   f"weak order {one.weak_order:.2f} (expected 1)")  # fmt: skip
        click.echo(f"  {'dt':>10}  {'strong difference':>24}  {'weak difference':>24}")
        for row in zip(one.dt, one.strong, one.strong_error, one.weak, one.weak_error, strict=True):
            dt, strong, spread, weak, doubt = row
            click.echo(f"  {dt:10.3g}  {strong:12.4g} +- {spread:8.2g}  {weak:12.4g} +- {doubt:8.2g}")
