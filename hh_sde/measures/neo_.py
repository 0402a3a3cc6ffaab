"""Results as objects of neo, an optional extra that is imported when it is called for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from hh_sde.dataset import along_neurons
from hh_sde.measures.extras import extra
from hh_sde.measures.train_arrays import Trains
from hh_sde.spike_rule import SpikeRule

if TYPE_CHECKING:
    import neo


def to_neo(
    ds: xr.Dataset,
    rule: SpikeRule | None = None,
    *,
    start: float | None = None,
    stop: float | None = None,
) -> neo.Block:
    """Spike trains and potentials as a `neo.Block` (``pip install hh_sde[neo]``), for elephant.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.

    Returns
    -------
    neo.Block
        A `neo.Segment` for each trial (and value of a sweep), annotated with them, that holds a
        `neo.SpikeTrain` (ms) for each neuron, annotated with neuron and trial. All trains in one
        list: ``block.list_children_by_class`` or
        ``[t for s in block.segments for t in s.spiketrains]``. Where `ds` holds V at even times,
        each segment also has it as a `neo.AnalogSignal` (mV), a column for each neuron.

    Raises
    ------
    ImportError
        If neo is not installed.
    ValueError
        If `ds` has neither spikes nor V, or spikes of another rule.

    References
    ----------
    Garcia et al. 2014, Front. Neuroinform. 8, 10, doi:10.3389/fninf.2014.00010.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(2, stimulus=10.0), 50.0)
    >>> block = to_neo(ds)
    >>> [len(train) for train in block.segments[0].spiketrains]
    [4, 4]
    >>> block.segments[0].analogsignals[0].shape
    (5001, 2)
    """
    neo = extra("neo")
    trains = Trains.of(ds, rule, start, stop, of_own_length=True)
    V = _potentials(ds, trains.start, trains.end)
    block = neo.Block(name="hh_sde")
    coords, populations = trains.groups("neuron")
    shape = [len(values) for values in coords.values()]
    ends = trains.ends[:: len(trains.coords["neuron"])]  # those of a trial end together
    for place, population, end in zip(np.ndindex(*shape), populations, ends, strict=True):
        where = {
            name: values[k].item() for k, (name, values) in zip(place, coords.items(), strict=True)
        }
        segment = neo.Segment(name=str(where), **where)
        # the spike that stopped its trial may lie behind it by rounding
        last = max([end, *(train[-1] for train in population if train.size)])
        for neuron, train in zip(trains.coords["neuron"].tolist(), population, strict=True):
            span = {"t_start": trains.start, "t_stop": last}
            segment.spiketrains.append(
                neo.SpikeTrain(train, units="ms", neuron=neuron, **span, **where)
            )
        if V is not None:
            segment.analogsignals.append(_signal(neo, V.sel(where)))
        block.segments.append(segment)
    return block


def _potentials(ds: xr.Dataset, start: float, stop: float) -> xr.DataArray | None:
    """V from `start` to `stop`, ms, if it is there at even times."""
    ds = along_neurons(ds)
    if "V" not in ds or not {"time", "neuron"} <= set(ds.V.dims):
        return None
    V = ds.V.sel(time=slice(start, stop)).transpose(..., "time", "neuron")
    steps = np.diff(V.time.values)
    return V if steps.size and np.ptp(steps) <= 1e-6 * steps.mean() else None


def _signal(neo: Any, V: xr.DataArray) -> Any:
    """V (time, neuron) of one trial."""
    ms = extra("quantities").ms
    period = float(V.time[-1] - V.time[0]) / (V.sizes["time"] - 1)
    signal = neo.AnalogSignal(
        V.values, "mV", name="V", t_start=float(V.time[0]) * ms, sampling_period=period * ms
    )
    signal.array_annotate(neuron=V.neuron.values)
    return signal
