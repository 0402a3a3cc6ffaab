"""Pictures of spikes: raster, rate over time, intervals, correlograms."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.axes_grid1 import make_axes_locatable

from hh_sde import dataset, measures
from hh_sde.measures.isi import coefficient_of_variation
from hh_sde.plot.common import (
    COLOURS,
    MOST_LINES,
    axes_of,
    axis_label,
    legend_above,
    one_trial,
    spikes_of_trial,
    the_neuron,
    tidy,
    time_axis,
)


def raster(
    ds: xr.Dataset,
    *,
    ax: Axes | None = None,
    trial: int | None = None,
    neuron: int | None = None,
    rate_bin: float | None = None,
    rule: measures.SpikeRule | None = None,
) -> Axes:
    """Spike times of every neuron in one trial, or of one neuron in every trial.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure.
    trial : int, optional
        Default: the first.
    neuron : int, optional
        Draw the trials of this neuron, one row each.
    rate_bin : float, optional
        Width of the bins, ms, of the mean rate that is then drawn above, in axes of its own.
    rule : SpikeRule, optional

    Raises
    ------
    ValueError
        If there is no such trial or neuron.
    """
    found, row = _rows(ds, trial, neuron, rule)
    rows = np.array(json.loads(found.attrs[f"{row}s"]))
    ax = axes_of(ax, (8, 3 if rate_bin is None else 4))
    size = float(np.clip(160 / len(rows), 2, 14))
    ax.plot(found.spike_time, found[row], "|", ms=size, mew=1.0, color="#333333")
    ax.set_ylim(rows.min() - 0.6, rows.max() + 0.6)
    ax.set_ylabel(row if neuron is None else f"trial\n(neuron {neuron})")
    if len(rows) <= MOST_LINES:
        ax.set_yticks(rows)
    else:
        ax.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    time_axis(ax, found.attrs["t_start"], found.attrs["t_end"])
    if rate_bin is not None:
        _rate_above(ax, found, rate_bin)
    return ax


def psth(
    ds: xr.Dataset,
    *,
    bin: float = 10.0,
    ax: Axes | None = None,
    rule: measures.SpikeRule | None = None,
) -> Axes:
    """Firing rate over time, averaged over trials: lines for a few neurons, an image for many.

    Parameters
    ----------
    ds : a result of `solve`, `spikes` or `psth`
    bin : float
        Width of the bins, ms; of a result of `psth` its own bins are drawn.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure.
    rule : SpikeRule, optional
    """
    found = ds if {"rate", "time"} <= set(ds.variables) else measures.psth(ds, bin, rule)
    rate = found["rate"].transpose("time", "neuron")
    width = float(rate.time[1] - rate.time[0]) if rate.sizes["time"] > 1 else bin
    edges = np.append(rate.time.values - width / 2, rate.time.values[-1] + width / 2)
    ax = axes_of(ax)
    if rate.sizes["neuron"] <= MOST_LINES:
        for i, neuron in enumerate(rate.neuron.values):
            ax.stairs(
                rate[:, i], edges, baseline=None, color=COLOURS[i], lw=1.4, label=f"neuron {neuron}"
            )
        ax.set_ylabel("firing rate (Hz)")
        ax.set_ylim(0, 1.08 * max(float(rate.max()), 1.0))
        if rate.sizes["neuron"] > 1:
            legend_above(ax)
    else:
        image = ax.pcolormesh(rate.time, rate.neuron, rate.values.T, cmap="viridis")
        ax.figure.colorbar(image, ax=ax, label="firing rate (Hz)", pad=0.01)
        ax.set_ylabel("neuron")
    time_axis(ax, edges[0], edges[-1])
    return ax


def interval_histogram(
    ds: xr.Dataset,
    *,
    bins: int = 50,
    log: bool = False,
    ax: Axes | None = None,
    rule: measures.SpikeRule | None = None,
) -> Axes:
    """Density of the inter-spike intervals over all trials, of each neuron or of many together.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    bins : int
    log : bool
        Logarithmic density.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure.
    rule : SpikeRule, optional

    Raises
    ------
    ValueError
        If no neuron fired twice.
    """
    found = measures.intervals(ds, rule)
    length = found.interval_length.values
    if length.size == 0:
        raise ValueError("nothing to draw: no neuron fired twice")
    neurons = json.loads(found.attrs["neurons"])
    groups = {f"neuron {neuron}": length[found.neuron.values == neuron] for neuron in neurons}
    if len(groups) > MOST_LINES:
        groups = {f"{len(groups)} neurons": length}
    ax = axes_of(ax, (5.5, 3.5))
    # equal intervals still get bins of some width
    middle, half = (length.min() + length.max()) / 2, max(np.ptp(length) / 2, 0.5)
    edges = np.linspace(middle - half, middle + half, bins + 1)
    for colour, (name, values) in zip(COLOURS, groups.items(), strict=False):
        if values.size:
            density = np.histogram(values, edges, density=True)[0]
            one = coefficient_of_variation(values)
            cv = f"CV {one:.2g}" if values.size > 1 else "1 interval"
            ax.stairs(density, edges, color=colour, lw=1.4, label=f"{name}, {cv}")
    ax.set_xlabel(axis_label(found.interval_length))
    ax.set_ylabel("density (1/ms)")
    ax.set_yscale("log" if log else "linear")
    ax.legend(frameon=False, fontsize="small")
    tidy(ax)
    return ax


def correlogram(
    ds: xr.Dataset,
    *,
    i: int | None = None,
    j: int | None = None,
    bin: float = 1.0,
    max_lag: float = 50.0,
    ax: Axes | None = None,
    rule: measures.SpikeRule | None = None,
) -> Axes:
    """Rate of neuron j at a lag from the spikes of neuron i; of i itself if no j is given.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    i, j : int, optional
        Numbers of the neurons. Default of i: the first.
    bin, max_lag : float
        Width of a bin and largest lag, ms.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure.
    rule : SpikeRule, optional

    Raises
    ------
    ValueError
        If there is no such neuron, or `bin` or `max_lag` is out of range.
    """
    spikes = measures.spikes(ds, rule)
    mean = measures.rates(spikes, rule).rate
    i = the_neuron(mean.neuron.values, i)
    if j is None:
        found = measures.autocorrelogram(spikes, bin, max_lag, rule).sel(neuron=i)
    else:
        found = measures.crosscorrelogram(spikes, i, j, bin, max_lag, rule)
    other = i if j is None else j
    level = mean.sel(neuron=other).mean().item()
    ax = axes_of(ax, (5.5, 3.5))
    edges = np.append(found.lag.values - bin / 2, found.lag.values[-1] + bin / 2)
    ax.stairs(found.rate, edges, color=COLOURS[0], fill=True, alpha=0.85)
    ax.axhline(level, color=COLOURS[1], lw=1.2, ls="--", label=f"mean rate {level:.3g} Hz")
    ax.set_xlim(edges[0], edges[-1])
    ax.set_xlabel(f"lag from a spike of neuron {i} (ms)")
    ax.set_ylabel(f"rate of neuron {other} (Hz)")
    legend_above(ax)
    tidy(ax)
    return ax


def _rows(
    ds: xr.Dataset, trial: int | None, neuron: int | None, rule: measures.SpikeRule | None
) -> tuple[xr.Dataset, str]:
    """The spikes to draw, and the variable that numbers their rows."""
    if neuron is None:
        one = spikes_of_trial if dataset.spikes_alone(ds) else one_trial
        return measures.spikes(one(ds, trial), rule), "neuron"
    if trial is not None:
        raise ValueError("give a trial, to draw its neurons, or a neuron, to draw its trials")
    found = measures.spikes(ds, rule)
    if "trial" not in found:
        raise ValueError("a raster of one neuron has a row for each trial: this has no trials")
    the_neuron(np.array(json.loads(found.attrs["neurons"])), neuron)
    own = found.neuron.values == neuron
    return measures.trains.chosen(found, own, neurons=json.dumps([neuron])), "trial"


def _rate_above(ax: Axes, found: xr.Dataset, bin: float) -> None:
    """The mean rate over the rows of a raster, above it."""
    rate = measures.psth(found, bin).rate.mean("neuron")
    above = make_axes_locatable(ax).append_axes("top", size="45%", pad=0.1, sharex=ax)
    edges = found.attrs["t_start"] + bin * np.arange(rate.size + 1)
    above.stairs(rate, edges, color=COLOURS[0], fill=True)
    above.set_ylim(0, 1.35 * max(float(rate.max()), 1.0))
    # inside, because layouts make no room for what stands beside appended axes
    above.text(0.005, 0.97, "mean rate (Hz)", transform=above.transAxes, va="top", fontsize="small")
    above.tick_params(labelbottom=False)
    tidy(above)
