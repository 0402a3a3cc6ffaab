"""Spike trains for pynapple."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from hh_sde.errors import keyword_hints, optional
from hh_sde.interop.trains import annotated
from hh_sde.measures.train_arrays import Trains
from hh_sde.results import takes_dataset
from hh_sde.spike_rule import SpikeRule

if TYPE_CHECKING:
    import pynapple


@keyword_hints
@takes_dataset
def to_pynapple(
    ds: xr.Dataset,
    rule: SpikeRule | None = None,
    *,
    start: float | None = None,
    stop: float | None = None,
) -> pynapple.TsGroup:
    """The spike trains as a `pynapple.TsGroup` (``pip install hh_sde[pynapple]``), in seconds.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.

    Returns
    -------
    pynapple.TsGroup
        A `pynapple.Ts` for each neuron of each trial, with the metadata neuron, and where there
        are, trial, swept values, population and index_in_population. What a TsGroup calls
        something else (a swept `rate`, say) is called ..._swept. Its time support is the window.

    Raises
    ------
    ImportError
        If pynapple is not installed.
    ValueError
        If `ds` has neither spikes nor V, spikes of another rule, or trials that stopped early: a
        group has one time support.

    References
    ----------
    Viejo et al. 2023, eLife 12, RP85786, doi:10.7554/eLife.85786.

    Examples
    --------
    >>> import hh_sde as hh
    >>> net = hh.Network({"E": hh.Population(2, stimulus=10.0), "I": hh.Population(1)})
    >>> group = to_pynapple(hh.solve(net, 50.0))  # doctest: +SKIP
    >>> group[group.population == "E"].keys()  # doctest: +SKIP
    [0, 1]
    """
    nap = optional("pynapple")
    trains = Trains.of(ds, rule, start, stop)
    every = list(annotated(ds, trains))
    support = nap.IntervalSet(trains.start, trains.end, time_units="ms")
    group = {
        k: nap.Ts(t=train, time_units="ms", time_support=support)
        for k, (_, train, _) in enumerate(every)
    }
    names = every[0][0] if every else {}
    metadata = {_own(nap, name): np.array([of[name] for of, *_ in every]) for name in names}
    return nap.TsGroup(group, time_support=support, metadata=metadata)


def _own(nap: Any, name: str) -> str:
    """A name of metadata that is nothing else of a TsGroup."""
    if name == "index":
        return "index_in_population"
    return f"{name}_swept" if name == "rate" or hasattr(nap.TsGroup, name) else name
