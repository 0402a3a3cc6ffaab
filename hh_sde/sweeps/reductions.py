"""What a sweep keeps in place of spikes or traces: statistics, computed inside the tasks.

A reduction makes sums of a task's trials, over ``trial_block`` in place of ``trial``, and `finish`
what is asked for of the sums of all blocks. A new one is a function, its `finish` and a line of
REDUCTIONS. A user's function, `Own`, stands alone: what it makes of tasks is the result.

References
----------
Chan, Golub & LeVeque (1983), Am. Stat. 37, 242, doi:10.1080/00031305.1983.10483115 (moments of
parts). Masson, Rim & Lee (2019), Proc. VLDB Endow. 12, 2195, doi:10.14778/3352063.3352135 (the
sketch of quantiles: counts in bins of equal ratio).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from hh_sde.errors import unknown
from hh_sde.provenance import place_of
from hh_sde.records import numbers, shown
from hh_sde.sweeps.form import COUNT, TIME

BLOCK = "trial_block"
#: Relative error of quantiles, and the shortest and longest interval that they tell apart, ms.
ACCURACY = 0.005
SHORTEST, LONGEST = 0.1, 1e6
_RATIO = (1 + ACCURACY) / (1 - ACCURACY)


#: A function of one's own.
Own = Callable[[xr.Dataset], xr.Dataset]


class Reduction(NamedTuple):
    """A statistic that a sweep keeps in place of spikes or traces."""

    sums: Callable[..., xr.Dataset]  # of a task's Dataset
    finish: Callable[..., xr.Dataset]  # of the sums of all
    of_spikes: bool
    summary: str


def interval_lengths(ds: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Intervals (ms) of all trains, and which train each is of, in the order of the counts."""
    count = np.maximum(ds[COUNT].values.ravel(), 0)
    train = np.repeat(np.arange(count.size), count)
    length = np.diff(ds[TIME].values)
    same = train[1:] == train[:-1]
    return length[same], train[1:][same]


def _by_block(
    ds: xr.Dataset, of_trains: np.ndarray, units: str, long_name: str, bins: str = "bin"
) -> xr.Variable:
    """Sums of trains (..., trial, neuron, others) over their trials."""
    dims = list(map(str, ds[COUNT].dims))
    at = dims.index("trial")
    summed = of_trains.sum(axis=at, keepdims=True)
    dims[at] = BLOCK
    others = [bins] if of_trains.ndim > len(dims) else []
    return xr.Variable((*dims, *others), summed, {"units": units, "long_name": long_name})


def _moments_of_intervals(ds: xr.Dataset) -> xr.Dataset:
    length, train = interval_lengths(ds)
    shape = ds[COUNT].shape
    power = [
        np.bincount(train, weights=length**k, minlength=int(np.prod(shape))).reshape(shape)
        for k in range(3)
    ]
    missing = ds[COUNT].values < 0
    found = [np.where(missing, np.nan, one) for one in power]
    names = ("interval_number", "interval_sum", "interval_squares")
    labels = (
        ("1", "number of intervals"), ("ms", "their sum"), ("ms^2", "the sum of their squares"),
    )  # fmt: skip
    return xr.Dataset(
        {name: _by_block(ds, one, *of) for name, one, of in zip(names, found, labels, strict=True)}
    )


def _interval_statistics(sums: xr.Dataset) -> xr.Dataset:
    n, total, squares = (
        sums[name].sum(BLOCK, skipna=False)
        for name in ("interval_number", "interval_sum", "interval_squares")
    )
    mean = (total / n).where(n > 0)
    variance = ((squares - total * mean) / (n - 1)).where(n > 1)
    found = xr.Dataset(
        {"interval_number": n, "interval_mean": mean, "interval_sd": variance.clip(min=0.0) ** 0.5}
    )
    found["interval_cv"] = found["interval_sd"] / mean
    labels = {
        "interval_number": ("1", "number of intervals"),
        "interval_mean": ("ms", "mean interval"),
        "interval_sd": ("ms", "standard deviation of the intervals"),
        "interval_cv": ("1", "coefficient of variation of the intervals"),
    }
    for name, (units, long_name) in labels.items():
        found[name].attrs = {"units": units, "long_name": long_name}
    return found


def _rates(ds: xr.Dataset) -> xr.Dataset:
    return xr.Dataset({"number": ds[COUNT]})


def _finished_rates(sums: xr.Dataset) -> xr.Dataset:
    duration = float(sums.attrs["t_end"]) - float(sums.attrs["t_start"])
    count = sums["number"].astype(float).where(sums["number"] >= 0)
    rate = (1e3 * count / duration).assign_attrs(units="Hz", long_name="firing rate")
    return xr.Dataset({"rate": rate, "n_spikes": sums["number"]})


def _histogram(ds: xr.Dataset, bins: Sequence[float]) -> xr.Dataset:
    edges = np.asarray(bins, dtype=float)
    length, train = interval_lengths(ds)
    place = np.searchsorted(edges, length, side="right") - 1
    place = np.where(length == edges[-1], edges.size - 2, place)
    inside = (place >= 0) & (place < edges.size - 1)
    return _counted(ds, train[inside], place[inside], edges.size - 1, "interval_histogram", "bin")


