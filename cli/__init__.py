"""The command line: one command a file, each thin over one function of the library.

Command modules import the library inside their functions only, so that ``fastsde --help`` answers at once.
"""

from __future__ import annotations

import codecs
import errno
import importlib
import sys
from typing import Any

import click

from fastsde.system.errors import FastsdeError

__all__ = ["Commands", "main"]

COMMANDS = (
    "study",
    "sweep",
    "plan",
    "run",
    "submit",
    "status",
    "merge",
    "analyze",
    "report",
    "compare",
    "order",
    "bench",
    "new",
    "info",
)


class Commands(click.Group):
    """A group whose commands are imported when asked for, and that turns errors into messages.

    An error that fastsde raises on purpose is printed without a traceback and sets the exit code: 2 for bad
    input, 75 for stopped by a signal with finished work saved, 1 for the rest.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program, on streams that take every character."""
        for stream in (sys.stdout, sys.stderr):
            take_every_character(stream)
        return super().main(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which they are used."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module and return its command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"fastsde.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; print expected errors and set their exit code."""
        try:
            return super().invoke(ctx)
        except FastsdeError as error:
            click.echo(f"fastsde: {error}", err=True)
            ctx.exit(error.exit_code)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            click.echo(f"fastsde: {error}", err=True)
            ctx.exit(1)


def take_every_character(stream: Any) -> None:
    """Keep a text stream from raising errors over characters that its encoding does not have.

    A stream of ASCII is one of which the system does not say what it takes (``LC_ALL=C``): it gets UTF-8, as
    everything that click writes does. Bytes of file names that are no text leave as they came.
    """
    if not hasattr(stream, "reconfigure"):
        return
    if codecs.lookup(stream.encoding).name in ("ascii", "utf-8"):
        stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    else:
        stream.reconfigure(errors="replace")


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "FASTSDE"},
)
@click.version_option(None, "-V", "--version", package_name="fastsde", prog_name="fastsde")
def main() -> None:
    """Integrate large ensembles of SGD and of its stochastic differential equations, and compare them.

    A study is one TOML file. Start with:

    \b
        fastsde new first            writes first.toml, commented
        fastsde study first.toml     runs, analyses, reports into runs/first

    Results go to the standard output, progress and messages to the standard error stream. Exit codes: 0 done,
    1 failed, 2 bad input, 75 stopped by a signal with its work saved (the same command goes on).
    Every option can also be set by an environment variable, as FASTSDE_RUN_THREADS=4.
    """
