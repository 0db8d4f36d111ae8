"""What the kernels are made of where one trajectory is a block: on a graphics processor.

Plain functions that take the place of the primitives of lane vectors (`fastsde.kernels.rebind` puts them
there), and the tasks of a trajectory. A block's memory is a one-dimensional array, whose numbers may stand
apart; its lane vectors are numbers.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import uint64

from fastsde.kernels import block, chain, lanes, matmul
from fastsde.kernels.block import advance_block
from fastsde.kernels.dln import product
from fastsde.kernels.gather import gather_four
from fastsde.kernels.lanczos import block_eigenvalues
from fastsde.kernels.lanes import meet, share
from fastsde.kernels.normal import add_normals, fill_normals
from fastsde.kernels.observe import observe_block, put_product
from fastsde.kernels.philox import START, counter_words

__all__ = [
    "TASKS",
    "Advance",
    "Curve",
    "Draw",
    "Measure",
    "Noise",
    "Start",
    "frozen",
    "primitives",
    "put_on",
    "structure",
]

DOUBLE = {"Stable", "Tempered", "Truncated", "Jumps", "Components"}
"""Named tuples whose numbers are ``float64`` whatever the trajectories' precision."""
DOUBLE_FIELDS = {"beta", "log_wait", "input_tail", "label_tail", "drop", "final"}
LOW = np.uint64(0xFFFFFFFF)


class Advance(NamedTuple):
    """Numbers of an integration; arrays have the trajectories along the first axis."""

    state: Any
    exploded: Any
    passed: Any
    trajectory: Any  # number of the first
    start: int
    steps: int
    closing: bool
    data: Any
    dynamics: Any
    key: Any
    events: Any


class Measure(NamedTuple):
    """Numbers of a measurement: columns as `fastsde.kernels.observe.observe` writes them."""

    state: Any
    out: Any
    data: Any


class Noise(NamedTuple):
    """End-to-end matrices one step on, with noise and without."""

    state: Any
    out: Any
    exploded: Any  # not looked at
    passed: Any
    trajectory: Any
    start: int
    data: Any
    dynamics: Any
    key: Any
    events: Any


class Curve(NamedTuple):
    """Numbers of extreme Hessian eigenvalues."""

    state: Any
    exploded: Any
    columns: Any  # of the measurement before
    out: Any
    data: Any
    starts: Any
    tolerance: float


class Start(NamedTuple):
    """Standard normals that starting points are made of."""

    state: Any
    trajectory: Any
    key: Any


class Draw(NamedTuple):
    """Normals added to a state, step after step: what a generator costs where nothing is stored."""

    state: Any
    trajectory: Any
    steps: int
    key: Any


# The tasks refer to constants that a driver puts in: NET, PLAN, NUMBERS (of the state) and TRACE.
NET: Any = None
PLAN: Any = None
NUMBERS = TRACE = 0
NAN = math.nan


def advance_task(m, choice, t, job):
    """Advance trajectory `t`, unless it has nothing more to record."""
    _enter(m, job.state, t)
    number = uint64(job.trajectory + t)
    advance_block(
        m, choice, number, t, job.start, job.steps, job.closing, NET, job.data, job.dynamics, job.key,
        job.events, job.exploded, job.passed,
    )  # fmt: skip
    for k in share(m, NUMBERS):
        job.state[t, k] = m[k]
    meet(m)


def measure_task(m, choice, t, job):
    """Measure trajectory `t`; a noise trace that no formula gives is not a number."""
    _enter(m, job.state, t)
    job.out[t, 2] = NAN
    observe_block(m, NET, job.data, TRACE, job.out, t)


def noise_task(m, choice, t, job):
    """Take one step, of whose end point nothing stays but the end-to-end matrix."""
    _enter(m, job.state, t)
    number = uint64(job.trajectory + t)
    advance_block(
        m, choice, number, 0, job.start, 1, False, NET, job.data, job.dynamics, job.key, job.events,
        job.exploded, job.passed,
    )  # fmt: skip
    product(m, NET)
    put_product(m, NET, job.out, t, 0)


def curve_task(m, choice, t, job):
    """Find the extreme eigenvalues of the Hessian at trajectory `t`; the second memory follows the first.

    An exploded trajectory is put at the origin.
    """
    _enter(m, job.state, t)
    if job.exploded[t] >= 0 or job.columns[t, 0] * 0.0 != 0.0:
        for k in range(NUMBERS):
            m[k] = 0.0
    space = m[NET.size :]
    block_eigenvalues(m, space, NET, job.data, PLAN, job.starts, job.tolerance, job.out, t)


