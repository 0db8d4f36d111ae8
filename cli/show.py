"""Print results on standard output: tables for people, JSON for scripts."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastsde.system.progress import duration, quantity, size_text

if TYPE_CHECKING:
    from rich.table import Table

    from fastsde.analysis import Analysis
    from fastsde.benchmark.forecast import Forecast
    from fastsde.run.status import RunStatus

__all__ = [
    "forecast_lines",
    "print_forecast",
    "print_forecasts",
    "print_json",
    "print_models",
    "print_pairs",
    "print_results",
    "print_rows",
    "print_seconds",
    "print_status",
]

_WIDTH_ELSEWHERE = 160
FINE_SECONDS = 100.0
"""Shorter forecasts are printed in tenths of a second."""
SECTIONS_SHOWN = 6
"""Number of sections of the analysis, the slowest ones, that a forecast lists."""


def print_json(value: Any) -> None:
    """Print a value as JSON; NaN and infinities become null."""
    click.echo(json.dumps(_plain(value), indent=2, allow_nan=False))


def print_rows(rows: Sequence[Mapping[str, Any]], title: str | None = None) -> None:
    """Print rows as a table; columns are the keys, in order of appearance.

    A table that is wider than the terminal is split into several, each with the first column.
    """
    from rich.console import Console

    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if terminal else _WIDTH_ELSEWHERE, markup=False)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    for number, chosen in enumerate(_fitting(rows, columns, console.width)):
        console.print(_table(rows, chosen, title if number == 0 else None))


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str | None) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for column in columns:
        numbers = all(isinstance(row.get(column, 0), int | float) for row in rows)
        table.add_column(column.replace("_", " "), justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column, "")) for column in columns))
    return table


def _fitting(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], width: int) -> list[list[str]]:
    """Divide the columns among tables that fit the width; each has the first column."""
    widths = {name: 3 + max(len(name), *(len(_cell(row.get(name, ""))) for row in rows)) for name in columns}
    parts: list[list[str]] = [[]]
    for name in columns:
        if len(parts[-1]) > 1 and 2 + sum(widths[column] for column in (*parts[-1], name)) > width:
            parts.append([columns[0]])
        parts[-1].append(name)
    return parts


def print_results(analysis: Analysis) -> None:
    """Print an analysis: the models, a table with one row per model, and the headline."""
    print_models({name: model.summary for name, model in analysis.models.items()})
    print_rows(analysis.summary_rows())
    click.echo(analysis.headline())
    if analysis.settings.quick:
        click.echo(analysis.settings.quick_words())
    click.echo()


def print_models(summaries: Mapping[str, str], indent: str = "") -> None:
    """Print what each model is, one per line; for an SDE with the batch size of the SGD it models."""
    width = max((len(name) for name in summaries), default=0)
    for name, text in summaries.items():
        click.echo(f"{indent}{name:<{width}}  {text}")


def print_seconds(analysis: Analysis) -> None:
    """Print, on standard error, how long each section of an analysis took, longest first."""
    for name, seconds in sorted(analysis.seconds.items(), key=lambda section: -section[1]):
        click.echo(f"{name:<12}{seconds:9.1f} s", err=True)
    click.echo(f"{'total':<12}{sum(analysis.seconds.values()):9.1f} s", err=True)


def print_status(status: RunStatus) -> None:
    """Print the progress of a run: one row per model, one line per running, stopped or broken part."""
    rows = [vars(model) for model in status.models]
    print_rows([{key.removeprefix("parts_"): value for key, value in row.items()} for row in rows])
    for item in status.running:
        part = item.part
        where = f"{part.model} {part.first}..{part.last - 1}"
        if item.alive:
            who = f" on {item.host} (process {item.process})" if item.host else ""
            rate = f", {quantity(item.rate)} trajectory-steps/s" if item.rate else ""
            click.echo(f"running  {where}: {100 * item.done:.0f}%{rate}{who}")
        else:
            click.echo(f"stopped  {where}: checkpoint at {100 * item.done:.0f}%")
    for reason in status.broken:
        click.echo(f"broken   {reason}")
    for reason in status.unreadable:
        click.echo(f"unreadable  {reason}")
    if status.broken:
        click.echo("`fastsde run --repair` recomputes broken files")
    if status.unreadable:
        click.echo("unreadable files may be intact; `fastsde run --repair` leaves them untouched")
    if status.whole:
        click.echo("all parts are finished" + ("" if status.joined else "; `fastsde merge` joins them"))
    elif status.seconds_left is not None:
        click.echo(f"{duration(status.seconds_left)} left at the current speed")
    elif (
        not status.broken
        and any(model.parts_missing or model.parts_stopped for model in status.models)
        and not any(item.alive for item in status.running)
    ):
        click.echo("parts are missing; `fastsde run` computes them")


def print_forecast(forecast: Forecast) -> None:
    """Print the time, memory and disk space that a study needs, and possible job arrays."""
    print_models(forecast.summaries)
    click.echo()
    groups = forecast_lines(forecast)
    unit = 0.1 if forecast.seconds < FINE_SECONDS else 1.0
    total = sum(seconds for lines in groups.values() for seconds in lines.values())
    corrected = f", {_corrected_by(forecast.runs)}" if forecast.runs else ""
    click.echo(f"time    {_seconds(total, unit)} on {forecast.threads} threads{corrected}")
    for group, lines in groups.items():
        group = f"{group}, at most" if forecast.at_most and group == "integration" else group
        click.echo(f"  {group:<20}{_seconds(sum(lines.values()), unit):>10}")
        for name, seconds in lines.items() if len(lines) > 1 else ():
            click.echo(f"    {name:<18}{_seconds(seconds, unit):>10}")
    if forecast.at_most:
        click.echo("  (integration as if no trajectory stopped at an event of events.stop)")
    click.echo(f"memory  {size_text(forecast.memory)}")
    click.echo(f"disk    {size_text(forecast.disk)} in {forecast.files} files\n")
    rows = [
        {
            "tasks": row.tasks,
            "time per task": duration(row.seconds),
            "efficiency": f"{100 * row.efficiency:.0f}%",
            "files": row.files,
            "size per file, about": size_text(row.file_bytes),
            "trajectories per part": row.part_size,
        }
        for row in forecast.arrays
    ]
    print_rows(rows, f"Job arrays, {forecast.threads} threads per task")
    if forecast.suggested == 1:
        click.echo("suggested: no job array; use `fastsde run`")
    else:
        click.echo(f"suggested: fastsde submit STUDY --tasks {forecast.suggested}")


def _corrected_by(runs: int) -> str:
    return f"corrected by {runs} {'run' if runs == 1 else 'runs'} on this machine"


def forecast_lines(forecast: Forecast) -> dict[str, dict[str, float]]:
    """Return the lines of a forecast by group, rounded as they are printed, so that they add up."""
    digits = 1 if forecast.seconds < FINE_SECONDS else 0
    analysis = {name: round(seconds, digits) for name, seconds in forecast.analysis_seconds.items()}
    shown = dict(sorted(analysis.items(), key=lambda section: -section[1])[:SECTIONS_SHOWN])
    others = sum(seconds for name, seconds in analysis.items() if name not in shown)
    return {
        "start-up and parts": {"start": round(forecast.start_seconds, digits)},
        "integration": {name: round(s, digits) for name, s in forecast.model_seconds.items()},
        "analysis, about": {**shown, "other sections": others},
        "report, about": {"report": round(forecast.report_seconds, digits)},
    }


def _seconds(seconds: float, unit: float) -> str:
    return f"{seconds:.1f} s" if unit < 1 else duration(seconds)


def print_forecasts(forecasts: Mapping[str, Forecast]) -> None:
    """Print the time, memory and disk space of each case of a sweep, and the totals."""
    first = next(iter(forecasts.values()))
    seconds = {name: round(case.seconds) for name, case in forecasts.items()}
    rows = [
        {
            "case": name,
            "time": duration(seconds[name]),
            "integration": duration(case.start_seconds + sum(case.model_seconds.values())),
            "analysis and report": duration(sum(case.analysis_seconds.values()) + case.report_seconds),
            "memory": size_text(case.memory),
            "disk": size_text(case.disk),
            "files": case.files,
        }
        for name, case in forecasts.items()
    ]
    print_rows(rows, f"{len(forecasts)} cases on {first.threads} threads, one after another")
    disk = size_text(sum(case.disk for case in forecasts.values()))
    click.echo(f"total: {duration(sum(seconds.values()))}, {disk}; `fastsde sweep` runs all cases")
    runs = max(case.runs for case in forecasts.values())
    accuracy = _corrected_by(runs) if runs else "accurate to a factor of two to three"
    click.echo(f"(times of analysis and report are {accuracy})")
    if any(case.at_most for case in forecasts.values()):
        click.echo("(integration as if no trajectory stopped at an event of events.stop: at most)")


def print_pairs(pairs: Mapping[str, Any], indent: str = "") -> None:
    """Print names and values, one per line; nested mappings are indented."""
    width = max((len(name) for name in pairs), default=0)
    for name, value in pairs.items():
        if isinstance(value, Mapping):
            click.echo(f"{indent}{name}")
            print_pairs(value, indent + "  ")
        else:
            click.echo(f"{indent}{name:<{width}}  {_cell(value)}")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value)
    return str(value)


def _plain(value: Any) -> Any:
    """Return the value in types that JSON can represent."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
