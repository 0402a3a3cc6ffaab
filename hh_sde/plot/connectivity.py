"""The plot of who projects to whom."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.axes_grid1 import make_axes_locatable

from hh_sde.errors import unknown
from hh_sde.network import Network
from hh_sde.plot.common import axis_label
from hh_sde.plot.drawing import COLOURS, Size, axes_of, style_of, takes_style, tidy

#: Of more neurons than this the matrix is drawn as a density, in cells of several neurons.
MOST_NEURONS = 200
#: Cells of a density along each axis.
CELLS = 100


@takes_style(QuadMesh, of_network=True)
def connectivity(
    ds: xr.Dataset | Network,
    *,
    synapse: str | None = None,
    ax: Axes | None = None,
    figsize: Size | None = None,
    **style: Any,
) -> Axes:
    """Who projects to whom: the matrix of weights, and how many outputs and inputs neurons have.

    Of up to 200 neurons each weight has its colour; of more, the colour is the part of the possible
    edges that there are. Out-degrees stand above the columns, in-degrees beside the rows.

    Parameters
    ----------
    ds : Network, a result of `solve`, or of `Network.connectivity`
    synapse : str, optional
        Whose edges. Default: all, and the weights of two neurons add up.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure, of `figsize` (width, height) inches.
    **style
        For `Axes.pcolormesh`, as `cmap`, `vmin`, `vmax`.

    Raises
    ------
    ValueError
        If there are no edges to draw, or there is no such synapse.

    Examples
    --------
    >>> import hh_sde as hh
    >>> net = hh.Network(20, synapses="AMPA", weights=0.1 * hh.topology.ring(k=4))
    >>> hh.plot.connectivity(net).get_ylabel()
    'postsynaptic neuron'
    """
    edges = _edges(ds, synapse)
    n = int(edges.attrs["n_neurons"])
    source, target = edges.source.values, edges.target.values
    ax = axes_of(ax, figsize, (5.5, 5))
    if n <= MOST_NEURONS:
        limits = np.arange(n + 1) - 0.5
        shown, _, _ = np.histogram2d(target, source, bins=[limits, limits], weights=edges.weight)
        label = axis_label(edges.weight)
    else:
        limits = np.linspace(0, n, CELLS + 1).round() - 0.5
        width = np.diff(limits)
        number, _, _ = np.histogram2d(target, source, bins=[limits, limits])
        shown, label = number / np.outer(width, width), "edges per pair"
    options = style_of(QuadMesh, style, cmap="viridis", rasterized=True)
    image = ax.pcolormesh(limits, limits, np.ma.masked_equal(shown, 0.0), **options)
    ax.set(xlabel=axis_label(edges.source), ylabel=axis_label(edges.target))
    ax.set(xlim=(limits[0], limits[-1]), ylim=(limits[-1], limits[0]))  # rows from above
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True))
    ax.figure.colorbar(image, ax=ax, label=label, pad=0.02, shrink=0.8, anchor=(0.0, 0.0))
    divider = make_axes_locatable(ax)  # inside the place that the axes had
    right = divider.append_axes("right", size="18%", pad=0.1, sharey=ax)
    above = divider.append_axes("top", size="18%", pad=0.1, sharex=ax)
    _degrees(above, np.bincount(source, minlength=n), limits, "outputs", "vertical")
    _degrees(right, np.bincount(target, minlength=n), limits, "inputs", "horizontal")
    return ax


def _degrees(
    ax: Axes, degree: np.ndarray, limits: np.ndarray, label: str, orientation: Any
) -> None:
    """Degrees beside the matrix; in cells of several neurons their mean."""
    cell = np.searchsorted(limits, np.arange(degree.size)) - 1
    mean = np.bincount(cell, degree) / np.bincount(cell)
    ax.stairs(mean, limits, color=COLOURS[0], fill=True, orientation=orientation)
    name = "y" if orientation == "vertical" else "x"
    ax.set(**{f"{name}lim": (0, 1.1 * max(mean.max(), 1.0)), f"{name}label": label})
    ax.tick_params(labelbottom=name == "x", labelleft=name == "y")
    getattr(ax, f"{name}axis").set_major_locator(MaxNLocator(2, integer=True))
    tidy(ax)


def _edges(ds: xr.Dataset | Network, synapse: str | None) -> xr.Dataset:
    """The edges of a network, of the network of a result, or these."""
    if isinstance(ds, Network):
        ds = ds.connectivity()
    elif "edge" not in ds.dims:
        ds = Network.from_dataset(ds).connectivity()
    if synapse is not None:
        names = np.unique(ds.synapse.values).tolist()
        if synapse not in names:
            raise ValueError(f"nothing to draw: {unknown('synapse with edges', synapse, names)}")
        ds = ds.isel(edge=ds.synapse.values == synapse)
    if not ds.sizes["edge"]:
        raise ValueError("nothing to draw: this network has no synapses with weights")
    return ds
