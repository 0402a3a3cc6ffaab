"""Plots of the state over time, and in the phase plane."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.lines import Line2D

from hh_sde import dataset, measures
from hh_sde.plot.common import (
    axis_label,
    chosen_neurons,
    current_names,
    first_neuron_or,
    gate_label,
    gate_names,
    numbers_of_neurons,
    of_trial,
    one_trial,
)
from hh_sde.plot.drawing import (
    COLOURS,
    LINES,
    MOST_LINES,
    Size,
    axes_of,
    image_over_time,
    label_x,
    legend_above,
    line_colours,
    new_figure,
    style_of,
    takes_style,
    tidy,
    time_axis,
    without_colour,
)


@takes_style(Line2D, QuadMesh)
def traces(
    ds: xr.Dataset,
    *,
    trial: int | None = None,
    neurons: int | Sequence[int] | None = None,
    ax: Axes | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Axes:
    """Membrane potential of every neuron: lines for up to seven, an image for more.

    Parameters
    ----------
    ds : Dataset of `solve`
    trial : int, optional
        Default: the first.
    neurons : int or sequence of int, optional
        Which to draw. Default: all.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure, of `figsize` (width, height) inches.
    **style
        For `Axes.plot`, as `color` (one, or one for each neuron), `lw`, `ls`, `alpha`; of an image
        for `Axes.pcolormesh`, as `cmap`, `vmin`, `vmax`.

    Raises
    ------
    ValueError
        If there is no V, or no such trial or neuron.
    """
    one = one_trial(ds, trial)
    if "V" not in one or "time" not in one.V.dims:
        raise ValueError(
            f"there is no V over time to draw; there is {', '.join(map(str, one.data_vars))}"
        )
    chosen = chosen_neurons(numbers_of_neurons(one), neurons)
    V = one["V"].sel(neuron=chosen).transpose("time", "neuron")
    ax = axes_of(ax, figsize)
    if len(chosen) > MOST_LINES:
        image_over_time(ax, V, "V (mV)", style)
        ax.set_ylabel("\n".join(filter(None, ["neuron", of_trial(ds, trial)])))
    else:
        colours = line_colours(style, len(chosen))
        for i, neuron in enumerate(chosen):
            # later lines are thinner, so that equal ones show underneath
            own = {
                "color": colours[i],
                "lw": max(2.0 / (1 + 0.8 * i), 0.7),
                "label": f"neuron {neuron}",
            }
            ax.plot(V.time, V[:, i], **style_of(Line2D, without_colour(style), **own))
        ax.set_ylabel("\n".join(filter(None, ["V (mV)", of_trial(ds, trial)])))
        if len(chosen) > 1:
            legend_above(ax)
    time_axis(ax, float(V.time[0]), float(V.time[-1]))
    return ax


@takes_style(Line2D)
def gates(
    ds: xr.Dataset,
    *,
    trial: int | None = None,
    neurons: int | Sequence[int] | None = None,
    ax: Axes | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Axes:
    """Gates (and synaptic gates) of a neuron; of a channel with states, its open fraction.

    Parameters
    ----------
    ds : Dataset of `solve`
    trial : int, optional
        Default: the first.
    neurons : int or sequence of int, optional
        Default: the first. Further neurons have paler lines.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure, of `figsize` (width, height) inches.
    **style
        For `Axes.plot`, as `color` (one, or one for each gate), `lw`, `ls`, `alpha`.

    Raises
    ------
    ValueError
        If there are no gates, or no such trial or neuron.
    """
    one = one_trial(ds, trial)
    chosen = first_neuron_or(one, neurons)
    # what another population has is NaN in these neurons
    shown = one.sel(neuron=chosen)
    labels = {
        name: gate_label(one, name)
        for name in gate_names(one)
        if not bool(shown[name].isnull().all())
    }
    if not labels:
        raise ValueError(
            f"no gates or channel states to draw; there is {', '.join(map(str, one.data_vars))}"
        )
    ax = axes_of(ax, figsize)
    colours = line_colours(style, len(labels))
    for k, neuron in enumerate(chosen):
        for i, (name, label) in enumerate(labels.items()):
            own = {"color": colours[i], "ls": LINES[i // len(COLOURS) % len(LINES)], "lw": 1.3,
                   "alpha": 0.55**k, "label": label if k == 0 else None}  # fmt: skip
            drawn = style_of(Line2D, without_colour(style), **own)
            ax.plot(one.time, one[name].sel(neuron=neuron), **drawn)
    fractions = all(label != name for name, label in labels.items())
    if not fractions:
        ax.set_ylim(-0.03, 1.03)
    who = _who(chosen, of_trial(ds, trial))
    ax.set_ylabel(f"{'open channels' if fractions else 'gates'} of\n{who}")
    legend_above(ax)
    time_axis(ax, float(one.time[0]), float(one.time[-1]))
    return ax


@takes_style(Line2D)
def currents(
    ds: xr.Dataset,
    *,
    trial: int | None = None,
    neurons: int | Sequence[int] | None = None,
    ax: Axes | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Axes:
    """Currents of a neuron over time, one colour for each channel, and above them its V.

    Those that were recorded, or all that follow from the state: outward positive, but for the
    injected one, which is dashed and grey.

    Parameters
    ----------
    ds : Dataset of `solve` or `voltage_clamp`
        With currents, or all variables of the state.
    trial : int, optional
        Default: the first.
    neurons : int or sequence of int, optional
        Default: the first. Further neurons have paler lines.
    ax : matplotlib Axes, optional
        Where to draw the currents, without V. Default: the lower axes of a new figure, of `figsize`
        (width, height) inches, with V, where there is one, in the upper ones.
    **style
        For `Axes.plot` of the currents, as `color` (one, or one for each current), `lw`, `alpha`.

    Returns
    -------
    matplotlib Axes
        Those of the currents.

    Raises
    ------
    ValueError
        If currents were not recorded and do not follow from what there is, or there is no such
        trial or neuron.
    """
    if dataset.spikes_alone(ds):
        measures.currents(ds)  # says how to come to states
    one = one_trial(ds, trial)
    every = one[current_names(one)] if current_names(one) else measures.currents(one)
    chosen = first_neuron_or(one, neurons)
    if ax is None and "V" in one:
        _, axes = new_figure(figsize or (8, 5), 2, sharex=True, height_ratios=(1, 1.6))
        above, ax = axes[:, 0]
        traces(one, neurons=chosen, ax=above)
        above.label_outer()
    else:
        ax = axes_of(ax, figsize)
    colours = line_colours(style, len(every.data_vars))
    for k, neuron in enumerate(chosen):
        for i, (name, I) in enumerate(every.data_vars.items()):
            own = {"color": colours[i], "ls": LINES[i // len(COLOURS) % len(LINES)], "lw": 1.3,
                   "alpha": 0.55**k, "label": str(name) if k == 0 else None}  # fmt: skip
            if name == "I_stim" and not {"color", "c"} & style.keys():
                own |= {"color": "#666666", "ls": "--"}
            ax.plot(
                one.time, I.sel(neuron=neuron), **style_of(Line2D, without_colour(style), **own)
            )
    label = axis_label(next(iter(every.values())).rename("current"), long=False)
    ax.set_ylabel(f"{label} of\n{_who(chosen, of_trial(ds, trial))}")
    legend_above(ax)
    time_axis(ax, float(one.time[0]), float(one.time[-1]))
    return ax


def _who(neurons: list[int], trial: str) -> str:
    """Which neurons are drawn, and of which trial."""
    numbers = f"neuron{'s' if len(neurons) > 1 else ''} {', '.join(map(str, neurons))}"
    return ", ".join(filter(None, [numbers, trial]))


@takes_style(Line2D)
def phase_plane(
    ds: xr.Dataset,
    *,
    x: str = "V",
    y: str | None = None,
    trial: int | None = None,
    neurons: int | Sequence[int] | None = None,
    ax: Axes | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Axes:
    """One variable of a neuron against another, from a dot at the start.

    Parameters
    ----------
    ds : Dataset of `solve`
    x, y : str
        Variables. Default: n over V, or what else is last of the gates or open fractions.
    trial : int, optional
        Default: the first.
    neurons : int or sequence of int, optional
        Default: the first.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure, of `figsize` (width, height) inches.
    **style
        For `Axes.plot`, as `color` (one, or one for each neuron), `lw`, `ls`, `alpha`.

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
    chosen = first_neuron_or(one, neurons)
    ax = axes_of(ax, figsize, (4.5, 4))
    for neuron, colour in zip(chosen, line_colours(style, len(chosen)), strict=False):
        path = one[[x, y]].sel(neuron=neuron)
        own = {"color": colour, "lw": 0.8, "label": f"neuron {neuron}"}
        ax.plot(path[x], path[y], **style_of(Line2D, without_colour(style), **own))
        ax.plot(path[x][0], path[y][0], "o", ms=5, color=colour, mec="black")
    for name, label in ((x, partial(label_x, ax)), (y, ax.set_ylabel)):
        label(gate_label(one, name) if name != "V" else axis_label(one[name], long=False))
    legend_above(ax)
    tidy(ax)
    return ax


