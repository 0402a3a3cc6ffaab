"""Plots of spikes: raster, rate over time, intervals, correlograms."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import is_color_like
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from mpl_toolkits.axes_grid1 import make_axes_locatable

from hh_sde import dataset, measures
from hh_sde.measures.isi import coefficient_of_variation
from hh_sde.plot.bins import interval_edges
from hh_sde.plot.common import (
    axis_label,
    chosen_neurons,
    neurons_of,
    of_trial,
    one_trial,
    spikes_of_neurons,
    spikes_of_trial,
    trials_of,
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
    rows_axis,
    style_of,
    takes_style,
    tidy,
    time_axis,
    without_colour,
)


@takes_style(Line2D)
def raster(
    ds: xr.Dataset,
    *,
    rows: Literal["neuron", "trial"] | None = None,
    trial: int | None = None,
    neurons: int | Sequence[int] | None = None,
    rate_bin: float | None = None,
    rule: measures.SpikeRule | None = None,
    ax: Axes | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Axes:
    """Spike times: a row for each neuron in one trial, or for each trial.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    rows : "neuron" or "trial", optional
        What a row is. In rows of neurons the populations of a network have colours, in a row of a
        trial the neurons. Default: a trial, where one neuron is drawn of several trials and none is
        chosen; else a neuron.
    trial : int, optional
        Of which the neurons are drawn. Default: the first.
    neurons : int or sequence of int, optional
        Which to draw. Default: all.
    rate_bin : float, optional
        Width of the bins, ms, of the mean rate that is then drawn above, in axes of its own, of
        each population.
    rule : SpikeRule, optional
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure, of `figsize` (width, height) inches.
    **style
        For `Axes.plot`, as `color` (one, or one for each neuron, or for each population, which
        "population" stands for as the default does; of one neuron in rows of trials one for each
        trial), `ms` and `mew` (height and width of a mark in points), `alpha`.

    Raises
    ------
    ValueError
        If there is no such trial or neuron, there are no trials to draw, or there are more or fewer
        colours than neurons.
    """
    rows = _rows_of(ds, trial, neurons) if rows is None else rows
    trains = spikes_of_neurons(_spikes_of_rows(ds, rows, trial, rule), neurons)
    labels, drawn = (json.loads(trains.attrs[name]) for name in (f"{rows}s", "neurons"))
    place = np.array([labels.index(one) for one in trains[rows].values], dtype=int)
    ax = axes_of(ax, figsize, (8, 3 if rate_bin is None else 4))
    marks = _marks(ax, len(labels), place.size)
    populations = _populations(trains, style) if rows == "neuron" else {}
    groups = populations or _told_apart(trains, style, rows, labels, drawn)
    coloured = bool(populations) or (rows == "trial" and 1 < len(drawn) <= MOST_LINES)
    own = {"ls": "", "marker": "|", **marks}
    for name, (mine, colour) in groups.items():
        options = style_of(Line2D, without_colour(style), color=colour, **own)
        ax.plot(trains.spike_time[mine], place[mine], **{"label": name, **options})
    if coloured and rate_bin is None:
        legend_above(ax, markerscale=8 / marks["ms"])
    ax.set_ylim(-0.6, len(labels) - 0.4)
    if rows == "neuron":
        ax.set_ylabel("\n".join(filter(None, ["neuron", of_trial(ds, trial)])))
    else:
        ax.set_ylabel("trial" if coloured else f"trial\nneuron {drawn[0]}")
    rows_axis(ax, [str(label) for label in labels])
    time_axis(ax, trains.attrs["t_start"], trains.attrs["t_end"])
    if rate_bin is not None:
        colours = [colour for _, colour in populations.values()] or None
        _rate_above(ax, trains, rate_bin, colours)
    return ax


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
    histogram = ds
    if not {"rate", "time"} <= set(ds.variables):
        if by is not None and neurons is not None:
            raise ValueError("by='population' is of all neurons; leave neurons= out")
        histogram = measures.psth(ds, bin, rule, by=by)  # type: ignore[call-arg]
    of = "population" if "population" in histogram["rate"].dims else "neuron"
    rate = histogram["rate"].transpose("time", of)
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
    intervals = measures.intervals(spikes_of_neurons(measures.spikes(ds, rule), neurons))
    length = intervals.interval_length.values
    if length.size == 0:
        raise ValueError("nothing to draw: no neuron fired twice")
    chosen = json.loads(intervals.attrs["neurons"])
    groups = {f"neuron {neuron}": length[intervals.neuron.values == neuron] for neuron in chosen}
    if len(groups) > MOST_LINES:
        groups = {f"{len(groups)} neurons": length}
        if "population" in intervals.coords:
            of = intervals.population.values
            names = json.loads(intervals.attrs["populations"])
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
    spikes = measures.spikes(ds, rule)
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


def _rows_of(
    ds: xr.Dataset, trial: int | None, neurons: int | Sequence[int] | None
) -> Literal["neuron", "trial"]:
    """What a row is where that was not said."""
    several = trial is None and len(trials_of(ds)) > 1
    return "trial" if several and len(chosen_neurons(neurons_of(ds), neurons)) == 1 else "neuron"


def _colours(
    style: Mapping[str, Any], apart: str, members: list[int], coloured: bool
) -> dict[int | None, Any]:
    """The colour of each neuron (or trial) that is told from others; of all together: None."""
    color = style.get("color", style.get("c"))
    if color is None and not coloured:
        return {None: "#333333"}
    if color is None or is_color_like(color):
        colours = line_colours(style, len(members))
        return dict(zip(members, colours, strict=True)) if coloured else {None: color}
    if isinstance(color, str) or len(color) != len(members):
        given = repr(color) if isinstance(color, str) else f"{len(color)} colours"
        raise ValueError(
            f"color must be one colour, or one for each {apart}, of which {len(members)} are "
            f"drawn; got {given}"
        )
    return dict(zip(members, color, strict=True))


def _spikes_of_rows(
    ds: xr.Dataset, rows: str, trial: int | None, rule: measures.SpikeRule | None
) -> xr.Dataset:
    if rows not in ("neuron", "trial"):
        raise ValueError(f"rows must be 'neuron' or 'trial', got {rows!r}")
    if rows == "neuron":
        one = spikes_of_trial if dataset.spikes_alone(ds) else one_trial
        return measures.spikes(one(ds, trial), rule)
    if trial is not None:
        raise ValueError(f"a row for each trial, rows='trial', or trial={trial} alone: not both")
    trains = measures.spikes(ds, rule)
    if "trial" not in trains:
        raise ValueError("rows='trial' has a row for each trial: this has no trials")
    return trains


def _marks(ax: Axes, rows: int, spikes: int) -> dict[str, float]:
    """Height and width, in points, of marks that leave rows and spikes apart."""
    width, height = (72 * pixels / ax.figure.dpi for pixels in ax.bbox.size)
    return {
        "ms": float(np.clip(0.75 * height / rows, 1.5, 14)),
        "mew": float(np.clip(0.3 * width * rows / max(spikes, 1), 0.3, 1.0)),
    }


def _populations(trains: xr.Dataset, style: Mapping[str, Any]) -> dict[str, tuple[np.ndarray, Any]]:
    """The spikes of each population and their colour, where populations are to have colours."""
    color = style.get("color", style.get("c"))
    if "population" not in trains.coords:
        if isinstance(color, str) and color == "population":
            raise ValueError("color='population': this result is not of a network of populations")
        return {}
    names = json.loads(trains.attrs["populations"])
    chosen = isinstance(color, str) and color == "population"
    if color is None or chosen:
        colours = line_colours({}, len(names))
    elif is_color_like(color) or isinstance(color, str) or len(color) != len(names):
        return {}
    else:
        colours = list(color)
    of = trains.population.values
    return {name: (of == name, colour) for name, colour in zip(names, colours, strict=True)}


def _told_apart(
    trains: xr.Dataset, style: Mapping[str, Any], rows: str, labels: list[int], drawn: list[int]
) -> dict[str, tuple[np.ndarray, Any]]:
    """The spikes that have a colour of their own, by neuron or by trial; or all of them."""
    coloured = rows == "trial" and 1 < len(drawn) <= MOST_LINES
    apart = "neuron" if len(drawn) > 1 else rows
    colours = _colours(style, apart, drawn if apart == "neuron" else labels, coloured)
    every = np.ones(trains.sizes["spike"], dtype=bool)
    return {
        "spikes" if one is None else f"{apart} {one}": (
            every if one is None else trains[apart].values == one,
            colour,
        )
        for one, colour in colours.items()
    }


def _rate_above(
    ax: Axes, trains: xr.Dataset, bin: float, colours: Sequence[Any] | None = None
) -> None:
    """The mean rate over the rows of a raster, or of each population of them, above it."""
    above = make_axes_locatable(ax).append_axes("top", size="45%", pad=0.1, sharex=ax)
    if colours is not None and "population" in trains.coords:
        found = measures.psth(trains, bin, by="population")  # type: ignore[call-arg]
        rate = found["rate"].transpose("population", "time")
        means = dict(zip(rate.population.values, rate.values, strict=True))
    else:
        means = {"": measures.psth(trains, bin).rate.mean("neuron").values}
    most = max(1.0, *(mean.max(initial=0.0) for mean in means.values()))
    for (name, mean), colour in zip(means.items(), colours or COLOURS, strict=False):
        edges = trains.attrs["t_start"] + bin * np.arange(mean.size + 1)
        style = {"label": name, "lw": 1.4, "baseline": None} if name else {"fill": True}
        above.stairs(mean, edges, color=colour, **style)
    above.set_ylim(0, 1.35 * most)
    # inside, because layouts make no room for what stands beside appended axes
    above.text(0.005, 0.97, "mean rate (Hz)", transform=above.transAxes, va="top", fontsize="small")
    if len(means) > 1:
        above.legend(loc="upper right", ncols=len(means), fontsize="small", frameon=False)
    above.tick_params(labelbottom=False)
    tidy(above)
