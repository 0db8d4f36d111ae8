"""``fastsde compare``: two or more models, compared in the terminal."""

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
    help="Index of a snapshot; negative counts from the end. May be repeated.  [default: -1]",
)
@click.option(
    "--step",
    "steps",
    type=click.FloatRange(min=0),
    multiple=True,
    metavar="N",
    help="Learning-rate step; the nearest snapshot is used. May be repeated.",
)
@click.option(
    "--permutations",
    type=click.IntRange(min=19),
    default=500,
    show_default=True,
    help="Permutations of each test; the smallest possible p-value is 1 / (N + 1).",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the permutations."
)
@click.option(
    "--details",
    is_flag=True,
    help="Print every distance and coordinate for all pairs of models; implied for two models.",
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
    """Compare the models of a run with the first one named, in the terminal.

    Reads ensemble.h5 in a directory, or the given file, and writes nothing. Prints one table per step, the
    nearest model first. The effect is the Wasserstein-1 distance between the marginal laws (central 90 % of
    the quantiles), averaged over the modes (as fractions of their strength) and the loss (in decades); next
    to it is the effect expected from sampling alone. p is the p-value of one permutation test of all
    distances together. With two models, or with --details, every distance is printed with its mean and 95 %
    quantile under permutations of the trajectories, and every coordinate; differences are second model minus
    first.

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
    reporter = make(progress)
    with stop_at_once(), open_ensemble(source, verify=verify, progress=reporter) as ensemble:
        pairs = compare(
            ensemble,
            models,
            snapshots=snapshots,
            steps=steps,
            settings=settings,
            every_pair=every,
            progress=reporter,
        )
        last = max(int(ensemble[name].step[-1]) for name in models)
        summaries = {name: ensemble.study.models[name].summary() for name in dict.fromkeys(models)}
    for step in (step for step in steps if step > last):
        click.echo(
            f"note: the run ends at step {last:,}, before step {step:,.0f}; step {last:,} is compared",
            err=True,
        )
    if as_json:
        show.print_json(document(pairs))
        return
    show.print_models(summaries)
    first, at_step = pairs[0].first, pairs[0].step
    for at in range(len(at_step)):
        rows = [pair.row(at) for pair in nearest(pairs, at)]
        show.print_rows(rows, f"Step {at_step[at]:,.0f}: distance from {first}, nearest model first")
        for pair in pairs if details or len(pairs) == 1 else ():
            title = f"{pair.first} and {pair.second} at step {at_step[at]:,.0f}"
            show.print_rows(pair.distance_rows(at), title)
            show.print_rows(pair.coordinate_rows(at))
            click.echo(pair.sentence(at) + "\n")
    click.echo(nearest_when(pairs) + "\n")
