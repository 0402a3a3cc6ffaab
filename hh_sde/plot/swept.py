"""The plot of a sweep: measures over what varies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from hh_sde import dataset, measures
from hh_sde.plot.common import chosen_neurons, trials_of
from hh_sde.plot.drawing import Size, new_figure
from hh_sde.plot.sweeps import curve, heatmap

#: What is drawn of reductions, and at most how much.
_DRAWN = ("rate", "interval_mean", "interval_cv")


def sweep_plot(
    ds: xr.Dataset,
    swept: Sequence[str],
    *,
    trial: int | None = None,
    neurons: int | Sequence[int] | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Figure:
    """Rate and CV of a sweep, means over neurons and trials: curves, or of two dims heat maps.

    Parameters
    ----------
    ds : Dataset of `sweep`
    swept : sequence of str
        The dims that are left.
    trial, neurons, figsize, **style
        As of `overview`.

    Raises
    ------
    ValueError
        If more than two dims are left, or what was kept cannot be drawn over any.
    """
    if len(swept) > 2:
        raise ValueError(
            f"a sweep is drawn over one dim or two, and this has {', '.join(swept)}: choose a "
            f"value along the others, ds.sel({swept[0]}=...)"
        )
    found = _measures(_part(ds, trial, neurons), swept)
    if not found:
        raise ValueError(f"choose one value along {swept[0]!r} first: ds.sel({swept[0]}=...)")
    wide = len(swept) == 2
    fig, axes = new_figure(figsize or (4.6 * len(found) + 0.4, 3.6), 1, len(found))
    for ax, (name, values) in zip(axes[0], found.items(), strict=True):
        drawn = values.rename(name).to_dataset().assign_coords(
            {dim: ds[dim] if dim in ds.coords else range(values.sizes[dim]) for dim in swept}
        )  # fmt: skip
        if wide:
            heatmap(drawn, x=swept[1], y=swept[0], z=name, ax=ax, **style)
        else:
            curve(drawn, x=swept[0], y=name, ax=ax, **style)
    return fig


def _part(ds: xr.Dataset, trial: int | None, neurons: int | Sequence[int] | None) -> xr.Dataset:
    if dataset.spikes_alone(ds) and (trial is not None or neurons is not None):
        raise ValueError("choose trials and neurons of the sweep, ds.sel(trial=..., neuron=...)")
    if neurons is not None:
        ds = ds.sel(neuron=chosen_neurons(ds.neuron.values, neurons))
    if trial is None:
        return ds
    if trial not in trials_of(ds):
        raise ValueError(f"there is no trial {trial}; there are {trials_of(ds)}")
    return ds.sel(trial=[trial])


def _measures(ds: xr.Dataset, swept: Sequence[str]) -> dict[str, xr.DataArray]:
    """What is drawn, each over the swept dims alone."""
    found = {name: ds[name] for name in _DRAWN if name in ds.data_vars}
    if "spike_time" in ds:
        found = {
            "rate": measures.rates(ds).rate,
            "cv": measures.interval_statistics(ds, pool="trial").cv,
        }
    means = {}
    for name, values in found.items():
        others = [dim for dim in values.dims if dim not in swept]
        means[name] = values.mean(others, keep_attrs=True)
    return means
