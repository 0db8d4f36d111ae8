"""``fastsde compare``: two models or more head to head."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("compare", short_help="Compare models of a run by every distance, in the terminal.")
@options.source
@options.models(required=True)
@click.option(
    "--snapshot",
    "snapshots",
    type=int,
    multiple=True,
    metavar="K",
    help="Number of a snapshot, from the end if negative; may be repeated.  [default: -1]",
)
@click.option(
    "--step",
    "steps",
    type=click.FloatRange(min=0),
    multiple=True,
    metavar="N",
    help="Learning-rate step; the nearest snapshot is taken; may be repeated.",
)
@click.option(
    "--permutations",
    type=click.IntRange(min=19),
    default=500,
    show_default=True,
    help="Shuffles of each test; the smallest p-value is one over one more.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the shuffles."
)
@click.option(
    "--details", is_flag=True, help="Every distance and coordinate of every two models; always of two models."
)
@options.progress
@options.verify
@options.as_json
def command(
    source: Path,
    models: tuple[str, ...],
    snapshots: tuple[int, ...],
    steps: tuple[float, ...],
    permutations: int,
    seed: int,
    details: bool,
    progress: Mode,
    verify: bool,
    as_json: bool,
) -> None:
    """Compare models of a run with the one that is named first, in the terminal.

    Reads ensemble.h5 of a directory, or the file given, and writes nothing. Prints one table per step, the
    nearest model first: the effect is the Wasserstein-1 distance of the marginal laws (central 90 % of their
    quantiles), mean over the modes in shares of their strength and the loss in decades, beside what sampling
    alone gives; p is that of one permutation test of all distances together. With two models, or with
    --details, also every distance beside its mean and 95 % quantile under shuffles of the trajectories, and
    every coordinate; differences are of the second model less the first.

    \b
    Examples:
        fastsde compare runs/saddle --models sgd,sde
        fastsde compare runs/saddle --models sgd,sde,langevin --step 500 --step 20000
        fastsde compare runs/saddle --models sgd,sde --snapshot 10 --json > sgd-sde.json
    """
    from fastsde.analysis import Settings
    from fastsde.analysis.distances.head_to_head import compare, document
    from fastsde.analysis.distances.nearest import nearest, nearest_when
    from fastsde.cli import show
    from fastsde.cli.signals import stop_at_once
    from fastsde.storage.ensemble import open_ensemble

    settings = Settings(permutations=permutations, seed=seed)
    every = details or as_json
    with stop_at_once(), open_ensemble(source, verify=verify) as ensemble:
        found = compare(
            ensemble,
            models,
            snapshots=snapshots,
            steps=steps,
            settings=settings,
            every_pair=every,
            progress=make(progress),
        )
        last = max(int(ensemble[name].step[-1]) for name in models)
        summaries = {name: ensemble.study.models[name].summary() for name in dict.fromkeys(models)}
    for step in (step for step in steps if step > last):
        click.echo(f"note: no step {step:,.0f}: the run ends at step {last:,}, which is compared", err=True)
    if as_json:
        show.print_json(document(found))
        return
    show.print_models(summaries)
    first, at_step = found[0].first, found[0].step
    for at in range(len(at_step)):
        rows = [one.row(at) for one in nearest(found, at)]
        show.print_rows(rows, f"Step {at_step[at]:,.0f}: from {first}, nearest first")
        for one in found if details or len(found) == 1 else ():
            show.print_rows(one.distance_rows(at), f"{one.first} and {one.second} at step {at_step[at]:,.0f}")
            show.print_rows(one.coordinate_rows(at))
            click.echo(one.sentence(at) + "\n")
    click.echo(nearest_when(found) + "\n")
