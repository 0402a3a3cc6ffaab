"""`ds.hh`: the measures and pictures of this library on any Dataset that it made."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from types import MethodType
from typing import TYPE_CHECKING, Any

import xarray as xr

from hh_sde import dataset, measures
from hh_sde.errors import unknown

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function(ds, ...)` as a method of something that holds the Dataset as `_ds`."""

    @functools.wraps(function)
    def method(self: Any, *args: Any, **options: Any) -> Any:
        return function(self._ds, *args, **options)

    signature = inspect.signature(function)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    parameters = [own, *list(signature.parameters.values())[1:]]
    method.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    method.__doc__ = _without_dataset(function)
    method.__module__ = __name__
    del method.__wrapped__  # or its examples count as this module's
    return method


def _without_dataset(function: Callable[..., Any]) -> str:
    """The docstring less its first parameter, which the accessor fills in, and its examples."""
    text = inspect.getdoc(function) or ""
    text = re.sub(r"(?m)^ds : .*\n(?:    .*\n)*", "", text)
    text = re.sub(r"Parameters\n-+\n+(?=$|\w+\n-)", "", text)
    text = re.split(r"(?m)^Examples\n-+\n", text)[0].rstrip()
    home = function.__module__.split(".")[1]
    return f"{text}\n\nThe same as ``hh_sde.{home}.{function.__name__}`` of this Dataset.\n"


@xr.register_dataset_accessor("hh")
class HHAccessor:
    """What can be asked of a result: each is a function of `hh_sde.measures` or `hh_sde.plot`.

    Measures of spikes take traces of V, whose spikes they find, or recorded spikes, alone or beside
    traces; all but `spikes` and `window` give a Dataset of one or a few variables.

    Parts of a result
        spikes, gates, window
    Firing
        rates, psth, fano_factor, intervals, interval_statistics, first_passage
    Correlations and spectra
        autocorrelogram, crosscorrelogram, spike_spectrum, power_spectrum, coherence_time
    Populations
        synchrony, phase_locking, isi_distance, spike_distance
    The noise that a trial received
        noise
    Action potentials' shapes
        action_potentials
    Pictures
        plot(), and plot.traces(), plot.raster(), ... (dir(ds.hh.plot) lists them)
    Schema, other libraries
        validate, to_neo
    """

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = dataset.upgrade(ds)

    def __repr__(self) -> str:
        return f"ds.hh: {inspect.cleandoc(type(self).__doc__ or '')}"

    spikes = _method(measures.spikes)
    window = _method(measures.window)
    rates = _method(measures.rates)
    psth = _method(measures.psth)
    fano_factor = _method(measures.fano_factor)
    intervals = _method(measures.intervals)
    interval_statistics = _method(measures.interval_statistics)
    first_passage = _method(measures.first_passage)
    autocorrelogram = _method(measures.autocorrelogram)
    crosscorrelogram = _method(measures.crosscorrelogram)
    spike_spectrum = _method(measures.spike_spectrum)
    power_spectrum = _method(measures.power_spectrum)
    coherence_time = _method(measures.coherence_time)
    synchrony = _method(measures.synchrony)
    phase_locking = _method(measures.phase_locking)
    isi_distance = _method(measures.isi_distance)
    spike_distance = _method(measures.spike_distance)
    noise = _method(measures.noise)
    action_potentials = _method(measures.action_potentials)
    to_neo = _method(measures.to_neo)
    validate = _method(dataset.validate)

    @property
    def gates(self) -> xr.DataArray:
        """All gates in one array: see `hh_sde.measures.gates`."""
        return measures.gates(self._ds)

    @property
    def plot(self) -> Plots:
        """Voltages, gates and raster in one figure, and every picture of `hh_sde.plot` by name.

        ``ds.hh.plot()`` is `hh_sde.plot.overview`, ``ds.hh.plot.traces()`` is
        `hh_sde.plot.traces`, and so on.
        """
        return Plots(self._ds)


class Plots:
    """The pictures of a Dataset: call it for the overview, or one of them by name."""

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = ds

    def __call__(self, **options: Any) -> Figure:
        """Voltages, gates and raster in one figure: see `hh_sde.plot.overview`."""
        from hh_sde import plot  # matplotlib is loaded when a picture is asked for

        return plot.overview(self._ds, **options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        from hh_sde import plot

        if name not in plot.PICTURES:
            raise AttributeError(unknown("picture", name, plot.PICTURES))
        return MethodType(_method(plot.PICTURES[name]), self)

    def __dir__(self) -> list[str]:
        from hh_sde import plot

        return [*super().__dir__(), *plot.PICTURES]
