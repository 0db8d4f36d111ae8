"""``fastsde bench``: the limits of this machine, and how close fastsde comes to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

if TYPE_CHECKING:
    from fastsde.benchmark.cases import Precision

__all__ = ["command"]


@click.command("bench", short_help="Measure this machine's limits and fastsde's speed.")
@click.option("--quick", is_flag=True, help="One precision, fewer sizes, shorter runs; less than a minute.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    help="Measure in this precision only.  [default: both; float32 with --quick]",
)
@options.threads
@options.progress
@options.as_json
@click.option(
    "--figure",
    metavar="PATH",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=options.writable,
    help="Also plot the results to a PNG file.",
)
def command(
    quick: bool,
    dtype: Precision | None,
    threads: int | None,
    progress: Mode,
    as_json: bool,
    figure: Path | None,
) -> None:
    """Measure this machine's limits, fastsde's throughput, and how its cost scales.

    First the limits of one core are measured: fused multiply-adds of the matrix kernel on data in the cache,
    normal random numbers, parameter updates, and memory bandwidth. Then the trajectory-steps per second of
    several networks and models, with the fraction of the limit that one thread reaches. Finally the scaling
    of the cost with threads, trajectories, width, depth, batch and samples: measured exponents next to those
    expected from operation counts. Close other programs, as they distort the results.

    \b
    Examples:
        fastsde bench --quick
        fastsde bench --figure bench.png
        fastsde bench --json > bench.json
    """
    from fastsde.benchmark import draw, run_benchmark
    from fastsde.cli import show
    from fastsde.cli.signals import stop_at_once

    if figure is not None and not figure.resolve().parent.is_dir():
        raise click.UsageError(f"--figure {figure}: no such directory")
    with stop_at_once():
        result = run_benchmark(threads=threads, quick=quick, dtype=dtype, progress=make(progress))
    if figure is not None:
        draw(result, figure)
    if as_json:
        show.print_json(result.to_mapping())
        return
    show.print_rows(result.limit_rows(), "Limits of this machine")
    show.print_rows(
        result.throughput_rows(),
        "Throughput (us/step and fraction of the limit: one thread; other columns: all threads)",
    )
    show.print_rows(result.thread_rows(), "Scaling with threads")
    show.print_rows(result.scaling_rows(), "Scaling of the cost of a step, one thread")
    if figure is not None:
        click.echo(figure)
