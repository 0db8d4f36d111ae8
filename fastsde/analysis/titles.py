"""What the models of an analysis are called in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastsde.study.models.model import Model, beginning
from fastsde.study.study import Study

if TYPE_CHECKING:
    from fastsde.analysis.results import Findings

__all__ = ["titles"]


def titles(analysis: Findings) -> dict[str, str]:
    """Titles of all models by name: of a model that is not in the study, the beginning of its summary."""
    models = Study.from_toml(analysis.study).models
    found = {}
    for name, one in analysis.models.items():
        model = models.get(name)
        found[name] = model.title() if isinstance(model, Model) else beginning(one.summary)
    return found
