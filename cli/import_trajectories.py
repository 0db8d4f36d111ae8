"""``fastsde import``: a study with trajectories of another program as one of its models."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("import", short_help="Add trajectories of another program to a study, as a model.")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--study",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The study with whose models they are to be compared.",
)
@click.option("--model", "name", required=True, help="Name of the new model.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The study to write.  [default: STUDY-NAME.toml beside the study]",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
def command(file: Path, source: Path, name: str, output: Path | None, force: bool) -> None:
    """Add trajectories that another program has computed to a study, as one of its models.

    FILE has arrays (snapshot, trajectory, ...) in .npz, .npy, HDF5, netCDF or zarr: "parameters", one array
    for each layer under PyTorch's names, "end_to_end" matrices, or observables by name; and "steps", the
    learning-rate step of each snapshot. See docs/own_data.md.

    Writes a new study in which the model is there, and in which all models have the file's snapshots and
    number of trajectories, checks it against the file, and prints what the file has. The study given is not
    changed.

    \b
    Examples:
        fastsde import runs.npz --study examples/lazy.toml --model torch
        fastsde study examples/lazy-torch.toml -o runs/torch
        fastsde compare runs/torch --models torch,sgd
    """
    from fastsde.run.import_model import import_model

    path = output or source.with_name(f"{source.stem}-{name}.toml")
    if path.exists() and not force:
        raise click.UsageError(f"{path} already exists; --force replaces it")
    found = import_model(source, name, file, path)
    click.echo(found, err=True)
    click.echo(path)
