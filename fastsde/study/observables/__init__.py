"""What a snapshot can record: one module for each family of observables.

`fastsde.study.observable` has the declaration; a file outside the package declares another observable as
these modules do.
"""

from fastsde.study.observable import Observable as Observable
from fastsde.study.observable import Snapshot as Snapshot
from fastsde.study.observable import register as register

__all__ = ["Observable", "Snapshot", "register"]
