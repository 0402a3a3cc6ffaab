"""Currents, conductances and open fractions of a network, from its states."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np
import xarray as xr

from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.evaluated import (
    Evaluated,
    Quantity,
    conductances,
    currents,
    sums_over_neurons,
)
from hh_sde.equations.layout import StateLayout
from hh_sde.equations.tables import Wiring
from hh_sde.network.packing import ELSEWHERE
from hh_sde.records import numbers, shown


class Derived:
    """Functions of a network's state: currents, conductances, open fractions.

    Parameters
    ----------
    populations : sequence of Dynamics
    wiring : Wiring
    layout : StateLayout
    current : callable
        (times,) ms -> (times or 1, n_neurons): injected current.
    constant : bool
        Whether that is the same at all times.
    late : collection of str
        Graded synapses with delays: their currents follow from potentials of the past, which no
        result holds, and are left out.

    Attributes
    ----------
    currents, conductances : dict of name to Quantity
        Those of the first population that has them.
    """

    def __init__(
        self,
        populations: Sequence[Dynamics],
        wiring: Wiring,
        layout: StateLayout,
        current: Callable[[np.ndarray], np.ndarray],
        constant: bool,
        late: Collection[str] = (),
    ) -> None:
        self._populations = populations
        self._wiring = wiring
        self._layout = layout
        self._current = current
        self._constant = constant
        self._of_each = [{**currents(one), **conductances(one)} for one in populations]
        self.currents = _without(late, _of_all(currents(one) for one in populations))
        self.conductances = _without(late, _of_all(conductances(one) for one in populations))

    @property
    def quantities(self) -> dict[str, Quantity]:
        """Quantities that are not state variables."""
        every = {**self.currents, **self.conductances}
        return {name: one for name, one in every.items() if name not in self._layout.names}

    def recorded(self, names: Iterable[str], states: np.ndarray, times: np.ndarray) -> np.ndarray:
        """State variables, and quantities that are functions of the state.

        Parameters
        ----------
        names : iterable of str
        states : (times, trials, d) array
            Flat states.
        times : (times,) array
            ms.

        Returns
        -------
        (times, trials, names, n_neurons) array
        """
        state = {name: self._layout.of(states, name) for name in self._layout.names}
        found = self._values([name for name in names if name not in state], state, times)
        return np.stack([state[name] if name in state else found[name] for name in names], axis=2)

    def _values(
        self,
        names: Iterable[str],
        state: Mapping[str, np.ndarray],
        times: np.ndarray,
        neurons: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """Quantities of states (times, ..., neurons) of all neurons, or of some."""
        chosen = np.arange(self._layout.n_neurons) if neurons is None else neurons
        shape = state["V"].shape
        I = self._current(times)[:, chosen]
        I = I.reshape(len(I), *(1,) * (len(shape) - 2), chosen.size)
        sums = None
        if any(one.coupled for one in self._populations):
            sums = self._sums(state)
        found = {name: np.full(shape, np.nan) for name in names}
        for own, population, known in zip(
            self._layout.ranges, self._populations, self._of_each, strict=True
        ):
            here = np.flatnonzero((chosen >= own.first) & (chosen < own.first + own.n))
            if not here.size:
                continue
            at = Evaluated(
                population,
                {name: state[name][..., here] for name in own.names},
                I[..., here],
                () if sums is None else list(sums[..., own.neurons]),
                chosen[here] - own.first,
            )
            for name in found:
                if name in known:
                    found[name][..., here] = at.of(known[name].expression)
        return found

    def _sums(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """What all neurons get from each other, (inputs, ..., n_neurons)."""
        rows = self._layout.by_row(self._layout.joined(state))
        for own, population in zip(self._layout.ranges, self._populations, strict=True):
            at = Evaluated(population, {name: state[name][..., own.neurons] for name in own.names})
            for row, one in enumerate(population.outputs, start=len(own.names)):
                rows[..., row, own.neurons] = at.of(one)
        return sums_over_neurons(self._wiring, rows)

    def of(self, ds: xr.Dataset, quantities: Mapping[str, Quantity]) -> xr.Dataset:
        """The quantities at the states of a Dataset, each with the dims of its V.

        Raises
        ------
        ValueError
            If it lacks a variable of the state, or neurons or times that are needed.
        """
        variables = self._states(ds)
        V = variables["V"]
        neurons = self._neurons(V)
        first = ("time",) if "time" in V.dims else ()
        lined_up = V.transpose(*first, ..., "neuron").dims
        state = {name: one.transpose(*lined_up).values for name, one in variables.items()}
        if not first:
            state = {name: values[None] for name, values in state.items()}
        found = {}
        for name, values in self._values(quantities, state, self._times(V), neurons).items():
            one = V.transpose(*lined_up).copy(data=values if first else values[0])
            found[name] = one.transpose(*V.dims).assign_attrs(quantities[name].labels)
        only = xr.Dataset(found)
        return only if "neuron" in ds.dims else only.isel(neuron=0)

    def _states(self, ds: xr.Dataset) -> dict[str, xr.DataArray]:
        """The variables of the state, all with the dims of V, neurons last."""
        names = self._layout.names
        missing = [name for name in names if name not in ds]
        if missing:
            raise ValueError(
                f"this Dataset lacks {', '.join(missing)}: currents and conductances follow from "
                "all variables of the state. Give a result of solve with all of them (without "
                "record), or let solve keep what is wanted: record=('V', 'I_Na')"
            )
        found = [ds[name] for name in names]
        if "neuron" not in ds.dims:
            found = [one.expand_dims("neuron") for one in found]
        V = found[0].transpose(..., "neuron")
        for name, one in zip(names, found, strict=True):
            if one.dtype.kind not in "iuf" or not one.size or set(one.dims) - set(V.dims):
                raise ValueError(
                    f"{name} of this Dataset must be numbers over dims of V, {V.dims}, got "
                    f"{one.dtype} over {one.dims}, {one.size} in all"
                )
        return {
            name: one.broadcast_like(V).transpose(*V.dims)
            for name, one in zip(names, found, strict=True)
        }

    def _neurons(self, V: xr.DataArray) -> np.ndarray:
        """Which neurons there are."""
        n = self._layout.n_neurons
        neurons = V.neuron.values
        if neurons.dtype.kind not in "iu" or not set(neurons.tolist()) <= set(range(n)):
            raise ValueError(
                f"this Dataset has the neurons {shown(neurons.tolist())}; those of this network "
                f"are 0 to {n - 1}"
            )
        coupled = any(one.coupled for one in self._populations)
        if coupled and not np.array_equal(neurons, np.arange(n)):
            raise ValueError(
                f"currents of synapses and gap junctions follow from all {n} neurons, in their "
                f"order, but this Dataset has {shown(neurons.tolist())}: take the currents of the "
                "whole, and choose neurons then, as ds.hh.currents().sel(neuron=0)"
            )
        return neurons

    def _times(self, V: xr.DataArray) -> np.ndarray:
        """The times that V is of, ms; one, whichever, where nothing depends on it."""
        if "time" in V.coords:
            return numbers(np.atleast_1d(V.time.values), "time", "numbers (ms)")
        if not self._constant:
            raise ValueError("this Dataset has no coordinate time, which its stimulus depends on")
        return np.zeros(V.sizes.get("time", 1))


def _without(late: Collection[str], found: dict[str, Quantity]) -> dict[str, Quantity]:
    return {name: one for name, one in found.items() if one.labels.get("synapse") not in late}


def _of_all(of_each: Iterable[dict[str, Quantity]]) -> dict[str, Quantity]:
    """The quantities of all populations, I_stim last as it is in each."""
    known = list(of_each)
    found: dict[str, Quantity] = {}
    for own in known:
        for name, one in own.items():
            found.setdefault(name, one)
    for name, one in found.items():
        if not all(name in own for own in known):
            found[name] = one._replace(labels={**one.labels, "nan_means": ELSEWHERE})
    if "I_stim" in found:
        found["I_stim"] = found.pop("I_stim")
    return found
