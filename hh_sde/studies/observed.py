"""Observables of multilevel estimates: a value for each trial, from the output of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from hh_sde.arguments.scalars import positive
from hh_sde.errors import unknown
from hh_sde.records import numbers, shown
from hh_sde.studies.subject import Subject

Function = Callable[[xr.Dataset], xr.DataArray]


class Named(NamedTuple):
    """An observable by name, of a network."""

    of: Function
    record: tuple[str, ...]
    stop: str | None
    units: str
    summary: str


class Observable(NamedTuple):
    """A value of each trial, and what `solve` is to keep for it."""

    of: Function
    options: dict[str, Any]

    def values(self, ds: xr.Dataset) -> xr.DataArray:
        """Over trial, and perhaps dims of its own.

        Raises
        ------
        TypeError, ValueError
            If it is no such array, or not finite.
        """
        found = self.of(ds)
        if not isinstance(found, xr.DataArray) or "trial" not in found.dims:
            got = f"dims {found.dims}" if isinstance(found, xr.DataArray) else shown(found)
            raise TypeError(
                f"observable must give a DataArray with the dim trial, got {got}; means over "
                "trials are taken of what it gives"
            )
        if found.dtype.kind not in "fiub" or not found.size:
            raise TypeError(
                f"observable must give real numbers, got {found.size} of type {found.dtype}"
            )
        if found.sizes["trial"] != ds.sizes.get("trial", found.sizes["trial"]):
            raise ValueError(
                f"observable gives {found.sizes['trial']} values of {ds.sizes['trial']} trials"
            )
        if not np.isfinite(found.values.astype(float)).all():
            where = np.flatnonzero(~np.isfinite(found.values.astype(float)).ravel())[0]
            raise ValueError(
                f"observable gives {found.values.ravel()[where]} for a trial: it must have a "
                "value in every one, as t_end for a time that is not reached"
            )
        return found


def _mean_V(ds: xr.Dataset) -> xr.DataArray:
    return ds.V.isel(time=-1, drop=True).mean("neuron", keep_attrs=True)


def _rate(ds: xr.Dataset) -> xr.DataArray:
    return ds.hh.rates().rate.mean("neuron", keep_attrs=True)


def _counts(ds: xr.Dataset) -> xr.DataArray:
    duration = 1e-3 * (ds.attrs["t_end"] - ds.attrs["t_start"])  # s
    return (_rate(ds) * duration).assign_attrs(units="1")


def _first_spike(ds: xr.Dataset) -> xr.DataArray:
    return ds.stop_time.rename(of_trial="trial").fillna(ds.attrs["t_end"])


#: Observables of a network by name; means over its neurons.
OBSERVABLES: dict[str, Named] = {
    "mean_V": Named(_mean_V, ("V",), None, "mV", "V at the end"),
    "spike_count": Named(_counts, ("spikes",), None, "1", "spikes of a neuron"),
    "rate": Named(_rate, ("spikes",), None, "Hz", "firing rate"),
    "first_spike": Named(
        _first_spike, ("spikes",), "first spike", "ms",
        "time of the first spike of any neuron, t_end if there is none",
    ),
}  # fmt: skip


def of_name(
    observable: str | Function,
    model: Subject,
    t_end: float,
    record: Any,
    save_dt: float | None,
    stop: Any,
) -> Observable:
    """What an argument `observable` names, or the function that it is, with what is recorded.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or record, save_dt or stop are given beside a name.
    """
    end = {"save_dt": t_end if save_dt is None else save_dt}
    if callable(observable):
        given = {"record": record, "stop": stop}
        if record is None and model.net is not None:
            given["record"] = ("V", "spikes")
        return Observable(observable, {k: v for k, v in given.items() if v is not None} | end)
    if model.net is None:
        raise TypeError(
            "of an SDE or a problem of one observable is a function of the Dataset, as "
            "lambda ds: ds.x.isel(time=-1, component=0)"
        )
    if ":" in observable:
        raise ValueError(
            f"a result does not hold the function {observable}: give it, observable=function"
        )
    if observable not in OBSERVABLES:
        raise ValueError(unknown("observable", observable, OBSERVABLES))
    if record is not None or save_dt is not None or stop is not None:
        raise ValueError(
            f"record, save_dt and stop go with a function; {observable} says itself what is kept"
        )
    named = OBSERVABLES[observable]
    kept = {"record": named.record} | ({"stop": named.stop} if named.stop else {})
    return Observable(named.of, kept | (end if "V" in named.record else {}))


def smoothed_distribution(values: xr.DataArray, levels: Any, width: float) -> xr.DataArray:
    r"""Smoothed indicator of each value being below each level: 0 or 1 beyond `width` of the level.

    Its mean over trials is the distribution function at the levels. The step function is replaced
    by :math:`1/2 + (5 s^3 - 9 s)/8` for
    :math:`s = (\mathrm{value} - \mathrm{level})/\mathrm{width}` between -1 and 1, with an error of
    order 4 in the width. Differences of runs at two steps then decrease as fast as those of the
    values, instead of as slowly as the probability that a level lies between them.

    Parameters
    ----------
    values : DataArray with the dim trial
    levels : (levels,) array
        In the unit of the values.
    width : float
        The same.

    Returns
    -------
    DataArray
        With the additional dim `threshold`, the levels.

    Raises
    ------
    TypeError, ValueError
        If values are no DataArray, levels are not increasing, or width is not positive.

    References
    ----------
    Giles, Nagapetyan & Ritter (2015), SIAM/ASA J. Uncertain. Quantif. 3, 267,
    doi:10.1137/140960086.

    Examples
    --------
    >>> values = xr.DataArray([1.0, 2.0, 3.0], dims="trial")
    >>> smoothed_distribution(values, [2.0, 2.5], 0.1).mean("trial").values.round(3)
    array([0.5  , 0.667])
    """
    if not isinstance(values, xr.DataArray):
        raise TypeError(f"values must be a DataArray with the dim trial, got {shown(values)}")
    at = numbers(levels, "levels", "numbers")
    width = positive(width, "width")
    if at.ndim != 1 or not at.size or not np.isfinite(at).all() or np.any(np.diff(at) <= 0):
        raise ValueError(f"levels must be rising numbers, got {shown(levels)}")
    labels = {"units": values.attrs.get("units", "1"), "long_name": "threshold"}
    threshold = xr.DataArray(at, dims="threshold", coords={"threshold": ("threshold", at, labels)})
    s = ((values - threshold) / width).clip(-1.0, 1.0)
    return (0.5 + (5.0 * s**3 - 9.0 * s) / 8.0).assign_attrs(units="1")
