"""Statistics of ensembles: moments, distances, tails and learning times; arrays in, small results out."""

from fastsde.analysis.analysis import Analysis as Analysis
from fastsde.analysis.context import Context as Context
from fastsde.analysis.pipeline import analyze as analyze
from fastsde.analysis.results import ModelResult as ModelResult
from fastsde.analysis.section_cost import Cost as Cost
from fastsde.analysis.sections import Section as Section
from fastsde.analysis.sections import register_section as register_section
from fastsde.analysis.settings import Settings as Settings

__all__ = [
    "Analysis",
    "Context",
    "Cost",
    "ModelResult",
    "Section",
    "Settings",
    "analyze",
    "register_section",
]
