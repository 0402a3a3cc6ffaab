"""Pictures of the state over time, and in the phase plane."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes

from hh_sde.plot.common import (
    COLOURS,
    MOST_LINES,
    axes_of,
    axis_label,
    gate_label,
    gate_names,
    legend_above,
    one_trial,
    the_neuron,
    tidy,
    time_axis,
)


def traces(ds: xr.Dataset, *, ax: Axes | None = None, trial: int | None = None) -> Axes:
    """Membrane potential of every neuron: lines for a few, an image for many.

    Parameters
    ----------
    ds : Dataset of `solve`
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure.
    trial : int, optional
        Default: the first.
    """
    ax = axes_of(ax)
    V = one_trial(ds, trial)["V"].transpose("time", "neuron")
    if V.sizes["neuron"] <= MOST_LINES:
        # later lines are thinner, so that equal ones show underneath
        for i, neuron in enumerate(V.neuron.values):
            ax.plot(
                V.time, V[:, i], color=COLOURS[i], lw=2.2 / (1 + 0.8 * i), label=f"neuron {neuron}"
            )
        ax.set_ylabel("V (mV)")
        if V.sizes["neuron"] > 1:
            legend_above(ax)
    else:
        image = ax.pcolormesh(
            V.time, V.neuron, V.values.T, cmap="viridis", shading="nearest", rasterized=True
        )
        ax.figure.colorbar(image, ax=ax, label="V (mV)", pad=0.01)
        ax.set_ylabel("neuron")
    time_axis(ax, float(V.time[0]), float(V.time[-1]))
    return ax


def gates(
    ds: xr.Dataset, *, ax: Axes | None = None, trial: int | None = None, neuron: int | None = None
) -> Axes:
    """Gates (and synaptic gates) of one neuron; of a channel with states, its open fraction.

    Parameters
    ----------
    ds : Dataset of `solve`
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure.
    trial, neuron : int, optional
        Default: the first.

    Raises
    ------
    ValueError
        If there are no gates, or no such trial or neuron.
    """
    ax = axes_of(ax)
    one = one_trial(ds, trial)
    neuron = the_neuron(one.neuron.values, neuron)
    labels = {name: gate_label(one, name) for name in gate_names(one)}
    if not labels:
        raise ValueError(
            f"no gates or channel states to draw; there is {', '.join(map(str, one.data_vars))}"
        )
    for i, (name, label) in enumerate(labels.items()):
        ax.plot(one.time, one[name].sel(neuron=neuron), color=COLOURS[i % 7], lw=1.2, label=label)
    fractions = all(label != name for name, label in labels.items())
    if not fractions:
        ax.set_ylim(-0.03, 1.03)
    ax.set_ylabel(f"{'open channels' if fractions else 'gates'} of\nneuron {neuron}")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize="small")
    time_axis(ax, float(one.time[0]), float(one.time[-1]))
    return ax


def phase_plane(
    ds: xr.Dataset,
    *,
    x: str = "V",
    y: str | None = None,
    ax: Axes | None = None,
    trial: int | None = None,
    neuron: int | None = None,
) -> Axes:
    """One variable of a neuron against another.

    Parameters
    ----------
    ds : Dataset of `solve`
    x, y : str
        Variables. Default: n over V, or what else is last of the gates or open fractions.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure.
    trial, neuron : int, optional
        Default: the first.

    Raises
    ------
    ValueError
        If there is no such variable, trial or neuron.
    """
    one = one_trial(ds, trial)
    y = y or next(iter(["n"] if "n" in one else gate_names(one)[-1:]), "n")
    for name in (x, y):
        if name not in one or "time" not in one[name].dims:
            known = [str(key) for key, value in one.data_vars.items() if "time" in value.dims]
            raise ValueError(f"no variable {name!r} over time; there is {', '.join(known)}")
    ax = axes_of(ax, (4.5, 4))
    neuron = the_neuron(one.neuron.values, neuron)
    path = one[[x, y]].sel(neuron=neuron)
    ax.plot(path[x], path[y], color=COLOURS[0], lw=0.8)
    ax.plot(path[x][0], path[y][0], "o", ms=5, color=COLOURS[1], label="start")
    ax.set_xlabel(axis_label(path[x], long=False))
    ax.set_ylabel(gate_label(one, y) if y != "V" else axis_label(path[y], long=False))
    ax.legend(frameon=False, fontsize="small", loc="lower right", bbox_to_anchor=(1, 1))
    ax.set_title(f"neuron {neuron}", loc="left", fontsize="medium")
    tidy(ax)
    return ax


def components(ds: xr.Dataset, *, ax: Axes | None = None, trial: int | None = None) -> Axes:
    """The state x of an SDE that is not a network, component by component."""
    ax = axes_of(ax)
    x = one_trial(ds, trial)["x"].transpose("time", "component")
    for i, name in enumerate(x.component.values[:MOST_LINES]):
        ax.plot(x.time, x[:, i], color=COLOURS[i], lw=1.2, label=str(name))
    ax.set_ylabel("x")
    ax.legend(loc="upper right", ncols=4, frameon=False, fontsize="small")
    time_axis(ax, float(x.time[0]), float(x.time[-1]))
    return ax
