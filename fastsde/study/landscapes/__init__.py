"""Landscapes in place of a network: functions of few variables, one per file, and a user's own.

The state is the point x (d numbers); ``loss`` is the energy V(x), ``modes`` are the coordinates of x and the
distance of the event ``radius_above`` is that from `centre`. Some are means over samples, ``V = (1/n) sum_i
l_i``, and have SGD and gradient noise; the others have the noise of their models alone.

A landscape is a class derived from `Landscape` and registered with `LANDSCAPES`; its energy and gradient are
a function of lanes (`fastsde.kernels.surface`), or a function of one point (`Landscape.function_of_point`).
"""

from fastsde.study.landscapes.base import LANDSCAPES as LANDSCAPES
from fastsde.study.landscapes.base import Dimension as Dimension
from fastsde.study.landscapes.base import Landscape as Landscape
from fastsde.study.landscapes.base import LandscapeStart as LandscapeStart
from fastsde.study.landscapes.base import Numbers as Numbers
from fastsde.study.landscapes.base import Point as Point
