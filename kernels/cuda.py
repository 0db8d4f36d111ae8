"""The kernels of one model as a program for a GPU: its tasks, compiled when they are first asked for.

`docs/gpu.md` ("What runs where") says which module decides what.
"""

import numpy as np

from fastsde.kernels import lanes, matmul
from fastsde.kernels.gpu import network as networks
from fastsde.kernels.gpu import target, team, thread, vectors
from fastsde.kernels.gpu.arguments import frozen
from fastsde.kernels.gpu.launching import launchable
from fastsde.kernels.gpu.loops import loop_of
from fastsde.kernels.gpu.placement import HOPPER, limit_of, place
from fastsde.kernels.gpu.plan import most_samples
from fastsde.kernels.gpu.rebind import Rebinding
from fastsde.kernels.gpu.tasks import TASKS
from fastsde.kernels.gpu.ways import SHARING, block_way, way_of
from fastsde.kernels.layout import Measurements

__all__ = ["Program"]


class Program:
    """The tasks of one model, compiled when they are first asked for.

    Parameters
    ----------
    network, data
        Named tuples of `fastsde.kernels.layout`; sizes and places become constants of the code.
    dtype : numpy dtype
    dynamics
        The step to advance by.
    carried : int
        Numbers besides the parameters that a trajectory carries.
    indices : int
        Sample indices that a trajectory needs.
    trace : int
        Which formula gives the noise trace.
    plan : optional
        Places of Lanczos, `fastsde.kernels.hessian.Space`.
    where : {"local", "lane", "shared", "block", "team", "global"}
        Where the memory of a trajectory is: of a thread, beside those of its warp in shared memory (of one
        thread, or of several), in shared memory of a block, or in global memory of a block or of a thread.
    limit : int, optional
        Bytes of shared memory that a block may have.

    Attributes
    ----------
    placement : fastsde.kernels.gpu.placement.Placement
    threads : int
        Of a block.
    shared : int
        Bytes of dynamic shared memory of a block.
    """

    def __init__(
        self,
        network,
        data,
        dtype,
        *,
        dynamics=None,
        carried=0,
        indices=1,
        trace=0,
        plan=None,
        where="local",
        limit=None,
    ):
        self.dtype, self.where = np.dtype(dtype), where
        limit = limit_of(HOPPER) if limit is None else limit
        placement = place(
            network, data, dtype, dynamics, max(indices, 1), limit,
            where=where, warp=target.WARP, lanes=target.LANES,
        )  # fmt: skip
        self.placement = placement._replace(warps=1) if target.SIMULATED else placement
        net = network if placement.plan is None else placement.plan.network
        self.size = net.size + (0 if plan is None else plan.size)
        self.indices = max(placement.indices, 1)
        constants = {
            "NET": frozen(net),
            "PLAN": frozen(plan),
            "NUMBERS": network.parameters + carried,
            "TRACE": trace,
        }
        table, doubles = self._primitives(constants["NET"], network, data, dynamics)
        self._rebinding = Rebinding(table, doubles, target.device_function, dtype, data, dynamics, constants)
        self._kernels = {}
        self.threads = self._threads()
        self.shared = self.placement.bytes * self.placement.warps

    def _threads(self):
        if self.where in {"shared", "lane"}:
            return target.WARP * self.placement.warps
        return {"block": self.placement.lanes, "team": target.LARGE_TEAM}.get(self.where, target.THREADS)

    def _primitives(self, net, network, data, dynamics):
        """Return what takes the place of primitives, and the same in ``float64``.

        Numbers that these need behind the memory of a trajectory count as of it.
        """
        own, emitted = target.own_primitives(), target.emitted()
        table, doubles, names = thread.primitives(self.dtype, target.device_function, own, emitted.entry_of)
        if self.where == "team":
            table |= team.primitives(target.device_function, self.size, block_way(), names)
            self.size += team.PARTS
        elif self.where == "lane":
            table |= vectors.forms(
                net, emitted.forward_of, emitted.back_of, emitted.row_of,
                target.always_inlined, table[lanes.fma],
            )  # fmt: skip
        elif self.where in SHARING:
            doubles[lanes.any_lane] = table[lanes.any_lane]
            table |= self._shared_forms(net, names, network, data, dynamics)
        return table, doubles

    def _shared_forms(self, net, names, network, data, dynamics):
        """Return what takes the place of primitives where several threads have a trajectory."""
        make, count = target.device_function, self.placement.lanes
        way = way_of(self.where, self.placement.side_by_side)
        own = {"_rank": way.rank, "_count": make(lambda: count), "_wait": way.wait}
        shared = team.primitives(make, self.size, own, names)
        sizes = networks.shapes(network, len(getattr(data, "inputs", ())), most_samples(dynamics))
        threads = _team(way, count, self.dtype.type)
        measured = isinstance(data, Measurements)
        shared |= networks.forms(net, sizes, threads, shared[matmul.matmul], measured)
        self.size += 2 * count
        return shared | team.asking(make, way.any_of, way.count_of, way.rank)

    def function(self, task):
        """Return the kernel of a task (`fastsde.kernels.gpu.tasks.TASKS`) as a Python function."""
        bound = target.task_function(self._rebinding.bind(TASKS[task]))
        return loop_of(bound, self.where, self.placement, self.size, self.indices, self.dtype)

    def kernel(self, task):
        """Return the kernel of a task as it is launched."""
        if task not in self._kernels:
            self._kernels[task] = launchable(self.function(task), self.shared)
        return self._kernels[task]

    def launch(self, task, count, job, stream=0, workspace=()):
        """Start a task of `count` trajectories; `workspace`: its memory and indices, if global."""
        self.kernel(task)[self._shape(count, workspace, stream)](count, job, *workspace)

    def is_ready(self, task):
        """Return whether a task has been launched before, so that launching it again compiles nothing."""
        return task in self._kernels

    def registers(self, task):
        """Return the registers of a thread of a kernel that has been launched; 0 in the simulator."""
        if target.SIMULATED:
            return 0
        found = self._kernels[task].get_regs_per_thread()
        return int(max(found.values()) if isinstance(found, dict) else found)

    @property
    def bytes(self):
        """Bytes of a trajectory's memory and indices."""
        return self.size * self.dtype.itemsize + 4 * self.indices

    def _shape(self, count, workspace, stream):
        """Return blocks, threads, stream and bytes of dynamic shared memory of a launch."""
        if self.shared:
            at_once = self.placement.side_by_side * self.placement.warps
            return -(-count // at_once), self.threads, stream, self.shared
        if self.where == "team":
            return min(count, workspace[0].shape[0]), self.threads, stream
        if workspace:
            slots = workspace[0].shape[1]
            return max(1, slots // target.THREADS), min(target.THREADS, slots), stream
        threads = min(self.threads, count)
        return -(-count // threads), threads, stream


def _team(way, count, real):
    """Return what threads that have a trajectory between them have of the target."""
    emitted, zero = target.emitted(), real(0.0)

    def product_of(t, inner, strides):
        return emitted.product_of(t, inner, way, strides)

    return networks.Team(
        lanes=count,
        make=target.always_inlined,
        rank=way.rank,
        wait=way.wait,
        product_of=product_of,
        entry=emitted.entry,
        zero_of=target.device_function(lambda m: zero),
        multiply_add=target.own_primitives()[lanes.fma],
        half=real(0.5),
    )
