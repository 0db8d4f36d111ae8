"""Code of a device for tiles of products and for chains of vectors, whose sums stay in registers.

Sizes are constants, so all loops over a tile are unrolled here; what a target's functions of the same
purpose are (`fastsde.kernels.gpu.tiles` in plain Python) this is in LLVM's language. Nothing here names a
target: pointers may be of any kind of memory.
"""

from llvmlite import ir
from numba.core import cgutils

__all__ = ["Numbers", "emit_back", "emit_forward", "emit_product"]

I64 = ir.IntType(64)
FULL, CHUNK = 16, 8
"""Terms of a sum up to which it is unrolled whole, and the terms of a round of a loop else."""


class Numbers:
    """Numbers in memory, number k at ``pointer[stride (k + k >> pad)]``, without padding for `pad` 0.

    Padding keeps rows of a power of two from meeting in one bank.
    """

    def __init__(self, builder, pointer, stride=1, pad=0):
        self.builder, self.pointer, self.stride, self.pad = builder, pointer, stride, pad

    def at(self, index):
        """Return the pointer to number `index`, a value."""
        if self.pad:
            index = self.builder.add(index, self.builder.ashr(index, I64(self.pad)))
        return self.builder.gep(self.pointer, [self.builder.mul(index, I64(self.stride))])

    def beyond(self, pointer, count):
        """Return the pointer to the number `count`, a constant, behind one that starts a row, or nearly."""
        if self.pad:
            count += count >> self.pad
        return self.builder.gep(pointer, [I64(count * self.stride)])


class _Factor:
    """Entries ``(line, k)`` of a factor at ``start + line * by_line + k * by_term``.

    `lane` is the thread's first line; strides are constants (then addresses differ by constants) or values.
    """

    def __init__(self, numbers, start, by_line, by_term, lane, count):
        self._numbers, self._start, self._strides = numbers, start, (by_line, by_term)
        self._lane, self._count = lane, count
        self._builder = numbers.builder
        self._constant = isinstance(by_line, int) and isinstance(by_term, int) and self._is_linear()
        self._bases = {}

    def _is_linear(self):
        unit = 1 << self._numbers.pad
        return all(stride == 1 or stride % unit == 0 for stride in self._strides)

    def _times(self, value, stride):
        b = self._builder
        value = I64(value) if isinstance(value, int) else value
        return b.mul(value, I64(stride) if isinstance(stride, int) else stride)

    def go_to(self, term):
        """Let terms count from `term`, a value."""
        self._first = self._builder.add(self._start, self._times(term, self._strides[1]))
        self._bases = {}

    def read(self, line, term, most):
        """Return the entry of the thread's line that is `line` behind its first; `most` lines at most."""
        b, (by_line, by_term) = self._builder, self._strides
        beyond = line + most > self._count
        if self._constant and not beyond:
            base = self._base(0, False)
            return b.load(self._numbers.beyond(base, line * by_line + term * by_term))
        if self._constant or not self._numbers.pad:
            base = self._base(line, beyond)
            if self._constant:
                return b.load(self._numbers.beyond(base, term * by_term))
            offset = b.mul(self._times(term, by_term), I64(self._numbers.stride))
            return b.load(b.gep(base, [offset]))
        index = b.add(self._line(line, beyond), self._times(term, by_term))
        return b.load(self._numbers.at(index))

    def _base(self, line, beyond):
        if line not in self._bases:
            self._bases[line] = self._numbers.at(self._line(line, beyond))
        return self._bases[line]

    def _line(self, line, beyond):
        """Return the place of a line's first term; lines behind the last are read as the last."""
        b = self._builder
        place = b.add(self._lane, I64(line))
        if beyond:
            last = I64(self._count - 1)
            place = b.select(b.icmp_signed("<", place, last), place, last)
        return b.add(self._first, self._times(place, self._strides[0]))


def _multiply_add(builder, kind):
    signature = ir.FunctionType(kind, [kind] * 3)
    name = "llvm.fma.f32" if isinstance(kind, ir.FloatType) else "llvm.fma.f64"
    function = cgutils.get_or_insert_function(builder.module, signature, name)
    return lambda a, b, c: builder.call(function, [a, b, c])


def emit_product(builder, kind, t, inner, rank, a, b, c, scale, barrier):
    """Emit a thread's part of ``C = A B``, or of ``C -= scale A B``.

    Parameters
    ----------
    builder, kind
        LLVM's builder, and its type of the numbers.
    t : fastsde.kernels.gpu.tiling.Tiling
    inner : int
        Terms of a sum.
    rank : value
        The number of the thread among those of its trajectory.
    a, b, c : tuple
        `Numbers`, the place of the first entry (a value), and the distances of neighbouring lines (rows of A
        and C, columns of B) and of neighbouring terms (of C: of columns): constants or values.
    scale : value or None
    barrier : callable
        Emits waiting for the other threads where C takes the place of a factor; None if it never does.
    """
    i = builder.udiv(rank, I64(t.across)) if t.down > 1 else I64(0)
    j = builder.urem(rank, I64(t.across)) if t.across > 1 else I64(0)
    fma = _multiply_add(builder, kind)
    left = _Factor(*a, i, t.n)
    right = _Factor(*b, j, t.m)
    for down in range(t.tiles_down):
        for across in range(t.tiles_across):
            rows, columns = t.rows(down), t.columns(across)
            sums = _sums(builder, kind, fma, t, inner, left, right, rows, columns)
            if barrier is not None and t.single:
                barrier()
            _write(builder, fma, t, c, i, j, rows, columns, sums, scale)


