"""Gates: the rest of the state in one array."""

from __future__ import annotations

import xarray as xr

from hh_sde.dataset import upgrade
from hh_sde.measures.labels import labels
from hh_sde.measures.over_time import hint_of_traces


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
    ds = upgrade(ds)
    names = list(ds.filter_by_attrs(role="gate").data_vars)
    if not names:
        raise ValueError(
            f"no gates in this Dataset; it has {', '.join(map(str, ds.data_vars))}"
            + hint_of_traces(ds)
        )
    stacked = xr.concat([ds[name].drop_attrs() for name in names], dim="gate")
    stacked = stacked.assign_coords(gate=("gate", names, labels("1", "gate")))
    stacked = stacked.transpose(..., "gate").rename("gates")
    return stacked.assign_attrs(labels("1", "gates"))
