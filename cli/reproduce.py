"""``fastsde reproduce``: run published results, and compare what is found with what was published."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("reproduce", short_help="Reproduce published results.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--list",
    "only_list",
    is_flag=True,
    help="List the results with the verdicts and time of a recorded run, and run nothing.",
)
@click.option("--quick", is_flag=True, help="Run shortened forms, with wider tolerances.")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the runs; finished ones are not repeated.  "
    "[default: runs/published, with --quick runs/published-quick]",
)
@options.threads
@options.progress
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    names: tuple[str, ...],
    only_list: bool,
    quick: bool,
    output: Path | None,
    threads: int | None,
    progress: Mode,
    as_json: bool,
) -> None:
    """Run published results, all or those named, and compare what is found with what was published.

    Each result is a study file in examples/published, with the source of every expected number beside it.
    Prints expected and found values with the verdict on each, and the path of a page with all figures. The
    verdict "deviates as stated" means that the published number was not found, but the number and reason
    stated in advance were. The exit code is 0 unless a result is not reproduced. Finished runs are kept:
    rerun the command to resume.

    \b
    Examples:
        fastsde reproduce --list
        fastsde reproduce saxe-2014 zhu-2019
        fastsde reproduce --quick
        fastsde reproduce -o runs/published --json > published.json
    """
    from fastsde.cli import show
    from fastsde.cli.signals import stop_when_polled
    from fastsde.published import reproduce, results_named
    from fastsde.published.page import write_page
    from fastsde.published.record import listed

    results = results_named(names)
    if only_list:
        rows = listed(results)
        if as_json:
            show.print_json(rows)
        else:
            show.print_rows(rows)
        return
    directory = output or Path("runs") / ("published-quick" if quick else "published")
    reporter = make(progress)
    found = []
    with stop_when_polled() as stop, reporter.task("reproduce", len(results), "results"):
        for number, result in enumerate(results):
            reporter.update(number, result.name)
            place = directory / result.name
            found.append(reproduce(result, place, quick=quick, progress=reporter, stop=stop, threads=threads))
        reporter.update(len(results), "all results")
    page = write_page(directory)
    if as_json:
        show.print_json({"page": page, "results": [one.document() for one in found]})
    else:
        for one in found:
            title = f"{one.title} ({one.name}), {one.cost} of processor time"
            show.print_rows([claim.row() for claim in one.claims], title)
        click.echo(f"page: {page}")
    if any(one.failed for one in found):
        context.exit(1)
