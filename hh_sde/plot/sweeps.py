"""Pictures of sweeps: curves with bands, and heat maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from hh_sde.plot.common import COLOURS, axes_of, axis_label, tidy

MARKERS = "osD^vP*"
STYLES = ("-", "--", "-.", ":")


def curve(
    ds: xr.Dataset,
    *,
    x: str,
    y: str,
    low: str | None = None,
    high: str | None = None,
    hue: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A measure over a swept parameter, with a band between two others.

    Parameters
    ----------
    ds : Dataset
    x : str
        Coordinate along one dim.
    y : str
        Variable over x, and over hue where it is given.
    low, high : str, optional
        Variables over the same dims: the edges of the band around y.
    hue : str, optional
        Coordinate; a curve for each value of it, told apart by colour, marker and line.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure.

    Raises
    ------
    ValueError
        If a name is not in `ds`, only one edge of the band is given, or y has other dims.
    """
    _check(ds, [x, y, low, high, hue])
    if (low is None) != (high is None):
        raise ValueError("a band needs both low and high")
    dims = {str(ds[name].dims[0]) for name in (x, hue) if name}
    for name in filter(None, (y, low, high)):
        if set(ds[name].dims) != dims:
            raise ValueError(
                f"{name} has dims {ds[name].dims}; a curve takes {' and '.join(sorted(dims))}: "
                "average over the others, choose a value, or give hue"
            )
    ax = axes_of(ax, (5.5, 3.5))
    for i in range(ds[hue].size if hue else 1):
        part = ds.isel({ds[hue].dims[0]: i}) if hue else ds
        style: dict[str, Any] = {
            "color": COLOURS[i % 7],
            "marker": MARKERS[i % 7],
            "ls": STYLES[i // 7 % 4],
        }
        label = _value(part[hue]) if hue else None
        ax.plot(part[x], part[y], ms=4, lw=1.4, label=label, **style)
        if low and high:
            ax.fill_between(part[x], part[low], part[high], color=COLOURS[i % 7], alpha=0.25, lw=0)
    ax.set_xlabel(axis_label(ds[x]))
    ax.set_ylabel(axis_label(ds[y]))
    if hue:
        title = axis_label(ds[hue])
        ax.legend(title=title, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False,
                  fontsize="small")  # fmt: skip
    tidy(ax)
    return ax


def heatmap(ds: xr.Dataset, *, x: str, y: str, z: str, ax: Axes | None = None) -> Axes:
    """A measure over two swept parameters, as colour.

    Parameters
    ----------
    ds : Dataset
    x, y : str
        Coordinates along one dim each.
    z : str
        Variable over both.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure.

    Raises
    ------
    ValueError
        If a name is not in `ds`, or z has other dims.
    """
    _check(ds, [x, y, z])
    dims = str(ds[y].dims[0]), str(ds[x].dims[0])
    if dims[0] == dims[1] or set(ds[z].dims) != set(dims):
        raise ValueError(f"{z} has dims {ds[z].dims}; a heat map takes {' and '.join(dims)}")
    ax = axes_of(ax, (5, 3.8))
    image = ax.pcolormesh(
        ds[x], ds[y], ds[z].transpose(*dims), cmap="viridis", shading="nearest", rasterized=True
    )
    ax.figure.colorbar(image, ax=ax, label=axis_label(ds[z]))
    ax.set_xlabel(axis_label(ds[x]))
    ax.set_ylabel(axis_label(ds[y]))
    return ax


def _check(ds: xr.Dataset, names: list[str | None]) -> None:
    known = ", ".join(map(str, ds.variables))
    for name in filter(None, names):
        if name not in ds.variables:
            raise ValueError(f"there is no variable {name!r}; there is {known}")
        if name in ds.coords and ds[name].ndim != 1:
            raise ValueError(f"the coordinate {name!r} has dims {ds[name].dims}, not one")


def _value(coordinate: xr.DataArray) -> str:
    value = coordinate.item()
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)
