"""The gallery, from real runs: python docs/gallery.py RUNS.

Runs each study of `PICTURES` that has no run in the folder RUNS yet, copies one figure of its report to
docs/pictures, and writes docs/gallery.md.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURES = {
    "saddle_to_saddle": "effect",
    "shuffled_epochs": "distances",
    "start_at_a_saddle": "escape",
    "barrier_escape": "escape",
    "stochastic_collapse": "density",
}
"""The figure of each example that shows best what it is about."""
START = """# Gallery

One picture from a real run of each study; the files, with comments, are in `examples/`.
"""


def main(runs: Path) -> None:
    """Make all pictures, and the page."""
    target = ROOT / "docs" / "pictures"
    target.mkdir(exist_ok=True)
    page = [START]
    for name, figure in PICTURES.items():
        folder, study = runs / name, ROOT / "examples" / f"{name}.toml"
        if not (folder / "report.html").is_file():
            subprocess.run(["fastsde", "study", str(study), "-o", str(folder)], check=True)
        shutil.copyfile(folder / "figures" / f"{figure}.png", target / f"{name}.png")
        page.append(f"## {name}\n\n{about(study)}\n\n![{figure} of {name}](pictures/{name}.png)\n")
        print(f"{name}: {figure}")
    (ROOT / "docs" / "gallery.md").write_text("\n".join(page), encoding="utf-8")


def about(study: Path) -> str:
    """Return the first paragraph of the comment at the top of a study file."""
    lines = []
    for line in study.read_text(encoding="utf-8").splitlines():
        if line.strip() in ("#", "") or not line.startswith("#"):
            break
        text = line.removeprefix("#")
        lines += [text.strip()] if not text.startswith("    ") else []  # not the command that runs it
    return " ".join(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
