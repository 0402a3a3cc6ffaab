"""Plots of power spectra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hh_sde import dataset, measures
from hh_sde.measures.arguments import checked
from hh_sde.plot.common import axis_label, chosen_neurons, of_one_cell, one_cell
from hh_sde.plot.drawing import (
    MOST_LINES,
    Size,
    axes_of,
    label_x,
    legend_above,
    line_colours,
    style_of,
    takes_style,
    tidy,
    without_colour,
)


@takes_style(Line2D)
def spectrum(
    ds: xr.Dataset,
    *,
    variable: str = "V",
    max_frequency: float = 500.0,
    segment: float | None = None,
    neurons: int | Sequence[int] | None = None,
    ax: Axes | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Axes:
    """Power spectrum, averaged over trials, of each neuron (or the mean of many).

    Parameters
    ----------
    ds : a result of `power_spectrum` or `spike_spectrum`, or Dataset to take one of
        Spikes, of which `spike_spectrum` is taken, are drawn with their white-noise floor.
    variable : str
        Whose spectrum is taken, of a Dataset with traces.
    max_frequency : float
        Where the axis ends, Hz.
    segment : float, optional
        Length of the segments, ms. Default: that of the measure.
    neurons : int or sequence of int, optional
        Which to draw. Default: all, of more than seven their mean.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure, of `figsize` (width, height) inches.
    **style
        For `Axes.plot`, as `color` (one, or one for each neuron), `lw`, `ls`, `alpha`.

    Raises
    ------
    TypeError, ValueError
        If `max_frequency` is not a positive, finite number, or there is no spectrum, or no
        frequency to draw.
    """
    max_frequency = checked(max_frequency, "max_frequency", unit="Hz")
    ds = one_cell(ds)
    if dataset.spikes_alone(ds):
        ds = measures.spike_spectrum(ds, segment=segment, max_frequency=max_frequency)
    elif "power" not in ds:
        ds = measures.power_spectrum(ds, variable, segment=segment)
    power = of_one_cell(ds.power, ("frequency", "neuron", "trial"))
    if "trial" in power.dims:
        power = power.mean("trial", keep_attrs=True)
    shown = power.sel(frequency=slice(np.nextafter(0, 1), max_frequency))
    if not shown.sizes["frequency"]:
        raise ValueError(f"there is no frequency up to max_frequency = {max_frequency} Hz to draw")
    if "neuron" not in shown.dims:
        shown = shown.expand_dims("neuron")
    if "neuron" in shown.coords:
        shown = shown.sel(neuron=chosen_neurons(shown.neuron.values, neurons))
    if shown.sizes["neuron"] > MOST_LINES:
        shown = shown.mean("neuron", keep_attrs=True).expand_dims("neuron")
    ax = axes_of(ax, figsize, (5.5, 3.5))
    colours = line_colours(style, shown.sizes["neuron"])
    for colour, line in zip(colours, shown.transpose("neuron", "frequency"), strict=False):
        label = f"neuron {line.neuron.item()}" if "neuron" in line.coords else "mean of the neurons"
        own = {"color": colour, "lw": 1.1, "label": label}
        ax.plot(line.frequency, line, **style_of(Line2D, without_colour(style), **own))
    if "floor" in ds:
        floor = ds.floor.mean().item()
        ax.axhline(floor, color="#555555", lw=1.0, ls="--", label=f"white noise, {floor:.3g} Hz")
    ax.set_yscale("log")
    ax.set_xlim(0, float(shown.frequency[-1]))
    label_x(ax, "frequency (Hz)")
    ax.set_ylabel(axis_label(power.rename("power"), long=False))
    legend_above(ax)
    tidy(ax)
    return ax
