"""Addressed random numbers. Seeds are fixed; a false alarm of each statistical test: 1 in 10^4."""

import numpy as np
import pytest
import scipy.stats

from hh_sde.kernels.random import normal_window, philox_words

ALARM = 1e-4

# Known-answer vectors of Random123 1.14 (kat_vectors: philox4x32, 10 rounds)
VECTORS = [
    ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), VECTORS)
def test_philox_known_answers(counter, key, words):
    got = philox_words(np.array(counter, np.uint64), np.array(key, np.uint64))
    assert got.tolist() == words


def window(start, stop, processes, trials=(0,), domain=0):
    process = np.repeat(np.asarray(processes, np.uint64), len(trials))
    trial = np.tile(np.asarray(trials, np.uint64), len(processes))
    return normal_window(np.array([1, 2], np.uint64), domain, start, stop, process, trial, 1.0)


def test_a_number_depends_on_its_address_alone():
    whole = window(0, 50, range(10), trials=range(4))
    assert np.array_equal(window(7, 30, range(10), trials=range(4)), whole[7:30])
    assert np.array_equal(window(7, 30, [3], trials=[2]), whole[7:30, [3 * 4 + 2]])
    assert np.array_equal(window(9, 10, range(10), trials=range(4)), whole[9:10])
    assert window(5, 5, [0]).shape == (0, 1)


def test_late_steps_keep_their_own_numbers():
    late = 2**34
    numbers = np.concatenate([window(start, start + 4, [0]) for start in (0, late, 2 * late)])
    assert len(np.unique(numbers)) == 12


def test_normal_law():
    z = window(0, 2000, range(500)).ravel()
    assert scipy.stats.kstest(z, "norm").pvalue > ALARM
    bound = scipy.stats.norm.isf(ALARM / 2)
    moments = [(z, 1.0), (z**2 - 1, 2.0), (z**3, 15.0), (z**4 - 3, 96.0)]
    for values, variance in moments:
        assert abs(values.mean()) < bound * np.sqrt(variance / z.size)


@pytest.mark.parametrize("level", [3.0, 4.0, 5.0])
def test_tails(level):
    z = window(0, 4000, range(1000)).ravel()
    beyond = int(np.sum(np.abs(z) > level))
    expected = 2 * scipy.stats.norm.sf(level)
    assert scipy.stats.binomtest(beyond, z.size, expected).pvalue > ALARM


NEIGHBOURS = {
    "steps": lambda: (window(0, 200_000, [0])[:-1], window(0, 200_000, [0])[1:]),
    "cosine and sine of a pair": lambda: (
        window(0, 200_000, [0])[::2],
        window(0, 200_000, [0])[1::2],
    ),
    "processes": lambda: (window(0, 200_000, [0]), window(0, 200_000, [1])),
    "trials": lambda: (window(0, 200_000, [0], [0]), window(0, 200_000, [0], [1])),
    "domains": lambda: (window(0, 200_000, [0]), window(0, 200_000, [0], domain=1)),
}


@pytest.mark.parametrize("which", NEIGHBOURS)
def test_neighbours_are_independent(which):
    a, b = NEIGHBOURS[which]()
    for x, y in ((a, b), (a**2, b**2), (np.abs(a), b)):
        assert scipy.stats.pearsonr(x.ravel(), y.ravel()).pvalue > ALARM


def test_the_test_of_independence_sees_a_shared_radius():
    a, b = window(0, 200_000, [0])[::2], window(0, 200_000, [0])[1::2]
    radius = np.abs(a)  # as if both numbers of a pair had one radius
    assert scipy.stats.pearsonr((a**2).ravel(), ((radius * b) ** 2).ravel()).pvalue < ALARM
