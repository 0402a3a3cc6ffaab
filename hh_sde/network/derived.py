"""Currents, conductances and open fractions of a network, from its states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import xarray as xr

from hh_sde.equations.evaluated import Evaluated, Quantity, conductances, currents
from hh_sde.equations.population import Population
from hh_sde.records import shown


class Derived:
    """What follows from a network's state at each moment.

    Parameters
    ----------
    population : Population
    current : callable
        (times,) ms -> (times or 1, n_neurons): injected current.
    constant : bool
        Whether that is the same at all times.

    Attributes
    ----------
    currents, conductances : dict of name to Quantity
    """

    def __init__(
        self, population: Population, current: Callable[[np.ndarray], np.ndarray], constant: bool
    ) -> None:
        self._population = population
        self._current = current
        self._constant = constant
        self.currents = currents(population)
        self.conductances = conductances(population)

    @property
    def quantities(self) -> dict[str, Quantity]:
        """All that is no variable of the state itself."""
        variables = {variable.name for variable in self._population.variables}
        every = {**self.currents, **self.conductances}
        return {name: one for name, one in every.items() if name not in variables}

    def recorded(self, names: Iterable[str], states: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Variables of the state and quantities that follow from it.

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
        variables = [variable.name for variable in self._population.variables]
        n = self._population.model.n_neurons
        rows = np.moveaxis(states.reshape(*states.shape[:2], len(variables), n), 2, 0)
        state = dict(zip(variables, rows, strict=True))
        at = Evaluated(self._population, state, self._current(times)[:, None])
        found = [
            state[name] if name in state else _spread(at, self.quantities[name], rows.shape[1:])
            for name in names
        ]
        return np.stack(found, axis=2)

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
        at = Evaluated(
            self._population,
            {name: one.values for name, one in variables.items()},
            self._injected(V, neurons),
            neurons,
        )
        found = {
            name: V.copy(data=_spread(at, one, V.shape)).assign_attrs(one.labels)
            for name, one in quantities.items()
        }
        only = xr.Dataset(found)
        return only if "neuron" in ds.dims else only.isel(neuron=0)

    def _states(self, ds: xr.Dataset) -> dict[str, xr.DataArray]:
        """The variables of the state, all with the dims of V, neurons last."""
        names = [variable.name for variable in self._population.variables]
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
        return {
            name: one.broadcast_like(V).transpose(*V.dims)
            for name, one in zip(names, found, strict=True)
        }

    def _neurons(self, V: xr.DataArray) -> np.ndarray:
        """Which neurons there are."""
        n = self._population.model.n_neurons
        neurons = V.neuron.values
        if not set(neurons.tolist()) <= set(range(n)):
            raise ValueError(
                f"this Dataset has the neurons {shown(neurons.tolist())}; those of this network "
                f"are 0 to {n - 1}"
            )
        if self._population.coupled and not np.array_equal(neurons, np.arange(n)):
            raise ValueError(
                f"currents of synapses and gap junctions follow from all {n} neurons, in their "
                f"order, but this Dataset has {shown(neurons.tolist())}: take the currents of the "
                "whole, and choose neurons then, as ds.hh.currents().sel(neuron=0)"
            )
        return neurons

    def _injected(self, V: xr.DataArray, neurons: np.ndarray) -> np.ndarray:
        """Injected current, with as many dims as V."""
        if self._constant:
            return self._current(np.zeros(1))[0, neurons]
        if "time" not in V.coords:
            raise ValueError("this Dataset has no coordinate time, which its stimulus depends on")
        time = V.time
        I = self._current(np.atleast_1d(time.values))[:, neurons]
        I_stim = xr.DataArray(I.reshape(*time.shape, -1), dims=(*time.dims, "neuron"))
        return I_stim.broadcast_like(V.drop_vars(V.coords)).transpose(*V.dims).values


def _spread(at: Evaluated, one: Quantity, shape: Sequence[int]) -> np.ndarray:
    return np.array(np.broadcast_to(at.of(one.expression), shape))
