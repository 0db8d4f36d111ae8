"""``fastsde demo``: a first result, without a file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]

DIRECTORY = Path("runs/demo")


@click.command("demo", short_help="Run a small study: one figure, three sentences.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=DIRECTORY,
    show_default=True,
    help="Directory of the run.",
)
@options.progress
def command(output: Path, progress: Mode) -> None:
    """Run a small study that needs no file, and print its answer in three sentences and the path of a figure.

    Compares Langevin dynamics and the SDE of the same gradient noise with the SGD that they model, on a
    network of two layers. The first run compiles the kernels, in about a minute; later ones take seconds.
    The directory receives demo.toml, the study, to be changed and run with `fastsde study`.

    \b
    Examples:
        fastsde demo
        fastsde demo -o /tmp/demo
    """
    from fastsde.analysis.answer import answer, question
    from fastsde.cli import work
    from fastsde.report.write import write_figure
    from fastsde.study.study import Study
    from fastsde.system.atomic import replacing

    text = resources.files("fastsde.cli").joinpath("demo.toml").read_text(encoding="utf-8")
    study, reporter = Study.from_toml(text), make(progress)
    work.run_study(study, output, reporter)
    with replacing(output / "demo.toml") as temporary:
        temporary.write_text(text, encoding="utf-8")
    analysis = work.analyze_source(output, reporter, sections=("snapshots",))
    figure = write_figure(output, "effect")
    click.echo(question(analysis))
    for sentence in answer(analysis):
        click.echo(f"  {sentence}")
    click.echo(f"figure: {figure}")
    click.echo(
        f"study:  {output / 'demo.toml'}; everything else: fastsde analyze {output}, fastsde report {output}"
    )
