"""``fastsde export``: results of a run in the formats of other programs."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options

__all__ = ["command"]


@click.command("export", short_help="Write results as CSV, Parquet, netCDF or npz.")
@options.source
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "parquet", "netcdf", "npz"]),
    help="Format; by default that of the name given by --output.",
)
@click.option("--model", "models", multiple=True, help="Model to write; may be repeated.  [default: all]")
@click.option(
    "--variable",
    "variables",
    multiple=True,
    help="Observable to write; may be repeated.  [default: the modes, and all that have one number each]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=options.writable,
    help="File to write.  [default: DIR.FORMAT]",
)
@options.verify
def command(
    source: Path,
    form: str | None,
    models: tuple[str, ...],
    variables: tuple[str, ...],
    output: Path | None,
    verify: bool,
) -> None:
    """Write results of a run in a format of other programs, and print the path.

    Tables (csv, parquet) have one row for each model, snapshot and trajectory; netcdf has one group for each
    model; npz has arrays "model/variable". Parquet needs pip install 'fastsde[export]'.

    \b
    Examples:
        fastsde export runs/saddle --format csv --model sgd --variable loss
        fastsde export runs/saddle --variable parameters -o saddle.npz
    """
    from fastsde.storage.ensemble import open_ensemble
    from fastsde.storage.export import export

    if form is None and output is None:
        raise click.UsageError("one of --format and --output is needed")
    ends = {"netcdf": ".nc"}
    path = output or source.with_name(f"{source.stem}{ends.get(str(form), f'.{form}')}")
    with open_ensemble(source, verify=verify) as ensemble:
        click.echo(export(ensemble, path, form=form, models=models, variables=variables))
