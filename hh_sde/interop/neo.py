"""Spike trains for neo, and elephant with it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import xarray as xr

from hh_sde.errors import optional
from hh_sde.interop.trains import annotated
from hh_sde.measures.train_arrays import Trains
from hh_sde.spike_rule import SpikeRule

if TYPE_CHECKING:
    import neo

#: What a train has of its own, within its segment.
_OF_NEURON = ("neuron", "population", "index")


def to_neo(
    ds: xr.Dataset,
    rule: SpikeRule | None = None,
    *,
    start: float | None = None,
    stop: float | None = None,
) -> neo.Block:
    """The spike trains as a `neo.Block` (``pip install hh_sde[neo]``), which elephant takes.

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
        ``[t for s in block.segments for t in s.spiketrains]``.

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
    """
    neo = optional("neo")
    trains = Trains.of(ds, rule, start, stop, of_own_length=True)
    block = neo.Block(name="hh_sde")
    for where, population in groupby(annotated(ds, trains), lambda one: _place(one[0])):
        segment = neo.Segment(name=str(dict(where)), **dict(where))
        members = list(population)
        # those of a trial end together
        last = max((end for *_, end in members), default=trains.end)
        for of, train, _ in members:
            span = {"t_start": trains.start, "t_stop": last}
            segment.spiketrains.append(neo.SpikeTrain(train, units="ms", **span, **of))
        block.segments.append(segment)
    return block


def _place(of: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """The trial and the swept values of a train."""
    return tuple((name, value) for name, value in of.items() if name not in _OF_NEURON)
