"""Random numbers by address: Philox4x32-10 and Box-Muller over lanes.

A normal number is a pure function of (key, domain, trial, process, step). Nothing is streamed, so
any window, block of trials, thread or process sees the same numbers. A block of Philox gives four
of them, those of steps 4 b ... 4 b + 3: its 128 bits are two radii of 40 bits and two angles of 24,
each taken at the middle of its cell, so that no number is infinite (the largest is 7.5).

References
----------
Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC'11,
doi:10.1145/2063384.2063405 (Philox: their section 3.3, table 2).
Box & Muller (1958), Ann. Math. Statist. 29, 610, doi:10.1214/aoms/1177706645.
"""

import math
from typing import Any

import numpy as np

from hh_sde.kernels.elementary import cos_sin_turns, from_bits, log
from hh_sde.kernels.jit import call_void, expression, kernel, maker, shared
from hh_sde.kernels.rows import row

MASK = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)
MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)
WEYL_1 = np.uint64(0xBB67AE85)
ROUNDS = 10
ONE = np.uint64(0x3FF0000000000000)  # the bits of 1.0, whose last 52 are those after the point
TWELVE = np.uint64(12)
#: Steps for which a block of Philox has normals.
PER_BLOCK = 4
FEW_LANES = 8  # fewer do not fill a SIMD register
CHUNK = 64  # blocks of few lanes made at a time

LOW_24 = np.uint64(0x00FFFFFF)
OF_40 = np.uint64(1 << 11)  # half a cell of 40 bits, and of 24 bits
OF_24 = np.uint64(1 << 27)
TWENTY, TWENTY_FOUR, TWENTY_EIGHT = np.uint64(20), np.uint64(24), np.uint64(28)


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
def normal_pair(high, low, scale):
    """Two independent normal numbers from two words (Box-Muller)."""
    cell = (high << TWENTY) | ((low >> TWENTY_FOUR) << TWELVE) | OF_40
    radius = scale * math.sqrt(-2.0 * log(2.0 - from_bits(np.int64(cell | ONE))))
    angle = ((low & LOW_24) << TWENTY_EIGHT) | OF_24
    cosine, sine = cos_sin_turns(from_bits(np.int64(angle | ONE)) - 1.0)
    return radius * cosine, radius * sine


@expression
def address(domain, block):
    """The first two words of the counter: the block of steps (48 bits) and the domain (16 bits)."""
    block = np.uint64(block)
    return block & MASK, (block >> SHIFT) | (np.uint64(domain) << np.uint64(16))


@expression
def four_normals(domain, block, process, trial, k0, k1, scale):
    """Those of a block of steps."""
    c0, c1 = address(domain, block)
    w0, w1, w2, w3 = philox4x32(c0, c1, process, trial, k0, k1)
    first, second = normal_pair(w0, w1, scale)
    third, fourth = normal_pair(w2, w3, scale)
    return first, second, third, fourth


@shared("void(u64*, i64, u64*, i64, f64, real*, i64)")
def normal_blocks(key, domain, words, entries, scale, out, columns):
    """Normals of standard deviation `scale` for the four steps of some blocks.

    `key` is (2,) words of 32 bits; `words` is (3, entries): blocks, processes, trials; `domain`
    keeps different uses of one address apart. They go into the rows of out (4, columns).
    """
    k0 = key[0]
    k1 = key[1]
    block = row(words, 0, entries, "block")
    process = row(words, 1, entries, "process")
    trial = row(words, 2, entries, "trial")
    z0 = row(out, 0, columns, "z0")
    z1 = row(out, 1, columns, "z1")
    z2 = row(out, 2, columns, "z2")
    z3 = row(out, 3, columns, "z3")
    for i in range(entries):
        z0[i], z1[i], z2[i], z3[i] = four_normals(
            domain, block[i], process[i], trial[i], k0, k1, scale
        )


@shared("void(u64*, i64, u64*, i64, f64, real*, i64)")
def keyed_normal_blocks(key, domain, words, entries, scale, out, columns):
    """The same where each entry has a key of its own: the upper halves of process and trial."""
    block = row(words, 0, entries, "block")
    process = row(words, 1, entries, "process")
    trial = row(words, 2, entries, "trial")
    z0 = row(out, 0, columns, "z0")
    z1 = row(out, 1, columns, "z1")
    z2 = row(out, 2, columns, "z2")
    z3 = row(out, 3, columns, "z3")
    for i in range(entries):
        z0[i], z1[i], z2[i], z3[i] = four_normals(
            domain, block[i], process[i] & MASK, trial[i] & MASK, process[i] >> SHIFT,
            trial[i] >> SHIFT, scale,
        )  # fmt: skip


