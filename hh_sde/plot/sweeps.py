"""Plots of sweeps: curves with bands, and heat maps."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from hh_sde.plot.common import axis_label
from hh_sde.plot.drawing import (
    COLOURS,
    LINES,
    MOST_LINES,
    Size,
    axes_of,
    label_x,
    legend_above,
    line_colours,
    style_of,
    takes_style,
    tidy,
    without_colour,
)

MARKERS = "osD^vP*"
#: A scale is the logarithm's if the spacings on it differ by less than this share of their mean.
EVEN = 0.5
#: A cell of a heat map is at most this much wider than one between the nearest values.
WIDEST = 1.5


@takes_style(Line2D, measure="y")
def curve(
    ds: xr.Dataset,
    *,
    x: str,
    y: str,
    low: str | None = None,
    high: str | None = None,
    hue: str | None = None,
    ax: Axes | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Axes:
    """A measure over a swept parameter, with a band between two others.

    Parameters
    ----------
    ds : Dataset
        Or a DataArray with a name, which is then y.
    x : str
        Coordinate along one dim.
    y : str
        Variable over x, and over hue where it is given.
    low, high : str, optional
        Variables over the same dims: the edges of the band around y.
    hue : str, optional
        Coordinate; a curve for each value of it, each of its colour, marker and line. More than
        seven numbers are shown by a scale of colours with its colour bar.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure, of `figsize` (width, height) inches.
    **style
        For `Axes.plot`, as `color` (one, or one for each curve), `marker`, `lw`, `ls`, `alpha`.

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
    parts = [ds.isel({ds[hue].dims[0]: i}) for i in range(ds[hue].size)] if hue else [ds]
    ax = axes_of(ax, figsize, (5.5, 3.5))
    scale = _colour_scale(ds[hue]) if hue and not {"color", "c"} & style.keys() else None
    colours = scale.to_rgba(ds[hue].values) if scale else line_colours(style, len(parts))
    for i, (part, colour) in enumerate(zip(parts, colours, strict=False)):
        own = {"color": colour, "marker": MARKERS[i % 7], "ls": LINES[i // len(COLOURS) % 4],
               "ms": 4, "lw": 1.4, "label": _value(part[hue]) if hue else None}  # fmt: skip
        if scale:
            own |= {"marker": "o", "ls": "-", "ms": 2.5}
        ax.plot(part[x], part[y], **style_of(Line2D, without_colour(style), **own))
        if low and high:
            ax.fill_between(part[x], part[low], part[high], color=colour, alpha=0.25, lw=0)
    label_x(ax, axis_label(ds[x]))
    ax.set_ylabel(_own_label(ds, y))
    if scale:
        ax.figure.colorbar(scale, ax=ax, label=axis_label(ds[hue]))
    elif hue:
        legend_above(ax, title=axis_label(ds[hue]))
    tidy(ax)
    return ax


@takes_style(PolyCollection, measure="z")
def heatmap(
    ds: xr.Dataset,
    *,
    x: str,
    y: str,
    z: str,
    ax: Axes | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Axes:
    """A measure over two swept parameters, as colour.

    The axes are true to scale: linear, or logarithmic where the values are spaced so (between 0 and
    the first of them linear). A cell ends half way to the next; where none is near, a gap shows.

    Parameters
    ----------
    ds : Dataset
        Or a DataArray with a name, which is then z.
    x, y : str
        Coordinates along one dim each: numbers or names.
    z : str
        Variable over both.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure, of `figsize` (width, height) inches.
    **style
        For the cells, as `cmap`, `vmin`, `vmax`, `norm`, `alpha`.

    Raises
    ------
    ValueError
        If a name is not in `ds`, or z has other dims.
    """
    _check(ds, [x, y, z])
    dims = str(ds[y].dims[0]), str(ds[x].dims[0])
    if dims[0] == dims[1] or set(ds[z].dims) != set(dims):
        raise ValueError(f"{z} has dims {ds[z].dims}; a heat map takes {' and '.join(dims)}: "
                         "average over the others, or choose a value")  # fmt: skip
    ax = axes_of(ax, figsize, (5, 3.8))
    left, right = _cells(ax, "x", ds[x].values)
    low, high = _cells(ax, "y", ds[y].values)
    corners = [[(a, c), (b, c), (b, d), (a, d)] for c, d in zip(low, high, strict=True)
               for a, b in zip(left, right, strict=True)]  # fmt: skip
    options = style_of(PolyCollection, style, cmap="viridis", rasterized=True, antialiased=False)
    limits = [options.pop(name, None) for name in ("vmin", "vmax")]
    image = PolyCollection(corners, array=ds[z].transpose(*dims).values.ravel(), **options)
    image.set_clim(*limits)
    ax.add_collection(image, autolim=False)
    ax.set(xlim=(left.min(), right.max()), ylim=(low.min(), high.max()))
    ax.figure.colorbar(image, ax=ax, label=_own_label(ds, z))
    label_x(ax, axis_label(ds[x]))
    ax.set_ylabel(axis_label(ds[y]))
    return ax


def _cells(ax: Axes, xy: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both edges of the cell of each value, after the axis has got the scale of the values."""
    axis: Axis = getattr(ax, f"{xy}axis")
    if values.dtype.kind not in "biuf":
        axis.set_ticks(range(len(values)), [str(value) for value in values])
        return np.arange(len(values)) - 0.5, np.arange(len(values)) + 0.5
    if scale := _scale(np.unique(values)):
        getattr(ax, f"set_{xy}scale")(scale[0], **scale[1])
    if scale or values.size <= 3:
        axis.set_major_locator(FixedLocator(values[:: -(-len(values) // 10)].tolist()))
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_locator(NullLocator())
    transform = axis.get_transform()
    place = transform.transform(values.astype(float))
    known, which = np.unique(place, return_inverse=True)
    gaps = np.diff(known) if known.size > 1 else np.ones(1)
    reach = np.pad(np.minimum(gaps, WIDEST * gaps.min()) / 2, 1, mode="edge")
    back = transform.inverted()
    return back.transform(place - reach[which]), back.transform(place + reach[which + 1])


def _scale(values: np.ndarray) -> tuple[str, dict[str, Any]] | None:
    """The scale, if not the linear one, on which increasing values are spaced evenly, or nearly."""
    positive = values[values > 0]
    if values.size < 3 or values[0] < 0 or positive.size < 2:
        return None
    uneven = _unevenness(np.log(positive))
    if uneven > EVEN or uneven >= _unevenness(values):
        return None
    if values[0] > 0:
        return "log", {}
    base = float((positive[-1] / positive[0]) ** (1 / (positive.size - 1)))
    # 0 is as far from the first as this is from the second
    return "symlog", {"base": base, "linthresh": float(positive[0]), "linscale": 1 - 1 / base}


def _unevenness(values: np.ndarray) -> float:
    gaps = np.diff(values)
    return float(np.ptp(gaps) / gaps.mean())


def _colour_scale(hue: xr.DataArray) -> ScalarMappable | None:
    """Colours for more numbers than there are colours of their own."""
    values = hue.values
    if values.dtype.kind not in "iuf" or values.size <= MOST_LINES:
        return None
    logarithmic = (_scale(np.unique(values)) or [""])[0] == "log"
    norm = (LogNorm if logarithmic else Normalize)(values.min(), values.max())
    # without the palest end, which paper swallows
    return ScalarMappable(norm, ListedColormap(plt.get_cmap("viridis")(np.linspace(0, 0.9, 256))))


def _check(ds: xr.Dataset, names: list[str | None]) -> None:
    known = ", ".join(map(str, ds.variables))
    for name in filter(None, names):
        if name not in ds.variables:
            raise ValueError(f"there is no variable {name!r}; there is {known}")
        if name in ds.coords and ds[name].ndim != 1:
            raise ValueError(f"the coordinate {name!r} has dims {ds[name].dims}, not one")


def _own_label(ds: xr.Dataset, name: str) -> str:
    """The label of a variable; its name where its attributes are those of another one.

    What is computed of a variable keeps its attributes: the slope of a rate is no rate.
    """
    long_name = str(ds[name].attrs.get("long_name", ""))
    owners = [
        str(other)
        for other, variable in ds.data_vars.items()
        if variable.attrs.get("long_name") == long_name and str(other) in long_name
    ]
    return name if owners and name not in owners else axis_label(ds[name])


def _value(coordinate: xr.DataArray) -> str:
    value = coordinate.item()
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)
