"""``fastsde analyze``: compare the models of a finished or unfinished run."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("analyze", short_help="Compare the models of a run.")
@options.source
@options.reference
@options.models(required=False)
@options.sections
@options.quick
@options.progress
@options.verify
@options.as_json
@click.option("-v", "--verbose", is_flag=True, help="Print the time of each section to standard error.")
def command(
    source: Path,
    reference: str | None,
    models: tuple[str, ...] | None,
    sections: tuple[str, ...] | None,
    quick: bool,
    progress: Mode,
    verify: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    """Compare the models of a run with its SGD, and print a table of results.

    Reads ensemble.h5 in a directory, or the given file (such as partial.h5 from `fastsde merge --partial`),
    and writes analysis.h5 next to it, replacing an older one. --json prints one document: the headline, the
    summary (one row per model), and the content of analysis.h5.

    Sections: snapshots (moments, distances over time and learning times), distances, pairs, relevance, shape,
    tails, saddles, escape, diffusion, rank, alignment, late_law, currents, mixing, branching. Verdicts are
    based on snapshots and distances together, so both are computed if either is requested, or if there is no
    analysis yet. `fastsde plan` estimates the time of each section.

    \b
    Examples:
        fastsde analyze runs/saddle
        fastsde analyze runs/saddle --reference gd
        fastsde analyze runs/saddle --models sgd,sde
        fastsde analyze runs/saddle --quick
        fastsde analyze runs/saddle --sections tails,escape
        fastsde merge runs/saddle --partial && fastsde analyze runs/saddle/partial.h5
        fastsde analyze runs/saddle --json > results.json
    """
    from fastsde.cli import show, work

    analysis = work.analyze_source(
        source, make(progress), reference, models, sections=sections, quick=quick, verify=verify
    )
    if verbose:
        show.print_seconds(analysis)
    if as_json:
        show.print_json(
            {"headline": analysis.headline(), "summary": analysis.summary(), **analysis.document()}
        )
    else:
        show.print_results(analysis)
