"""Spike trains and potentials for neo, and elephant with it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import xarray as xr

from hh_sde.dataset import populations_of
from hh_sde.errors import keyword_hints, optional
from hh_sde.interop.trains import annotated, period, potentials
from hh_sde.measures.train_arrays import Trains
from hh_sde.results import takes_dataset
from hh_sde.spike_rule import SpikeRule

if TYPE_CHECKING:
    import neo

#: What a train has of its own, within its segment.
_OF_NEURON = ("neuron", "population", "index")


@keyword_hints
@takes_dataset
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
        `neo.SpikeTrain` (ms) for each neuron, annotated with neuron and trial, and where there are
        populations with population and index. All trains in one list:
        ``block.list_children_by_class`` or
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
    >>> block = to_neo(ds)  # doctest: +SKIP
    >>> [len(train) for train in block.segments[0].spiketrains]  # doctest: +SKIP
    [4, 4]
    >>> block.segments[0].analogsignals[0].shape  # doctest: +SKIP
    (5001, 2)
    """
    neo = optional("neo")
    trains = Trains.of(ds, rule, start, stop, of_own_length=True)
    V = potentials(ds, trains.start, trains.end)
    if V is not None and period(V.time.values) is None:
        V = None
    block = neo.Block(name="hh_sde")
    for where, population in groupby(annotated(ds, trains), lambda one: _place(one[0])):
        segment = neo.Segment(name=str(dict(where)), **dict(where))
        members = list(population)
        # those of a trial end together
        last = max((end for *_, end in members), default=trains.end)
        for of, train, _ in members:
            span = {"t_start": trains.start, "t_stop": last}
            segment.spiketrains.append(neo.SpikeTrain(train, units="ms", **span, **of))
        if V is not None:
            segment.analogsignals.append(_signal(neo, V.sel(dict(where)), ds))
        block.segments.append(segment)
    return block


def _place(of: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """The trial and the swept values of a train."""
    return tuple((name, value) for name, value in of.items() if name not in _OF_NEURON)


def _signal(neo: Any, V: xr.DataArray, ds: xr.Dataset) -> Any:
    """V (time, neuron) of one trial."""
    ms = optional("quantities", extra="neo").ms
    times = V.time.values
    signal = neo.AnalogSignal(
        V.values, "mV", name="V", t_start=float(times[0]) * ms, sampling_period=period(times) * ms
    )
    signal.array_annotate(neuron=V.neuron.values, **populations_of(V.neuron.values, ds.attrs))
    return signal
