"""Several pictures in one figure."""

from __future__ import annotations

import warnings
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hh_sde import dataset, measures
from hh_sde.plot.common import gate_names, one_trial
from hh_sde.plot.firing import raster
from hh_sde.plot.states import components, gates, traces
from hh_sde.plot.studies import picture


def overview(
    ds: xr.Dataset, *, trial: int | None = None, rule: measures.SpikeRule | None = None
) -> Figure:
    """Membrane potentials, gates of one neuron, and spike raster, one above the other.

    Of channels with states, the open fractions stand for the gates.

    Parameters
    ----------
    ds : Dataset of `solve`, or of a study
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
    if "study" in ds.attrs:
        return picture(ds)
    if dataset.spikes_alone(ds):
        fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
        raster(ds, ax=ax, trial=trial)
        return fig
    one = one_trial(ds, trial)
    if "x" in one:
        fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
        components(one, ax=ax)
        return fig
    parts = [traces, gates, raster] if "V" in one else [gates]
    if "V" in one and not gate_names(one):
        parts.remove(gates)
    if "V" in one and not _spikes_known(one, rule):
        parts.remove(raster)
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


def _spikes_known(ds: xr.Dataset, rule: measures.SpikeRule | None) -> bool:
    try:
        measures.spikes(ds, rule)
    except ValueError as error:
        warnings.warn(f"drawn without a raster: {error}", stacklevel=3)
        return False
    return True


def _raster_height(ds: xr.Dataset) -> float:
    return float(np.clip(0.3 * ds.sizes["neuron"], 0.8, 2.5))
