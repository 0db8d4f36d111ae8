"""``fastsde density``: densities of models from their Fokker-Planck equations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

if TYPE_CHECKING:
    from fastsde.analysis.density.solve import Density

__all__ = ["command"]


@click.command("density", short_help="Solve the Fokker-Planck equation of models in one or two dimensions.")
@options.study_file
@click.option("--model", "names", multiple=True, metavar="NAME", help="Only this model; may be repeated.")
@click.option(
    "--cells",
    metavar="N",
    type=click.IntRange(4, 20_000),
    help="Cells of the grid along each axis.  [default: 400 to 6400 in one dimension, by the error, and 80 "
    "in two; for stable noise 2000 and 72, or 300 where it follows the state or time is fractional]",
)
@click.option(
    "--domain",
    "domain",
    type=(float, float),
    multiple=True,
    metavar="LOW HIGH",
    help="Ends of the grid along an axis; give it once per dimension.  [default: found from the density]",
)
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of density.h5 and density.png; created if absent.  [default: runs/STUDY]",
)
@options.progress
@options.as_json
def command(
    study_file: Path,
    names: tuple[str, ...],
    cells: int | None,
    domain: tuple[tuple[float, float], ...],
    output: Path | None,
    progress: Mode,
    as_json: bool,
) -> None:
    """Solve the Fokker-Planck equation of each model of a study on a landscape of one or two dimensions.

    No trajectories are needed. The density at the study's snapshots is written to density.h5, and a figure of
    it to density.png. Noise that follows the state in either sense, rotation, weight decay, stable noise and
    fractional time are part of the equation; models that have none here (SGD, gradient descent, adaptive
    methods, tempered noise, ...) are skipped, with the reason for each. docs/density.md has the schemes. In a
    run's report, the densities are drawn over its trajectories.

    \b
    Examples:
        fastsde density examples/barrier_escape.toml
        fastsde density examples/rotational_current.toml --cells 160
        fastsde density well.toml --model langevin --domain -2 2 --json
    """
    from fastsde.analysis.density.file import solve_models, write_densities
    from fastsde.analysis.density.model_dynamics import why_no_density, why_none_at_all
    from fastsde.cli import show, work
    from fastsde.cli.signals import stop_at_once
    from fastsde.report.density.write import write_density_figure
    from fastsde.system.errors import StudyError

    study = work.load_study(study_file)
    unknown = [name for name in names if name not in study.models]
    if unknown:
        known = ", ".join(study.models)
        raise StudyError(f"there is no model {unknown[0]!r}; the models are {known}", str(study_file))
    general = why_none_at_all(study)
    if general:
        raise StudyError(f"no density can be computed: {general}", str(study_file))
    reasons = {name: why_no_density(study, name) for name in names or study.models}
    without = [f"models.{name}: {why}" for name, why in reasons.items() if why]
    wanted = [name for name, why in reasons.items() if not why]
    if not wanted or (names and without):
        raise StudyError("\n  ".join(["no density can be computed", *without]), str(study_file))
    for line in without:
        click.echo(f"skipped: {line}", err=True)
    directory = options.default_directory(study_file, output)
    with stop_at_once():
        found = solve_models(study, wanted, domain=domain or None, cells=cells, progress=make(progress))
        path = write_densities(directory / "density.h5", study, found)
        figure = write_density_figure(directory / "density.png", study, found)
    if as_json:
        show.print_json({name: _numbers(one) for name, one in found.items()})
        return
    rows = []
    for name, one in found.items():
        numbers = _numbers(one)
        rows.append(
            {
                "model": name,
                "cells": " x ".join(str(count) for count in one.grid.shape),
                "domain": ", ".join(f"{low:.3g} to {high:.3g}" for low, high in numbers["domain"]),
                "final mean": ", ".join(f"{value:.4g}" for value in numbers["mean"][-1]),
                "final deviation": ", ".join(f"{value:.4g}" for value in numbers["deviation"][-1]),
                "final error": f"{numbers['error'][-1]:.1g}",
                "most mass at the edges": f"{max(numbers['edge']):.1g}",
            }
        )
    show.print_rows(rows)
    click.echo(f"\ndensities: {path}\nfigure: {figure}")


def _numbers(one: Density) -> dict[str, Any]:
    """Return what is printed about a density."""
    from fastsde.analysis.density.file import moments

    mean, deviation = moments(one)
    return {
        "times": one.times.tolist(),
        "domain": [[float(edge[0]), float(edge[-1])] for edge in one.grid.edges],
        "mean": mean.tolist(),
        "deviation": deviation.tolist(),
        "error": one.error.tolist(),
        "edge": one.edge.tolist(),
        "outward": one.outward.tolist(),
    }
