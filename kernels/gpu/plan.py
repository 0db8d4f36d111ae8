"""The memory of a step on a device: what the step needs, and nothing of what measurements need.

Places have the names of `fastsde.kernels.layout.Network`, so the kernels do not know the difference. A name
that no function of the step mentions has no room; names whose contents are never needed at the same time
share theirs (`fastsde.kernels.step.memory_of`).
"""

from typing import Any, NamedTuple

import numpy as np

from fastsde.kernels.step import RESIDUAL, SAMPLES

__all__ = ["StepPlan", "mentioned", "most_samples", "rooms", "step_plan"]

SEVERAL = ("prefix", "activation", "gradient")
SINGLE = (
    "deviation", "residual", "left", "right", "error", "weights", "mix", "spare", "draw",
    "hold", "kept", "extra", "along", "unit", "central",
)  # fmt: skip
KEPT, SCRATCH = ("kept",), ("activation", "error", "left", "right", "draw")


class StepPlan(NamedTuple):
    """A plan, and where its scratch begins: what is used at few places, or seldom."""

    network: Any
    scratch: int


def rooms(network):
    """Return how many numbers each place of a plan for CPUs has: by name, and by layer (else None).

    Examples
    --------
    >>> from fastsde.kernels.layout import plan_network
    >>> found = rooms(plan_network((3, 4, 2), 5, 1))
    >>> found["prefix", 1], found["deviation", None]
    (6, 6)
    """
    layers = len(network.weight)
    keys = [("prefix", l) for l in range(1, layers)]
    keys += [("activation", l) for l in range(layers + 1)] + [("gradient", l) for l in range(layers)]
    keys += [(name, None) for name in SINGLE]
    starts = [getattr(network, name) if l is None else getattr(network, name)[l] for name, l in keys]
    ends = [*starts[1:], network.size]
    return {key: int(end - start) for key, start, end in zip(keys, starts, ends, strict=True)}


def most_samples(dynamics):
    """Return the samples of the largest mini-batch of a step, of which 1 is the least."""
    if not hasattr(dynamics, "_fields"):
        return 1
    return max(1, int(getattr(dynamics, "batch", 1)), *(most_samples(field) for field in dynamics))


def mentioned(names):
    """Return those of some names that are places of a network."""
    return set(names) & {*SEVERAL, *SINGLE}


def step_plan(network, dynamics, names, looks_at, unit=1):
    """Return the plan of a step.

    Parameters
    ----------
    network : fastsde.kernels.layout.Network
        The plan for CPUs.
    dynamics : named tuple
        The step.
    names : set of str
        Places that its functions mention (`mentioned`).
    looks_at : {ALL, RESIDUAL, SAMPLES}
        `fastsde.kernels.step.memory_of` the step.
    unit : int
        Of which all places are multiples, but for gradients, which lie one behind the other.
    """
    sizes = _needed(network, dynamics, names)
    end = _up(network.parameters + _carried(network), unit)
    places, scratch = {}, None
    for shared in _regions(sizes, looks_at, len(network.weight)):
        if scratch is None and not any(key[0] in KEPT for run in shared for key in run):
            scratch = end
        end = _up(max(_put(run, sizes, places, end, unit) for run in shared), unit)
    return StepPlan(_network(network, places, end), end if scratch is None else scratch)


def _carried(network):
    """Return the numbers between the parameters and the first room."""
    first = network.prefix[1] if len(network.weight) > 1 else network.activation[0]
    return int(first) - network.parameters


def _needed(network, dynamics, names):
    """Return the sizes of what a step mentions; matrices of samples have a column per sample of a batch."""
    sizes = {key: size for key, size in rooms(network).items() if key[0] in names}
    widths, batch = [int(w) for w in network.widths], most_samples(dynamics)
    columns = max(batch, widths[0]) if "residual" in names else batch
    for name, l in sizes:
        if name == "activation":
            sizes[name, l] = widths[l] * batch
        elif name in ("left", "right"):
            sizes[name, l] = max(widths) * columns
    return sizes


def _regions(sizes, looks_at, layers):
    """Return regions of memory, each a list of runs that share it, each a list of places side by side.

    RESIDUAL: D becomes R in its place, and R is carried back in it and in the place of the end-to-end matrix.
    SAMPLES: whoever looks for passages has finished when a mini-batch is drawn.
    """
    if looks_at == RESIDUAL:
        last = [("prefix", layers - 1), ("left", None), ("mix", None)]
        regions = [[[(name, None)] for name in KEPT], [[key] for key in last]]
        regions += [[[(name, None)] for name in ("deviation", "residual", "right", "spare")]]
    elif looks_at == SAMPLES:
        scratch = [key for key in sizes if key[0] in SCRATCH]
        looks = [key for key in sizes if key[0] in ("prefix", "deviation", "residual", "spare")]
        regions = [[[(name, None)] for name in KEPT], [scratch, looks]]
    else:
        regions = []
    taken = {key for shared in regions for run in shared for key in run}
    regions += [[[key]] for key in sizes if key not in taken and key[0] != "gradient"]
    regions += [[[key for key in sizes if key[0] == "gradient"]]]
    return _present(regions, sizes)


def _present(regions, sizes):
    """Leave out what there is not."""
    there = [[[key for key in run if key in sizes] for run in shared] for shared in regions]
    return [[run for run in shared if run] for shared in there if any(shared)]


def _put(run, sizes, places, start, unit):
    """Put places side by side, and return the end of the last."""
    for key in run:
        places[key] = start
        start += sizes[key] if key[0] == "gradient" else _up(sizes[key], unit)
    return start


def _up(number, unit):
    return -(-int(number) // unit) * unit


def _network(network, places, size):
    """Return a plan with these places; what has none begins behind the end."""
    layers = len(network.weight)

    def several(name, count):
        return np.array([places.get((name, l), size) for l in range(count)], dtype=np.int64)

    prefix = several("prefix", layers)
    prefix[0] = 0
    return network._replace(
        prefix=prefix,
        activation=several("activation", layers + 1),
        gradient=several("gradient", layers),
        **{name: places.get((name, None), size) for name in SINGLE},
        size=size,
    )