def _counted(
    ds: xr.Dataset, train: np.ndarray, place: np.ndarray, bins: int, name: str, dim: str
) -> xr.Dataset:
    shape = ds[COUNT].shape
    flat = np.bincount(train * bins + place, minlength=int(np.prod(shape)) * bins)
    found = np.where(ds[COUNT].values[..., None] < 0, np.nan, flat.reshape(*shape, bins))
    return xr.Dataset({name: _by_block(ds, found, "1", "intervals in the bin", dim)})


def _finished_histogram(sums: xr.Dataset, bins: Sequence[float]) -> xr.Dataset:
    edges = np.asarray(bins, dtype=float)
    counts = sums["interval_histogram"].sum(BLOCK, skipna=False)
    middle = 0.5 * (edges[1:] + edges[:-1])
    labels = {"units": "ms", "long_name": "middle of the bin"}
    counts = counts.assign_attrs(units="1", long_name="intervals in the bin")
    return xr.Dataset({"interval_histogram": counts}, coords={"bin": ("bin", middle, labels)})


_BINS = int(np.ceil(np.log(LONGEST / SHORTEST) / np.log(_RATIO)))


def _sketch(ds: xr.Dataset, q: Sequence[float]) -> xr.Dataset:
    length, train = interval_lengths(ds)
    place = np.ceil(np.log(np.maximum(length, SHORTEST) / SHORTEST) / np.log(_RATIO))
    bins = np.clip(place, 0, _BINS - 1).astype(int)
    return _counted(ds, train, bins, _BINS, "interval_sketch", "sketch_bin")


def _quantiles(sums: xr.Dataset, q: Sequence[float]) -> xr.Dataset:
    counts = sums["interval_sketch"].sum(BLOCK, skipna=False)
    below = counts.cumsum("sketch_bin")
    total = counts.sum("sketch_bin", skipna=False)
    middle = SHORTEST * _RATIO ** np.arange(_BINS) * 2 / (1 + _RATIO)
    found = []
    for one in q:
        place = (below <= one * (total - 1)).sum("sketch_bin")
        value = xr.DataArray(middle[np.minimum(place.values, _BINS - 1)], dims=place.dims)
        found.append(value.where(total > 0))
    joined = xr.concat(found, dim=xr.Variable(("quantile",), list(q)))
    labels = {"units": "ms", "long_name": "quantile of the intervals"}
    return xr.Dataset({"interval_quantile": joined.assign_attrs(labels)})


def _moments_of_traces(ds: xr.Dataset) -> xr.Dataset:
    found: dict[str, xr.Variable] = {}
    for name, one in ds.data_vars.items():
        if "time" not in one.dims:
            continue
        dims = [BLOCK if dim == "trial" else str(dim) for dim in one.dims]
        at = one.dims.index("trial")
        mean = one.values.mean(axis=at, keepdims=True)
        squares = ((one.values - mean) ** 2).sum(axis=at, keepdims=True)
        number = np.full(mean.shape, float(one.shape[at]))
        for part, values in (("number", number), ("mean", mean), ("squares", squares)):
            found[f"{name}_{part}"] = xr.Variable(dims, values, one.attrs)
    return xr.Dataset(found, coords={k: v for k, v in ds.coords.items() if "trial" not in v.dims})


def _finished_moments(sums: xr.Dataset) -> xr.Dataset:
    found = {}
    for key in map(str, sums.data_vars):
        name = key.removesuffix("_squares")
        if name == key:
            continue
        n, mean, squares = (sums[f"{name}_{part}"] for part in ("number", "mean", "squares"))
        total = n.sum(BLOCK, skipna=False)
        overall = (n * mean).sum(BLOCK, skipna=False) / total
        between = (n * (mean - overall) ** 2).sum(BLOCK, skipna=False)
        variance = (squares.sum(BLOCK, skipna=False) + between) / (total - 1)
        units = str(mean.attrs.get("units", "1"))
        found[f"{name}_mean"] = overall.assign_attrs(mean.attrs)
        found[f"{name}_var"] = variance.where(total > 1).assign_attrs(
            mean.attrs | {"units": f"({units})^2"}
        )
    return xr.Dataset(found)


#: Reductions by name.
REDUCTIONS: dict[str, Reduction] = {
    "rates": Reduction(_rates, _finished_rates, True, "spike count and firing rate of each trial"),
    "interval_statistics": Reduction(
        _moments_of_intervals,
        _interval_statistics,
        True,
        "mean, sd and CV of inter-spike intervals",
    ),
    "interval_histogram": Reduction(
        _histogram, _finished_histogram, True, "histogram of inter-spike intervals, bins=[...] (ms)"
    ),
    "interval_quantiles": Reduction(
        _sketch, _quantiles, True, "quantiles of inter-spike intervals, q=[...], to 0.5 %"
    ),
    "moments": Reduction(
        _moments_of_traces, _finished_moments, False, "mean and variance of traces over trials"
    ),
}


