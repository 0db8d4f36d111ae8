"""Philox: the published answers, the same bits compiled and in plain Python, and counters that never meet."""

from itertools import product

import numpy as np
import pytest
from probes import philox_words

from fastsde.kernels import philox as module
from fastsde.kernels.lanes import lane_count
from fastsde.kernels.philox import counter_words, philox

LOW = np.uint64(0xFFFFFFFF)


def python_words(draw, trajectories, step, purpose, key):
    """The four words of a draw, a column a trajectory, without compiling."""
    with np.errstate(over="ignore"):
        counter = counter_words(np.array(trajectories, dtype=np.uint64), np.uint64(step), purpose)
        return np.stack(philox(np.uint64(draw), *counter, *key)) & LOW


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_known_answers_of_random123(counter, key, answer):
    with np.errstate(over="ignore"):
        words = philox(*(np.array([w], dtype=np.uint64) for w in counter), *map(np.uint64, key))
    assert " ".join(f"{int(w[0]) & 0xFFFFFFFF:08x}" for w in words) == answer


@pytest.mark.parametrize("trajectory", [0, 2**32 - 4, 2**40 - 100])
@pytest.mark.parametrize("step", [0, 2**32 + 5, 2**44 - 1])
def test_compiled_lanes_have_the_bits_of_plain_python(trajectory, step):
    lanes, draws, key = lane_count("uint64"), 3, (np.uint64(0x89ABCDEF), np.uint64(0xFFFFFFFF))
    out = np.empty(4 * draws * lanes, dtype=np.uint64)
    philox_words(out, draws, trajectory, step, module.SAMPLE, key)
    got = out.reshape(draws, 4, lanes) & LOW
    numbers = np.arange(trajectory, trajectory + lanes)
    for draw in range(draws):
        assert np.array_equal(got[draw], python_words(draw, numbers, step, module.SAMPLE, key))


def test_upper_halves_of_words_never_matter():
    low = [np.array([w], dtype=np.uint64) for w in (1, 2, 3, 4)]
    dirty = [w | np.uint64(0xABCD << 32) for w in low]
    with np.errstate(over="ignore"):
        clean, other = (np.stack(philox(*c, np.uint64(5), np.uint64(6))) & LOW for c in (low, dirty))
    assert np.array_equal(clean, other)


def test_counters_of_different_draws_are_different():
    trajectories = [0, 1, 2**32 - 1, 2**32, 2**40 - 1]
    steps = [0, 1, 2**32 - 1, 2**32, 2**44 - 1]
    purposes = range(module.LABEL + 2)
    seen = {
        tuple(int(w) & 0xFFFFFFFF for w in counter_words(np.uint64(t), np.uint64(s), p))
        for t, s, p in product(trajectories, steps, purposes)
    }
    assert len(seen) == len(trajectories) * len(steps) * len(purposes)


@pytest.mark.statistics
def test_each_bit_of_counter_and_key_changes_about_half_of_the_answer():
    """128 flips of each of 192 bits; 64 of 128 should change, standard error 0.5. False alarm 1e-4."""
    random = np.random.default_rng(0)
    base = random.integers(0, 2**32, size=(6, 128), dtype=np.uint64)
    with np.errstate(over="ignore"):
        before = np.stack(philox(*base)) & LOW
        for word, bit in product(range(6), range(32)):
            flipped = base.copy()
            flipped[word] ^= np.uint64(1 << bit)
            changed = (np.stack(philox(*flipped)) & LOW) ^ before
            assert abs(np.unpackbits(changed.view(np.uint8)).sum() / 128 - 64) < 2.5
