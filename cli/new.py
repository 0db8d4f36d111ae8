"""``fastsde new``: a study file to start from."""

from __future__ import annotations

import textwrap
from importlib import resources
from pathlib import Path

import click

__all__ = ["command"]

OTHERS = "OTHER_OBSERVABLES"
"""Stands in a template for the names of the observables that it does not record."""
TEMPLATES = {
    "network": "template.toml",
    "landscape": "template_landscape.toml",
    "mlp": "template_mlp.toml",
}


EXAMPLES = Path(__file__).parents[1] / "examples"
"""The example studies: of a clone, or of an installed package."""


@click.command("new", short_help="Write a commented study file to start from.")
@click.argument("name", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(list(TEMPLATES)),
    default="network",
    show_default=True,
    help="What is optimised: a deep linear network, a landscape of few coordinates, or a nonlinear network.",
)
@click.option(
    "--example",
    type=click.Choice(sorted(path.stem for path in EXAMPLES.glob("*.toml"))),
    metavar="NAME",
    help="Copy this commented example instead; a wrong name lists them all.",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
def command(name: Path, kind: str, example: str | None, force: bool) -> None:
    """Write a commented study file to start from, and print its path.

    The file NAME.toml explains every key of a study; alternatives and optional keys are commented out. The
    keys of landscapes are in the file written by --kind landscape, those of nonlinear networks in that of
    --kind mlp.

    \b
    Examples:
        fastsde new saddle
        fastsde new well --kind landscape
        fastsde new lazy --example lazy
        fastsde study saddle.toml
    """
    path = name if name.suffix == ".toml" else name.with_name(name.name + ".toml")
    if path.exists() and not force:
        raise click.UsageError(f"{path} already exists; --force replaces it")
    text = _template(kind) if example is None else (EXAMPLES / f"{example}.toml").read_text(encoding="utf-8")
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