def checked_reductions(
    given: Any, record: Sequence[str] | None
) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Names of REDUCTIONS with their options, or that of a function, see `place_of`.

    Raises
    ------
    TypeError, ValueError
        If a name is not known, an option is missing or no list of numbers, or what it is made of
        is not recorded.
    """
    if given is None:
        return ()
    if callable(given):
        return ((place_of(given), {}),)
    if isinstance(given, str):
        given = [given]
    named = given if isinstance(given, Mapping) else {key: {} for key in given}
    if any(callable(one) for one in (*named, *named.values())):
        raise TypeError("reduce: a function of your own stands alone, reduce=function")
    found = []
    for name, options in named.items():
        if name not in REDUCTIONS:
            raise ValueError(f"reduce: {unknown('reduction', name, REDUCTIONS)}")
        of_spikes = REDUCTIONS[name].of_spikes
        if of_spikes and "spikes" not in (record or ()):
            raise ValueError(f"reduce: {name} is made of spikes: record=('spikes',)")
        if not of_spikes and record is not None and set(record) <= {"spikes"}:
            raise ValueError(f"reduce: {name} is made of traces: record=('V',)")
        found.append((str(name), _options(str(name), options or {})))
    return tuple(found)


#: Options of reductions, each a list of rising numbers.
_OPTIONS = {"interval_histogram": "bins", "interval_quantiles": "q"}


def _options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    wanted = [_OPTIONS[name]] if name in _OPTIONS else []
    if not isinstance(options, Mapping) or list(options) != wanted:
        takes = f"{wanted[0]}=[...]" if wanted else "no options"
        raise ValueError(
            f"reduce: {name} takes {takes}, as reduce={{'{name}': "
            f"{{{', '.join(f'{one!r}: [...]' for one in wanted)}}}}}; got {shown(options)}"
        )
    checked = {key: numbers(value, f"reduce: {name}: {key}") for key, value in options.items()}
    for key, values in checked.items():
        least = 2 if key == "bins" else 1
        if values.ndim != 1 or values.size < least or np.any(np.diff(values) <= 0):
            raise ValueError(f"reduce: {name}: {key} must be rising numbers, got {shown(values)}")
        if key == "q" and (values[0] < 0 or values[-1] > 1):
            raise ValueError(f"reduce: {name}: q must lie between 0 and 1, got {shown(values)}")
    return {key: values.tolist() for key, values in checked.items()}


def see_name(function: Own) -> None:
    """Refuse for a store what has no name of its own: another such would pass for it.

    Raises
    ------
    ValueError
    """
    if "<lambda>" in getattr(function, "__qualname__", "<lambda>"):
        raise ValueError(
            "reduce: a store knows a function by its name, and this one has none of its own "
            f"({place_of(function)}): give one that is made by def"
        )
    code = getattr(function, "__code__", None)
    if code is not None and code.co_freevars:
        raise ValueError(
            f"reduce: a store knows a function by its name, {place_of(function)}, and not what "
            f"it takes from around it ({', '.join(code.co_freevars)}): another with the same name "
            "would pass for it. Make those constants of its module"
        )


def place_of_own(reduce: Sequence[tuple[str, dict[str, Any]]]) -> str | None:
    """Where the function stands that a sweep is reduced by, if it is no name of REDUCTIONS."""
    return next((name for name, _ in reduce if name not in REDUCTIONS), None)


def reduced(
    ds: xr.Dataset, reduce: Sequence[tuple[str, dict[str, Any]]], own: Own | None
) -> xr.Dataset:
    """The sums of a task's Dataset, or what a function makes of it.

    Raises
    ------
    TypeError, ValueError
        If the sweep is reduced by a function, and there is none here or another; or what it makes
        is no Dataset.
    """
    place = place_of_own(reduce)
    if place is not None:
        if own is None or place_of(own) != place:
            raise ValueError(
                f"this sweep is reduced by the function {place}, which no file holds: give it as "
                "reduce= to hh_sde.sweep, with what else the sweep was called with"
            )
        found = own(ds)
        if not isinstance(found, xr.Dataset):
            raise TypeError(f"reduce: {place} must give a Dataset, got {shown(found)}")
        return found.drop_attrs(deep=False).assign_attrs(ds.attrs)  # its own may be of the task
    parts = [REDUCTIONS[name].sums(ds, **options) for name, options in reduce]
    sums = _merged(parts).assign_attrs(ds.attrs)
    left = {k: one for k, one in ds.coords.items() if set(one.dims) <= set(sums.dims)}
    return sums.assign_coords(left)


def finished(sums: xr.Dataset, reduce: Sequence[tuple[str, dict[str, Any]]]) -> xr.Dataset:
    """What was asked for, of the sums of all tasks."""
    if not reduce or place_of_own(reduce) is not None:
        return sums
    parts = [REDUCTIONS[name].finish(sums, **options) for name, options in reduce]
    return _merged(parts).assign_attrs(sums.attrs)


def _merged(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Of the same cells: what several have of coordinates is the same."""
    return xr.merge(parts, join="exact", compat="override", combine_attrs="override")
