"""Data sets that nonlinear networks learn: one module each.

A data set is a class derived from `Dataset` and registered with `DATASETS`; it is the table ``data`` of a
landscape that has one, ``data = { kind = "parity", bits = 8, k = 3, samples = 128 }``.
"""

from fastsde.study.datasets.base import DATASETS as DATASETS
from fastsde.study.datasets.base import Dataset as Dataset
from fastsde.study.datasets.base import Examples as Examples
