"""Statistics of ensembles: moments, distances, tails and learning times; arrays in, small results out."""

from fastsde.analysis.analysis import Analysis as Analysis
from fastsde.analysis.pipeline import analyze as analyze
from fastsde.analysis.results import ModelResult as ModelResult
from fastsde.analysis.settings import Settings as Settings

__all__ = ["Analysis", "ModelResult", "Settings", "analyze"]
