"""Summary statistics of a simulator's runs, and the table SUMMARIES.

A summary is a function of a Dataset whose runs are along ``point``: (points, statistics). Here each
statistic has a column for each neuron. `made_of` declares the variables that it needs.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import numpy as np
import xarray as xr

from hh_sde.errors import unknown
from hh_sde.records import shown, single
from hh_sde.results import dataset_of
from hh_sde.sweeps.form import COUNT, TIME
from hh_sde.sweeps.reductions import interval_lengths
from hh_sde.tables import Table, description_of

Function = TypeVar("Function", bound=Callable[..., Any])
#: What is recorded for a function that does not say what it is made of.
ALL = ("V", "spikes")
#: The variables that hold what is recorded, where they are called otherwise.
_HELD = {"spikes": (COUNT, TIME)}
#: Numbers whose moments are worked out at a time.
_IN_CACHE = 2**15


def made_of(*record: str, **units: str) -> Callable[[Function], Function]:
    """Declare what a summary needs, as `record` of `hh_sde.solve`, and the units of its options.

    Examples
    --------
    >>> @made_of("V")
    ... def last_potential(ds):
    ...     return ds.V.values[:, -1]
    >>> last_potential.record
    ('V',)
    """

    def marked(function: Function) -> Function:
        @functools.wraps(function)
        def checked(ds: xr.Dataset, *args: Any, **options: Any) -> Any:
            there = dataset_of(ds, function.__name__).variables
            lacking = [
                name for one in record for name in _HELD.get(one, (one,)) if name not in there
            ]
            if lacking:
                raise ValueError(
                    f"{function.__name__} is made of {' and '.join(record)} of a simulator's runs; "
                    f"this Dataset has no {', '.join(lacking)}"
                )
            if "spikes" in record and np.maximum(ds[COUNT].values, 0).sum() != ds[TIME].size:
                raise ValueError(
                    f"{function.__name__} takes all spikes of a simulator's runs, and {COUNT} of "
                    f"this Dataset counts others than the {ds[TIME].size} of {TIME}"
                )
            return function(ds, *args, **options)

        vars(checked).update(record=record, units=units)
        return cast(Function, checked)

    return marked


@made_of("spikes")
def spike_count(ds: xr.Dataset) -> np.ndarray:
    """Number of spikes."""
    return ds[COUNT].values.astype(float)


@made_of("spikes")
def rate(ds: xr.Dataset) -> np.ndarray:
    """Firing rate over the recorded time, Hz."""
    return 1e3 * ds[COUNT].values / (ds.attrs["t_end"] - ds.attrs["t_start"])


@made_of("spikes")
def interval_mean(ds: xr.Dataset) -> np.ndarray:
    """Mean inter-spike interval, ms; NaN with fewer than 2 spikes."""
    number, total, _ = _sums_of_intervals(ds)
    return np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)


@made_of("spikes")
def interval_cv(ds: xr.Dataset) -> np.ndarray:
    """Coefficient of variation of the inter-spike intervals; NaN with fewer than 3 spikes."""
    number, total, squares = _sums_of_intervals(ds)
    enough = number > 1
    nan = np.full_like(total, np.nan)
    mean = np.divide(total, number, out=nan.copy(), where=enough)
    variance = np.divide(squares - total * mean, number - 1, out=nan.copy(), where=enough)
    return np.sqrt(np.maximum(variance, 0.0)) / mean


def _sums_of_intervals(ds: xr.Dataset) -> list[np.ndarray]:
    """How many intervals there are, their sum and the sum of their squares."""
    length, train = interval_lengths(ds)
    shape = ds[COUNT].shape
    return [
        np.bincount(train, length**power, ds[COUNT].size).astype(float).reshape(shape)
        for power in range(3)
    ]


@made_of("V")
def V_moments(ds: xr.Dataset) -> np.ndarray:
    """Mean and standard deviation (mV), skewness and kurtosis of V over time; these two are NaN
    where V does not change.
    """
    return np.hstack(_moments(ds.V.values))


@made_of("V", "spikes", onset="ms", offset="ms")
def step_response(ds: xr.Dataset, onset: float, offset: float) -> np.ndarray:
    """The spikes during a step of the current; mean and standard deviation of V (mV) before it;
    mean, standard deviation (mV), skewness and kurtosis of V during it, NaN as of `V_moments`.

    References
    ----------
    Gonçalves et al. 2020, eLife 9, e56261, doi:10.7554/eLife.56261; sbi's tutorial of the
    Hodgkin-Huxley model.
    """
    onset, offset = single(onset, "onset"), single(offset, "offset")
    first, last = ds.time.values[[0, -1]]
    if not first < onset < offset <= last:
        raise ValueError(
            f"step_response: onset and offset must lie in this order in the record, {first:g} to "
            f"{last:g} ms; got {onset:g} and {offset:g}"
        )
    V = ds.V.values
    begin, end = np.searchsorted(ds.time.values, [onset, offset])
    counts = ds[COUNT].values
    train = np.repeat(np.arange(counts.size), counts.ravel())
    here = (ds[TIME].values >= onset) & (ds[TIME].values < offset)
    spikes = np.bincount(train[here], minlength=counts.size).reshape(counts.shape)
    return np.hstack([spikes, *_moments(V[:, :begin])[:2], *_moments(V[:, begin:end])])


def _moments(V: np.ndarray) -> list[np.ndarray]:
    """Over the times of V (points, times, neurons): mean, sd, skewness and kurtosis."""
    at_once = max(1, _IN_CACHE // max(1, V[:1].size))
    parts = [_moments_of_few(V[k : k + at_once]) for k in range(0, len(V), at_once)]
    return [np.concatenate(one) for one in zip(*parts, strict=True)]


def _moments_of_few(V: np.ndarray) -> list[np.ndarray]:
    mean = V.mean(axis=1)
    away = V - mean[:, None]
    power = away * away
    variance = power.mean(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):  # of what does not vary they are NaN
        power *= away
        skewness = power.mean(axis=1) / variance**1.5
        power *= away
        kurtosis = power.mean(axis=1) / variance**2
    return [mean, np.sqrt(variance), skewness, kurtosis]


def _entry(name: str, function: Any) -> Callable[..., Any]:
    if not callable(function):
        raise TypeError(f"SUMMARIES[{name!r}] takes a function of a Dataset, got {shown(function)}")
    return function


#: Summaries by name, as `hh_sde.simulator` takes them.
SUMMARIES: Table[Callable[..., Any]] = Table(
    "SUMMARIES",
    "summary",
    check=_entry,
    describe=description_of,
    entries={
        "spike_count": spike_count,
        "rate": rate,
        "interval_mean": interval_mean,
        "interval_cv": interval_cv,
        "V_moments": V_moments,
        "step_response": step_response,
    },
)


class Summary:
    """What is made of a Dataset, as it was asked for.

    Parameters
    ----------
    given : function, name, sequence of names, or mapping of name to options
        Names are those of `SUMMARIES`; their statistics stand one after the other.

    Attributes
    ----------
    record : tuple of str
        What it is made of.

    Raises
    ------
    TypeError, ValueError
        If it is none of these, there is no such name, or a summary does not take the options.
    """

    def __init__(self, given: Any) -> None:
        self.parts = _parts(given)
        made_of = [one for function, _ in self.parts for one in getattr(function, "record", ALL)]
        self.record = tuple(dict.fromkeys(made_of))

    def see_made_of(self, record: tuple[str, ...]) -> None:
        """See that this is enough to make it of.

        Raises
        ------
        ValueError
            If it is not.
        """
        for function, _ in self.parts:
            lacking = set(getattr(function, "record", ())) - set(record)
            if lacking:
                raise ValueError(
                    f"summary: {_name(function)} is made of {', '.join(sorted(lacking))}, and "
                    f"record={shown(record)} leaves that out"
                )

    def __call__(self, ds: xr.Dataset) -> np.ndarray:
        """Of a Dataset, (points, statistics)."""
        return np.hstack([_columns(function(ds, **options), function, ds.sizes["point"])
                          for function, options in self.parts])  # fmt: skip


def _parts(given: Any) -> list[tuple[Callable[..., Any], dict[str, Any]]]:
    if callable(given):
        return [(given, {})]
    named = [given] if isinstance(given, str) else given
    if not isinstance(named, Mapping):
        if not isinstance(named, list | tuple) or not all(isinstance(one, str) for one in named):
            raise TypeError(
                "summary must be a function of a Dataset, names of hh_sde.SUMMARIES or names with "
                f"their options, as {{'step_response': {{'onset': 10.0, 'offset': 110.0}}}}; got "
                f"{shown(given)}"
            )
        named = {name: {} for name in named}
    if not named:
        raise ValueError("summary must name at least one")
    return [(_named(name, options or {}), dict(options or {})) for name, options in named.items()]


def _named(name: Any, options: Any) -> Callable[..., Any]:
    if name not in SUMMARIES:
        raise ValueError(f"summary: {unknown('summary', name, SUMMARIES)}")
    function = SUMMARIES[name]
    signature = inspect.signature(function)
    try:
        signature.bind(None, **options)
    except TypeError:
        takes = [f"{one}=..." for one in list(signature.parameters)[1:]] or ["no options"]
        message = f"summary: {name} takes {', '.join(takes)}, got {shown(options)}"
        raise ValueError(message) from None
    return function


def _columns(found: Any, function: Callable[..., Any], points: int) -> np.ndarray:
    """What a function made of so many points, (points, statistics)."""
    if isinstance(found, xr.DataArray) and "point" in found.dims:
        found = found.transpose("point", ...)
    array = np.asarray(found, dtype=float)
    if array.ndim == 0 or array.shape[0] != points:
        raise ValueError(
            f"summary: {_name(function)} must make an array (points, statistics) of a Dataset with "
            f"the dim 'point', of {points} here; it made one of shape {array.shape}"
        )
    return array.reshape(points, -1)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", shown(function))
