"""Rows of a run in which parameters differ: each is a trial of a point of a sweep.

What a `hh_sde.methods.Problem` calls trials are then numbers of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hh_sde.addresses import trial_words
from hh_sde.brownian import BrownianPath
from hh_sde.kernels.random import normal_window


@dataclass(frozen=True, eq=False)
class Rows:
    """What stands behind the numbers of rows.

    Parameters
    ----------
    point : (rows,) array of int
        Which point's numbers a row has.
    trial : (rows,) array of int
        Its trial number, as the trials of one network have.
    keys : (rows, 2) array of uint64
        Of its random numbers: two words of 32 bits.
    """

    point: np.ndarray
    trial: np.ndarray
    keys: np.ndarray

    def words(self, rows: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The words of addresses of some rows, and their keys."""
        return trial_words(self.trial[rows]), self.keys[rows]


class RowPaths(BrownianPath):
    """The Wiener processes of rows: what a `BrownianPath` calls a trial is a row.

    Parameters
    ----------
    rows : Rows
    m, dt, area_groups
        As of `BrownianPath`.
    """

    def __init__(self, rows: Rows, *, m: int, dt: float, area_groups: np.ndarray) -> None:
        super().__init__(0, m=m, dt=dt, area_groups=area_groups)
        self.rows = rows

    def of_trial(self, trial: int) -> BrownianPath:
        """The path of a row, as one of its own."""
        path = BrownianPath(
            0, m=self.m, dt=self._first_dt, trial=int(self.rows.trial[trial]),
            area_groups=self.area_groups,
        )  # fmt: skip
        path._key = self.rows.keys[trial]
        return path._changed(factor=self._factor, depth=self._depth)

    def _normals(
        self, use: int, start: int, stop: int, trials: Sequence[int] | np.ndarray, scale: float
    ) -> np.ndarray:
        words, keys = self.rows.words(np.asarray(trials))
        process = np.repeat(np.arange(self.m, dtype=np.uint64), len(words))
        trial, key = np.tile(words, self.m), np.tile(keys, (self.m, 1))
        return normal_window(self._key, use, start, stop, process, trial, scale, key)
