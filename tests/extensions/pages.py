"""The files that docs/extending.md shows, taken from the page."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
BLOCK = re.compile(r"^```(?:python|toml)\n(# (?P<name>\w+\.\w+)\n.*?)^```$", re.DOTALL | re.MULTILINE)


def shown_files():
    """Return the text of each file of the page by its name."""
    return {found["name"]: found[1] for found in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}


def write_files(folder):
    """Write all files of the page into a folder, and return the path of the study."""
    for name, text in shown_files().items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "my_study.toml"
