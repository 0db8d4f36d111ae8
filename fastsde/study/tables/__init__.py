"""The tables of a study file other than its models: network, data, time, record and events."""

from fastsde.study.tables.network import Data as Data
from fastsde.study.tables.network import Events as Events
from fastsde.study.tables.network import Initialisation as Initialisation
from fastsde.study.tables.network import Interval as Interval
from fastsde.study.tables.network import Late as Late
from fastsde.study.tables.network import Network as Network
from fastsde.study.tables.network import Record as Record
from fastsde.study.tables.network import Snapshots as Snapshots
from fastsde.study.tables.network import Teacher as Teacher
from fastsde.study.tables.network import Time as Time
