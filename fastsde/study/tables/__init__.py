"""The tables of a study file other than its models: network, data, time, record and events."""

from fastsde.study.tables.data import Data as Data
from fastsde.study.tables.data import Teacher as Teacher
from fastsde.study.tables.events import Events as Events
from fastsde.study.tables.events import Interval as Interval
from fastsde.study.tables.network import Initialisation as Initialisation
from fastsde.study.tables.network import Network as Network
from fastsde.study.tables.record import Record as Record
from fastsde.study.tables.time import Late as Late
from fastsde.study.tables.time import Snapshots as Snapshots
from fastsde.study.tables.time import Time as Time

__all__ = [
    "Data",
    "Events",
    "Initialisation",
    "Interval",
    "Late",
    "Network",
    "Record",
    "Snapshots",
    "Teacher",
    "Time",
]
