"""Pictures of the gallery, from real runs: python docs/gallery.py RUNS.

Runs each study of `PICTURES` that has no run in the folder RUNS yet, and copies one figure of its report to
docs/pictures.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURES = {
    "saddle_to_saddle": "effect",
    "lazy": "modes",
    "diffusion_before_learning": "diffusion",
    "heavy_tail_escape": "escape_effects",
    "barrier_escape": "escape",
    "edge_of_stability": "loss",
    "rotational_current": "currents",
    "subdiffusion": "modes",
    "stochastic_collapse": "modes",
    "anisotropic_escape": "modes",
    "adaptive": "effect",
    "linear_attention": "loss",
    "matrix_completion": "rank",
    "parity": "accuracy",
}
"""The figure of each example that shows best what it is about."""


def main(runs: Path) -> None:
    """Make all pictures."""
    target = ROOT / "docs" / "pictures"
    target.mkdir(exist_ok=True)
    for name, figure in PICTURES.items():
        folder = runs / name
        if not (folder / "report.html").is_file():
            study = ROOT / "examples" / f"{name}.toml"
            subprocess.run(["fastsde", "study", str(study), "-o", str(folder)], check=True)
        shutil.copyfile(folder / "figures" / f"{figure}.png", target / f"{name}.png")
        print(f"{name}: {figure}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
