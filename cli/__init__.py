"""The command line: one command per file, each a thin layer over one function of the library.

Command modules import the library only inside their functions, so that ``fastsde --help`` is fast.
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
    "llc",
    "import",
    "export",
    "order",
    "bench",
    "new",
    "info",
)
MODULES = {"import": "import_trajectories"}
"""Modules of commands whose name Python keeps for itself."""


class Commands(click.Group):
    """A group that imports a command when it is called, and prints expected errors as messages.

    An error that fastsde raises on purpose is printed without a traceback and sets the exit code: 2 for
    invalid input, 75 when stopped by a signal with the work saved, 1 otherwise.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program, on streams that accept every character."""
        for stream in (sys.stdout, sys.stderr):
            accept_every_character(stream)
        return super().main(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which they are listed."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module and return its command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"fastsde.cli.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
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


def accept_every_character(stream: Any) -> None:
    """Prevent a text stream from raising errors for characters that its encoding lacks.

    An ASCII stream is one whose encoding the system does not specify (``LC_ALL=C``); it is set to UTF-8,
    which click uses as well. Bytes of file names that are not valid UTF-8 are written unchanged.
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
    """Simulate large ensembles of SGD and of the stochastic differential equations (SDEs) that model it.

    A study is one TOML file. Start with:

    \b
        fastsde new first            write first.toml, a commented study
        fastsde study first.toml     run it, analyse it, and write a report to runs/first

    Results go to standard output, progress and messages to standard error. Exit codes: 0 success, 1 failure,
    2 invalid input, 75 stopped by a signal with the work saved (rerun the command to resume). Every option
    can also be set by an environment variable, for example FASTSDE_RUN_THREADS=4.
    """
