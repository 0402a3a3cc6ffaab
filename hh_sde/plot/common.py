"""What the plots share: the choice of trials and neurons, the names of gates, labels."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np
import xarray as xr

from hh_sde import dataset, measures, stated
from hh_sde.addresses import is_whole
from hh_sde.dataset import upgrade
from hh_sde.measures.over_time import finite_times, see_numbers
from hh_sde.records import shown


def swept_dims(ds: xr.Dataset) -> list[str]:
    """The dims along which a sweep varies what it is of, of a result or of its spikes."""
    if dataset.spikes_alone(ds):
        return list(measures.trains.sweeps_of(ds))
    cells = [one for one in ds.data_vars.values() if {"neuron", "trial"} & set(one.dims)]
    usual = {"trial", "time", "neuron", "component", "bin", "quantile"}
    return list(dict.fromkeys(str(dim) for one in cells for dim in one.dims if dim not in usual))


def one_cell(ds: xr.Dataset) -> xr.Dataset:
    """Of a cell of a sweep its spikes, or its traces with them; what is of no sweep as it is.

    Raises
    ------
    ValueError
        If a swept parameter is left to choose.
    """
    ds = upgrade(ds)
    swept = measures.swept.is_swept(ds)
    if not swept and not dataset.spikes_alone(ds):
        return ds
    for dim in swept_dims(ds):
        raise ValueError(f"choose one value along {dim!r} first: ds.sel({dim}=...), of the sweep")
    return measures.spikes(ds) if swept and "time" not in ds.dims else ds


def of_one_cell(variable: xr.DataArray, dims: Sequence[str]) -> xr.DataArray:
    """A measure that has these dims alone, or some of them.

    Raises
    ------
    ValueError
        As `one_cell`.
    """
    for dim in variable.dims:
        if dim not in dims:
            raise ValueError(f"choose one value along {dim!r} first: ds.sel({dim}=...)")
    return variable


def one_trial(ds: xr.Dataset, trial: int | None) -> xr.Dataset:
    """One trial of a Dataset of traces, by default the first.

    Raises
    ------
    ValueError
        If there is nothing to draw, no such trial, or a swept parameter is left to choose.
    """
    ds = one_cell(ds)
    if not ({"V", "x"} & set(ds.data_vars) or gate_names(ds) or current_names(ds)):
        raise ValueError(
            "nothing to draw: the Dataset holds neither V nor gates nor currents nor x, but "
            + (", ".join(map(str, ds.data_vars)) or "nothing")
        )
    if "time" in ds.coords:
        finite_times(ds)
    ds = dataset.along_neurons(ds)
    traces = [variable.dims for variable in ds.data_vars.values() if "time" in variable.dims]
    usual = {"trial", "time", "neuron", "component"}
    for dim in dict.fromkeys(dim for dims in traces for dim in dims if dim not in usual):
        raise ValueError(f"choose one value along {dim!r} first: ds.sel({dim}=...)")
    if "trial" not in ds.dims:
        if trial is not None:
            raise ValueError(f"there is no trial {trial}: this result has no trials")
        return ds
    see_numbers(ds.trial)
    if len(np.unique(ds.trial)) < ds.trial.size or not np.all(np.isfinite(ds.trial)):
        raise ValueError(f"trials have different numbers, got {shown(ds.trial.values.tolist())}")
    trial = int(ds.trial[0]) if trial is None else trial
    if not is_whole(trial) or trial not in ds.trial.values:
        raise ValueError(f"there is no trial {shown(trial)}; there are {ds.trial.values.tolist()}")
    return ds.sel(trial=trial)


def spikes_of_trial(ds: xr.Dataset, trial: int | None) -> xr.Dataset:
    """The spikes of one trial, by default the first, of the result of `spikes`."""
    measures.trains.see_columns(ds)
    if "trial" not in ds:
        if trial is not None:
            raise ValueError(f"there is no trial {trial}: these spikes have no trials")
        return ds
    trials = stated.labels(ds.attrs, "trials")
    trial = trials[0] if trial is None else trial
    if trial not in trials:
        raise ValueError(f"there is no trial {trial}; there are {trials}")
    return measures.trains.chosen(ds, ds.trial.values == trial, trials=json.dumps([trial]))


def spikes_of_neurons(trains: xr.Dataset, neurons: int | Sequence[int] | None) -> xr.Dataset:
    """The spikes of some neurons, by default of all, of the result of `spikes`."""
    if neurons is None:
        return trains
    wanted = chosen_neurons(stated.labels(trains.attrs, "neurons"), neurons)
    own = np.isin(trains.neuron.values, wanted)
    return measures.trains.chosen(trains, own, neurons=json.dumps(wanted))


def chosen_neurons(
    known: Sequence[int] | np.ndarray, neurons: int | Sequence[int] | None
) -> list[int]:
    """The numbers of the neurons to draw, by default all that are `known`.

    Raises
    ------
    TypeError, ValueError
        If there is no such neuron, or none is chosen.
    """
    if not len(known) or not all(np.isreal(one) and np.isfinite(one) for one in known):
        raise ValueError(f"neurons have finite numbers, one or more, got {shown(list(known))}")
    numbers = [int(one) for one in known]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"neurons have different numbers, got {shown(numbers)}")
    if neurons is None:
        return numbers
    wanted = np.atleast_1d(np.asarray(neurons)).ravel().tolist()
    for neuron in wanted:
        if not is_whole(neuron):
            raise TypeError(f"neurons must be whole numbers, got {shown(neurons)}")
        if neuron not in numbers:
            raise ValueError(f"there is no neuron {neuron}; there are {_listed(numbers)}")
    if not wanted:
        raise ValueError("neurons= chooses none; give one or more of their numbers, or leave it")
    return wanted


def numbers_of_neurons(ds: xr.Dataset) -> np.ndarray:
    """The numbers of the neurons.

    Raises
    ------
    ValueError
        If it has no neurons.
    """
    if "neuron" not in ds.variables or ds.neuron.dims != ("neuron",):
        raise ValueError(
            f"there are no neurons along a dim: the dims are {', '.join(map(str, ds.dims))}"
        )
    return ds.neuron.values


def first_neuron_or(ds: xr.Dataset, neurons: int | Sequence[int] | None) -> list[int]:
    """The numbers of the neurons to draw, by default that of the first."""
    known = numbers_of_neurons(ds)
    return chosen_neurons(known, known[:1].tolist() if neurons is None else neurons)


def of_trial(ds: xr.Dataset, trial: int | None) -> str:
    """Which of several trials is drawn, to be said in the figure; nothing where there is one."""
    trials = trials_of(ds)
    return f"trial {trials[0] if trial is None else trial}" if len(trials) > 1 else ""


def trials_of(ds: xr.Dataset) -> list[int]:
    """The numbers of the trials along which there is something, if it is along them."""
    if "trial" in ds.dims:
        return ds.trial.values.tolist()
    of_spikes = dataset.spikes_alone(ds) and "trials" in ds.attrs
    return stated.labels(ds.attrs, "trials") if of_spikes else []


def neurons_of(ds: xr.Dataset) -> list[int]:
    """The numbers of the neurons in a result of traces or of spikes."""
    if dataset.spikes_alone(ds):
        return stated.labels(ds.attrs, "neurons")
    return np.atleast_1d(ds.neuron.values).tolist() if "neuron" in ds.coords else []


def gate_names(ds: xr.Dataset) -> list[str]:
    """Gates and synaptic gates, or the open fraction of each channel where it has states."""
    ds = ds[[name for name, one in ds.data_vars.items() if "time" in one.dims]]
    gates = ds.filter_by_attrs(role=lambda role: role in ("gate", "synaptic gate"))
    return [*map(str, ds.filter_by_attrs(conducting=1).data_vars), *map(str, gates.data_vars)]


def current_names(ds: xr.Dataset) -> list[str]:
    """Currents that were recorded."""
    return list(map(str, ds.filter_by_attrs(role="current").data_vars))


def gate_label(ds: xr.Dataset, name: str) -> str:
    """`name`, or of an open state its channel."""
    variable = ds[name].attrs
    return f"{variable['channel']} open ({name})" if variable.get("conducting") else name


def axis_label(variable: xr.DataArray, *, long: bool = True) -> str:
    """Long name (or name) and units."""
    text = str(variable.attrs.get("long_name", variable.name) if long else variable.name)
    units = variable.attrs.get("units", "1")
    return _powers(text) if units == "1" else f"{_powers(text)} ({raised(units)})"


def with_units(value: float, variable: xr.DataArray) -> str:
    """A value of a variable, for a legend: its name, the number, the units."""
    units = variable.attrs.get("units", "1")
    return f"{variable.name} = {value:g}" + ("" if units == "1" else f" {raised(units)}")


def _listed(numbers: list[int]) -> str:
    whole = list(range(numbers[0], numbers[-1] + 1)) == numbers and len(numbers) > 7
    return f"{numbers[0]} to {numbers[-1]}" if whole else str(numbers)


def raised(units: str) -> str:
    """Units as they are printed."""
    for plain, symbol in (("*", " "), ("uA", "µA"), ("uF", "µF"), ("um", "µm")):
        units = units.replace(plain, symbol)
    return _powers(units)


def _powers(text: str) -> str:
    """Powers and Greek letters as they are printed: cm², χ²."""
    text = re.sub(r"\bchi\b", "\N{GREEK SMALL LETTER CHI}", text).replace("^2", "²")
    return re.sub(r"\^(-?[\d.]+)", r"$^{\1}$", text)
