"""Lane vectors: one value for each of several trajectories, as a numba type.

`LaneType(dtype, count)` lowers to an LLVM vector, so a formula written with ``+ - * /``, comparisons,
``fma``, ``select`` and ``sqrt`` compiles to packed instructions whose lanes are trajectories. The same
functions run on plain NumPy values, which is how the formulas are tested. A number met by a lane vector
takes the vector's element type, so a constant never promotes ``float32`` to ``float64``.
"""

from fastsde.kernels.lane_memory import any_lane as any_lane
from fastsde.kernels.lane_memory import broadcast as broadcast
from fastsde.kernels.lane_memory import lane_width as lane_width
from fastsde.kernels.lane_memory import leads as leads
from fastsde.kernels.lane_memory import like as like
from fastsde.kernels.lane_memory import load as load
from fastsde.kernels.lane_memory import load_vector as load_vector
from fastsde.kernels.lane_memory import mask_bits as mask_bits
from fastsde.kernels.lane_memory import meet as meet
from fastsde.kernels.lane_memory import numbers_at as numbers_at
from fastsde.kernels.lane_memory import ramp as ramp
from fastsde.kernels.lane_memory import scalar as scalar
from fastsde.kernels.lane_memory import scratch as scratch
from fastsde.kernels.lane_memory import share as share
from fastsde.kernels.lane_memory import store as store
from fastsde.kernels.lane_memory import store_vector as store_vector
from fastsde.kernels.lane_memory import vector_pointer as vector_pointer
from fastsde.kernels.lane_operators import alike as alike
from fastsde.kernels.lane_operators import as_bits as as_bits
from fastsde.kernels.lane_operators import as_float as as_float
from fastsde.kernels.lane_operators import fma as fma
from fastsde.kernels.lane_operators import low_word as low_word
from fastsde.kernels.lane_operators import root as root
from fastsde.kernels.lane_operators import select as select
from fastsde.kernels.lane_operators import to_float as to_float
from fastsde.kernels.lane_operators import to_int as to_int
from fastsde.kernels.lane_type import ALIGNMENT as ALIGNMENT
from fastsde.kernels.lane_type import HALF_STORES as HALF_STORES
from fastsde.kernels.lane_type import VECTOR_BYTES as VECTOR_BYTES
from fastsde.kernels.lane_type import WIDE as WIDE
from fastsde.kernels.lane_type import LaneType as LaneType
from fastsde.kernels.lane_type import lane_count as lane_count
from fastsde.kernels.lane_type import lanes_of as lanes_of
from fastsde.kernels.lane_type import promote as promote
from fastsde.kernels.lane_words import halves as halves
from fastsde.kernels.lane_words import high_product as high_product
from fastsde.kernels.lane_words import join_words as join_words
from fastsde.kernels.lane_words import side_by_side as side_by_side
