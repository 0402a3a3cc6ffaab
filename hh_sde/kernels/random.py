"""Random numbers by address: Philox4x32-10 and Box-Muller over lanes.

A normal number is a pure function of (key, domain, trial, process, step). Nothing is streamed, so
any window, block of trials, thread or process sees the same numbers.

References
----------
Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC'11,
doi:10.1145/2063384.2063405 (Philox: their section 3.3, table 2).
Box & Muller (1958), Ann. Math. Statist. 29, 610, doi:10.1214/aoms/1177706645.
"""

import math

import numpy as np

from hh_sde.kernels.elementary import cos_sin_turns, from_bits, log
from hh_sde.kernels.jit import expression, kernel

MASK = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)
MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)
WEYL_1 = np.uint64(0xBB67AE85)
ROUNDS = 10
FEW_LANES = 8  # fewer do not fill a SIMD register
LOW_52 = np.uint64(0x000FFFFFFFFFFFFF)
ONE = np.uint64(0x3FF0000000000000)
TWELVE = np.uint64(12)


@expression
def philox4x32(c0, c1, c2, c3, k0, k1):
    """Ten rounds of Philox: a counter of four 32-bit words (held in uint64), a key of two."""
    for _ in range(ROUNDS):
        p0 = c0 * MULTIPLIER_0
        p1 = c2 * MULTIPLIER_1
        c0, c1, c2, c3 = (
            (p1 >> SHIFT) ^ c1 ^ k0,
            p1 & MASK,
            (p0 >> SHIFT) ^ c3 ^ k1,
            p0 & MASK,
        )
        k0 = (k0 + WEYL_0) & MASK
        k1 = (k1 + WEYL_1) & MASK
    return c0, c1, c2, c3


@expression
def unit_interval(high, low):
    """A float64 in [1, 2) from the upper 52 of 64 random bits."""
    bits = ((high << SHIFT) | low) >> TWELVE
    return from_bits(np.int64(bits | ONE))


@expression
def normal_pair(c0, c1, c2, c3, k0, k1):
    """Two independent standard normal numbers from one Philox block (Box-Muller)."""
    w0, w1, w2, w3 = philox4x32(c0, c1, c2, c3, k0, k1)
    radius = math.sqrt(-2.0 * log(2.0 - unit_interval(w0, w1)))  # 2 - [1, 2) is (0, 1]
    cosine, sine = cos_sin_turns(unit_interval(w2, w3) - 1.0)
    return radius * cosine, radius * sine


@expression
def address(domain, pair):
    """The first two words of the counter: the pair of steps (48 bits) and the domain (16 bits)."""
    pair = np.uint64(pair)
    return pair & MASK, (pair >> SHIFT) | (np.uint64(domain) << np.uint64(16))


@kernel
def normal_lanes(key, domain, pair, process, trial, even, odd):
    """Standard normals of grid steps 2*pair (into `even`) and 2*pair + 1 (into `odd`), all lanes.

    `key` is (2,) uint64 words of 32 bits, `process` and `trial` are (lanes,) uint64, and `domain`
    keeps different uses of one address apart.
    """
    c0, c1 = address(domain, pair)
    k0 = key[0]
    k1 = key[1]
    for i in range(process.size):
        even[i], odd[i] = normal_pair(c0, c1, process[i], trial[i], k0, k1)


@kernel
def normal_steps(key, domain, first_pair, process, trial, even, odd):
    """The same numbers for one lane and consecutive pairs of steps: SIMD where lanes are few."""
    k0 = key[0]
    k1 = key[1]
    for i in range(even.size):
        c0, c1 = address(domain, first_pair + i)
        even[i], odd[i] = normal_pair(c0, c1, process, trial, k0, k1)


@kernel
def philox_words(counter, key):
    """Philox4x32-10 of one counter (4,) and key (2,), for the known-answer tests."""
    return np.array(
        philox4x32(counter[0], counter[1], counter[2], counter[3], key[0], key[1]), dtype=np.uint64
    )


@kernel
def multiply(x, factor, out):
    """out = factor x"""
    for i in range(x.size):
        out[i] = factor * x[i]


@kernel
def normal_window(key, domain, start, stop, process, trial, scale):
    """Normals of standard deviation `scale` for grid steps start ... stop - 1: (steps, lanes)."""
    out = np.empty((stop - start, process.size))
    first, last = start // 2, (stop + 1) // 2
    if process.size < FEW_LANES:
        even = np.empty(last - first)
        odd = np.empty(last - first)
        for i in range(process.size):
            normal_steps(key, domain, first, process[i], trial[i], even, odd)
            for step in range(start, stop):
                half = even if step % 2 == 0 else odd
                out[step - start, i] = scale * half[step // 2 - first]
        return out
    even = np.empty(process.size)
    odd = np.empty(process.size)
    for pair in range(first, last):
        normal_lanes(key, domain, pair, process, trial, even, odd)
        if 2 * pair >= start:
            multiply(even, scale, out[2 * pair - start])
        if 2 * pair + 1 < stop:
            multiply(odd, scale, out[2 * pair + 1 - start])
    return out


@kernel
def derived_key(key, domain, high):
    """A key for a use that fills all four words of its counters: the first half of one block."""
    c0, c1 = address(domain, 0)
    words = philox4x32(c0, c1, np.uint64(high), np.uint64(0), key[0], key[1])
    return np.array(words, dtype=np.uint64)[:2]


@kernel
def waits_and_choices(key, first, size, step, process, trial, waits, choices):
    """Exponential numbers of mean 1 and uniform ones in [0, 1): draws first, first + 1, ..."""
    c1 = np.uint64(step) & MASK
    c2 = np.uint64(process)
    c3 = np.uint64(trial)
    k0 = key[0]
    k1 = key[1]
    for i in range(size):
        w0, w1, w2, w3 = philox4x32(np.uint64(first + i) & MASK, c1, c2, c3, k0, k1)
        waits[i] = -log(2.0 - unit_interval(w0, w1))
        choices[i] = unit_interval(w2, w3) - 1.0
