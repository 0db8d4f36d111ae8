"""``fastsde new``: a study to start from."""

from __future__ import annotations

import textwrap
from importlib import resources
from pathlib import Path

import click

__all__ = ["command"]

OTHERS = "OTHER_OBSERVABLES"
"""Stands in a template for the names of the observables that it does not record."""
TEMPLATES = {"network": "template.toml", "landscape": "template_landscape.toml"}


@click.command("new", short_help="Write a commented study file to start from.")
@click.argument("name", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(["network", "landscape"]),
    default="network",
    show_default=True,
    help="What is descended: a deep linear network on data, or a landscape of few coordinates.",
)
@click.option("--force", is_flag=True, help="Replace a file of that name.")
def command(name: Path, kind: str, force: bool) -> None:
    """Write a commented study file to start from; prints its path.

    The file is NAME.toml: every key with its meaning and its choices, those that are not made in comments.
    Keys of landscapes are in the file of --kind landscape.

    \b
    Examples:
        fastsde new saddle
        fastsde new well --kind landscape
        fastsde study saddle.toml
    """
    path = name if name.suffix == ".toml" else name.with_name(name.name + ".toml")
    if path.exists() and not force:
        raise click.UsageError(f"{path} exists; --force replaces it")
    text = _template(kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    click.echo(path)


def _template(kind: str) -> str:
    """Return the text of a template, with the names of all observables."""
    from fastsde.study.observable import OBSERVABLES

    text = resources.files("fastsde.cli").joinpath(TEMPLATES[kind]).read_text(encoding="utf-8")
    known = [f'"{name}"' for name, one in OBSERVABLES.items() if kind in one.objectives]
    others = ", ".join(name for name in known if name not in text)
    return text.replace(OTHERS, textwrap.fill(others, 96, subsequent_indent="# "))
