"""The gallery, from real runs: python docs/gallery.py RUNS.

Runs and analyses each study of `PICTURES` that has no analysis in the folder RUNS yet, draws one figure of
its report into docs/pictures, and writes docs/gallery.md.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from fastsde.report.sweep.page import write_sweep_report
from fastsde.report.write import write_figure

ROOT = Path(__file__).resolve().parent.parent


class Picture(NamedTuple):
    """A figure of the report of an example, and how its run is smaller than the example, if it is."""

    figure: str
    trajectories: int | None = None
    quick: bool = False


PICTURES = {
    "saddle_to_saddle": Picture("effect"),
    "shuffled_epochs": Picture("distances"),
    "start_at_a_saddle": Picture("escape"),
    "barrier_escape": Picture("escape"),
    "stochastic_collapse": Picture("density"),
    "edge_of_stability": Picture("modes", 128),
    "subdiffusion": Picture("displacement", 1024),
    "rotational_current": Picture("currents", 1024, quick=True),
    "parity": Picture("accuracy", 16, quick=True),
    "anisotropy_escape": Picture("sweep", 64, quick=True),
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
    for name, picture in PICTURES.items():
        study = ROOT / "examples" / f"{name}.toml"
        commands = made(name, picture, runs)
        sweep = picture.figure == "sweep"
        if not (runs / name / ("sweep.h5" if sweep else "analysis.h5")).is_file():
            for command in commands:
                subprocess.run(command, check=True, cwd=ROOT)
        drawn = write_sweep_report(runs / name).parent / "figures" / "sweep.png" if sweep else None
        shutil.copyfile(drawn or write_figure(runs / name, picture.figure), target / f"{name}.png")
        shown = " and ".join(f"`{' '.join(command)}`" for command in made(name, picture, Path("runs")))
        image = f"![{picture.figure} of {name}](pictures/{name}.png)"
        page.append(f"## {name}\n\n{about(study)}\n\n{image}\n\nFigure `{picture.figure}` after {shown}.\n")
        print(f"{name}: {picture.figure}")
    (ROOT / "docs" / "gallery.md").write_text("\n".join(page), encoding="utf-8")


def made(name: str, picture: Picture, runs: Path) -> list[list[str]]:
    """Return the commands that make the run of a picture: the whole study, or a smaller run of it."""
    study, folder = f"examples/{name}.toml", str(runs / name)
    count = [] if picture.trajectories is None else ["--trajectories", str(picture.trajectories)]
    if picture.figure == "sweep":
        return [["fastsde", "sweep", study, "-o", folder, *count, *(["--quick"] if picture.quick else [])]]
    if not picture.quick:
        return [["fastsde", "study", study, "-o", folder, *count]]
    return [["fastsde", "run", study, "-o", folder, *count], ["fastsde", "analyze", folder, "--quick"]]


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
