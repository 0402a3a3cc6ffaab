"""Plots: Dataset to matplotlib axes, or for `overview` to a figure.

Each takes `ax=`, or `figsize=` of a new figure, and returns the axes it drew into; what it does not
know by name goes to matplotlib (``color``, ``lw``, ``alpha``; of an image ``cmap``). ``neurons=``
chooses some. The labels come from the Dataset. Legends stand over the axes, covering nothing;
in a figure without a layout engine (``plt.subplots(layout="constrained")`` has one), inside.
"""

from collections.abc import Callable
from typing import Any

from hh_sde.attributes import public
from hh_sde.plot.connectivity import connectivity
from hh_sde.plot.drawing import COLOURS, MOST_LINES
from hh_sde.plot.firing import correlogram, interval_histogram, psth
from hh_sde.plot.panels import overview
from hh_sde.plot.raster import raster
from hh_sde.plot.spectra import spectrum
from hh_sde.plot.states import components, currents, gates, phase_plane, traces
from hh_sde.plot.sweeps import curve, heatmap

__all__ = [
    "COLOURS",
    "MOST_LINES",
    "PLOTS",
    "components",
    "connectivity",
    "correlogram",
    "currents",
    "curve",
    "gates",
    "heatmap",
    "interval_histogram",
    "overview",
    "phase_plane",
    "psth",
    "raster",
    "spectrum",
    "traces",
]

#: The plots by name, as ``ds.hh.plot`` has them.
PLOTS: dict[str, Callable[..., Any]] = {
    "overview": overview,
    "traces": traces,
    "gates": gates,
    "currents": currents,
    "phase_plane": phase_plane,
    "components": components,
    "raster": raster,
    "psth": psth,
    "interval_histogram": interval_histogram,
    "correlogram": correlogram,
    "spectrum": spectrum,
    "connectivity": connectivity,
    "curve": curve,
    "heatmap": heatmap,
}
__dir__, __getattr__ = public(__name__, __all__)