@takes_style(Line2D, QuadMesh)
def components(
    ds: xr.Dataset,
    *,
    trial: int | None = None,
    ax: Axes | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Axes:
    """The state x of an SDE that is not a network: lines for up to seven components, or an image.

    Parameters
    ----------
    ds : Dataset of `solve`
        ``ds.sel(component=[...])`` has some of the components.
    trial : int, optional
        Default: the first.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure, of `figsize` (width, height) inches.
    **style
        For `Axes.plot`, as `color` (one, or one for each component), `lw`, `ls`, `alpha`; of an
        image for `Axes.pcolormesh`, as `cmap`.
    """
    one = one_trial(ds, trial)
    if "x" not in one:
        raise ValueError(f"there is no x to draw; there is {', '.join(map(str, one.data_vars))}")
    x = one["x"] if "component" in one["x"].dims else one["x"].expand_dims("component")
    x = x.transpose("time", "component")
    ax = axes_of(ax, figsize)
    if x.sizes["component"] > MOST_LINES:
        image_over_time(ax, x, "x", style)
        ax.set_ylabel("component")
    else:
        names = np.atleast_1d(x.component.values)
        for i, colour in enumerate(line_colours(style, len(names))):
            own = {"color": colour, "lw": 1.2, "label": str(names[i])}
            ax.plot(x.time, x[:, i], **style_of(Line2D, without_colour(style), **own))
        ax.set_ylabel("x")
        legend_above(ax)
    time_axis(ax, float(x.time[0]), float(x.time[-1]))
    return ax
