"""`ds.hh`: the measures and plots of this library on any Dataset that it made."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

import xarray as xr

from hh_sde import dataset, interop, measures
from hh_sde.attributes import no_attribute
from hh_sde.errors import keyword_hints


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
    hinted = keyword_hints(method)
    for one in (method, hinted):
        vars(one).pop("__wrapped__", None)  # or its examples count as this module's
    return hinted


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
    """What can be asked of a result: each is a function of `hh_sde.measures`, `hh_sde.plot`
    or `hh_sde.interop`.

    Measures of spikes take traces of V, whose spikes they find, or recorded spikes, alone or beside
    traces; all but `spikes`, `traces` and `window` give a Dataset of one or a few variables.

    Parts of a result
        spikes, traces, gates, window, population
    Firing
        rates, psth, fano_factor, intervals, interval_statistics, interval_distance, first_passage
    Correlations and spectra
        autocorrelogram, crosscorrelogram, spike_spectrum, power_spectrum, coherence_time
    Populations
        synchrony, phase_locking, isi_distance, spike_distance
    Currents and the noise that a trial received
        currents, conductances, lfp, noise
    Action potentials' shapes
        action_potentials
    Plots
        plot(), and plot.traces(), plot.raster(), ... (help(ds.hh.plot) has them)
    Schema, other libraries
        validate, to_neo, to_pynapple, to_nwb
    """

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = dataset.upgrade(ds)

    def __repr__(self) -> str:
        return f"ds.hh: {inspect.cleandoc(type(self).__doc__ or '')}"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        known = [one for one in dir(type(self)) if not one.startswith("_")]
        raise AttributeError(no_attribute("ds.hh", name, known), name=name, obj=None)

    spikes = _method(measures.spikes)
    traces = _method(measures.traces)
    window = _method(measures.window)
    population = _method(measures.population)
    rates = _method(measures.rates)
    psth = _method(measures.psth)
    fano_factor = _method(measures.fano_factor)
    intervals = _method(measures.intervals)
    interval_statistics = _method(measures.interval_statistics)
    interval_distance = _method(measures.interval_distance)
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
    currents = _method(measures.currents)
    conductances = _method(measures.conductances)
    lfp = _method(measures.lfp)
    validate = _method(dataset.validate)
    to_neo = _method(interop.to_neo)
    to_pynapple = _method(interop.to_pynapple)
    to_nwb = _method(interop.to_nwb)

    @property
    def gates(self) -> xr.DataArray:
        """All gates in one array: see `hh_sde.measures.gates`."""
        return measures.gates(self._ds)

    @property
    def plot(self) -> Any:
        """Voltages, gates and raster in one figure, and every plot of `hh_sde.plot` by name.

        ``ds.hh.plot()`` is `hh_sde.plot.overview`, ``ds.hh.plot.traces()`` is
        `hh_sde.plot.traces`, and so on: ``help(ds.hh.plot)`` has them all.
        """
        return _plots()(self._ds)


class Plots:
    """The plots of a Dataset: call it for the overview, or one of them by name."""

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = ds

    def __repr__(self) -> str:
        return f"ds.hh.plot() draws an overview; by name there are {', '.join(self._names())}"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(no_attribute("ds.hh.plot", name, self._names()), name=name, obj=None)

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in vars(cls) if not name.startswith("_")]


@functools.cache
def _plots() -> type[Plots]:
    """`Plots` with its methods, made when first asked for, since they load matplotlib."""
    from hh_sde import plot

    methods = {name: _method(function) for name, function in plot.PLOTS.items()}
    about = {"__doc__": Plots.__doc__, "__module__": __name__}
    return type("Plots", (Plots,), {**methods, "__call__": methods["overview"], **about})
