"""``fastsde llc``: local learning coefficients of states, with error bars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fastsde.cli import options

__all__ = ["command"]


def _numbers(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[float, ...] | None:
    """Return numbers separated by commas."""
    if text is None:
        return None
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a list of numbers such as 1e3,1e4") from None


@click.command("llc", short_help="Estimate local learning coefficients.")
@click.argument("source", metavar="STUDY.toml|DIR", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--at",
    default="minimum",
    metavar="minimum|saddle|start|final|FILE",
    show_default=True,
    help="The state: balanced layers of the optimum; the saddle where the study starts; the starting point "
    "of a landscape; the last states of a run that recorded `parameters`; states in a file.",
)
@click.option("--model", metavar="NAME", help="Model of the run, with --at final.  [default: the first]")
@click.option(
    "--states",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Trajectories that are looked at, with --at final.",
)
@click.option(
    "--nbeta",
    callback=_numbers,
    metavar="X,Y,...",
    help="Samples times inverse temperature, one row for each.  [default: n / log n; of a population 1e4]",
)
@click.option(
    "--gamma",
    callback=_numbers,
    default="1",
    metavar="X,Y,...",
    show_default=True,
    help="Confinement, likewise.",
)
@click.option(
    "--sampler",
    type=click.Choice(["gibbs", "mala", "sgld"]),
    help="gibbs: exact draws of layers; mala: Langevin steps with Metropolis's rule; sgld: Langevin steps as "
    "they are.  [default: gibbs for deep linear networks, else mala]",
)
@click.option(
    "--chains", type=click.IntRange(min=2), default=64, show_default=True, help="Independent chains."
)
@click.option(
    "--steps", type=click.IntRange(min=4), default=2000, show_default=True, help="Steps of each chain."
)
@click.option("--burn-in", type=click.IntRange(min=0), help="Steps before them.  [default: as many]")
@click.option("--step", type=float, help="Size of a step of sgld; the first of mala, which tunes it.")
@click.option("--batch", type=click.IntRange(min=1), help="Samples of a step of sgld.  [default: all]")
@click.option("--seed", type=click.IntRange(min=0), help="Random seed.  [default: the study's]")
@options.as_json
def command(source: Path, at: str, model: str | None, states: int, as_json: bool, **settings: Any) -> None:
    """Estimate local learning coefficients (Lau et al. 2023) of states of a study or run.

    The volume of parameters whose loss exceeds that of the state by less than e goes as e to the power of the
    coefficient: half the number of parameters at a regular minimum, less at a degenerate one. It is n_beta
    times the mean excess of the loss over chains that sample exp(-n_beta L(w) - gamma/2 |w - w0|^2). For
    minima of deep linear networks the exact value is shown beside it. Estimates have a bias that vanishes as
    n_beta grows: give several and look at the trend. docs/learning_coefficient.md says how large it is.

    \b
    Examples:
        fastsde llc examples/start_at_a_saddle.toml --nbeta 1e3,1e4,1e6
        fastsde llc runs/saddle --at final --model sgd
        fastsde llc well.toml --at start --sampler sgld --step 1e-5
    """
    from fastsde.analysis.learning_coefficient import learning_coefficient
    from fastsde.analysis.learning_coefficient.states import final_states, states_of
    from fastsde.cli import show, work
    from fastsde.storage.ensemble import open_ensemble
    from fastsde.system.errors import RequestError

    if source.is_dir() or at == "final":
        if source.suffix == ".toml":
            raise RequestError(
                f"{source} is a study, which has no final states\nFix: name the directory of a run"
            )
        if at == "final":
            study, names, points = final_states(source, model, states)
        else:
            with open_ensemble(source) as ensemble:
                study = ensemble.study
            names, points = states_of(study, at)
    else:
        study = work.load_study(source, None)
        names, points = states_of(study, at)
    found = learning_coefficient(study, points, names=names, n_beta=settings.pop("nbeta"), **settings)
    if as_json:
        show.print_json(found.to_dict())
        return
    show.print_rows(found.rows())
    click.echo(found.sentence())
