"""Iterated Ito integrals of Brownian motion: Levy areas, and Chen's relation.

I = (dW dW^T - h 1)/2 + A over a step h, with A antisymmetric. With xi = dW/sqrt(h),

    A = h/(2 pi) sum_r [X_r (Y_r + sqrt(2) xi)^T - transposed]/r,   X_r, Y_r standard normal.

The tail beyond r = p has, up to third moments, the law of

    sqrt(sum_{r>p} 1/r^2) [Z sqrt(2) xi^T - transposed + B],

Z standard normal and B antisymmetric with variance 2. With it the areas of b processes are within
sqrt(b/12) h/(pi p) of areas of the exact law, in root mean square; without it sqrt(3/(2 p)) h/pi.

References
----------
Kloeden, Platen & Wright 1992, doi:10.1080/07362999208809281 (the series); Wiktorsson 2001,
doi:10.1214/aoap/1015345301, and Mrongowius & Roessler 2022, doi:10.1080/07362994.2021.1932483 (the
tail, and what it leaves).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np

from hh_sde.addresses import MOST_IN_GROUP, MOST_TERMS, domain, term_domain
from hh_sde.kernels.random import normal_window

#: Terms of the series that are summed at least.
LEAST_TERMS = 5
#: Numbers in an array of iterated integrals of the finest grid, 8 bytes each.
_AT_ONCE = 2**19


def terms(b: int, h: float) -> int:
    """How many terms the areas of b processes need over a step h, ms.

    Strong order 1 needs areas within O(h^(3/2)) in each step. p = sqrt(b/(12 h))/pi terms, h in
    ms, leave h^(3/2)/sqrt(1 ms): after t ms an error of h sqrt(t/1 ms), times the commutators.
    """
    return max(LEAST_TERMS, math.ceil(math.sqrt(b / (12.0 * h)) / math.pi))


def areas(
    xi: np.ndarray,
    h: float,
    series: Iterable[tuple[np.ndarray, np.ndarray]],
    Z: np.ndarray,
    pair: Callable[[int], np.ndarray],
) -> np.ndarray:
    """A of a step h in which the processes move by sqrt(h) xi, (steps, groups, b, b).

    Parameters
    ----------
    xi : (steps, groups, b) array
    series : iterable of (X_r, Y_r), r = 1 ... p, each like xi
    Z : array like xi
    pair : callable
        pair(j) -> B of the pairs (i, j), i < j, over its standard deviation: (steps, groups, j).
    """
    half = np.zeros(xi.shape + xi.shape[-1:])
    summed = 0.0
    for r, (X, Y) in enumerate(series, start=1):
        half += outer(X, Y + np.sqrt(2.0) * xi) / r
        summed += 1 / r**2
    left = np.sqrt(np.pi**2 / 6 - summed)
    half += left * outer(Z, np.sqrt(2.0) * xi)
    for j in range(1, xi.shape[-1]):
        half[..., :j, j] += left * np.sqrt(2.0) * pair(j)
    return h / (2 * np.pi) * (half - np.swapaxes(half, -1, -2))


def symmetric(dW: np.ndarray, h: float) -> np.ndarray:
    """(dW dW^T - h 1)/2 over the last axis."""
    return 0.5 * (outer(dW, dW) - h * np.eye(dW.shape[-1]))


def outer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., :, None] * b[..., None, :]


class AreaGroups:
    """Which Wiener processes belong together.

    Parameters
    ----------
    labels : (m,) array of int
        The group of each process.

    Attributes
    ----------
    members : list of arrays
        The processes of each group.
    largest : int
        The most processes in a group.
    """

    def __init__(self, labels: np.ndarray) -> None:
        order = np.argsort(labels, kind="stable")
        cuts = np.flatnonzero(np.diff(labels[order])) + 1
        self.labels = labels
        self.members = np.split(order, cuts) if labels.size else []
        self.largest = max((len(group) for group in self.members), default=0)

    @cached_property
    def positions(self) -> np.ndarray:
        """Which each process is in its group, (m,)."""
        out = np.zeros(self.labels.size, dtype=int)
        for group in self.members:
            out[group] = np.arange(len(group))
        return out

    def of_equal_size(self) -> list[np.ndarray]:
        """The members, stacked for groups of equal size: (groups, b) index arrays."""
        sizes = sorted({len(group) for group in self.members})
        return [np.array([one for one in self.members if len(one) == size]) for size in sizes]


class Drawn:
    """Iterated integrals of one trial, drawn on a grid of step h and carried to coarser ones.

    Parameters
    ----------
    key : (2,) array of words
    trial : int
    groups : AreaGroups
    h : float
        Step of the grid, ms.

    Attributes
    ----------
    terms : int
        Terms of the series that are summed.

    Raises
    ------
    ValueError
        If there are no random numbers of their own for so large a group or so fine a grid.
    """

    def __init__(self, key: np.ndarray, trial: int, groups: AreaGroups, h: float) -> None:
        self.key = key
        self.trial = trial
        self.groups = groups
        self.h = h
        self.terms = terms(groups.largest, h)
        if groups.largest > MOST_IN_GROUP:
            raise ValueError(
                f"a group of {groups.largest} processes: areas have random numbers for "
                f"{MOST_IN_GROUP} at most, and more would get those of another use again; give "
                "smaller groups (sde.path(rng, dt) knows the least ones)"
            )
        if self.terms > MOST_TERMS:
            raise ValueError(
                f"areas of {groups.largest} processes at dt = {h:g} ms take {self.terms} terms, "
                f"and there are random numbers for {MOST_TERMS}; begin with a larger dt"
            )

    def within(self, members: np.ndarray, start: int, stop: int, k: int) -> np.ndarray:
        """I of steps of k grid steps each, among rows of members: (steps, groups, b, b)."""
        labels = self.groups.labels[members]
        if np.any(labels != labels[:, :1]):
            raise ValueError("there are no areas between processes of different groups of the path")
        b = members.shape[1]
        out = np.empty((stop - start, *members.shape, b))
        several = max(1, _AT_ONCE // (members.size * b * k))
        for first in range(start, stop, several):
            last = min(first + several, stop)
            out[first - start : last - start] = self._steps(members, first, last, k)
        return out

    def _steps(self, members: np.ndarray, start: int, stop: int, k: int) -> np.ndarray:
        """By Chen's relation I(s, u) = I(s, r) + I(r, u) + dW(s, r) dW(r, u)^T.

        One step alone is gone through in parts, so that memory does not grow with their number.
        """
        part = k if stop - start > 1 else max(1, _AT_ONCE // (members.size * members.shape[1]))
        W = np.zeros((stop - start, *members.shape))
        I = np.zeros((*W.shape, members.shape[1]))
        for begin in range(0, k, part):
            n = min(part, k - begin)
            dW, each = self._grid_steps(members, start * k + begin, (stop - 1) * k + begin + n)
            for j in range(n):  # in this order whatever the shape, unlike numpy.sum
                I += each[j::n] + outer(W, dW[j::n])
                W += dW[j::n]
        return I

    def _grid_steps(
        self, members: np.ndarray, start: int, stop: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """dW and I of the steps of the grid itself."""
        window = (members, start, stop)
        dW = self._normals(domain("increment"), *window, np.sqrt(self.h))
        series = (self._two(term_domain(r), *window) for r in range(1, self.terms + 1))
        Z, _ = self._two(domain("area, linear tail"), *window)
        A = areas(dW / np.sqrt(self.h), self.h, series, Z, lambda j: self._pairs(j, *window))
        return dW, symmetric(dW, self.h) + A

    def _pairs(self, j: int, members: np.ndarray, start: int, stop: int) -> np.ndarray:
        """A number for each pair of a group's first j members with the j-th, (steps, groups, j)."""
        position = self.groups.positions[members[:, j]]
        out = np.empty((stop - start, len(members), j))
        for place in np.unique(position):
            there = position == place
            use = domain("area, tail of a pair", place - 1)
            out[:, there], _ = self._two(use, members[there, :j], start, stop)
        return out

    def _two(
        self, use: int, members: np.ndarray, start: int, stop: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Two standard normals for each step and process."""
        window = self._normals(use, members, 2 * start, 2 * stop, 1.0)
        return window[::2], window[1::2]

    def _normals(
        self, use: int, members: np.ndarray, start: int, stop: int, scale: float
    ) -> np.ndarray:
        """(stop - start, *members.shape)"""
        process = members.ravel().astype(np.uint64)
        trial = np.full(process.size, self.trial, dtype=np.uint64)
        window = normal_window(self.key, use, start, stop, process, trial, scale)
        return window.reshape(stop - start, *members.shape)
