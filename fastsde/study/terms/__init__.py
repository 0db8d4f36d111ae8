"""Terms of models, one module each: drift besides the gradient, memory, changes of time."""

from fastsde.study.noise.jumps import Jumps
from fastsde.study.terms.covariance import Covariance
from fastsde.study.terms.matrices import Rows
from fastsde.study.terms.rotation import Rotation
from fastsde.study.terms.schedule import Schedule
from fastsde.study.terms.subordination import Subordination

__all__ = ["Covariance", "Jumps", "Rotation", "Rows", "Schedule", "Subordination"]
