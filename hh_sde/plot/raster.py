"""The plot of spike times, a row for each neuron or trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like
from matplotlib.lines import Line2D
from mpl_toolkits.axes_grid1 import make_axes_locatable

from hh_sde import dataset, measures, stated
from hh_sde.measures.train_arrays import refuse_strangers
from hh_sde.plot.common import (
    chosen_neurons,
    neurons_of,
    of_trial,
    one_cell,
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
        Width of the bins, ms, of the mean rate, or that of each population, that is then drawn
        above, in axes of its own.
    rule : SpikeRule, optional
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure, of `figsize` (width, height) inches.
    **style
        For `Axes.plot`, as `color` (one, or one for each neuron; of one neuron in rows of trials
        one for each trial; or "population", the default where there are any), `ms` and `mew`
        (height and width of a mark in points), `alpha`.

    Raises
    ------
    ValueError
        If there is no such trial or neuron, there are no trials to draw, or there are more or fewer
        colours than neurons.
    """
    ds = one_cell(ds)
    rows = _rows_of(ds, trial, neurons) if rows is None else rows
    trains = spikes_of_neurons(_spikes_of_rows(ds, rows, trial, rule), neurons)
    labels, drawn = (stated.labels(trains.attrs, name) for name in (f"{rows}s", "neurons"))
    refuse_strangers(trains, {name: np.array(labels) for name in (rows,)})
    place = np.array([labels.index(one) for one in trains[rows].values], dtype=int)
    ax = axes_of(ax, figsize, (8, 3 if rate_bin is None else 4))
    apart: str = "neuron" if len(drawn) > 1 else rows
    members: list[Any] = drawn if apart == "neuron" else labels
    coloured = rows == "trial" and 1 < len(drawn) <= MOST_LINES
    if rows == "neuron" and _by_population(style, trains):
        apart, members, coloured = "population", list(stated.populations(trains.attrs)), True
        style = without_colour(style)
    colours = _colours(style, apart, members, coloured)
    marks = _marks(ax, len(labels), place.size)
    own = {"ls": "", "marker": "|", **marks}
    for one, colour in colours.items():
        mine = slice(None) if one is None else trains[apart].values == one
        options = style_of(Line2D, without_colour(style), color=colour, **own)
        name = str(one) if apart == "population" else f"{apart} {one}"
        ax.plot(trains.spike_time[mine], place[mine], **{"label": name, **options})
    if coloured and rate_bin is None:
        legend_above(ax, markerscale=8 / marks["ms"])
    ax.set_ylim(-0.6, len(labels) - 0.4)
    if rows == "neuron":
        ax.set_ylabel("\n".join(filter(None, ["neuron", of_trial(ds, trial)])))
    else:
        ax.set_ylabel("trial" if coloured else f"trial\nneuron {drawn[0]}")
    rows_axis(ax, [str(label) for label in labels])
    time_axis(ax, *stated.span(trains.attrs))
    if rate_bin is not None:
        _rate_above(ax, trains, rate_bin, colours if apart == "population" else {})
    return ax


def _rows_of(
    ds: xr.Dataset, trial: int | None, neurons: int | Sequence[int] | None
) -> Literal["neuron", "trial"]:
    """What a row is where that was not said."""
    several = trial is None and len(trials_of(ds)) > 1
    return "trial" if several and len(chosen_neurons(neurons_of(ds), neurons)) == 1 else "neuron"


def _by_population(style: Mapping[str, Any], trains: xr.Dataset) -> bool:
    """Whether the populations are told from each other by colours."""
    color = style.get("color", style.get("c"))
    there = "population" in trains.coords
    if isinstance(color, str) and color == "population" and not there:
        raise ValueError("color='population': this result is not of a network of populations")
    return there and (color is None or (isinstance(color, str) and color == "population"))


def _colours(
    style: Mapping[str, Any], apart: str, members: list[Any], coloured: bool
) -> dict[Any, Any]:
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


def _rate_above(ax: Axes, trains: xr.Dataset, bin: float, colours: Mapping[str, Any]) -> None:
    """The mean rate over the rows of a raster, or over those of each population, above it."""
    above = make_axes_locatable(ax).append_axes("top", size="45%", pad=0.1, sharex=ax)
    if colours:
        found = measures.psth(trains, bin, by="population")  # type: ignore[call-arg]
        rates = {name: found["rate"].sel(population=name).values for name in colours}
    else:
        rates = {"": measures.psth(trains, bin).rate.mean("neuron").values}
    for name, rate in rates.items():
        edges = trains.attrs["t_start"] + bin * np.arange(rate.size + 1)
        style: dict[str, Any] = {"color": COLOURS[0], "fill": True}
        if name:
            style = {"color": colours[name], "label": name, "lw": 1.4, "baseline": None}
        above.stairs(rate, edges, **style)
    above.set_ylim(0, 1.35 * max(1.0, *(rate.max(initial=0.0) for rate in rates.values())))
    # inside, because layouts make no room for what stands beside appended axes
    above.text(0.005, 0.97, "mean rate (Hz)", transform=above.transAxes, va="top", fontsize="small")
    if colours:
        above.legend(loc="upper right", ncols=len(rates), fontsize="small", frameon=False)
    above.tick_params(labelbottom=False)
    tidy(above)
