"""Several plots in one figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import xarray as xr
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hh_sde import dataset, measures
from hh_sde.errors import warn
from hh_sde.plot.common import (
    chosen_neurons,
    gate_names,
    numbers_of_neurons,
    of_trial,
    one_cell,
    one_trial,
    swept_dims,
)
from hh_sde.plot.drawing import Size, new_figure, takes_style
from hh_sde.plot.raster import raster
from hh_sde.plot.states import components, currents, gates, traces
from hh_sde.plot.studies import study_plot
from hh_sde.plot.swept import sweep_plot


@takes_style(Line2D, QuadMesh, PolyCollection)
def overview(
    ds: xr.Dataset,
    *,
    trial: int | None = None,
    neurons: int | Sequence[int] | None = None,
    rule: measures.SpikeRule | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Figure:
    """Membrane potentials, gates of one neuron, and spike raster, one above the other.

    Of channels with states, the open fractions stand for the gates. Of spikes alone there is the
    raster, of currents alone these, of an SDE of one's own its components, of a study its own plot.
    Of a sweep there are rate and CV, or what was kept in place of spikes, over one swept parameter
    or two; of a cell that was chosen, what there is of a run.

    Parameters
    ----------
    ds : Dataset of `solve`, of `sweep`, or of a study
        A part whose variables were not recorded is left out.
    trial : int, optional
        Trial to draw. Default: the first.
    neurons : int or sequence of int, optional
        Which to draw. Default: all, and the gates of the first.
    rule : SpikeRule, optional
        For the raster.
    figsize : (width, height), optional
        Inches.
    **style
        For the membrane potentials (or for the one plot that there is), as `color`, `lw`,
        `alpha`: see `traces`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is nothing to draw, or no such trial or neuron.
    """
    if "study" in ds.attrs:
        if trial is not None or neurons is not None:
            raise ValueError("the plot of a study has neither trial= nor neurons= to choose")
        return study_plot(ds, figsize=figsize, **style)
    if swept := swept_dims(ds):
        return sweep_plot(ds, swept, trial=trial, neurons=neurons, figsize=figsize, **style)
    ds = one_cell(ds)
    if dataset.spikes_alone(ds):
        fig, axes = new_figure(figsize or (8, 3))
        raster(ds, ax=axes[0, 0], trial=trial, neurons=neurons, rule=rule, **style)
        return fig
    one = one_trial(ds, trial)
    if "x" in one:
        fig, axes = new_figure(figsize or (8, 3))
        components(one, ax=axes[0, 0], **style)
        return fig
    chosen = chosen_neurons(numbers_of_neurons(one), neurons)
    if "V" not in one and not gate_names(one):
        ax = currents(ds, trial=trial, neurons=neurons, figsize=figsize, **style)
        return cast(Figure, ax.figure)
    heights: dict[Any, float] = {}
    if "V" in one:
        heights[traces] = 3.0
    if gate_names(one):
        heights[gates] = 2.0
    if "V" in one and _spikes_known(one, rule):
        heights[raster] = float(np.clip(0.3 * len(chosen), 0.8, 2.5))
    fig, axes = new_figure(
        figsize or (8, 0.6 + sum(heights.values())),
        len(heights),
        sharex=True,
        height_ratios=list(heights.values()),
    )
    only: dict[Any, dict[str, Any]] = {
        traces: {"neurons": chosen, **style},
        gates: {"neurons": chosen[0]},
        raster: {"neurons": chosen, "rule": rule},
    }
    if traces not in heights:
        only[gates].update(style)
    for part, ax in zip(heights, axes[:, 0], strict=True):
        part(one, ax=ax, **only[part])
        ax.label_outer()
    if which := of_trial(ds, trial):
        fig.suptitle(which, x=0.01, ha="left", fontsize="small")
    return fig


def _spikes_known(ds: xr.Dataset, rule: measures.SpikeRule | None) -> bool:
    try:
        measures.spikes(ds, rule)
    except ValueError as error:
        warn(f"drawn without a raster: {error}")
        return False
    return True
