"""Plots of spikes: rate over time, intervals, correlograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.patches import StepPatch

from hh_sde import measures, stated
from hh_sde.measures.isi import coefficient_of_variation
from hh_sde.plot.bins import interval_edges
from hh_sde.plot.common import (
    axis_label,
    chosen_neurons,
    of_one_cell,
    one_cell,
    spikes_of_neurons,
)
from hh_sde.plot.drawing import (
    COLOURS,
    MOST_LINES,
    Size,
    axes_of,
    image_over_time,
    label_x,
    legend_above,
    line_colours,
    style_of,
    takes_style,
    tidy,
    time_axis,
    without_colour,
)


@takes_style(StepPatch, QuadMesh)
def psth(
    ds: xr.Dataset,
    *,
    bin: float = 10.0,
    neurons: int | Sequence[int] | None = None,
    by: Literal["population"] | None = None,
    rule: measures.SpikeRule | None = None,
    ax: Axes | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Axes:
    """Firing rate over time, averaged over trials: lines for up to seven neurons, or an image.

    Parameters
    ----------
    ds : a result of `solve`, `spikes` or `psth`
    bin : float
        Width of the bins, ms; of a result of `psth` its own bins are drawn.
    neurons : int or sequence of int, optional
        Which to draw. Default: all.
    by : "population", optional
        A line for the mean over the neurons of each population.
    rule : SpikeRule, optional
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure, of `figsize` (width, height) inches.
    **style
        For `Axes.stairs`, as `color` (one, or one for each line), `lw`, `ls`, `alpha`; of an
        image for `Axes.pcolormesh`, as `cmap`, `vmax`.
    """
    if by is not None and neurons is not None:
        raise ValueError("by='population' is of all neurons; leave neurons= out")
    histogram = one_cell(ds)
    if not {"rate", "time"} <= set(ds.variables):
        histogram = measures.psth(histogram, bin, rule, by=by)  # type: ignore[call-arg]
    of = "population" if "population" in histogram["rate"].dims else "neuron"
    rate = of_one_cell(histogram["rate"], ("time", of)).transpose("time", of)
    if of == "neuron":
        rate = rate.sel(neuron=chosen_neurons(rate.neuron.values, neurons))
    width = float(rate.time[1] - rate.time[0]) if rate.sizes["time"] > 1 else bin
    edges = np.append(rate.time.values - width / 2, rate.time.values[-1] + width / 2)
    ax = axes_of(ax, figsize)
    if rate.sizes[of] > MOST_LINES:
        image_over_time(ax, rate, "firing rate (Hz)", style)
        ax.set_ylabel(of)
    else:
        colours = line_colours(style, rate.sizes[of])
        for i, one in enumerate(rate[of].values):
            name = f"neuron {one}" if of == "neuron" else str(one)
            own = {"color": colours[i], "lw": 1.4, "label": name}
            drawn = style_of(StepPatch, without_colour(style), **own)
            ax.stairs(rate[:, i], edges, **{"baseline": None, **drawn})
        ax.set_ylabel("firing rate (Hz)")
        ax.set_ylim(0, 1.08 * max(float(rate.max()), 1.0))
        if rate.sizes[of] > 1:
            legend_above(ax)
    time_axis(ax, edges[0], edges[-1])
    return ax


@takes_style(StepPatch)
def interval_histogram(
    ds: xr.Dataset,
    *,
    bins: int | Sequence[float] | np.ndarray | str = "auto",
    log: bool = False,
    neurons: int | Sequence[int] | None = None,
    rule: measures.SpikeRule | None = None,
    ax: Axes | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Axes:
    """Density of the inter-spike intervals over all trials, of each neuron or of many together.

    More than seven neurons are drawn together, those of each population for themselves.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    bins : int, sequence of edges (ms), or "auto"
        Default: of the width of Freedman and Diaconis, but at most 2 ms where there are 200
        intervals or more, so that peaks show; from 10 to 200 of them.
    log : bool
        Logarithmic density.
    neurons : int or sequence of int, optional
        Which to draw. Default: all.
    rule : SpikeRule, optional
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure, of `figsize` (width, height) inches.
    **style
        For `Axes.stairs`, as `color` (one, or one for each neuron), `lw`, `ls`, `alpha`, `fill`.

    Raises
    ------
    TypeError, ValueError
        If no neuron fired twice, or bins are none.
    """
    intervals = measures.intervals(spikes_of_neurons(one_cell(measures.spikes(ds, rule)), neurons))
    length = intervals.interval_length.values
    if length.size == 0:
        raise ValueError("nothing to draw: no neuron fired twice")
    chosen = stated.labels(intervals.attrs, "neurons")
    groups = {f"neuron {neuron}": length[intervals.neuron.values == neuron] for neuron in chosen}
    if len(groups) > MOST_LINES:
        groups = {f"{len(groups)} neurons": length}
        if "population" in intervals.coords:
            of = intervals.population.values
            names = stated.populations(intervals.attrs)
            groups = {name: length[of == name] for name in names}
    edges = interval_edges(length, bins)
    ax = axes_of(ax, figsize, (5.5, 3.5))
    colours = line_colours(style, len(groups))
    for colour, (name, values) in zip(colours, groups.items(), strict=False):
        if values.size:
            density = np.histogram(values, edges)[0] / (values.size * np.diff(edges))
            one = coefficient_of_variation(values)
            cv = f"CV {one:.2g}" if values.size > 1 else "1 interval"
            own = {"color": colour, "lw": 1.4, "label": f"{name}, {cv}"}
            drawn = style_of(StepPatch, without_colour(style), **own)
            ax.stairs(density, edges, **drawn)
    label_x(ax, axis_label(intervals.interval_length))
    ax.set_ylabel("density (1/ms)")
    ax.set_yscale("log" if log else "linear")
    legend_above(ax)
    tidy(ax)
    return ax


@takes_style(StepPatch)
def correlogram(
    ds: xr.Dataset,
    *,
    i: int | None = None,
    j: int | None = None,
    bin: float = 1.0,
    max_lag: float = 50.0,
    rule: measures.SpikeRule | None = None,
    ax: Axes | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Axes:
    """Rate of neuron j at a lag from the spikes of neuron i; of i itself if no j is given.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    i, j : int, optional
        Numbers of the neurons. Default of i: the first.
    bin, max_lag : float
        Width of a bin and largest lag, ms.
    rule : SpikeRule, optional
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure, of `figsize` (width, height) inches.
    **style
        For `Axes.stairs`, as `color`, `lw`, `alpha`, `fill`.

    Raises
    ------
    ValueError
        If there is no such neuron, or `bin` or `max_lag` is out of range.
    """
    spikes = one_cell(measures.spikes(ds, rule))
    mean = measures.rates(spikes, rule).rate
    known = mean.neuron.values
    (i,) = chosen_neurons(known, int(known[0]) if i is None else i)
    if j is None:
        correlation = measures.autocorrelogram(spikes, bin, max_lag, rule).sel(neuron=i)
    else:
        correlation = measures.crosscorrelogram(spikes, i, j, bin, max_lag, rule)
    other = i if j is None else j
    level = mean.sel(neuron=other).mean().item()
    ax = axes_of(ax, figsize, (5.5, 3.5))
    edges = np.append(correlation.lag.values - bin / 2, correlation.lag.values[-1] + bin / 2)
    drawn = style_of(StepPatch, style, color=COLOURS[0], alpha=0.85)
    ax.stairs(correlation.rate, edges, **{"fill": True, **drawn})
    ax.axhline(level, color=COLOURS[1], lw=1.2, ls="--", label=f"mean rate {level:.3g} Hz")
    ax.set_xlim(edges[0], edges[-1])
    label_x(ax, f"lag from a spike of neuron {i} (ms)")
    ax.set_ylabel(f"rate of neuron {other} (Hz)")
    legend_above(ax)
    tidy(ax)
    return ax
