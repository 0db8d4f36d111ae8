"""A file of a user's with landscapes of its own: of lanes, of samples, and as a function of one point."""

from typing import ClassVar, Literal

import numpy as np

from fastsde.kernels.lanes import broadcast, fma, load, store
from fastsde.kernels.options import inlined
from fastsde.kernels.surface import sample_surface, surface
from fastsde.study.fields import Positive, Size
from fastsde.study.landscapes import LANDSCAPES, Landscape, Numbers


@inlined
def cube(x):
    """Return ``x^3``: a helper of the file's own, which its functions of lanes call."""
    return x * x * x


@surface("own-quartic")
def quartic(m, net, data, target):
    energy = broadcast(m, 0.0)
    for k in range(net.parameters):
        x = load(m, k)
        store(m, target + k, cube(x) * data.vector[0])
        energy = fma(cube(x) * x, data.vector[0] * 0.25, energy)
    return energy


@LANDSCAPES.register
class Quartic(Landscape):
    """A quartic bowl."""

    equation: ClassVar[str] = "V = stiffness sum_k x_k^4 / 4"
    about: ClassVar[str] = "A bowl flat at its bottom."

    kind: Literal["own-quartic"] = "own-quartic"
    size: Size = 2
    stiffness: Positive = 1.0

    @property
    def dimension(self):
        return self.size

    def numbers(self):
        return Numbers(vector=np.array([self.stiffness]))


@sample_surface("own-median")
def robust(m, net, data, i, weight, target):
    miss = load(m, 0) - data.inputs[i, 0]
    store(m, target, fma(weight, cube(miss), load(m, target)))
    return cube(miss) * miss * 0.25


@LANDSCAPES.register
class Robust(Landscape):
    """The mean of quartic distances from samples."""

    equation: ClassVar[str] = "V = (1/4n) sum_i (x - a_i)^4"
    mean_over_samples: ClassVar[bool] = True

    kind: Literal["own-median"] = "own-median"
    samples: Size

    @property
    def dimension(self):
        return 1

    def numbers(self):
        return Numbers(inputs=np.linspace(-1, 2, self.samples)[:, None])


@LANDSCAPES.register
class Cosine(Landscape):
    """A washboard, as a function of one point."""

    equation: ClassVar[str] = "V = 1 - cos(frequency x)"

    kind: Literal["own-cosine"] = "own-cosine"
    frequency: Positive = 1.0

    @property
    def dimension(self):
        return 1

    def function_of_point(self):
        frequency = self.frequency

        def washboard(x, gradient):
            gradient[0] = frequency * np.sin(frequency * x[0])
            return 1 - np.cos(frequency * x[0])

        return washboard
