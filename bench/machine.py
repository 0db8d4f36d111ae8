"""One warp of a GPU in NumPy: runs the PTX of a kernel, so that what was compiled can be tested without one.

It counts instructions, the cycles of shared memory that lanes in one bank cost, and refuses what
compute-sanitizer refuses: accesses outside of arrays (memcheck), words of shared memory that two lanes use
without waiting in between (racecheck), and barriers that only a part of the warp reaches (synccheck).

Branches follow the lanes with the least program counter first, so lanes meet again where their paths do. A
multiply-add in ``float64`` is rounded twice.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Fault", "Run", "Warp", "flat_arguments"]

LANES = 32
KINDS = {
    "f32": np.float32, "f64": np.float64, "s64": np.int64, "u64": np.uint64, "b64": np.uint64,
    "s32": np.int32, "u32": np.uint32, "b32": np.uint32, "s16": np.int16, "u16": np.uint16, "b16": np.uint16,
    "u8": np.uint8, "s8": np.int8, "b8": np.uint8, "pred": np.bool_,
}  # fmt: skip
COMPARE = {
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal,
}  # fmt: skip
BINARY = {
    "add": np.add, "sub": np.subtract, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
    "min": np.minimum, "max": np.maximum,
}  # fmt: skip
UNARY = {"neg": np.negative, "not": np.invert, "abs": np.abs, "sqrt": np.sqrt, "mov": np.array}
MOST_INSTRUCTIONS = 1_000_000
UNSET = np.zeros(LANES, np.uint64)
LOCAL_WINDOW, GLOBAL_WINDOW = 1 << 40, 1 << 42
INSTRUCTION = re.compile(r"(?:@(!?)(%p\d+)\s+)?([a-z][a-z0-9_.]*)\s*(.*?);$")


class Fault(Exception):
    """What a device would do wrong."""


def flat_arguments(value):
    """Yield numbers and arrays of a job in the order in which numba-cuda passes them."""
    if isinstance(value, tuple):
        for part in value:
            yield from flat_arguments(part)
    else:
        yield value


@dataclass
class Run:
    """What a warp has done.

    Attributes
    ----------
    instructions : Counter
        By name.
    wavefronts : int
        Cycles that shared memory took: more than one for an instruction whose lanes meet in a bank.
    """

    instructions: Counter = field(default_factory=Counter)
    wavefronts: int = 0

    def of(self, *starts):
        """Return how many instructions begin with one of these."""
        return sum(n for name, n in self.instructions.items() if name.startswith(starts))


class Warp:
    """A kernel, and what its warps do.

    Parameters
    ----------
    source : str
        PTX of one kernel without calls.
    shared : int
        Bytes of dynamic shared memory.
    """

    def __init__(self, source, shared):
        self._code, self._labels, self._parameters, self._depot = _parsed(source)
        self._shared_size = shared
        self._made = {}

    def run(self, arguments, block=0, blocks=1, warp=0, warps=1):
        """Run a warp with the arguments of the kernel; arrays are changed in place.

        Returns
        -------
        Run
        """
        self._run, self._taken = Run(), 0
        self._special = {
            "%tid.x": np.arange(LANES, dtype=np.uint32) + np.uint32(LANES * warp),
            "%ctaid.x": np.uint32(block), "%nctaid.x": np.uint32(blocks), "%ntid.x": np.uint32(LANES * warps),
        }  # fmt: skip
        self._memory = _Memory(self._shared_size, self._depot)
        self._values = dict(zip(self._parameters, self._memory.passed(arguments), strict=True))
        self._registers = {}
        with np.errstate(all="ignore"):
            self._go()
        return self._run

    def _go(self):
        groups = [(0, np.ones(LANES, bool))]
        alive = np.ones(LANES, bool)
        while groups:
            groups = _merged(groups)
            k = next((k for k, (_, mask) in enumerate(groups) if self._may_go(*groups[k], alive)), None)
            if k is None:
                raise Fault(f"lanes wait for each other at instructions {[pc for pc, _ in groups]}")
            pc, mask = groups.pop(k)
            limit = min((other for other, _ in groups if other > pc), default=len(self._code))
            for following in self._straight(pc, mask, limit, alive):
                if following[0] is None:
                    alive &= ~following[1]
                else:
                    groups.append(following)

    def _may_go(self, pc, mask, alive):
        return not self._code[pc].together or np.array_equal(mask, alive)

    def _straight(self, pc, mask, limit, alive):
        """Run lanes until their paths part, meet those of others, or end; return where each goes on."""
        while True:
            one = self._code[pc]
            if one.together and not np.array_equal(mask, alive):
                return [(pc, mask)]
            self._run.instructions[one.name] += 1
            if one.name in {"ret", "exit"}:
                return [(None, mask)]
            active = mask if one.guard is None else mask & (self._registers[one.guard] ^ one.negated)
            if one.name.startswith("bra"):
                target = self._labels[one.operands[0]]
                rest = mask & ~active
                if not rest.any():
                    if target <= pc or target >= limit:
                        return [(target, mask)]
                    pc = target
                    continue
                if not active.any():
                    pc += 1
                else:
                    return [(target, active), (pc + 1, rest)]
            else:
                self._step(one, active)
                pc += 1
            if pc >= limit:
                return [(pc, mask)]

    def _step(self, one, mask):
        self._taken += 1
        if self._taken > MOST_INSTRUCTIONS:
            raise Fault(
                f"more than {MOST_INSTRUCTIONS} instructions; {self._run.instructions.most_common(3)}"
            )
        key = id(one)
        if key not in self._made:
            self._made[key] = self._meaning(one)
        self._made[key](mask)

    def _meaning(self, one):
        """Return what an instruction does to the lanes of a mask."""
        head, *rest = one.name.split(".")
        special = getattr(self, f"_{head}", None)
        if special is not None:
            return special(one, rest)
        kind = KINDS[rest[-1]]
        if head in BINARY:
            return self._writes(one, kind, BINARY[head], one.operands[1:], kind)
        if head in UNARY:
            function = np.logical_not if kind is np.bool_ and head == "not" else UNARY[head]
            return self._writes(one, kind, function, one.operands[1:], kind)
        raise Fault(f"unknown instruction {one.name}")

    def _writes(self, one, result, function, operands, kind):
        target, reads = one.operands[0], [self._reader(operand, kind) for operand in operands]

        def work(mask):
            self._put(target, np.asarray(function(*(read() for read in reads))).astype(result), mask)

        return work

    def _reader(self, operand, kind):
        """Return what reads an operand as numbers of a kind, bit for bit."""
        if operand in self._special and operand.startswith("%"):
            return lambda: np.broadcast_to(self._special[operand], LANES).astype(kind)
        if operand.startswith("%"):
            return lambda: _as(self._registers.get(operand, UNSET), kind)
        constant = np.full(LANES, _constant(operand, kind))
        return lambda: constant

    def _put(self, target, value, mask):
        value = np.broadcast_to(value, LANES)
        before = self._registers.get(target)
        if mask.all() or before is None:
            self._registers[target] = value
        else:
            self._registers[target] = np.where(mask, value, _as(before, value.dtype))

    def _fma(self, one, rest):
        kind = KINDS[rest[-1]]

        def fused(a, b, c):
            if kind is np.float32:
                return a.astype(np.float64) * b + c
            return a * b + c

        return self._writes(one, kind, fused, one.operands[1:], kind)

    def _mad(self, one, rest):
        kind = KINDS[rest[-1]]
        return self._writes(one, kind, lambda a, b, c: a * b + c, one.operands[1:], kind)

    def _mul(self, one, rest):
        kind = KINDS[rest[-1]]
        if rest[0] == "wide":
            wide = np.int64 if kind is np.int32 else np.uint64

            def product(a, b):
                return a.astype(wide) * b.astype(wide)

            return self._writes(one, wide, product, one.operands[1:], kind)
        if rest[0] == "hi":

            def high(a, b):
                bits = 8 * a.dtype.itemsize
                return np.array([(int(x) * int(y)) >> bits for x, y in zip(a, b, strict=True)], object)

            return self._writes(one, kind, high, one.operands[1:], kind)
        return self._writes(one, kind, np.multiply, one.operands[1:], kind)

    def _div(self, one, rest):
        kind = KINDS[rest[-1]]
        function = np.divide if rest[-1].startswith("f") else _truncated
        return self._writes(one, kind, function, one.operands[1:], kind)

    def _rem(self, one, rest):
        kind = KINDS[rest[-1]]
        return self._writes(one, kind, lambda a, b: a - _truncated(a, b) * b, one.operands[1:], kind)

    def _shl(self, one, rest):
        return self._shifts(one, KINDS[rest[-1]], np.left_shift)

    def _shr(self, one, rest):
        return self._shifts(one, KINDS[rest[-1]], np.right_shift)

    def _shifts(self, one, kind, function):
        target, (first, count) = one.operands[0], one.operands[1:]
        value, by = self._reader(first, kind), self._reader(count, np.uint32)

        def work(mask):
            self._put(target, function(value(), by().astype(kind)), mask)

        return work

    def _bfi(self, one, rest):
        target, kind = one.operands[0], KINDS[rest[-1]]
        a, b = (self._reader(operand, kind) for operand in one.operands[1:3])
        place, count = (self._reader(operand, kind) for operand in one.operands[3:])

        def work(mask):
            bits = ((kind(1) << count()) - kind(1)) << place()
            self._put(target, (b() & ~bits) | ((a() << place()) & bits), mask)

        return work

    def _popc(self, one, rest):
        def count(a):
            return np.array([int(x).bit_count() for x in a])

        return self._writes(one, np.uint32, count, one.operands[1:], KINDS[rest[-1]])

    def _selp(self, one, rest):
        kind, (target, yes, no, which) = KINDS[rest[-1]], one.operands
        first, second = self._reader(yes, kind), self._reader(no, kind)

        def work(mask):
            self._put(target, np.where(self._registers[which], first(), second()), mask)

        return work

    def _setp(self, one, rest):
        relation, kind = rest[0], KINDS[rest[-1]]
        if relation in {"num", "nan"}:

            def compare(a, b):
                bad = np.isnan(a) | np.isnan(b)
                return bad if relation == "nan" else ~bad
        elif relation.endswith("u") and kind in (np.float32, np.float64):

            def compare(a, b):
                return COMPARE[relation[:-1]](a, b) | np.isnan(a) | np.isnan(b)
        else:

            def compare(a, b):
                found = COMPARE[relation](a, b)
                real = kind in (np.float32, np.float64)
                return found & ~(np.isnan(a) | np.isnan(b)) if real else found

        return self._writes(one, np.bool_, compare, one.operands[1:], kind)

    def _cvt(self, one, rest):
        source, result = KINDS[rest[-1]], KINDS[rest[-2]]

        def convert(a):
            return a.astype(result)

        return self._writes(one, result, convert, one.operands[1:], source)

    def _cvta(self, one, rest):
        return self._writes(one, np.uint64, np.array, one.operands[1:], np.uint64)

    def _bar(self, one, rest):
        def work(mask):
            self._memory.epoch += 1

        return work

    def _vote(self, one, rest):
        target, condition = one.operands[0], one.operands[1]
        negated = condition.startswith("!")
        name = condition.lstrip("!")

        def work(mask):
            holds = (self._registers[name] ^ negated) & mask
            bits = sum(1 << k for k in range(LANES) if holds[k])
            found = {"ballot": np.uint32(bits), "any": bits != 0, "all": bool(np.array_equal(holds, mask))}
            self._put(target, np.full(LANES, found[rest[1]]), mask)

        return work

    def _ld(self, one, rest):
        space, kind, width = _access(rest)
        targets, (base, offset) = one.operands[:-1], _address(one.operands[-1])
        if space == "param":
            name = base

            def parameter(mask):
                self._put(targets[0], np.full(LANES, self._values[name]).astype(kind), mask)

            return parameter
        start = self._reader(base, np.uint64)

        def work(mask):
            for k in range(width):
                place = start() + np.uint64(offset + k * kind().itemsize)
                value = self._memory.load(space, kind, place, mask)
                self._put(targets[k], value, mask)
            self._count(space, start() + np.uint64(offset), kind().itemsize * width, mask)

        return work

    def _st(self, one, rest):
        space, kind, width = _access(rest)
        (base, offset), sources = _address(one.operands[0]), one.operands[1:]
        start, reads = self._reader(base, np.uint64), [self._reader(one, kind) for one in sources]

        def work(mask):
            for k in range(width):
                place = start() + np.uint64(offset + k * kind().itemsize)
                self._memory.store(space, kind, place, reads[k](), mask)
            self._count(space, start() + np.uint64(offset), kind().itemsize * width, mask)

        return work

    def _count(self, space, place, size, mask):
        """Count the cycles of an access to shared memory: the most words of one bank."""
        if space == "shared" and mask.any():
            bytes_of = [place[mask] + np.uint64(k) for k in range(0, max(size, 4), 4)]
            words = np.unique(np.concatenate(bytes_of) >> np.uint64(2))
            self._run.wavefronts += int(np.bincount(words.astype(np.int64) % 32).max())


class _Memory:
    """Arrays of the host as global memory, shared memory, and each lane's own."""

    def __init__(self, shared, depot):
        self.epoch = 1
        self._spaces = {"shared": np.zeros(shared, np.uint8)}
        self._own = np.zeros((LANES, depot + 16), np.uint8)
        words = shared // 4 + 1
        self._written, self._read = np.zeros(words, np.int64), np.zeros(words, np.int64)
        self._writer, self._reader = np.zeros(words, np.int64), np.zeros(words, np.int64)
        self._arrays = []

    def passed(self, arguments):
        """Return the parameters of a kernel for its arguments."""
        found = []
        for value in arguments:
            if isinstance(value, np.ndarray):
                start = GLOBAL_WINDOW + (len(self._arrays) << 36)
                self._arrays.append(value.reshape(-1, order="A").view(np.uint8))
                if value.size and not np.shares_memory(self._arrays[-1], value):
                    raise ValueError("an array has gaps")
                found += [0, 0, value.size, value.itemsize, start, *value.shape, *value.strides]
            else:
                found.append(value)
        return found

    def load(self, space, kind, place, mask):
        """Return numbers of the lanes of a mask, each from its own place."""
        value = np.zeros(LANES, kind)
        lanes = np.flatnonzero(mask)
        if len(lanes) == 0:
            return value
        parts = list(self._where(space, place, lanes, kind))
        if space == "shared":
            self._check_reads(place, lanes, kind)
        for group, memory, offsets in parts:
            at = offsets // kind().itemsize
            if memory.ndim == 1:
                value[group] = memory.view(kind)[at]
            else:
                value[group] = [memory[lane].view(kind)[k] for lane, k in zip(group, at, strict=True)]
        return value

    def store(self, space, kind, place, value, mask):
        """Write numbers of the lanes of a mask, each to its own place."""
        lanes = np.flatnonzero(mask)
        if len(lanes) == 0:
            return
        parts = list(self._where(space, place, lanes, kind))
        if space == "shared":
            self._check_writes(place, lanes, kind)
        for group, memory, offsets in parts:
            for lane, at in zip(group, offsets, strict=True):
                row = memory if memory.ndim == 1 else memory[lane]
                row.view(kind)[at // kind().itemsize] = value[lane].astype(kind)

    def _where(self, space, place, lanes, kind):
        at = place[lanes].astype(np.int64)
        if space == "shared":
            yield lanes, self._within(self._spaces["shared"], at, kind), at
        elif space == "local" or ((at >= LOCAL_WINDOW) & (at < GLOBAL_WINDOW)).all():
            at = at - LOCAL_WINDOW
            self._within(self._own[0], at, kind)
            yield lanes, self._own, at
        else:
            numbers = (at - GLOBAL_WINDOW) >> 36
            for number in np.unique(numbers):
                inside = numbers == number
                if not 0 <= number < len(self._arrays):
                    raise Fault(f"address {at[inside][0]:#x} is in no array")
                offsets = (at - GLOBAL_WINDOW)[inside] - (int(number) << 36)
                yield lanes[inside], self._within(self._arrays[number], offsets, kind), offsets

    def _within(self, memory, at, kind):
        size = kind().itemsize
        if (at < 0).any() or (at + size > len(memory)).any() or (at % size).any():
            raise Fault(f"an access at bytes {at.min()} to {at.max()} of {len(memory)}, {size} each")
        return memory[: len(memory) // 16 * 16] if len(memory) % size else memory

    def _check_reads(self, place, lanes, kind):
        if kind().itemsize < 4:
            return
        word = (place[lanes] >> np.uint64(2)).astype(np.int64)
        if ((self._written[word] == self.epoch) & (self._writer[word] != lanes)).any():
            raise Fault("a lane reads what another has written without waiting")
        other = (self._read[word] == self.epoch) & (self._reader[word] != lanes)
        self._reader[word] = np.where(other, -1, lanes)
        self._read[word] = self.epoch

    def _check_writes(self, place, lanes, kind):
        if kind().itemsize < 4:
            return
        word = (place[lanes] >> np.uint64(2)).astype(np.int64)
        written = (self._written[word] == self.epoch) & (self._writer[word] != lanes)
        read = (self._read[word] == self.epoch) & (self._reader[word] != lanes)
        if written.any() or read.any() or len(np.unique(word)) < len(word):
            raise Fault("a lane writes what another uses without waiting")
        self._written[word], self._writer[word] = self.epoch, lanes


@dataclass(frozen=True, eq=False)
class _Instruction:
    name: str
    guard: str | None
    negated: bool
    operands: list
    together: bool  # all lanes have to be there


def _parsed(source):
    """Return instructions, places of labels, names of parameters and the bytes of a lane's own memory."""
    if re.search(r"^\s*call", source, re.M):
        raise ValueError("a kernel that calls functions")
    head, _, body = source.partition(".entry")[2].partition("{\n")
    names = re.findall(r"\.param\s+\.\w+\s+(\w+)", head)
    depots = re.findall(r"\.local\s+.*?__local_depot0\[(\d+)\]", body)
    code, labels = [], {}
    for line in map(str.strip, body.splitlines()):
        label = re.fullmatch(r"(\$\w+):", line)
        if label:
            labels[label.group(1)] = len(code)
            continue
        match = INSTRUCTION.match(line)
        if not match or line.startswith("."):
            continue
        negated, guard, name, operands = match.groups()
        together = name.startswith(("bar", "vote"))
        code.append(_Instruction(name, guard, bool(negated), _operands(operands), together))
    return code, labels, names, int(depots[0]) if depots else 0


def _operands(text):
    text = re.sub(r"[{}]", "", text)
    return [one.strip() for one in text.split(",") if one.strip()]


def _access(rest):
    """Return the kind of memory, of numbers, and how many an instruction moves."""
    rest = [one for one in rest if one not in {"volatile", "nc", "relaxed", "weak"}]
    space = rest[0] if rest[0] in {"shared", "global", "local", "param"} else "generic"
    width = next((int(one[1:]) for one in rest if re.fullmatch(r"v\d", one)), 1)
    return space, KINDS[rest[-1]], width


def _address(text):
    base, _, offset = text.strip("[]").partition("+")
    return base, int(offset or 0)


def _constant(text, kind):
    if text.startswith("0f"):
        return np.array(int(text[2:], 16), np.uint32).view(np.float32).astype(kind)
    if text.startswith("0d"):
        return np.array(int(text[2:], 16), np.uint64).view(np.float64).astype(kind)
    if text.startswith("__local_depot"):
        return kind(LOCAL_WINDOW)
    if text.startswith("_cudapy_smem"):
        return kind(0)
    if kind is np.bool_:
        return kind(int(text) != 0)
    whole = int(text, 0)
    bits = 8 * np.dtype(kind).itemsize
    if np.dtype(kind).kind not in "iu":
        return kind(whole)
    return np.array(whole & ((1 << bits) - 1), f"u{bits // 8}").view(kind)


def _as(value, kind):
    kind = np.dtype(kind)
    if value.dtype == kind:
        return value
    if value.dtype.itemsize == kind.itemsize:
        return value.view(kind)
    return value.astype(kind)


def _truncated(a, b):
    quotient = np.abs(a.astype(object)) // np.maximum(np.abs(b.astype(object)), 1)
    sign = np.sign(a.astype(object)) * np.sign(b.astype(object))
    return (quotient * sign).astype(a.dtype)


def _merged(groups):
    """Return groups in the order of their places, those at one place as one."""
    found = {}
    for pc, mask in groups:
        found[pc] = found[pc] | mask if pc in found else mask
    return sorted(found.items(), key=lambda one: one[0])
