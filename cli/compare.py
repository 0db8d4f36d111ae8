"""``fastsde compare``: two models or more head to head."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options

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
@options.as_json
def command(
    source: Path,
    models: tuple[str, ...],
    snapshots: tuple[int, ...],
    steps: tuple[float, ...],
    permutations: int,
    seed: int,
    as_json: bool,
) -> None:
    """Compare models of a run, every two of them, by every distance.

    Reads ensemble.h5 of a directory, or the file given, and writes nothing. Each distance stands beside its
    mean and 95 % quantile when trajectories are shuffled between the two models, and its permutation p-value:
    a distance inside that band is indistinguishable from chance at this number of trajectories. Differences
    are of the second model less the first, in shares of a mode's strength and decades of loss.

    \b
    Examples:
        fastsde compare runs/saddle --models sgd,sde
        fastsde compare runs/saddle --models sgd,sde,langevin --step 500 --step 20000
        fastsde compare runs/saddle --models sgd,sde --snapshot 10 --json > sgd-sde.json
    """
    from fastsde.analysis import Settings
    from fastsde.analysis.distances.compare import compare, document
    from fastsde.cli import show
    from fastsde.cli.signals import stop_at_once
    from fastsde.store import open_ensemble

    settings = Settings(permutations=permutations, seed=seed)
    with stop_at_once(), open_ensemble(source) as ensemble:
        found = compare(ensemble, models, snapshots=snapshots, steps=steps, settings=settings)
        summaries = {name: ensemble.study.models[name].summary() for name in dict.fromkeys(models)}
    if as_json:
        show.print_json(document(found))
        return
    show.print_models(summaries)
    for one in found:
        for at in range(len(one.step)):
            title = f"{one.first} and {one.second} at step {one.step[at]:,.0f}"
            show.print_rows(one.distance_rows(at), title)
            show.print_rows(one.coordinate_rows(at))
            click.echo(one.sentence(at) + "\n")
