"""Pictures of a result: Dataset to matplotlib figure."""

from __future__ import annotations

import json
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hh_sde import measures

#: Okabe & Ito (2008), Color Universal Design: told apart by colour-blind people and in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: More neurons than this are drawn as an image, not as lines.
MOST_LINES = 7


def overview(
    ds: xr.Dataset, *, trial: int | None = None, rule: measures.SpikeRule | None = None
) -> Figure:
    """Membrane potentials, gates of one neuron, and spike raster, one above the other.

    Parameters
    ----------
    ds : Dataset of `solve`
        A part whose variables were not recorded is left out.
    trial : int, optional
        Trial to draw. Default: the first.
    rule : SpikeRule, optional
        For the raster.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is nothing to draw, or no such trial.
    """
    if "spike_time" in ds:
        fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
        raster(ds, ax=ax, trial=trial)
        return fig
    one = _one_trial(ds, trial)
    if "x" in one:
        fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
        components(one, ax=ax)
        return fig
    parts = [traces, gates, raster] if "V" in one else [gates]
    if "V" in one and not _has_gates(one):
        parts.remove(gates)
    heights = {traces: 3.0, gates: 2.0, raster: _raster_height(one)}
    fig, axes = plt.subplots(
        len(parts),
        sharex=True,
        squeeze=False,
        figsize=(8, 0.6 + sum(heights[part] for part in parts)),
        height_ratios=[heights[part] for part in parts],
        layout="constrained",
    )
    for part, ax in zip(parts, axes[:, 0], strict=True):
        options: dict[str, Any] = {"rule": rule} if part is raster else {}
        part(one, ax=ax, **options)
        ax.label_outer()
    return fig


def traces(ds: xr.Dataset, *, ax: Axes | None = None, trial: int | None = None) -> Axes:
    """Membrane potential of every neuron: lines for a few, an image for many."""
    ax = _axes(ax)
    V = _one_trial(ds, trial)["V"].transpose("time", "neuron")
    if V.sizes["neuron"] <= MOST_LINES:
        # later lines are thinner, so that equal ones show underneath
        for i, neuron in enumerate(V.neuron.values):
            ax.plot(
                V.time, V[:, i], color=COLOURS[i], lw=2.2 / (1 + 0.8 * i), label=f"neuron {neuron}"
            )
        ax.set_ylabel("V (mV)")
        if V.sizes["neuron"] > 1:
            ax.legend(
                loc="lower right", bbox_to_anchor=(1, 1), ncols=7, frameon=False, fontsize="small"
            )
    else:
        image = ax.pcolormesh(
            V.time, V.neuron, V.values.T, cmap="viridis", shading="nearest", rasterized=True
        )
        ax.figure.colorbar(image, ax=ax, label="V (mV)", pad=0.01)
        ax.set_ylabel("neuron")
    _time_axis(ax, float(V.time[0]), float(V.time[-1]))
    return ax


def gates(
    ds: xr.Dataset, *, ax: Axes | None = None, trial: int | None = None, neuron: int | None = None
) -> Axes:
    """Gates (and synaptic gates) of one neuron, default the first."""
    ax = _axes(ax)
    one = _one_trial(ds, trial)
    neuron = int(one.neuron[0]) if neuron is None else neuron
    for i, name in enumerate(_gate_names(one)):
        ax.plot(one.time, one[name].sel(neuron=neuron), color=COLOURS[i % 7], lw=1.2, label=name)
    ax.set_ylim(-0.03, 1.03)
    ax.set_ylabel(f"gates of\nneuron {neuron}")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize="small")
    _time_axis(ax, float(one.time[0]), float(one.time[-1]))
    return ax


def raster(
    ds: xr.Dataset,
    *,
    ax: Axes | None = None,
    trial: int | None = None,
    rule: measures.SpikeRule | None = None,
) -> Axes:
    """Spike times of every neuron."""
    ax = _axes(ax)
    if "spike_time" in ds:
        found, neurons = _spikes_of_trial(ds, trial), np.array(json.loads(ds.attrs["neurons"]))
        span = ds.attrs["t_start"], ds.attrs["t_end"]
    else:
        one = _one_trial(ds, trial)
        found, neurons = measures.spikes(one, rule), one.neuron.values
        span = float(one.time[0]), float(one.time[-1])
    size = float(np.clip(160 / len(neurons), 2, 14))
    ax.plot(found.spike_time, found.neuron, "|", ms=size, mew=1.0, color="#333333")
    ax.set_ylim(neurons.min() - 0.6, neurons.max() + 0.6)
    ax.set_ylabel("neuron")
    ax.yaxis.set_major_locator(MaxNLocator(nbins=min(len(neurons), 6), integer=True, min_n_ticks=1))
    _time_axis(ax, *span)
    return ax


def components(ds: xr.Dataset, *, ax: Axes | None = None, trial: int | None = None) -> Axes:
    """The state x of an SDE that is not a network, component by component."""
    ax = _axes(ax)
    x = _one_trial(ds, trial)["x"].transpose("time", "component")
    for i, name in enumerate(x.component.values[:MOST_LINES]):
        ax.plot(x.time, x[:, i], color=COLOURS[i], lw=1.2, label=str(name))
    ax.set_ylabel("x")
    ax.legend(loc="upper right", ncols=4, frameon=False, fontsize="small")
    _time_axis(ax, float(x.time[0]), float(x.time[-1]))
    return ax


def _axes(ax: Axes | None) -> Axes:
    return plt.subplots(figsize=(8, 3), layout="constrained")[1] if ax is None else ax


def _one_trial(ds: xr.Dataset, trial: int | None) -> xr.Dataset:
    if not {"V", "x"} & set(ds.data_vars) and not _has_gates(ds):
        raise ValueError(
            "nothing to draw: the Dataset holds neither V nor gates nor x, but "
            + (", ".join(map(str, ds.data_vars)) or "nothing")
        )
    if "trial" not in ds.dims:
        if trial is not None:
            raise ValueError(f"there is no trial {trial}: this result has no trials")
        return ds
    trial = int(ds.trial[0]) if trial is None else trial
    if trial not in ds.trial:
        raise ValueError(f"there is no trial {trial}; there are {ds.trial.values.tolist()}")
    return ds.sel(trial=trial)


def _gate_names(ds: xr.Dataset) -> list[str]:
    return [
        str(name)
        for name, variable in ds.data_vars.items()
        if str(variable.attrs.get("long_name", "")).startswith("gate ")
    ]


def _has_gates(ds: xr.Dataset) -> bool:
    return bool(_gate_names(ds))


def _raster_height(ds: xr.Dataset) -> float:
    return float(np.clip(0.3 * ds.sizes["neuron"], 0.8, 2.5))


def _spikes_of_trial(ds: xr.Dataset, trial: int | None) -> xr.Dataset:
    if "trial" not in ds:
        return ds
    trials = json.loads(ds.attrs["trials"])
    trial = trials[0] if trial is None else trial
    if trial not in trials:
        raise ValueError(f"there is no trial {trial}; there are {trials}")
    return ds.isel(spike=ds.trial.values == trial)


def _time_axis(ax: Axes, start: float, stop: float) -> None:
    ax.set_xlabel("time (ms)")
    ax.set_xlim(start, stop)
    ax.spines[["top", "right"]].set_visible(False)
