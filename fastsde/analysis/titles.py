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
    return {
        name: models[name].title() if isinstance(models.get(name), Model) else beginning(one.summary)
        for name, one in analysis.models.items()
    }
