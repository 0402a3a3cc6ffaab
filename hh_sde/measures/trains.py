"""Spike trains: found in traces, kept ragged, and taken apart for the measures.

Spikes are ragged: one dim `spike`, with the variables spike_time, neuron, where there are trials
trial, and one for every further dim of V (a swept parameter), in the order of those dims, trial,
neuron, time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import numpy as np
import xarray as xr

from hh_sde.dataset import SCHEMA_VERSION, spikes_alone
from hh_sde.measures.detection import SpikeRule, checked_rule, rule_attributes, times_of
from hh_sde.records import single

COLUMNS = {
    "trial": ("1", "trial number"),
    "neuron": ("1", "neuron that fired"),
}


#: The widest spacing of samples in which spikes are looked for, ms. One is lost where V is above
#: threshold between two samples alone. In the classic cell it stays above 0 mV for 0.9 ms at 10
#: uA/cm^2 and for 0.22 ms at 60, where it rises to 1.7 mV; beyond, it no longer rises to 0.
WIDEST = 0.2


def spikes(
    ds: xr.Dataset,
    rule: SpikeRule | None = None,
    *,
    start: float | None = None,
    stop: float | None = None,
) -> xr.Dataset:
    """Spikes that were recorded, or found in V by linear interpolation between its samples.

    Parameters
    ----------
    ds : Dataset with spikes, or with V (trial, time, neuron), `trial` optional
        Where ``solve(..., record=("V", "spikes"))`` has recorded spikes, these are taken; spikes
        alone are returned as they are. In V they are found if its samples are at most 0.2 ms apart:
        the classic cell is above 0 mV for 0.7 to 0.95 ms from 6.3 to 30 uA/cm^2, and spikes between
        two samples are lost. Further dims, such as a swept parameter, are kept: see Returns.
    rule : SpikeRule, optional
    start, stop : float, optional
        Only the spikes with start <= t < stop, or <= stop at the end of the record, ms: so a
        transient is left out. Rates are then those of this window.

    Returns
    -------
    Dataset
        Dim `spike`; variables spike_time (ms), neuron, (with trials) trial, and one for every
        further dim of V. The attributes hold the rule and the record's start, end, neurons, trials,
        sweeps and number of spikes, which the rates need.

    Raises
    ------
    ValueError
        If `ds` has neither spikes nor V over time and neuron; if V is not finite, or its samples
        are too far apart; if the spikes were found by another rule, or are only some of those
        found; if there is no such window.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, stimulus=10.0), 50.0)
    >>> spikes(ds).spike_time.values.round(1)
    array([ 1.9, 16.8, 31.5, 46.1])
    >>> ds = hh.solve(hh.Network(1, stimulus=10.0), 50.0, save_dt=5.0, record=("V", "spikes"))
    >>> spikes(ds, start=10.0).spike_time.values.round(1)
    array([16.8, 31.5, 46.1])
    """
    if "spike_time" not in ds:
        found = _in_traces(ds, checked_rule(rule))
    else:
        _refuse_other_spikes(ds, rule)
        found = ds if spikes_alone(ds) else _beside_traces(ds)
    return found if start is None and stop is None else window_of_spikes(found, start, stop)


def _in_traces(ds: xr.Dataset, rule: SpikeRule) -> xr.Dataset:
    V = _potentials(ds)
    times = increasing_times(ds)
    _refuse_thinned(times)
    coords = {str(dim): V[dim].values for dim in V.dims if dim != "time"}
    shape = tuple(map(len, coords.values()))
    # (trains, time): one contiguous row for each train
    rows = np.moveaxis(V.values, V.dims.index("time"), -1).reshape(-1, len(times))
    if not np.all(np.isfinite(rows)):
        first = np.unravel_index(np.argmin(np.isfinite(rows).all(axis=1)), shape)
        where = ", ".join(f"{k} {v[i]}" for (k, v), i in zip(coords.items(), first, strict=True))
        if "stop_time" in ds:
            raise ValueError(
                f"V of {where} ends at its stop, so later spikes are not known: those up to it are "
                "with record=('V', 'spikes')"
            )
        raise ValueError(
            f"V of {where} is not finite, so its spikes are not known: choose the others first, "
            "by ds.sel or ds.dropna"
        )
    trains = [times_of(times, np.ascontiguousarray(row), rule) for row in rows]
    train = np.repeat(np.arange(len(trains)), [len(one) for one in trains])
    span = {"t_start": float(times[0]), "t_end": float(times[-1])}
    return _ragged(
        np.concatenate([*trains, np.zeros(0)]),
        dict(zip(coords, np.unravel_index(train, shape), strict=True)),
        coords,
        {**rule_attributes(rule), **span},
        {name: V[name].attrs for name in coords},
    )


def over_time(ds: xr.Dataset, variable: str) -> xr.DataArray:
    """A variable over time.

    Raises
    ------
    ValueError
        If there is none.
    """
    if variable not in ds or "time" not in ds[variable].dims:
        known = [str(name) for name, one in ds.data_vars.items() if "time" in one.dims]
        raise ValueError(
            f"there is no variable {variable!r} over time; there is {', '.join(known) or 'none'}"
            + hint_of_traces(ds)
        )
    return ds[variable]


def hint_of_traces(ds: xr.Dataset) -> str:
    """How to come from spikes alone to traces, for an error."""
    hint = "; these are spikes alone, whose traces hh_sde.rerun(ds, record=('V',)) makes"
    return hint if spikes_alone(ds) else ""


def increasing_times(ds: xr.Dataset) -> np.ndarray:
    """The times of a record, ms.

    Raises
    ------
    ValueError
        If they do not increase.
    """
    times = np.atleast_1d(ds.time.values)
    if np.any(np.diff(times) <= 0):
        k = int(np.argmax(np.diff(times) <= 0))
        raise ValueError(
            f"time must increase, but {times[k + 1]:g} ms follows {times[k]:g} ms; "
            'ds.sortby("time").drop_duplicates("time") would make it so'
        )
    return times


def _refuse_thinned(times: np.ndarray) -> None:
    spacing = np.diff(times).max(initial=0.0)
    if spacing > WIDEST * (1 + ROUNDING):
        raise ValueError(
            f"the samples of V are {spacing:g} ms apart, between which spikes are lost: at most "
            f"{WIDEST:g} ms. Let solve find them at every step, record=('V', 'spikes'), or save "
            "more often, save_dt"
        )


def _refuse_other_spikes(ds: xr.Dataset, rule: SpikeRule | None) -> None:
    """Refuse spikes of another rule, and some of the spikes found in place of all."""
    wanted = {} if rule is None else rule_attributes(checked_rule(rule))
    if any(name not in ds.attrs or ds.attrs[name] != value for name, value in wanted.items()):
        raise ValueError(
            f"these spikes were found by another rule than {rule}; give the traces, or no rule"
        )
    n, found = ds.sizes["spike"], ds.attrs.get("n_spikes", ds.sizes["spike"])
    if n != found:
        raise ValueError(
            f"these are {n} of {found} spikes, and over what time they were chosen is not known: "
            "give all, with start= and stop=, and choose neurons and trials in what comes out"
        )


def beside(ds: xr.Dataset, found: xr.Dataset) -> xr.Dataset:
    """The traces `ds` with the spikes `found` as spike_time, spike_neuron and spike_trial."""
    columns = {"neuron": "spike_neuron", "trial": "spike_trial"}
    own = found.rename({name: columns[name] for name in columns if name in found})
    about = [
        *rule_attributes(SpikeRule()),
        "n_spikes",
        *({"neurons", "trials"} & found.attrs.keys()),
    ]
    return ds.assign(own.data_vars).assign_attrs({name: found.attrs[name] for name in about})


def _beside_traces(ds: xr.Dataset) -> xr.Dataset:
    """The spikes beside traces: those of the trials, neurons and times that are there."""
    dims = {"trial": "spike_trial", "neuron": "spike_neuron"}
    coords = {name: np.atleast_1d(ds[name].values) for name in dims if name in ds.coords}
    _refuse_relabelled(ds, dims)
    times = increasing_times(ds)
    if times.size < 2:
        raise ValueError("spikes need a span of time; this Dataset has one time")
    until = end_of_record(ds, times)
    time = ds.spike_time.values
    here = (time >= times[0]) & (time <= until)
    for name, values in coords.items():
        here &= np.isin(ds[dims[name]].values, values)
    if "trial" not in ds.dims:
        coords.pop("trial", None)  # one that was chosen
    place = {
        name: _positions(values, ds[dims[name]].values[here]) for name, values in coords.items()
    }
    rule = {name: ds.attrs[name] for name in rule_attributes(SpikeRule())}
    attrs = {**rule, "t_start": float(times[0]), "t_end": until}
    return _ragged(time[here], place, coords, attrs, {})


def end_of_record(ds: xr.Dataset, times: np.ndarray) -> float:
    """When the record of traces ends, ms: a run may stop between two saves."""
    last = float(times[-1])
    t_end, save_dt = ds.attrs.get("t_end", last), ds.attrs.get("save_dt", 0.0)
    # what was cut off ends a save earlier; what was stopped between two saves, less; what was put
    # together goes on beyond the end of its first part
    return float(t_end) if -1e-6 <= (t_end - last) / (save_dt or np.inf) < 1 - 1e-6 else last


def _refuse_relabelled(ds: xr.Dataset, dims: Mapping[str, str]) -> None:
    """Refuse traces whose labels are no longer those by which their spikes are known."""
    if ds.spike_time.ndim != 1:
        raise ValueError(
            "the spikes of several Datasets were put together as if they belonged to each other; "
            "put together what the measures make of each"
        )
    for name in ("t_start", "t_end", "save_dt", "neurons"):
        if name not in ds.attrs:
            raise ValueError(f"the spikes of this Dataset are not known without its {name!r}: it "
                             "lost the attribute; keep those that solve gave it")  # fmt: skip
    times = increasing_times(ds)
    first, last, spacing = (single(ds.attrs[k], k) for k in ("t_start", "t_end", "save_dt"))
    steps = np.diff(times)
    even = not steps.size or (np.ptp(steps) <= 1e-6 * spacing and steps[0] >= spacing * (1 - 1e-6))
    if not (even and first - spacing <= times[0] and times[-1] <= last + spacing):
        _no_longer(ds, "time")
    for name, column in dims.items():
        if column not in ds:
            continue
        if name not in ds.coords:
            _no_longer(ds, name)
        labels = json.loads(ds.attrs[f"{name}s"])
        if not np.isin(ds[name].values, labels).all():
            _no_longer(ds, name)


def _no_longer(ds: xr.Dataset, name: str) -> NoReturn:
    there = str(ds[name].values) if name in ds.coords else "nothing"
    raise ValueError(
        f"the spikes of this Dataset are known by another {name} than {there[:60]}: its {name} was "
        "averaged, dropped or changed. Ask the measures before that; sel and isel do no harm"
    )


def window_bounds(
    first: float, last: float, start: float | None, stop: float | None
) -> tuple[float, float]:
    """The ends of a window in a record from `first` to `last`, ms.

    Raises
    ------
    TypeError, ValueError
        If they do not lie in it.
    """
    start = first if start is None else _number(start, "start")
    stop = last if stop is None else _number(stop, "stop")
    if not first <= start < stop <= last:
        raise ValueError(
            f"start and stop must be {first:g} <= start < stop <= {last:g} ms, the span of the "
            f"record; got {start:g} and {stop:g}"
        )
    return start, stop


def window_of_spikes(found: xr.Dataset, start: float | None, stop: float | None) -> xr.Dataset:
    """The spikes with start <= t < stop, or <= stop at the end of the record."""
    last = found.attrs["t_end"]
    start, stop = window_bounds(found.attrs["t_start"], last, start, stop)
    time = found.spike_time.values
    inside = (time >= start) & ((time < stop) | (stop == last))
    return chosen(found, inside, t_start=start, t_end=stop)


def chosen(found: xr.Dataset, inside: np.ndarray, **attrs: Any) -> xr.Dataset:
    """Some of the spikes, with the attributes of the record that these are all the spikes of."""
    return found.isel(spike=inside).assign_attrs({**attrs, "n_spikes": int(inside.sum())})


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
    return _ragged(time[order], ordered, coords, attrs, {})


@dataclass(frozen=True)
class Trains:
    """Spike trains over every combination of sweep, trial and neuron.

    Attributes
    ----------
    coords : dict of dim to its values
        Sweeps, then trial (if there are trials), then neuron.
    times : list of (n_spikes,) arrays
        One sorted train (ms) for each combination, the last dim fastest; it may be empty.
    start, end : float
        Span of the record, ms.
    units : dict of sweep to its attributes
    attrs : dict
        Attributes of the spikes.
    """

    coords: dict[str, np.ndarray]
    times: list[np.ndarray]
    start: float
    end: float
    units: dict[str, dict[str, str]]
    attrs: dict[str, Any]

    @classmethod
    def of(
        cls,
        ds: xr.Dataset,
        rule: SpikeRule | None,
        start: float | None = None,
        stop: float | None = None,
    ) -> Trains:
        """The trains of a result of `solve` or of `spikes`, in a window of time."""
        found = spikes(ds, rule, start=start, stop=stop)
        coords = coordinates(found)
        _refuse_strangers(found, coords)
        where = [_positions(values, found[name].values) for name, values in coords.items()]
        shape = tuple(map(len, coords.values()))
        train = np.ravel_multi_index(tuple(where), shape)
        order = np.lexsort((found.spike_time.values, train))
        ends = np.cumsum(np.bincount(train, minlength=int(np.prod(shape))))
        times = np.split(found.spike_time.values[order], ends[:-1])
        units = {name: found[name].attrs for name in coords if name not in COLUMNS}
        span = found.attrs["t_start"], found.attrs["t_end"]
        return cls(coords, times, *span, units, found.attrs)

    @property
    def duration(self) -> float:
        """Length of the record, ms."""
        return self.end - self.start

    def groups(self, pool: str | None) -> tuple[dict[str, np.ndarray], list[list[np.ndarray]]]:
        """Coordinates without the dim `pool`, and for each combination the trains along it.

        Without trials, each train is the only trial of its group.

        Raises
        ------
        ValueError
            If there is no dim `pool`.
        """
        if pool is None or (pool == "trial" and pool not in self.coords):
            return self.coords, [[train] for train in self.times]
        if pool not in self.coords:
            raise ValueError(f"no dim {pool!r} to pool over; there are {', '.join(self.coords)}")
        axis = list(self.coords).index(pool)
        numbers = np.arange(len(self.times)).reshape([len(v) for v in self.coords.values()])
        rows = np.moveaxis(numbers, axis, -1).reshape(-1, len(self.coords[pool]))
        coords = {name: values for name, values in self.coords.items() if name != pool}
        return coords, [[self.times[i] for i in row] for row in rows]

    def counts(self, trains: list[np.ndarray], width: float) -> np.ndarray:
        """Spikes of each train in windows of `width` ms from the start on, (trains, windows).

        As in a histogram, a window holds its left edge, and the last one both. What is left after
        the last whole window is not counted.
        """
        n = int(self.duration / width + ROUNDING)
        found = np.zeros((len(trains), n), dtype=np.int64)
        for row, train in zip(found, trains, strict=True):
            place = (train - self.start) / width
            place = np.where(np.abs(place - n) < ROUNDING, n - 1, np.floor(place + ROUNDING))
            inside = place[(place >= 0) & (place < n)].astype(np.int64)
            row += np.bincount(inside, minlength=n)
        return found

    def dataset(
        self, variables: Mapping[str, Labelled], coords: Mapping[str, np.ndarray | Labelled]
    ) -> xr.Dataset:
        """A Dataset of `variables` over `coords`, each a dim of the trains or labelled."""
        axes = {
            name: entry if isinstance(entry, Labelled) else Labelled(entry, *self._label(name))
            for name, entry in coords.items()
        }
        data = {}
        for name, variable in variables.items():
            dims = tuple(axes) if variable.dims is None else variable.dims
            shape = [len(axes[dim].values) for dim in dims]
            data[name] = (dims, np.reshape(variable.values, shape), variable.attrs)
        own = {name: (name, np.asarray(axis.values), axis.attrs) for name, axis in axes.items()}
        return xr.Dataset(data, coords=own, attrs=self.attrs)

    def _label(self, name: str) -> tuple[str, str]:
        attrs = self.units.get(name, {})
        return attrs.get("units", "1"), attrs.get("long_name", f"{name} number")


def _refuse_strangers(found: xr.Dataset, coords: Mapping[str, np.ndarray]) -> None:
    """Refuse spikes of what is not in the record."""
    times, first, last = found.spike_time.values, found.attrs["t_start"], found.attrs["t_end"]
    if times.size and not (times.min() >= first and times.max() <= last):
        raise ValueError(
            f"there are spikes from {times.min():g} to {times.max():g} ms in a record from "
            f"{first:g} to {last:g} ms: spike_time, t_start and t_end go together"
        )
    for name, values in coords.items():
        strange = ~np.isin(found[name].values, values)
        if strange.any():
            raise ValueError(
                f"there are spikes of {name} {found[name].values[strange][0]}, which is not in the "
                f"record: {str(values)[:80]}"
            )


class Labelled(NamedTuple):
    """Values of any shape of the right size, what they are, and what NaN among them means.

    They lie over `dims`, by default all of the Dataset they go into.
    """

    values: Any
    units: str
    long_name: str
    nan_means: str = ""
    dims: tuple[str, ...] | None = None

    @property
    def attrs(self) -> dict[str, str]:
        """Attributes of the variable."""
        missing = {"nan_means": self.nan_means} if self.nan_means else {}
        return labels(self.units, self.long_name) | missing


#: Windows and bins: a spike this close (in widths) to an edge lies on it.
ROUNDING = 1e-9


def coordinates(found: xr.Dataset) -> dict[str, np.ndarray]:
    """The values along each dim of the record that the spikes `found` come from."""
    coords = sweeps_of(found) | {
        name: json.loads(found.attrs[key])
        for name, key in (("trial", "trials"), ("neuron", "neurons"))
        if key in found.attrs
    }
    return {name: np.asarray(values) for name, values in coords.items()}


def sweeps_of(found: xr.Dataset) -> dict[str, list[Any]]:
    """The swept parameters of the spikes `found`, and their values."""
    return json.loads(found.attrs.get("sweeps", "{}"))


def checked(value: float, name: str, *, most: float = np.inf) -> float:
    """A positive, finite number (ms), not above `most`.

    Raises
    ------
    TypeError, ValueError
    """
    if not (np.isfinite(_number(value, name)) and 0 < value <= most * (1 + ROUNDING)):
        limit = f" and at most the record's {most:g} ms" if np.isfinite(most) else ""
        raise ValueError(f"{name} must be positive{limit}, got {value!r}")
    return float(value)


def _number(value: float, name: str) -> float:
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number (ms), got {value!r}")
    return float(value)


def labels(units: str, long_name: str) -> dict[str, str]:
    """Attributes of a variable."""
    return {"units": units, "long_name": long_name}


def _ragged(
    time: np.ndarray,
    positions: Mapping[str, np.ndarray],
    coords: Mapping[str, np.ndarray],
    attrs: Mapping[str, Any],
    units: Mapping[str, dict[str, str]],
) -> xr.Dataset:
    for name, values in coords.items():
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
        attrs["sweeps"] = json.dumps({name: values.tolist() for name, values in sweeps.items()})
    return xr.Dataset(data, attrs=attrs)


def _potentials(ds: xr.Dataset) -> xr.DataArray:
    if "V" not in ds or not {"time", "neuron"} <= set(ds["V"].dims):
        raise ValueError(
            "spikes need the variable V over (trial, time, neuron); this Dataset has "
            + ", ".join(f"{name}{variable.dims}" for name, variable in ds.data_vars.items())
        )
    usual = [dim for dim in ("trial", "time", "neuron") if dim in ds["V"].dims]
    return ds["V"].transpose(..., *usual)


def _positions(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    order = np.argsort(values)
    return order[np.searchsorted(values, wanted, sorter=order)]
