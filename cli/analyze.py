"""``fastsde analyze``: compare the models of a run, or of what there is of it."""

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
@click.option("-v", "--verbose", is_flag=True, help="Also say on stderr how many seconds each section took.")
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
    """Compare the models of a run with its SGD; prints a table of results.

    Reads ensemble.h5 of a directory, or the file given (such as the partial.h5 of `fastsde merge --partial`),
    and writes analysis.h5 beside it, replacing an older one. With --json, prints one document: the headline,
    the summary (one row per model), and everything that analysis.h5 holds.

    Sections: snapshots (moments, distances over time and learning times), distances, pairs, relevance, shape,
    tails, saddles, escape, diffusion, rank, alignment, late_law, currents, mixing, branching. Verdicts rest
    on snapshots and distances: these two are measured together, where either is named or no analysis is
    there yet. `fastsde plan` says what each costs.

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
