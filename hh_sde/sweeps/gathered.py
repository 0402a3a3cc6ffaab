"""A sweep that is kept in memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import memory
from hh_sde.sweeps.form import ATTRIBUTE, START, TIME, Form, failed_cells
from hh_sde.sweeps.plan import Block, Plan
from hh_sde.sweeps.store import described


class Gathered:
    """The result of a sweep in arrays; threads may write different tasks of it at once.

    Raises
    ------
    ValueError
        If it does not fit.
    """

    path = None  # it has none, as a store has

    def __init__(self, plan: Plan, form: Form) -> None:
        self.plan, self.form = plan, form
        shapes = {one.name: form.shape(plan, one) for one in form.dense}
        size = sum(math.prod(shapes[v.name]) * np.dtype(v.dtype).itemsize for v in form.dense)
        memory.require(size, "the result", "give a store, of which parts are read: store=...")
        self._values = {v.name: np.full(shapes[v.name], v.fill, v.dtype) for v in form.dense}
        self._times: dict[Block, np.ndarray] = {}
        self._failures: dict[Block, dict[str, Any]] = {}

    def write(self, block: Block, ds: xr.Dataset, seconds: float = 0.0) -> None:
        """Take in what was computed of a block.

        Raises
        ------
        TypeError, ValueError
            If the Dataset is not of the form.
        """
        self.form.see(self.plan, self.plan.region(block), ds)
        for one in self.form.dense:
            self._values[one.name][self._part(one.name, block)] = ds[one.name].values
        if self.form.spikes:
            self._times[block] = ds[TIME].values
        if cells := failed_cells(ds):
            self._failures[block] = {"cells": cells}

    def _part(self, name: str, block: Block) -> tuple[slice, ...]:
        """Where the values of a block are in those of a variable."""
        one = next(v for v in self.form.dense if v.name == name)
        place, chunk = self.form.place(self.plan, one, block), self.form.chunk(self.plan, one)
        return tuple(slice(p * c, (p + 1) * c) for p, c in zip(place, chunk, strict=True))

    def fail(self, block: Block, reason: str) -> None:
        """Record that a task failed."""
        self._failures[block] = {"reason": reason}

    def failures(self) -> list[dict[str, Any]]:
        """What there is to say of the tasks, and of single cells, that failed."""
        return [
            one
            for block in sorted(self._failures)
            for one in described(self.plan, block, self._failures[block], "ds")
        ]

    def dataset(self) -> xr.Dataset:
        """The result; cells that are not done are NaN, counts -1."""
        form, values = self.form, dict(self._values)
        data = {v.name: (v.dims, values[v.name], v.attrs) for v in form.dense}
        if form.spikes:
            data |= self._spikes(values)
        used = {dim for dims, _, _ in data.values() for dim in dims}
        labels = self.plan.labels({dim: (0, size) for dim, size in self.plan.sizes.items()})
        fixed = {one.name: (one.dims, one.values, one.attrs) for one in form.coordinates}
        ds = xr.Dataset(data, attrs={**form.attrs, ATTRIBUTE: self.plan.result_json()})
        kept = {name: one for name, one in labels.coords.items() if set(one.dims) <= used}
        return ds.assign_coords(kept | fixed)

    def _spikes(self, values: dict[str, np.ndarray]) -> dict[str, Any]:
        """The times of all spikes one after another, and where those of a cell begin."""
        start, first = values[START].copy(), 0
        for block in sorted(self._times):
            part = start[self._part(START, block)]
            part[part >= 0] += first  # < 0: a cell that failed
            first += len(self._times[block])
        assert self.form.spikes is not None
        empty = np.zeros(0, self.form.spikes.dtype)
        times = np.concatenate([empty, *(self._times[block] for block in sorted(self._times))])
        variable = next(v for v in self.form.dense if v.name == START)
        return {
            START: (variable.dims, start, variable.attrs),
            TIME: (("spike",), times, self.form.spikes.attrs),
        }
