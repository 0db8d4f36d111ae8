"""What the site is made of besides Markdown: the tutorial, from its notebook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

NOTEBOOK = "tutorial.ipynb"


def on_files(files: Files, config: Any) -> Files:
    """Add the notebook as a page: text as it is, code as blocks."""
    notebook = json.loads((Path(config["docs_dir"]) / NOTEBOOK).read_text(encoding="utf-8"))
    cells = [_cell(cell) for cell in notebook["cells"]]
    note = f"*This page is the notebook docs/{NOTEBOOK}; run it to see its tables and figures.*"
    title, *rest = cells
    page = "\n\n".join([title, note, *rest])
    files.append(File.generated(config, "tutorial.md", content=page))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let links to the notebook lead to the page made from it."""
    return markdown.replace(f"]({NOTEBOOK})", "](tutorial.md)")


def _cell(cell: dict[str, Any]) -> str:
    text = "".join(cell["source"])
    return text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
