"""Spike trains as a Dataset: ragged, over one dim `spike`.

The variables are spike_time, neuron, where there are trials trial, and one for every further dim of
V (a swept parameter), in the order of those dims, trial, neuron, time. The attributes say what the
record held: `neurons`, `trials`, `sweeps`, `n_spikes`, t_start and t_end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import stated
from hh_sde.dataset import SCHEMA_VERSION
from hh_sde.measures.arguments import window_bounds
from hh_sde.measures.detection import rule_attributes
from hh_sde.measures.labels import labels
from hh_sde.records import shown
from hh_sde.spike_rule import SpikeRule

COLUMNS = {
    "trial": ("1", "trial number"),
    "neuron": ("1", "neuron that fired"),
}


def ragged(
    time: np.ndarray,
    trial: np.ndarray,
    neuron: np.ndarray,
    *,
    trials: np.ndarray | None,
    neurons: np.ndarray,
    attrs: dict[str, Any],
) -> xr.Dataset:
    """The Dataset of `spikes` from spike times and positions in `trials` and `neurons`."""
    positions, coords = {"trial": trial, "neuron": neuron}, {"neuron": neurons}
    if trials is not None:
        coords = {"trial": trials, "neuron": neurons}
    order = np.lexsort((time, neuron, trial))
    ordered = {name: positions[name][order] for name in coords}
    return ragged_over(time[order], ordered, coords, attrs, {})


def ragged_over(
    time: np.ndarray,
    positions: Mapping[str, np.ndarray],
    coords: Mapping[str, np.ndarray],
    attrs: Mapping[str, Any],
    units: Mapping[str, dict[str, str]],
) -> xr.Dataset:
    """The Dataset of spikes at `time` and `positions` along `coords`, in the order given.

    Parameters
    ----------
    time : (spikes,) array
        ms.
    positions : dim to (spikes,) array
        Where along the dim each spike lies.
    coords : dim to its values
        Of neuron, perhaps trial, and perhaps swept parameters.
    attrs : mapping
        The rule, t_start and t_end.
    units : swept parameter to its attributes

    Raises
    ------
    ValueError
        If two values along a dim are the same.
    """
    for name, values in coords.items():
        if not len(values):
            raise ValueError(f"there is no {name} left whose spikes could be looked for")
        if len(np.unique(values)) < len(values):
            raise ValueError(
                f"the values of {name} are not different from each other: {str(values)[:80]}; give "
                f"them numbers of their own, ds.assign_coords({name}=range(ds.sizes['{name}']))"
            )
    sweeps = {name: values for name, values in coords.items() if name not in COLUMNS}
    data: dict[str, Any] = {"spike_time": ("spike", time, labels("ms", "spike time"))}
    for name in ["neuron", *(["trial"] if "trial" in coords else []), *sweeps]:
        own = labels(*COLUMNS[name]) if name in COLUMNS else {**labels("1", name), **units[name]}
        data[name] = ("spike", np.asarray(coords[name])[positions[name]], own)
    attrs = {
        "schema_version": SCHEMA_VERSION,
        **attrs,
        "n_spikes": len(time),
        "neurons": json.dumps(coords["neuron"].tolist()),
    }
    if "trial" in coords:
        attrs["trials"] = json.dumps(coords["trial"].tolist())
    if sweeps:
        attrs.pop("arguments", None)  # they are of one run
        attrs["sweeps"] = json.dumps({name: values.tolist() for name, values in sweeps.items()})
    return xr.Dataset(data, attrs=attrs)


def attributes_of_run(ds: xr.Dataset) -> dict[str, Any]:
    """What traces say of how they were made, for their spikes to say so too."""
    of_spikes = ("n_spikes", "neurons", "trials", "sweeps")
    attrs = {name: value for name, value in ds.attrs.items() if name not in of_spikes}
    if "trial" in ds.coords and not ds.trial.ndim:
        attrs["trial"] = int(ds.trial)
    return attrs


def with_stop_time(trains: xr.Dataset, stop_time: xr.DataArray) -> xr.Dataset:
    """The spikes of trials that stopped, with the times when they did: over the dim of_trial.

    The spikes' own trials have the name `trial`.
    """
    if not stop_time.ndim:
        return trains.assign(stop_time=((), stop_time.values, stop_time.attrs))
    own = labels(*COLUMNS["trial"])
    trains = trains.assign_coords(of_trial=("of_trial", stop_time.trial.values, own))
    return trains.assign(stop_time=("of_trial", stop_time.values, stop_time.attrs))


def ends_of(trains: xr.Dataset, coords: Mapping[str, np.ndarray]) -> np.ndarray:
    """Where the record of each train ends, ms: at its trial's stop, or where the run ends.

    Parameters
    ----------
    trains : Dataset of spikes
    coords : dict of dim to its values
        See `coordinates`.

    Returns
    -------
    array over the dims of `coords`; NaN of what was not computed

    Raises
    ------
    ValueError
        If stops are known of other trials only.
    """
    shape, (start, end) = tuple(map(len, coords.values())), stated.span(trains.attrs)
    if "missing" in trains.attrs:  # cells of a sweep that failed
        ends = np.full(shape, end)
        ends.flat[json.loads(trains.attrs["missing"])] = np.nan
        return ends
    if "stop_time" not in trains:
        return np.full(shape, end)
    stops = trains.stop_time.values
    if "trial" in coords:
        known = np.atleast_1d(trains.of_trial.values)
        missing = ~np.isin(coords["trial"], known)
        if missing.any():
            raise ValueError(
                f"stop_time is that of the trials {known.tolist()}, and trial "
                f"{coords['trial'][missing][0]} is not among them"
            )
        stops = np.atleast_1d(stops)[positions_of(known, coords["trial"])]
        places = [-1 if name == "trial" else 1 for name in coords]
        stops = stops.reshape(places)
    ends = np.fmin(stops, end)  # nan: it did not stop
    return np.broadcast_to(np.maximum(ends, start), shape)


def coordinates(trains: xr.Dataset) -> dict[str, np.ndarray]:
    """The values along each dim of the record that the spikes of `trains` come from."""
    coords = sweeps_of(trains) | {
        name: stated.labels(trains.attrs, key)
        for name, key in (("trial", "trials"), ("neuron", "neurons"))
        if key in trains.attrs
    }
    stated.see_there(trains.attrs, "neurons")
    return {name: np.asarray(values) for name, values in coords.items()}


def sweeps_of(trains: xr.Dataset) -> dict[str, list[Any]]:
    """The swept parameters of `trains`, and their values."""
    return stated.sweeps(trains.attrs)


def see_columns(ds: xr.Dataset) -> None:
    """See that each spike has its time and neuron and, where there are, its trial and sweeps.

    Raises
    ------
    ValueError
        If one of these is missing, of another length, or not finite; of a sweep, if its cells lead
        elsewhere than to its spikes.
    """
    if "spike_count" in ds:
        _see_cells(ds)
        return
    beside = "spike_" if "spike_neuron" in ds else ""
    wanted = ["spike_time", f"{beside}neuron"]
    wanted += [f"{beside}trial"] if "trials" in ds.attrs else []
    wanted += [] if beside else sweeps_of(ds)
    for name in wanted:
        if name not in ds or ds[name].dims != ("spike",):
            there = f"it is over {ds[name].dims}" if name in ds else "it is missing"
            raise ValueError(
                f"each spike of this Dataset has its {name}, along the dim spike, and {there}: "
                "give a result as solve or ds.hh.spikes() made it"
            )
        values = ds[name].values
        numbers = values.dtype.kind in "iuf"
        if (name == "spike_time" and not numbers) or (numbers and not np.all(np.isfinite(values))):
            raise ValueError(f"{name} of spikes must be finite numbers, got {shown(values)}")


def _see_cells(ds: xr.Dataset) -> None:
    """See that what says where the spikes of each cell of a sweep are leads to such."""
    names = ("spike_start", "spike_count")
    whole = all(name in ds and ds[name].dtype.kind == "i" for name in names)
    if not whole or "spike_time" not in ds or ds.spike_time.dims != ("spike",):
        raise ValueError(
            "the spikes of a sweep are spike_time along spike, with spike_start and spike_count, "
            "whole numbers: give a result as hh_sde.sweep made it"
        )
    first, many = (ds[name].values for name in names)
    if ds.spike_start.dims != ds.spike_count.dims or np.any(
        (many > 0) & ((first < 0) | (first > ds.sizes["spike"] - many))
    ):
        raise ValueError(
            "spike_start and spike_count of this sweep lead beyond its spikes: choose cells by sel "
            "and isel of the whole result, along its own dims"
        )


def chosen(trains: xr.Dataset, inside: np.ndarray, **attrs: Any) -> xr.Dataset:
    """Some of the spikes, with the attributes of the record that these are all the spikes of."""
    return trains.isel(spike=inside).assign_attrs({**attrs, "n_spikes": int(inside.sum())})


def window_of_spikes(trains: xr.Dataset, start: float | None, stop: float | None) -> xr.Dataset:
    """The spikes with start <= t < stop, or <= stop at the end of the record."""
    see_columns(trains)
    first, last = stated.span(trains.attrs)
    start, stop = window_bounds(first, last, start, stop)
    time = trains.spike_time.values
    inside = (time >= start) & ((time < stop) | (stop == last))
    return chosen(trains, inside, t_start=start, t_end=stop)


def beside(ds: xr.Dataset, trains: xr.Dataset) -> xr.Dataset:
    """The traces `ds` with the spikes of `trains` as spike_time, spike_neuron and spike_trial."""
    columns = {"neuron": "spike_neuron", "trial": "spike_trial"}
    own = trains.rename({name: columns[name] for name in columns if name in trains})
    about = [
        *rule_attributes(SpikeRule()),
        "n_spikes",
        *({"neurons", "trials"} & trains.attrs.keys()),
    ]
    return ds.assign(own.data_vars).assign_attrs({name: trains.attrs[name] for name in about})


def positions_of(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where in `values`, all different, each of those `wanted` stands; all must be there."""
    order = np.argsort(values)
    return order[np.searchsorted(values, wanted, sorter=order)]