def start_task(m, choice, t, job):
    """Fill the state of trajectory `t` with standard normals."""
    counter = counter_words(uint64(job.trajectory + t), uint64(0), 0)
    fill_normals(m, 0, NET.parameters, counter, job.key, START)
    for k in range(NET.parameters):
        job.state[t, k] = m[k]


def draw_task(m, choice, t, job):
    """Add normals to the numbers of trajectory `t`, once a step."""
    _enter(m, job.state, t)
    for s in range(job.steps):
        counter = counter_words(uint64(job.trajectory + t), uint64(s), 0)
        add_normals(m, 0, NUMBERS, 0.5, counter, job.key, START)
    for k in share(m, NUMBERS):
        job.state[t, k] = m[k]
    meet(m)


def _enter(m, state, t):
    for k in share(m, NUMBERS):
        m[k] = state[t, k]
    meet(m)


TASKS = {
    "advance": advance_task,
    "measure": measure_task,
    "noise": noise_task,
    "curve": curve_task,
    "start": start_task,
    "draw": draw_task,
}


def _load(m, place):
    return m[place]


def _store(m, place, value):
    m[place] = value


def _lane_width(m):
    return 1


def _ramp(m, start):
    return start


def _any_lane(mask):
    return mask


def _mask_bits(mask):
    return 1 if mask else 0


def _alike(x, value):
    return value


def _select(mask, a, b):
    return a if mask else b


def _low_word(x):
    return np.int32(x & LOW)


def _gather_four(m, table, choice, place, column):
    row = choice[place]
    return table[row, column], table[row, column + 1], table[row, column + 2], table[row, column + 3]


def _ended(m, finite, events):
    """Return whether a trajectory is not a number: it stays so, and no passage but of a distance holds."""
    return finite != finite and len(events.radii) == 0


def fma(a, b, c):
    """Return ``a * b + c``, rounded twice: where a target has nothing better."""
    return a * b + c