def with_keys(processes: np.ndarray, trials: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Addresses (2, entries) of which each has its key (entries, 2) in its upper halves."""
    return np.stack([processes | (keys[:, 0] << SHIFT), trials | (keys[:, 1] << SHIFT)])


def normals_at(keyed: bool, dtype: Any = np.float64) -> int:
    """Where the machine code is that makes normals of addresses, with keys or without."""
    which = keyed_normal_blocks if keyed else normal_blocks
    return which.link("f32" if np.dtype(dtype) == np.float32 else "f64").address


@shared("void(i64, u64*, i64, i64, i64, u64*, i64, i64, f64, real*, i64, u64*, real*)")
def draw(
    normals, key, domain, start, stop, addresses, first_process, lanes, scale, out, columns,
    words, z
):  # fmt: skip
    """Normals of standard deviation `scale` for grid steps start ... stop - 1.

    They go into the rows of out (steps, columns), one for each of `lanes` addresses: (2, lanes),
    processes, which are counted from `first_process`, and trials. SIMD goes over these, and over
    blocks of steps where they are few. `words` and `z` are `room_to_draw` for so many, `normals` is
    `normals_at`.
    """
    blocks = at_once(lanes)
    entries = blocks * lanes
    for b in range(blocks):  # nested: a quotient or remainder of i would cost what a number does
        for i in range(lanes):
            words[entries + b * lanes + i] = addresses[i] + np.uint64(first_process)
            words[2 * entries + b * lanes + i] = addresses[lanes + i]
    for first in range(start // PER_BLOCK, (stop + PER_BLOCK - 1) // PER_BLOCK, blocks):
        for b in range(blocks):
            for i in range(lanes):
                words[b * lanes + i] = np.uint64(first + b)
        step = PER_BLOCK * first - start
        if blocks == 1 and 0 <= step <= stop - start - PER_BLOCK:
            whole = row(out, step, columns, "any")
            call_void(normals, (key, domain, words, entries, scale, whole, columns))
        else:
            call_void(normals, (key, domain, words, entries, scale, z, entries))
            for b in range(blocks):
                for j in range(PER_BLOCK):
                    if 0 <= step < stop - start:
                        for i in range(lanes):
                            out[step * columns + i] = z[j * entries + b * lanes + i]
                    step += 1


@expression
def at_once(lanes):
    """Blocks that `draw` makes at a time."""
    return 1 if lanes >= FEW_LANES else CHUNK // max(lanes, 1)


def room_to_draw(lanes: int, dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Room for the addresses and the numbers that `draw` makes at a time of so many lanes."""
    entries = max(lanes, CHUNK)
    return np.empty((3, entries), dtype=np.uint64), np.empty((PER_BLOCK, entries), dtype=dtype)


@kernel
def draw_window(normals, key, domain, start, stop, addresses, scale, out, words, z):
    """What `draw` does, for Python."""
    lanes = out.shape[1]
    draw(normals, key, domain, start, stop, addresses, 0, lanes, scale, out, lanes, words, z)


def normal_window(
    key: np.ndarray,
    domain: int,
    start: int,
    stop: int,
    process: np.ndarray,
    trial: np.ndarray,
    scale: float,
    keys: np.ndarray | None = None,
) -> np.ndarray:
    """Normals of standard deviation `scale` for grid steps start ... stop - 1: (steps, lanes).

    With `keys` (lanes, 2) each lane has its own, in place of `key`.
    """
    out = np.empty((stop - start, process.size))
    if out.size:
        addresses = np.stack([process, trial]) if keys is None else with_keys(process, trial, keys)
        normals, room = normals_at(keys is not None), room_to_draw(process.size)
        draw_window(normals, key, domain, start, stop, addresses, float(scale), out, *room)
    return out


@maker
def philox_words(counter, key):
    """Philox4x32-10 of one counter (4,) and key (2,), for the known-answer tests."""
    return np.array(
        philox4x32(counter[0], counter[1], counter[2], counter[3], key[0], key[1]), dtype=np.uint64
    )


@maker
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
