"""The spikes of a result: those that were recorded, or those found in V."""

from __future__ import annotations

import numpy as np
import xarray as xr

from hh_sde import stated
from hh_sde.dataset import along_neurons, spikes_alone
from hh_sde.measures.arguments import ROUNDING
from hh_sde.measures.detection import checked_rule, rule_attributes, times_of
from hh_sde.measures.over_time import increasing_times, see_numbers
from hh_sde.measures.recorded import recorded_beside
from hh_sde.measures.swept import gathered, is_swept
from hh_sde.measures.trains import attributes_of_run, ragged_over, see_columns, window_of_spikes
from hh_sde.spike_rule import SpikeRule

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
        two samples are lost. Further dims, such as a swept parameter, are kept: see Returns. A
        neuron or a trial that was chosen, ``ds.isel(neuron=0)``, is one of one.
    rule : SpikeRule, optional
    start, stop : float, optional
        Only the spikes with start <= t < stop, or <= stop at the end of the record, ms: so a
        transient is left out. Rates are then those of this window.

    Returns
    -------
    Dataset
        Dim `spike`; variables spike_time (ms), neuron, (with trials) trial, and one for every
        further dim of V. The attributes hold the rule and the record's start, end, neurons, trials,
        sweeps and number of spikes, which the rates need, and how the run was made, for
        `hh_sde.rerun`.

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
        trains = _in_traces(ds, checked_rule(rule))
    else:
        _refuse_other_spikes(ds, rule)
        trains = _recorded(ds)
    return trains if start is None and stop is None else window_of_spikes(trains, start, stop)


def _recorded(ds: xr.Dataset) -> xr.Dataset:
    if is_swept(ds):
        return gathered(ds)
    if not spikes_alone(ds):
        return recorded_beside(ds)
    see_columns(ds)
    return ds


def _in_traces(ds: xr.Dataset, rule: SpikeRule) -> xr.Dataset:
    V = _potentials(along_neurons(ds))
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
    return ragged_over(
        np.concatenate([*trains, np.zeros(0)]),
        dict(zip(coords, np.unravel_index(train, shape), strict=True)),
        coords,
        {**attributes_of_run(ds), **rule_attributes(rule), **span},
        {name: V[name].attrs for name in coords},
    )


def _potentials(ds: xr.Dataset) -> xr.DataArray:
    if "V" not in ds or not {"time", "neuron"} <= set(ds["V"].dims):
        raise ValueError(
            "spikes need the variable V over (trial, time, neuron); this Dataset has "
            + ", ".join(f"{name}{variable.dims}" for name, variable in ds.data_vars.items())
        )
    see_numbers(ds["V"])
    usual = [dim for dim in ("trial", "time", "neuron") if dim in ds["V"].dims]
    return ds["V"].transpose(..., *usual)


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
    if "spike" not in ds.dims:
        see_columns(ds)
    n = ds.sizes["spike"]
    found = round(stated.number({"n_spikes": n, **ds.attrs}, "n_spikes"))
    if n != found:
        raise ValueError(
            f"these are {n} of {found} spikes, and over what time they were chosen is not known: "
            "give all, with start= and stop=, and choose neurons and trials in what comes out"
        )