def _entry(a, index):
    """Return an entry of a block's matrix, or of one that all trajectories share."""
    if a.ndim == 2:
        return a[index // a.shape[1], index % a.shape[1]]
    return a[index]


def _put(c, place, value, scale):
    """Write an entry of a product, or subtract it."""
    if scale is None:
        c[place] = value
    else:
        c[place] = fma(-scale, value, c[place])


def _tile(a, a0, ar, ak, b, b0, bk, bc, c, c0, cr, inner, scale):
    """Two rows by four columns of a product, in registers."""
    zero = _zero(c)
    s0, s1, s2, s3 = zero, zero, zero, zero
    t0, t1, t2, t3 = zero, zero, zero, zero
    for k in range(inner):
        x, y = _entry(a, a0 + k * ak), _entry(a, a0 + ar + k * ak)
        at = b0 + k * bk
        z0, z1, z2, z3 = _entry(b, at), _entry(b, at + bc), _entry(b, at + 2 * bc), _entry(b, at + 3 * bc)
        s0, s1, s2, s3 = fma(x, z0, s0), fma(x, z1, s1), fma(x, z2, s2), fma(x, z3, s3)
        t0, t1, t2, t3 = fma(y, z0, t0), fma(y, z1, t1), fma(y, z2, t2), fma(y, z3, t3)
    _put(c, c0, s0, scale)
    _put(c, c0 + 1, s1, scale)
    _put(c, c0 + 2, s2, scale)
    _put(c, c0 + 3, s3, scale)
    _put(c, c0 + cr, t0, scale)
    _put(c, c0 + cr + 1, t1, scale)
    _put(c, c0 + cr + 2, t2, scale)
    _put(c, c0 + cr + 3, t3, scale)


def _dot(a, a0, ak, b, b0, bk, c, c0, inner, scale):
    """One entry of a product."""
    total = _zero(c)
    for k in range(inner):
        total = fma(_entry(a, a0 + k * ak), _entry(b, b0 + k * bk), total)
    _put(c, c0, total, scale)


def _zero(c):
    raise NotImplementedError("exchanged for a zero of the trajectories' precision")


def _share(m, count):
    return range(count)


def _meet(m):
    pass


def _leads(m):
    return True


def _matmul(a, a0, ar, ak, b, b0, bk, bc, c, c0, n, m, inner, scale):
    """`fastsde.kernels.matmul.matmul`: every entry is the same sum in the same order."""
    rows, columns = n - n % 2, m - m % 4
    for i in range(0, rows, 2):
        for j in range(0, columns, 4):
            _tile(a, a0 + i * ar, ar, ak, b, b0 + j * bc, bk, bc, c, c0 + i * m + j, m, inner, scale)
    for i in range(n):
        for j in range(columns if i < rows else 0, m):
            _dot(a, a0 + i * ar, ak, b, b0 + j * bc, bk, c, c0 + i * m + j, inner, scale)


def _matrix_vector(m, w, x, y, rows, columns):
    for i in range(rows):
        _dot(m, w + i * columns, 1, m, x, 1, m, y + i, columns, None)


def _back_and_update(m, w, h, e, g, rows, columns, dt, back):
    """`fastsde.kernels.chain._back_and_update`: each weight is read twice and written once."""
    for j in range(columns):
        factor = m[h + j] * -dt
        total = _zero(m)
        for i in range(rows):
            at = w + i * columns + j
            weight, error = m[at], m[e + i]
            total = fma(weight, error, total)
            m[at] = fma(error, factor, weight)
        if back is not None:
            m[g + j] = total


_PLAIN = {
    lanes.load: _load,
    lanes.store: _store,
    lanes.lane_width: _lane_width,
    lanes.ramp: _ramp,
    lanes.any_lane: _any_lane,
    lanes.mask_bits: _mask_bits,
    lanes.alike: _alike,
    lanes.select: _select,
    lanes.low_word: _low_word,
    lanes.share: _share,
    lanes.meet: _meet,
    lanes.leads: _leads,
    gather_four: _gather_four,
    block.ended: _ended,
}


def primitives(dtype, make, own):
    """Return what takes the place of the primitives, the same in ``float64``, and functions by their names.

    Parameters
    ----------
    dtype : numpy dtype
        Of the trajectories.
    make : callable
        Turns a Python function into what kernels of the target call.
    own : dict
        Of the target: `fastsde.kernels.lanes.fma` at least.
    """
    real = np.dtype(dtype).type
    multiply_add = own[lanes.fma]
    changed = {"fma": multiply_add, "_zero": make(_zero_of(real))}
    for function in (_entry, _put, _dot, _tile):
        changed[function.__name__] = make(_with(function, changed))
    products = {
        matmul.matmul: _matmul,
        chain._matrix_vector: _matrix_vector,
        chain._back_and_update: _back_and_update,
    }
    table = {original: make(function) for original, function in _PLAIN.items()}
    table |= {original: make(_with(function, changed)) for original, function in products.items()}
    cast = make(_cast(real))
    table |= dict.fromkeys((lanes.broadcast, lanes.like, lanes.scalar), cast)
    return table | _conversions(real, make) | own, _conversions(np.float64, make), changed


def _with(function, changed):
    """Return a copy of a function that refers to other things by the same names."""
    from types import FunctionType

    return FunctionType(function.__code__, {**function.__globals__, **changed}, function.__name__)


def _zero_of(real):
    def zero(c):
        return real(0.0)

    return zero


def _cast(real):
    def cast(m, value):
        return real(value)

    return cast


def _conversions(real, make):
    """Return conversions between floats and integers of their width."""
    whole = np.int32 if real is np.float32 else np.int64

    def as_bits(x):
        return real(x).view(whole)

    def as_float(x):
        return whole(x).view(real)

    def to_float(x):
        return real(whole(x))

    def to_int(x):
        return whole(x)

    def root(x):
        return real(math.sqrt(x))

    functions = {
        lanes.as_bits: as_bits,
        lanes.as_float: as_float,
        lanes.to_float: to_float,
        lanes.to_int: to_int,
        lanes.root: root,
    }
    return {original: make(function) for original, function in functions.items()}


def frozen(value):
    """Return a named tuple of sizes and places as constants: arrays become tuples of integers."""
    if hasattr(value, "_fields"):
        return type(value)(*(frozen(field) for field in value))
    return tuple(int(x) for x in value) if isinstance(value, np.ndarray) else value


def put_on(value, dtype, put):
    """Return a named tuple as kernels of a device take it.

    Arrays of floats have the trajectories' precision and stand on the device (`put` takes them there);
    numbers have it too, but for those of laws, which are drawn from in ``float64``; None is 0, which nothing
    looks at.
    """
    real = np.dtype(dtype).type
    if value is None:
        return 0
    if isinstance(value, np.ndarray):
        return put(np.ascontiguousarray(value, dtype if value.dtype.kind == "f" else None))
    if hasattr(value, "_fields"):
        name = type(value).__name__
        fields = zip(value._fields, value, strict=True)
        return type(value)(
            *(
                float(x)
                if isinstance(x, float) and (name in DOUBLE or field in DOUBLE_FIELDS)
                else put_on(x, dtype, put)
                for field, x in fields
            )
        )
    if isinstance(value, np.bool_):
        return bool(value)
    return real(value) if isinstance(value, float | np.floating) else value


def structure(value):
    """Return what code depends on of a named tuple: the classes in it, and what is absent."""
    if isinstance(value, tuple):
        return type(value).__name__, *(structure(part) for part in value)
    return type(value).__name__
