"""The analysis on plain arrays of NumPy, pandas or xarray: distances, tails, survival, moments."""

from fastsde.analysis.arrays.comparison import Comparison as Comparison
from fastsde.analysis.arrays.comparison import compare as compare
from fastsde.analysis.arrays.sample_moments import SampleMoments as SampleMoments
from fastsde.analysis.arrays.sample_moments import moments as moments
from fastsde.analysis.arrays.stays import Survival as Survival
from fastsde.analysis.arrays.stays import survival as survival
from fastsde.analysis.arrays.tail_indices import Tails as Tails
from fastsde.analysis.arrays.tail_indices import tails as tails

__all__ = ["Comparison", "SampleMoments", "Survival", "Tails", "compare", "moments", "survival", "tails"]
