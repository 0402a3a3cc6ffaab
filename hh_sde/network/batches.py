"""States as a network's f and G take them: one, (d,), or those of several trials, (d, trials)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hh_sde.equations.layout import StateLayout
from hh_sde.equations.module import Compiled, CompiledDerivatives, LaneNumbers
from hh_sde.equations.tables import Wiring


class States(NamedTuple):
    """States in a row, and what the loops take beside them; a lane is a neuron of a trial."""

    x: np.ndarray  # (d * trials,), trial fastest
    trials: int
    shape: tuple[int, ...]  # as they were given
    places: np.ndarray  # where each number is among rows * lanes + lane
    rows: tuple[int, int]  # (rows, lanes)
    numbers: LaneNumbers


class Batches:
    """What makes `States`, and remembers what stays the same for a number of trials.

    Parameters
    ----------
    compiled : Compiled or CompiledDerivatives
    layout : StateLayout
    """

    def __init__(self, compiled: Compiled | CompiledDerivatives, layout: StateLayout) -> None:
        self._compiled = compiled
        self._layout = layout
        self._last: dict[int, tuple[np.ndarray, tuple[int, int], LaneNumbers]] = {}

    def __call__(self, x: Any) -> States:
        """The states, checked.

        Raises
        ------
        ValueError
            If their shape is another one.
        """
        x = np.ascontiguousarray(x, dtype=float)
        d = self._layout.d
        if x.ndim not in (1, 2) or x.shape[0] != d:
            raise ValueError(f"x must have shape ({d},) or ({d}, trials), got {x.shape}")
        trials = 1 if x.ndim == 1 else x.shape[1]
        if trials not in self._last:
            one = self._last.get(1)
            self._last = {} if one is None else {1: one}  # single states, and those last asked for
            self._last[trials] = self._made(trials)
        return States(x.ravel(), trials, x.shape, *self._last[trials])

    def _made(self, trials: int) -> tuple[np.ndarray, tuple[int, int], LaneNumbers]:
        layout, lanes = self._layout, self._layout.n_neurons * trials
        places = layout.places[:, None] * trials + np.arange(trials)
        return places.ravel(), (layout.rows, lanes), self._compiled.of_lanes(trials, lanes)


def among_lanes(wiring: Wiring, layout: StateLayout, trials: int) -> Wiring:
    """The wiring with places among the lanes of so many trials."""
    lanes = layout.n_neurons * trials
    blocks = wiring.blocks.copy()
    blocks[:, 3] = layout.among_lanes(blocks[:, 3], trials, lanes)
    source = layout.among_lanes(wiring.source, trials, lanes)
    return wiring._replace(source=source, blocks=blocks)
