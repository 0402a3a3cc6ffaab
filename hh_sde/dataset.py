"""Labelling: the one place where arrays become an xarray.Dataset, and where one is checked.

Schema: dims (trial, time, neuron) for a network and (trial, time, component) for any other SDE,
`trial` only where trials were asked for. Spikes are ragged over a dim `spike`: spike_time, neuron
and trial where they stand alone, spike_time, spike_neuron and spike_trial beside traces; the
attribute n_spikes is how many were found. The last state of a run that its traces do not hold:
`hh_sde.continuation`. Every variable and coordinate has `units` and `long_name`; state variables
say by `role`, `channel` and `synapse` what they are, `Network.labels`, so that
``ds.filter_by_attrs(role="gate", channel="Na")`` finds them. Attributes are text or numbers, so
that netCDF and zarr take them, and hold nothing that differs between equal runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import stated
from hh_sde.addresses import is_whole
from hh_sde.errors import warn
from hh_sde.records import shown
from hh_sde.results import dataset_of

COORDINATES = {
    "trial": ("1", "trial number"),
    "time": ("ms", "time"),
    "neuron": ("1", "neuron number"),
    "component": ("1", "component of the state"),
    "population": ("1", "population"),
    "index": ("1", "number within the population"),
}
#: Attributes that every result of `solve` has.
REQUIRED_ATTRIBUTES = (
    "schema_version", "hh_sde_version", "method", "dt", "interpretation", "noise_type",
)  # fmt: skip
#: Those of a result of `sweep`, whose cells may differ in the others.
REQUIRED_OF_SWEEPS = ("schema_version", "hh_sde_version", "t_start", "t_end")
#: What the attribute `schema_version` is; schema 1 had no such attribute: see `upgrade`.
SCHEMA_VERSION = 2

Labels = Mapping[str, Mapping[str, Any]]


def build(
    values: Mapping[str, np.ndarray],
    labels: Labels,
    coords: Mapping[str, Any],
    attrs: Mapping[str, Any],
) -> xr.Dataset:
    """A Dataset of `values`, whose dims are the coordinates in their order.

    Parameters
    ----------
    values : mapping of variable name to array
    labels : mapping of variable name to its attributes
    coords : mapping of dim to coordinate values, in order
    attrs : mapping
        What tells how to run it again; None is left out.
    """
    dims = tuple(coords)
    ds = xr.Dataset(
        {name: (dims, values[name], labels[name]) for name in values},
        coords={dim: (dim, np.asarray(coords[dim]), _labels(*COORDINATES[dim])) for dim in dims},
    )
    return label(ds, attrs)


def label(ds: xr.Dataset, attrs: Mapping[str, Any]) -> xr.Dataset:
    """`ds` with the attributes of `build`, and the schema's version; those it has already stand."""
    plain = {name: _plain(value) for name, value in attrs.items() if value is not None}
    ds = ds.assign_attrs({"schema_version": SCHEMA_VERSION, **plain, **ds.attrs})
    return with_populations(ds, ds.attrs)


def with_populations(found: Any, attrs: Mapping[str, Any]) -> Any:
    """A result with the populations of its neurons, or of the neurons of its spikes, as labels.

    Parameters
    ----------
    found : Dataset or DataArray
    attrs : mapping
        Those of the result of `solve` that it is, or is of; `populations` says how many neurons
        each has, as JSON, and where there is none, `found` is returned as it is.
    """
    if "populations" not in attrs:
        return found
    if isinstance(found, xr.Dataset) and spikes_alone(found):
        names, _ = _of_neurons(found.neuron.values, attrs)
        labels = {"units": "1", "long_name": "population of the neuron that fired"}
        found = found.assign_coords(population=("spike", names, labels))
    elif "neuron" in found.coords or (isinstance(found, xr.Dataset) and "neuron" in found):
        names, index = _of_neurons(found["neuron"].values, attrs)
        dims = found["neuron"].dims  # of intervals theirs
        found = found.assign_coords(
            population=(dims, names, _labels(*COORDINATES["population"])),
            index=(dims, index, _labels(*COORDINATES["index"])),
        )
    return found.assign_attrs(populations=attrs["populations"])


