"""Local learning coefficients: estimated by sampling around a state, exact for deep linear networks."""

from fastsde.analysis.learning_coefficient.estimate import LearningCoefficient as LearningCoefficient
from fastsde.analysis.learning_coefficient.estimate import learning_coefficient as learning_coefficient
from fastsde.analysis.learning_coefficient.exact import ExactCoefficient as ExactCoefficient
from fastsde.analysis.learning_coefficient.exact import (
    exact_learning_coefficient as exact_learning_coefficient,
)

__all__ = ["ExactCoefficient", "LearningCoefficient", "exact_learning_coefficient", "learning_coefficient"]
