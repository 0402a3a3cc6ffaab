"""Spikes and spike statistics: Dataset to Dataset.

Spikes are ragged: one dim `spike`, with the variables spike_time, neuron and, where there are
trials, trial, in the order of trial, neuron, time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr


@dataclass(frozen=True)
class SpikeRule:
    """What counts as a spike: V rising through `threshold`, having been below `rearm` before.

    Re-arming keeps noise around the threshold from being counted as several spikes, so that the
    count does not depend on dt.

    Parameters
    ----------
    threshold : float
        mV.
    rearm : float or None
        Level V must fall below before the next spike, mV; None: every upward crossing counts. At
        the start of the record the rule is armed wherever V is.
    lockout : float
        No spike within this time after a spike, ms.

    Raises
    ------
    ValueError
        If a number is not finite, rearm lies above threshold, or lockout is negative.

    Examples
    --------
    >>> SpikeRule(threshold=-10.0, rearm=None)
    SpikeRule(threshold=-10.0, rearm=None, lockout=0.0)
    """

    threshold: float = 0.0
    rearm: float | None = -40.0
    lockout: float = 0.0

    def __post_init__(self) -> None:
        levels = [self.threshold, self.lockout] + ([] if self.rearm is None else [self.rearm])
        if not np.all(np.isfinite(levels)):
            raise ValueError(f"the numbers of a SpikeRule must be finite, got {self}")
        if self.rearm is not None and self.rearm > self.threshold:
            raise ValueError(
                f"rearm must not lie above threshold ({self.threshold} mV), got {self.rearm}"
            )
        if self.lockout < 0:
            raise ValueError(f"lockout must not be negative (ms), got {self.lockout}")


def spikes(ds: xr.Dataset, rule: SpikeRule | None = None) -> xr.Dataset:
    """Spike times, interpolated linearly between samples of V.

    Parameters
    ----------
    ds : Dataset with V (trial, time, neuron), `trial` optional
    rule : SpikeRule, optional

    Returns
    -------
    Dataset
        Dim `spike`; variables spike_time (ms), neuron and (with trials) trial. The attributes hold
        the rule and the record's start, end, neurons and trials, which the rates need.

    Raises
    ------
    ValueError
        If `ds` has no V over time and neuron.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, stimulus=10.0), 50.0)
    >>> spikes(ds).spike_time.values.round(1)
    array([ 1.9, 16.8, 31.5, 46.1])
    """
    rule = rule or SpikeRule()
    V = _potentials(ds)
    times = ds.time.values
    trials = V.trial.values if "trial" in V.dims else None
    neurons = ds.neuron.values
    ensemble = V.values if trials is not None else V.values[None]
    trains = [
        _train(times, np.ascontiguousarray(trial[:, i]), rule)
        for trial in ensemble
        for i in range(len(neurons))
    ]
    train = np.repeat(np.arange(len(trains)), [len(one) for one in trains])
    return ragged(
        np.concatenate(trains),
        *np.divmod(train, len(neurons)),
        trials=trials,
        neurons=neurons,
        attrs={
            **rule_attributes(rule),
            "t_start": float(times[0]),
            "t_end": float(times[-1]),
        },
    )


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
    order = np.lexsort((time, neuron, trial))
    data: dict[str, Any] = {
        "spike_time": ("spike", time[order], _labels("ms", "spike time")),
        "neuron": ("spike", neurons[neuron[order]], _labels("1", "neuron that fired")),
    }
    attrs = {**attrs, "neurons": json.dumps(neurons.tolist())}
    if trials is not None:
        data["trial"] = ("spike", trials[trial[order]], _labels("1", "trial number"))
        attrs["trials"] = json.dumps(trials.tolist())
    return xr.Dataset(data, attrs=attrs)


def rates(ds: xr.Dataset, rule: SpikeRule | None = None) -> xr.Dataset:
    """Firing rate of every neuron (and trial): spikes divided by the length of the record.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`

    Returns
    -------
    Dataset with rate (Hz) and count, dims (trial, neuron) or (neuron,)

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, stimulus=10.0), 100.0)
    >>> rates(ds).rate.values
    array([70.])
    """
    found = _as_spikes(ds, rule)
    coords = {
        name: json.loads(found.attrs[key])
        for name, key in (("trial", "trials"), ("neuron", "neurons"))
        if key in found.attrs
    }
    count = np.zeros([len(values) for values in coords.values()], dtype=np.int64)
    where = []
    for name, values in coords.items():
        order = np.argsort(values)
        where.append(order[np.searchsorted(values, found[name].values, sorter=order)])
    np.add.at(count, tuple(where), 1)
    duration = found.attrs["t_end"] - found.attrs["t_start"]
    return xr.Dataset(
        {
            "rate": (tuple(coords), 1e3 * count / duration, _labels("Hz", "firing rate")),
            "count": (tuple(coords), count, _labels("1", "number of spikes")),
        },
        coords=_coordinates(coords),
        attrs=found.attrs,
    )


def intervals(ds: xr.Dataset, rule: SpikeRule | None = None) -> xr.Dataset:
    """Inter-spike intervals, ragged along the dim `interval`.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`

    Returns
    -------
    Dataset
        interval_length (ms), interval_start (ms), neuron and (with trials) trial. Empty where no
        neuron fired twice.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, stimulus=10.0), 100.0)
    >>> round(float(intervals(ds).interval_length[-1]), 2)
    14.63
    """
    found = _as_spikes(ds, rule)
    columns = [name for name in ("trial", "neuron") if name in found]
    same = np.ones(max(found.sizes["spike"] - 1, 0), dtype=bool)
    for name in columns:
        same &= found[name].values[1:] == found[name].values[:-1]
    start = found.spike_time.values[:-1][same]
    length = np.diff(found.spike_time.values)[same]
    data = {
        "interval_length": ("interval", length, _labels("ms", "inter-spike interval")),
        "interval_start": ("interval", start, _labels("ms", "first spike of the interval")),
    }
    for name in columns:
        data[name] = ("interval", found[name].values[:-1][same], found[name].attrs)
    return xr.Dataset(data, attrs=found.attrs)


def gates(ds: xr.Dataset) -> xr.DataArray:
    """All gates of the cell in one array, dims (trial, time, neuron, gate).

    One time of it is the matrix X of the question, a row (m, h, n) for each neuron.

    Raises
    ------
    ValueError
        If `ds` has no gates.

    Examples
    --------
    >>> import hh_sde as hh
    >>> X = gates(hh.solve(hh.Network(2), 1.0))
    >>> X.isel(time=0).values.round(3)
    array([[0.053, 0.596, 0.318],
           [0.053, 0.596, 0.318]])
    """
    names = [
        name
        for name, variable in ds.data_vars.items()
        if str(variable.attrs.get("long_name", "")).startswith("gate ")
        and " of channel " in variable.attrs["long_name"]
    ]
    if not names:
        raise ValueError(f"no gates in this Dataset; it has {', '.join(map(str, ds.data_vars))}")
    stacked = xr.concat([ds[name].drop_attrs() for name in names], dim="gate")
    stacked = stacked.assign_coords(gate=("gate", names, _labels("1", "gate")))
    stacked = stacked.transpose(..., "gate").rename("gates")
    return stacked.assign_attrs(_labels("1", "gates"))


def _train(times: np.ndarray, V: np.ndarray, rule: SpikeRule) -> np.ndarray:
    """Spike times of one neuron in one trial."""
    up = np.flatnonzero((V[:-1] < rule.threshold) & (V[1:] >= rule.threshold))
    if rule.rearm is not None and up.size > 1:
        armed = np.concatenate([[0], np.cumsum(rule.rearm > V)])
        # samples below the re-arm level up to each crossing: none since the last crossing, no spike
        up = up[np.concatenate([[True], np.diff(armed[up + 1]) > 0])]
    fraction = (rule.threshold - V[up]) / (V[up + 1] - V[up])
    found = times[up] + fraction * (times[up + 1] - times[up])
    if rule.lockout == 0 or found.size < 2:
        return found
    kept = [found[0]]
    for time in found[1:]:
        if time - kept[-1] >= rule.lockout:
            kept.append(time)
    return np.array(kept)


def _potentials(ds: xr.Dataset) -> xr.DataArray:
    if "V" not in ds or not {"time", "neuron"} <= set(ds["V"].dims):
        raise ValueError(
            "spikes need the variable V over (trial, time, neuron); this Dataset has "
            + ", ".join(f"{name}{variable.dims}" for name, variable in ds.data_vars.items())
        )
    dims = [dim for dim in ("trial", "time", "neuron") if dim in ds["V"].dims]
    return ds["V"].transpose(*dims)


def _as_spikes(ds: xr.Dataset, rule: SpikeRule | None) -> xr.Dataset:
    if "spike_time" not in ds:
        return spikes(ds, rule)
    if rule is not None and rule_attributes(rule).items() - ds.attrs.items():
        raise ValueError(
            f"these spikes were found by another rule than {rule}; give the traces, or no rule"
        )
    return ds


def _coordinates(coords: dict[str, list[int]]) -> dict[str, Any]:
    return {name: (name, values, _labels("1", f"{name} number")) for name, values in coords.items()}


def rule_attributes(rule: SpikeRule) -> dict[str, float | str]:
    """The rule as attributes of a Dataset."""
    return {
        "spike_threshold": rule.threshold,
        "spike_rearm": "none" if rule.rearm is None else rule.rearm,
        "spike_lockout": rule.lockout,
    }


def _labels(units: str, long_name: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name}
