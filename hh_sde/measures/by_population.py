"""Measures of a network's populations: each result says whose neurons are whose."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import stated
from hh_sde.dataset import populations_of, spikes_alone, with_populations
from hh_sde.errors import unknown
from hh_sde.measures.trains import chosen, see_columns
from hh_sde.records import see_choice

_BY = """\
by : {"population"}, optional
    For each population of the network alone; what keeps the dim neuron is averaged over its
    neurons. Default: the neurons as they are."""


def population(ds: xr.Dataset, name: str) -> xr.Dataset:
    """The part of a result that belongs to one population of its network.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`, of a network of populations
    name : str

    Returns
    -------
    Dataset
        Like `ds`, with the neurons of that population and without variables that it lacks.

    Raises
    ------
    ValueError
        If there is no such population.

    Examples
    --------
    >>> import hh_sde as hh
    >>> net = hh.Network({"E": hh.Population(2), "I": hh.Population(1, "wang_buzsaki")})
    >>> ds = hh.solve(net, 1.0)
    >>> list(population(ds, "I")), population(ds, "I").sizes["neuron"]
    (['V', 'h', 'n'], 1)
    """
    sizes = _sizes(ds)
    if name not in sizes:
        raise ValueError(unknown("population", name, sizes))

    def inside(neurons: Any) -> np.ndarray:
        return populations_of(neurons, ds.attrs)["population"] == name

    if "spike_time" in ds:
        see_columns(ds)
    if spikes_alone(ds):
        known = np.asarray(stated.labels(ds.attrs, "neurons"))
        part = chosen(ds, inside(ds.neuron.values))
        return part.assign_attrs(neurons=json.dumps(known[inside(known)].tolist()))
    if "neuron" not in ds.dims or ds.neuron.dims != ("neuron",):
        raise ValueError(
            "this Dataset has no dim neuron: it is of one neuron, or of what was averaged over them"
        )
    part = ds.isel(neuron=inside(ds.neuron.values))
    lacking = [
        key
        for key, one in part.data_vars.items()
        if "neuron" in one.dims and one.dtype.kind == "f" and one.size
        and not ds[key].isnull().all() and part[key].isnull().all()
    ]  # fmt: skip
    part = part.drop_vars(lacking)
    if "spike_neuron" not in part:
        return part
    return chosen(part, inside(part.spike_neuron.values))


def _sizes(ds: xr.Dataset) -> dict[str, int]:
    if "populations" not in ds.attrs:
        raise ValueError(
            "this Dataset is not of a network of populations: "
            'hh_sde.Network({"E": hh_sde.Population(100), ...}) makes one'
        )
    return stated.populations(ds.attrs)


def with_labels(measure: Callable[..., Any]) -> Callable[..., Any]:
    """A measure whose result names the populations of its neurons."""

    @wraps(measure)
    def labelled(ds: Any, *args: Any, **options: Any) -> Any:
        found = measure(ds, *args, **options)
        return _with_labels_of(found, ds)

    return labelled


def _with_labels_of(found: Any, ds: Any) -> Any:
    known = isinstance(ds, xr.Dataset) and "populations" in ds.attrs
    return with_populations(found, ds.attrs) if known else found


def by_population(measure: Callable[..., Any]) -> Callable[..., Any]:
    """A measure with an argument `by`, whose result names the populations of its neurons."""

    @wraps(measure)
    def of_each(ds: Any, *args: Any, by: str | None = None, **options: Any) -> Any:
        if by is None:
            return _with_labels_of(measure(ds, *args, **options), ds)
        see_choice(by, ("population",), "by")
        parts = {
            name: _mean_over_neurons(measure(population(ds, name), *args, **options))
            for name in _sizes(ds)
        }
        names = xr.DataArray(
            list(parts), dims="population", attrs={"units": "1", "long_name": "population"}
        )
        joined = xr.concat(
            list(parts.values()), dim="population", coords="different", compat="equals",
            combine_attrs="drop_conflicts",
        )  # fmt: skip
        return joined.assign_coords(population=names)

    signature = inspect.signature(measure)
    own = inspect.Parameter(
        "by", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="str | None"
    )
    of_each.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), own]
    )
    of_each.__doc__ = _with_by(measure.__doc__ or "")
    return of_each


def _mean_over_neurons(found: Any) -> Any:
    return found.mean("neuron", keep_attrs=True) if "neuron" in found.dims else found


def _with_by(text: str) -> str:
    """A docstring with the argument `by` after its last parameter."""
    text = inspect.cleandoc(text)
    before, mark, after = text.partition("\n\nReturns\n")
    return f"{before}\n{_BY}{mark}{after}" if mark else text