def _sums(builder, kind, fma, t, inner, left, right, rows, columns):
    """Emit the sums of a tile, in the order of their terms."""
    zero = ir.Constant(kind, 0.0)
    sums = [[zero] * len(columns) for _ in rows]

    def round_of(count):
        for k in range(count):
            x = [left.read(row, k, t.down) for row in rows]
            y = [right.read(column, k, t.across) for column in columns]
            for p in range(len(rows)):
                for q in range(len(columns)):
                    sums[p][q] = fma(x[p], y[q], sums[p][q])

    def go_to(term):
        left.go_to(term)
        right.go_to(term)

    if inner <= FULL:
        go_to(I64(0))
        round_of(inner)
        return sums
    held = [[cgutils.alloca_once_value(builder, zero) for _ in columns] for _ in rows]
    for line in held:
        for one in line:
            builder.store(zero, one)
    with cgutils.for_range(builder, I64(inner // CHUNK), intp=I64) as loop:
        go_to(builder.mul(loop.index, I64(CHUNK)))
        sums[:] = [[builder.load(one) for one in line] for line in held]
        round_of(CHUNK)
        for line, values in zip(held, sums, strict=True):
            for one, value in zip(line, values, strict=True):
                builder.store(value, one)
    sums[:] = [[builder.load(one) for one in line] for line in held]
    if inner % CHUNK:
        go_to(I64(inner - inner % CHUNK))
        round_of(inner % CHUNK)
    return sums


def _write(builder, fma, t, c, i, j, rows, columns, sums, scale):
    """Emit the writing of a tile, of which a thread at the edge may have less than others."""
    numbers, start, by_row, by_column = c
    minus = None if scale is None else builder.fsub(ir.Constant(scale.type, -0.0), scale)
    for row, line in zip(rows, sums, strict=True):
        with _within(builder, i, row, t.down, t.n) as exists:
            if not exists:
                continue
            for column, value in zip(columns, line, strict=True):
                with _within(builder, j, column, t.across, t.m) as exists:
                    if exists:
                        pointer = _entry(builder, numbers, start, i, j, row, column, by_row, by_column)
                        if minus is not None:
                            value = fma(minus, value, builder.load(pointer))
                        builder.store(value, pointer)


def _entry(builder, numbers, start, i, j, row, column, by_row, by_column):
    unit = 1 << numbers.pad
    place = builder.add(start, j)
    if isinstance(by_row, int) and by_row % unit == 0:
        first = numbers.at(builder.add(place, builder.mul(i, I64(by_row))))
        return numbers.beyond(first, row * by_row + column)
    by_row = I64(by_row) if isinstance(by_row, int) else by_row
    whole = builder.add(place, builder.mul(builder.add(i, I64(row)), by_row))
    return numbers.at(builder.add(whole, I64(column)))


class _within:
    """Code for threads whose line is one of the matrix; `exists` is False if that is no thread's."""

    def __init__(self, builder, lane, line, lanes, count):
        self._builder, self._exists = builder, line < count
        self._guard = None
        if self._exists and line + lanes > count:
            inside = builder.icmp_signed("<", lane, I64(count - line))
            self._guard = builder.if_then(inside)

    def __enter__(self):
        if self._guard is not None:
            self._guard.__enter__()
        return self._exists

    def __exit__(self, *exception):
        if self._guard is not None:
            self._guard.__exit__(*exception)


def emit_forward(builder, kind, weights, start, rows, columns, x):
    """Emit ``y = W x`` for vectors in registers, and return y."""
    fma = _multiply_add(builder, kind)
    first, found = weights.at(start), []
    for i in range(rows):
        total = ir.Constant(kind, 0.0)
        for j in range(columns):
            total = fma(builder.load(weights.beyond(first, i * columns + j)), x[j], total)
        found.append(total)
    return found


def _forget_loads(builder):
    """Let weights that were read before be read again: kept in registers, they would leave no room there."""
    kind = ir.FunctionType(ir.VoidType(), [])
    builder.call(ir.InlineAsm(kind, "", "~{memory}", side_effect=True), [])


def emit_back(builder, kind, weights, start, rows, columns, h, e, dt, back):
    """Emit ``g = W^T e`` with the old weights, and ``W -= dt e h^T``; return g, zeros unless `back`."""
    fma = _multiply_add(builder, kind)
    _forget_loads(builder)
    zero = ir.Constant(kind, 0.0)
    step = builder.fsub(zero, dt)
    scaled = [builder.fmul(one, step) for one in h]
    first, sums = weights.at(start), [zero] * columns
    for i in range(rows):
        for j in range(columns):
            pointer = weights.beyond(first, i * columns + j)
            weight = builder.load(pointer)
            if back:
                sums[j] = fma(weight, e[i], sums[j])
            builder.store(fma(e[i], scaled[j], weight), pointer)
    return sums