def populations_of(neurons: np.ndarray, attrs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The `population` of each neuron of a result and its `index` there; empty without any."""
    if "populations" not in attrs:
        return {}
    names, index = _of_neurons(np.asarray(neurons), attrs)
    return {"population": names, "index": index}


def _of_neurons(neurons: np.ndarray, attrs: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The names of neurons' populations, and their numbers within these."""
    sizes = stated.populations(attrs)
    ends = np.cumsum(list(sizes.values()))
    kind = neurons.dtype.kind
    whole = kind in "iu" or (kind == "f" and np.array_equal(neurons, np.rint(neurons)))
    if neurons.size and not (whole and 0 <= neurons.min() <= neurons.max() < ends[-1]):
        raise ValueError(
            f"the attribute 'populations' of this Dataset, {attrs['populations']}, is of the "
            f"neurons 0 to {ends[-1] - 1}, and it has the neurons {shown(neurons.tolist())}: they "
            "were numbered anew, or one of the two was damaged. Without the attribute, "
            "ds.attrs.pop('populations'), its neurons are of no population"
        )
    number = np.searchsorted(ends, neurons, side="right")
    first = ends - list(sizes.values())
    return np.array(list(sizes))[number], neurons - first[number]


def upgrade(ds: xr.Dataset) -> xr.Dataset:
    """A result of an older version as this version would have made it; others as they are.

    ``ds.hh``, plots and the command line do it by themselves. Schema 1, that of results without
    the attribute `schema_version`, called the studies' dim over methods `method`, kept long arrays
    of the network's description as variables, and did not say what variables are. Its noise was
    drawn from its seed in another way, and cannot be made again: see the attribute `upgraded_from`.

    Raises
    ------
    TypeError
        If it is no Dataset.
    ValueError
        If the Dataset is of a newer schema.

    Examples
    --------
    >>> old = xr.Dataset({"error": ("method", [0.1])}, attrs={"hh_sde_version": "0.1.0"})
    >>> upgrade(old).error.dims
    ('scheme',)
    """
    dataset_of(ds, "upgrade")
    version = ds.attrs.get("schema_version", 1 if "hh_sde_version" in ds.attrs else SCHEMA_VERSION)
    if not is_whole(version) or version not in (1, SCHEMA_VERSION):
        raise ValueError(
            f"this Dataset is of schema {version!r}; this version of hh_sde knows those up to "
            f"{SCHEMA_VERSION}: a newer one reads it"
        )
    if version == SCHEMA_VERSION:
        return ds
    if "method" in ds.dims:
        ds = ds.rename(method="scheme")
    return _with_own_description(ds.assign_attrs(schema_version=SCHEMA_VERSION, upgraded_from=1))


def _with_own_description(ds: xr.Dataset) -> xr.Dataset:
    """A Dataset of schema 1 with its network's arrays in the description, and its roles."""
    if "network" not in ds.attrs:
        return ds
    from hh_sde.network import Network  # the engine is loaded with it

    try:
        net = Network.from_dataset(ds)
    except ValueError as error:
        warn(f"the network of an old result stays as it is: {error}")
        return ds
    own = [name for name, one in ds.data_vars.items() if one.ndim and one.dims == _own_dims(one)]
    ds = ds.drop_vars(own).assign_attrs(network=net.describe())
    known = {name: ds[name].assign_attrs(net.labels[name]) for name in net.labels if name in ds}
    return ds.assign(known)


def _own_dims(variable: xr.DataArray) -> tuple[str, ...]:
    """The dims that schema 1 gave to an array of a description."""
    return tuple(f"{variable.name}_dim{axis}" for axis in range(variable.ndim))


def spikes_alone(ds: xr.Dataset) -> bool:
    """Whether `ds` is one of spikes, without traces."""
    return "spike_time" in ds and "spike_neuron" not in ds and "spike_count" not in ds


def along_neurons(ds: xr.Dataset) -> xr.Dataset:
    """`ds` with its traces along the dim `neuron` where one was chosen, ``ds.isel(neuron=0)``."""
    if "neuron" not in ds.coords or ds.neuron.ndim:
        return ds
    traces = {
        name: variable.expand_dims("neuron", axis=-1)
        for name, variable in ds.data_vars.items()
        if "time" in variable.dims
    }
    return ds.drop_vars("neuron").assign(traces) if traces else ds


def last_state_names(ds: xr.Dataset) -> list[str]:
    """The variables that hold the last state of a run, `hh_sde.continuation`."""
    kept = ("last_", "open_", "spike_armed", "carried_")
    return [
        str(name)
        for name, one in ds.data_vars.items()
        if str(name).startswith(kept) and "time" not in one.dims
    ]


def statistics_labels(labels: Labels) -> dict[str, dict[str, Any]]:
    """Labels of V_mean, V_var and their like from those of V."""
    statistics = {}
    for name, own in labels.items():
        units = own["units"]
        squared = "1" if units == "1" else f"({units})^2" if "/" in units else f"{units}^2"
        others = {key: value for key, value in own.items() if key != "role"}
        for statistic, word, unit in (("mean", "mean", units), ("var", "variance", squared)):
            text = f"{word} over trials of the {own['long_name']}"
            own_labels = {"units": unit, "long_name": text, "statistic": statistic}
            statistics[f"{name}_{statistic}"] = {**others, **own_labels}
    return statistics


def validate(ds: xr.Dataset) -> xr.Dataset:
    """Check that `ds` keeps to the schema; return it.

    Raises
    ------
    TypeError, ValueError
        With all that is wrong, and what would be right.

    Examples
    --------
    >>> validate(xr.Dataset({"V": ("time", [0.0])}))
    Traceback (most recent call last):
    ...
    ValueError: this Dataset does not keep to the schema of hh_sde:
    - V has no attribute 'units'
    ...
    """
    ds = dataset_of(ds, "validate")
    faults = [
        f"{name} has no attribute {attribute!r}"
        for name, variable in ds.variables.items()
        for attribute in ("units", "long_name")
        if not variable.attrs.get(attribute)
    ]
    faults += [
        f"the Dataset has no attribute {attribute!r}"
        for attribute in (REQUIRED_OF_SWEEPS if "sweep" in ds.attrs else REQUIRED_ATTRIBUTES)
        if attribute not in ds.attrs
    ]
    faults += [
        f"attribute {name!r} is {type(value).__name__}; netCDF takes text, numbers and rows of them"
        for name, value in ds.attrs.items()
        if not _storable(value)
    ]
    faults += _dimension_faults(ds)
    if faults:
        raise ValueError("this Dataset does not keep to the schema of hh_sde:\n- "
                         + "\n- ".join(faults))  # fmt: skip
    return ds


def _dimension_faults(ds: xr.Dataset) -> list[str]:
    swept = "sweep" in ds.attrs
    faults = (_cell_faults if swept else _spike_faults)(ds) if "spike" in ds.dims else []
    if spikes_alone(ds) or (swept and "time" not in ds.dims):
        return faults
    if "time" not in ds.coords:
        faults.append("there is no coordinate 'time'")
    elif ds.time.dtype.kind not in "iuf":
        faults.append(f"time holds {ds.time.dtype}, not numbers")
    elif ds.time.size > 1 and not bool(np.all(np.diff(ds.time) > 0)):
        faults.append("time does not increase")
    wanted = ("trial", "time", "neuron" if "neuron" in ds.dims else "component")
    for name, variable in ds.data_vars.items():
        own = tuple(d for d in wanted if d in ds.dims)
        dims = variable.dims[-len(own) :] if swept else variable.dims
        if "time" in variable.dims and own != dims:
            faults.append(f"{name} has dims {variable.dims}, not {wanted} (trial may be missing)")
    return faults


def _spike_faults(ds: xr.Dataset) -> list[str]:
    beside = "spike_" if "spike_neuron" in ds else ""
    wanted = ["spike_time", f"{beside}neuron", *([f"{beside}trial"] if "trial" in ds else [])]
    faults = [
        f"{name} is missing, or has other dims than spike"
        for name in wanted
        if name not in ds or ds[name].dims != ("spike",)
    ]
    n_spikes = ds.attrs.get("n_spikes")
    if not is_whole(n_spikes) or n_spikes != ds.sizes["spike"]:
        faults.append(f"there are {ds.sizes['spike']} spikes, but n_spikes is {n_spikes}")
    return faults


def _cell_faults(ds: xr.Dataset) -> list[str]:
    """What is wrong with the spikes of a sweep."""
    names = ("spike_time", "spike_start", "spike_count")
    if not set(names) <= set(ds.data_vars):
        return [f"there is no variable {name!r}" for name in names if name not in ds.data_vars]
    start, count = ds.spike_start, ds.spike_count
    if start.dims != count.dims or start.dtype.kind != "i" or count.dtype.kind != "i":
        return ["spike_start and spike_count must be whole numbers over the same dims"]
    past = (start + count).where(count > 0, 0).max()
    if (start.where(count > 0, 0) < 0).any() or past > ds.sizes["spike"]:
        return ["spike_start and spike_count lead out of spike_time"]
    return []


def _storable(value: Any) -> bool:
    if isinstance(value, list | tuple | np.ndarray):
        return np.ndim(value) == 1 and all(_storable(item) for item in value)
    return isinstance(value, str | int | float | np.number) and not isinstance(value, bool)


def _labels(units: str, long_name: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name}


def _plain(value: Any) -> str | int | float:
    if isinstance(value, str):
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value)
    raise TypeError(f"an attribute must be text or a number, got {value!r}")
