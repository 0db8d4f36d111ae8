"""First passages and divergences, found inside the kernel at the step at which they happen."""

from fastsde.kernels.dln import radius_square, scaled_loss
from fastsde.kernels.lanes import any_lane, broadcast, fma, lane_width, load, mask_bits
from fastsde.kernels.observed import observed_place
from fastsde.kernels.options import kernel
from fastsde.kernels.primitive import primitive

__all__ = [
    "count_pending",
    "mode_value",
    "note_divergences",
    "saddle_distance_square",
    "stop_step",
    "watch",
]


@primitive
@kernel
def count_pending(passed, row, width):
    """Return how many passages the trajectories of one block still await."""
    pending = 0
    for v in range(width):
        for e in range(passed.shape[1]):
            if passed[row + v, e] < 0:
                pending += 1
    return pending


@kernel
def mode_value(m, net, w, left, right, a):
    """Return ``u_a^T W v_a`` for the end-to-end matrix at place `w`, or what is observed in its place."""
    d_in, d_out = net.widths[0], left.shape[1]
    value = broadcast(m, 0.0)
    for i in range(d_out):
        row = broadcast(m, 0.0)
        for j in range(d_in):
            row = fma(load(m, w + i * d_in + j), right[a, j], row)
        value = fma(row, left[a, i], value)
    return value


@kernel
def saddle_distance_square(m, net, saddle):
    """Return ``|W - W_saddle|_F^2``; needs W."""
    d_in = net.widths[0]
    square = broadcast(m, 0.0)
    for i in range(saddle.shape[0]):
        for j in range(d_in):
            off = load(m, net.prefix[-1] + i * d_in + j) - saddle[i, j]
            square = fma(off, off, square)
    return square


@kernel
def watch(m, net, data, events, passed, row, step):
    """Record passages that hold at this step for the first time, and return how many; needs W and D."""
    found = 0
    place = 0
    if len(events.levels) > 0:
        loss = scaled_loss(m, net, data) + data.floor
        for i in range(len(events.levels)):
            mask = loss < events.levels[i]
            if any_lane(mask):
                found += _note(mask_bits(mask), passed, row, place + i, step)
        place += len(events.levels)
    fractions, modes = events.thresholds.shape
    w = net.prefix[-1]
    if fractions + len(events.intervals) > 0:
        w = observed_place(m, net, data)
    if fractions > 0:
        for a in range(modes):
            value = mode_value(m, net, w, events.left, events.right, a)
            for f in range(fractions):
                mask = value >= events.thresholds[f, a]
                if any_lane(mask):
                    found += _note(mask_bits(mask), passed, row, place + f * modes + a, step)
        place += fractions * modes
    if len(events.radii) > 0:
        square = radius_square(m, net, data)
        for i in range(len(events.radii)):
            mask = square >= events.radii[i] * events.radii[i]
            if any_lane(mask):
                found += _note(mask_bits(mask), passed, row, place + i, step)
        place += len(events.radii)
    for i in range(len(events.intervals)):
        value = mode_value(m, net, w, events.left, events.right, events.watched[i, 0])
        between = (value - events.intervals[i, 0]) * (value - events.intervals[i, 1])
        mask = between > 0.0
        if events.watched[i, 1] == 0:
            mask = between <= 0.0
        if any_lane(mask):
            found += _note(mask_bits(mask), passed, row, place + i, step)
    place += len(events.intervals)
    if len(events.escapes) > 0:
        square = saddle_distance_square(m, net, events.saddle)
        for i in range(len(events.escapes)):
            mask = square >= events.escapes[i] * events.escapes[i]
            if any_lane(mask):
                found += _note(mask_bits(mask), passed, row, place + i, step)
    return found


@primitive
@kernel
def _note(bits, passed, row, event, step):
    found = 0
    v = 0
    while bits != 0:
        if bits & 1 and passed[row + v, event] < 0:
            passed[row + v, event] = step
            found += 1
        bits >>= 1
        v += 1
    return found


@kernel
def stop_step(stops, passed, row):
    """Return the step at which a trajectory stops: the first at which a stop is complete; -1 if none."""
    first = -1
    for i in range(len(stops)):
        latest = -1
        for e in range(stops.shape[1]):
            if stops[i, e] != 0:
                if passed[row, e] < 0:
                    latest = -1
                    break
                latest = max(latest, passed[row, e])
        if latest >= 0 and (first < 0 or latest < first):
            first = latest
    return first


@kernel
def note_divergences(m, size, diverged, row, step):
    """Record `step` for each trajectory whose `size` is not finite, the first time."""
    mask = size * 0.0 != 0.0
    if any_lane(mask):
        bits = mask_bits(mask)
        for v in range(lane_width(m)):
            if (bits >> v) & 1 and diverged[row + v] < 0:
                diverged[row + v] = step
