"""What the pictures share: colours, axes, labels, the choice of a trial."""

from __future__ import annotations

import json
import re

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from hh_sde import measures
from hh_sde.dataset import upgrade

#: Okabe & Ito (2008), Color Universal Design: told apart by colour-blind people and in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: More neurons than this are drawn as an image, not as lines.
MOST_LINES = 7


def axes_of(ax: Axes | None, size: tuple[float, float] = (8, 3)) -> Axes:
    """`ax`, or the axes of a new figure of `size` inches."""
    return plt.subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def one_trial(ds: xr.Dataset, trial: int | None) -> xr.Dataset:
    """One trial of a Dataset of traces, by default the first.

    Raises
    ------
    ValueError
        If there is nothing to draw, no such trial, or a swept parameter is left to choose.
    """
    ds = upgrade(ds)
    if not {"V", "x"} & set(ds.data_vars) and not gate_names(ds):
        raise ValueError(
            "nothing to draw: the Dataset holds neither V nor gates nor x, but "
            + (", ".join(map(str, ds.data_vars)) or "nothing")
        )
    traces = [variable.dims for variable in ds.data_vars.values() if "time" in variable.dims]
    usual = {"trial", "time", "neuron", "component"}
    for dim in dict.fromkeys(dim for dims in traces for dim in dims if dim not in usual):
        raise ValueError(f"choose one value along {dim!r} first: ds.sel({dim}=...)")
    if "trial" not in ds.dims:
        if trial is not None:
            raise ValueError(f"there is no trial {trial}: this result has no trials")
        return ds
    trial = int(ds.trial[0]) if trial is None else trial
    if trial not in ds.trial:
        raise ValueError(f"there is no trial {trial}; there are {ds.trial.values.tolist()}")
    return ds.sel(trial=trial)


def spikes_of_trial(ds: xr.Dataset, trial: int | None) -> xr.Dataset:
    """The spikes of one trial, by default the first, of the result of `spikes`."""
    if "trial" not in ds:
        return ds
    trials = json.loads(ds.attrs["trials"])
    trial = trials[0] if trial is None else trial
    if trial not in trials:
        raise ValueError(f"there is no trial {trial}; there are {trials}")
    return measures.trains.chosen(ds, ds.trial.values == trial, trials=json.dumps([trial]))


def the_neuron(known: np.ndarray, neuron: int | None) -> int:
    """`neuron`, by default the first.

    Raises
    ------
    ValueError
        If there is no such neuron.
    """
    neuron = int(known[0]) if neuron is None else neuron
    if neuron not in known:
        raise ValueError(f"there is no neuron {neuron}; there are {known.tolist()}")
    return neuron


def gate_names(ds: xr.Dataset) -> list[str]:
    """Gates and synaptic gates, or the open fraction of each channel where it has states."""
    gates = ds.filter_by_attrs(role=lambda role: role in ("gate", "synaptic gate"))
    return [*map(str, ds.filter_by_attrs(conducting=1).data_vars), *map(str, gates.data_vars)]


def gate_label(ds: xr.Dataset, name: str) -> str:
    """`name`, or of an open state its channel."""
    variable = ds[name].attrs
    return f"{variable['channel']} open ({name})" if variable.get("conducting") else name


def axis_label(variable: xr.DataArray, *, long: bool = True) -> str:
    """Long name (or name) and units."""
    text = str(variable.attrs.get("long_name", variable.name) if long else variable.name)
    units = variable.attrs.get("units", "1")
    return text if units == "1" else f"{text} ({_raised(units)})"


def tidy(ax: Axes) -> None:
    """No box around the data."""
    ax.spines[["top", "right"]].set_visible(False)


def time_axis(ax: Axes, start: float, stop: float) -> None:
    """The axis of time from `start` to `stop`."""
    ax.set_xlabel("time (ms)")
    ax.set_xlim(start, stop)
    tidy(ax)


def legend_above(ax: Axes) -> None:
    """A legend in one row over the axes, where it covers no data."""
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=7, frameon=False, fontsize="small")


def _raised(units: str) -> str:
    for plain, symbol in (("^2", "²"), ("uA", "µA"), ("uF", "µF"), ("um", "µm")):
        units = units.replace(plain, symbol)
    return re.sub(r"\^(-?[\d.]+)", r"$^{\1}$", units)
