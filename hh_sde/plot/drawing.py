"""How the plots are drawn: colours, a new figure or given axes, styles, legends."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib import cbook
from matplotlib.artist import Artist, ArtistInspector
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from hh_sde.errors import did_you_mean
from hh_sde.records import see_kind, shown
from hh_sde.results import dataset_of

#: Okabe & Ito (2008), Color Universal Design: distinguishable to colour-blind people and in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: With the colours, so that more lines than there are colours can be distinguished.
LINES = ("-", "--", ":", "-.")
#: More neurons than this are drawn as an image, not as lines.
MOST_LINES = 7
#: Columns of an image over time: beyond these, several samples share one.
MOST_COLUMNS = 2000
#: A record of more seconds than these has its axis in seconds.
MANY_SECONDS = 10
#: What draws an artist takes these beside its properties.
ALSO = {
    QuadMesh: ("vmin", "vmax"),
    PolyCollection: ("vmin", "vmax"),
    StepPatch: ("baseline",),
}
#: The height that a label of a row takes, and a legend of one row, inches.
LABEL_HEIGHT = 0.2
ONE_ROW = 0.3

Size = tuple[float, float]
_Plot = TypeVar("_Plot", bound=Callable[..., Any])


class NewFigure(Figure):
    """A figure made here: its legends may enlarge it, and a notebook draws it once."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Nothing of its own. A cell whose value it is shows it; so pyplot shall not again."""
        if "inline" in matplotlib.get_backend():
            plt.close(self)
        return {}


def axes_of(ax: Axes | None, figsize: Size | None, default: Size = (8, 3)) -> Axes:
    """`ax`, or the axes of a new figure of `figsize` inches.

    Raises
    ------
    TypeError
        If `ax` is something else.
    ValueError
        If both are given.
    """
    if ax is None:
        return new_figure(figsize or default)[1][0, 0]
    if figsize is not None:
        raise ValueError("give ax=, or figsize= of a new figure, not both")
    see_kind(ax, Axes, "ax")
    return ax


def new_figure(
    figsize: Size, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, np.ndarray]:
    """A new figure of `figsize` inches, and its axes (rows, columns)."""
    return plt.subplots(
        rows, columns, figsize=figsize, squeeze=False, layout="constrained",
        FigureClass=NewFigure, **options,
    )  # fmt: skip


def _properties(kind: type[Artist]) -> frozenset[str]:
    """The names of the properties of an artist, short ones (lw) too."""
    inspector = ArtistInspector(kind)
    aliases = [alias for names in inspector.aliasd.values() for alias in names]
    return frozenset([*inspector.get_setters(), *aliases, *ALSO.get(kind, ())])


def takes_style(
    *kinds: type[Artist], measure: str = "", of_network: bool = False
) -> Callable[[_Plot], _Plot]:
    """A plot of a Dataset whose `**style` is for artists of these `kinds`.

    An unknown name, and what is no Dataset, is refused before anything is drawn. A DataArray with a
    name is taken by a plot of one `measure`, the argument that says its name, and a network by one
    that is `of_network`.
    """
    properties = {name for kind in kinds for name in _properties(kind)}

    def decorate(plot: _Plot) -> _Plot:
        own = [
            name
            for name, parameter in inspect.signature(plot).parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY
        ]

        @functools.wraps(plot)
        def checked(ds: Any, **options: Any) -> Any:
            if measure and isinstance(ds, xr.DataArray) and ds.name is not None:
                ds, options = ds.to_dataset(), {measure: str(ds.name), **options}
            for name in options.keys() - {*own, *properties}:
                hint = did_you_mean(name, own) or did_you_mean(name, properties - {"gapcolor"})
                raise TypeError(
                    f"{plot.__name__} takes {', '.join(own)} and the properties of matplotlib's "
                    f"{' or '.join(kind.__name__ for kind in kinds)}, not {name!r}{hint}"
                )
            if not (of_network and hasattr(ds, "connectivity")):
                ds = dataset_of(ds, plot.__name__)
            if isinstance(options.get("trial"), Sequence | np.ndarray):
                raise TypeError(
                    f"{plot.__name__} draws one trial, trial={_first(options['trial'])}, got "
                    f"trial={shown(options['trial'])}: draw each into axes of its own, ax=; "
                    "raster(rows='trial') and psth draw all"
                )
            return plot(ds, **options)

        return cast(_Plot, checked)

    return decorate


def _first(trials: Any) -> Any:
    return trials[0] if len(trials) else 0


def style_of(kind: type[Artist], style: Mapping[str, Any], **ours: Any) -> dict[str, Any]:
    """What an artist of this `kind` is given: `ours`, and before it the caller's `style`.

    Raises
    ------
    TypeError
        If it has no such property.
    """
    for name in style.keys() - _properties(kind):
        raise TypeError(f"{name!r} is no property of {kind.__name__}, as which this is drawn")
    return {**cbook.normalize_kwargs(ours, kind), **cbook.normalize_kwargs(dict(style), kind)}


def line_colours(style: Mapping[str, Any], n: int) -> list[Any]:
    """A colour for each of `n` lines: the caller's, one for all or one for each, or `COLOURS`.

    Raises
    ------
    ValueError
        If there are fewer colours than lines.
    """
    color = style.get("color", style.get("c"))
    if color is None:
        return [COLOURS[i % len(COLOURS)] for i in range(n)]
    if is_color_like(color):
        return [color] * n
    if isinstance(color, str) or len(color) < n:
        raise ValueError(f"color must be one colour or one for each of {n} lines; got {color!r}")
    return list(color)


def without_colour(style: Mapping[str, Any]) -> dict[str, Any]:
    """`style` less what `line_colours` has dealt out."""
    return {name: value for name, value in style.items() if name not in ("color", "c")}


def image_over_time(ax: Axes, values: xr.DataArray, label: str, style: Mapping[str, Any]) -> None:
    """`values` (time, neuron) as an image with a row for each neuron, and its colour bar.

    A column is the largest of its samples, so that no spike falls between two pixels.
    """
    for name in ("color", "c", "lw", "linewidth", "ls", "linestyle"):
        if name in style:
            raise TypeError(
                f"{name!r} is of lines, and the {values.shape[1]} rows are drawn as an image, "
                f"which has cmap, vmin, vmax; neurons= chooses up to {MOST_LINES} for lines"
            )
    share = -(-values.sizes["time"] // MOST_COLUMNS)
    shown = values.coarsen(time=share, boundary="pad").max() if share > 1 else values
    labels = [str(one) for one in values[values.dims[1]].values]
    numbers = np.arange(len(labels))
    options = style_of(QuadMesh, style, cmap="viridis", rasterized=True)
    image = ax.pcolormesh(shown.time, numbers, shown.values.T, shading="nearest", **options)
    ax.figure.colorbar(image, ax=ax, label=label, pad=0.01)
    rows_axis(ax, labels)


def rows_axis(ax: Axes, labels: list[str]) -> None:
    """Rows 0, 1, ... on the axis of y, with as many of their labels as there is room for."""
    room = max(2, int(ax.bbox.height / ax.figure.dpi / LABEL_HEIGHT))
    steps = (digit * 10**power for power in range(9) for digit in (1, 2, 5))
    every = next(step for step in steps if min(room, 8) * step >= len(labels))
    ax.set_yticks(range(0, len(labels), every), labels[::every])


def tidy(ax: Axes) -> None:
    """No box around the data."""
    ax.spines[["top", "right"]].set_visible(False)


def label_x(ax: Axes, text: str) -> None:
    """What the axis of x is, unless its numbers stand below another panel that shares it."""
    if ax.xaxis.get_tick_params().get("labelbottom", True):
        ax.set_xlabel(text)


def time_axis(ax: Axes, start: float, stop: float) -> None:
    """The axis of time from `start` to `stop`, ms; of many seconds its ticks are in these."""
    ax.set_xlim(start, stop)
    seconds = stop - start > MANY_SECONDS * 1e3
    label_x(ax, "time (s)" if seconds else "time (ms)")
    if seconds:
        ax.xaxis.set_major_formatter(lambda time, _: f"{time / 1e3:g}")
    tidy(ax)


def legend_above(ax: Axes, title: str | None = None, markerscale: float = 1.0) -> None:
    """A legend over the axes, in as many columns as they are wide, where it covers no data.

    In a figure whose layout makes no room for it, it stands inside.
    """
    options: dict[str, Any] = {"title": title, "fontsize": "small", "title_fontsize": "small"}
    options["markerscale"] = markerscale
    if ax.figure.get_layout_engine() is None:
        ax.legend(loc="best", framealpha=0.8, edgecolor="none", **options)
        return
    options |= {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
    options |= {"columnspacing": 1.2, "frameon": False}
    entries = len(ax.get_legend_handles_labels()[1])
    for rows in range(-(-entries // 7), entries + 1):
        legend = ax.legend(ncols=-(-entries // rows), **options)
        extent = legend.get_window_extent()
        if extent.width <= ax.bbox.width:
            break
    _enlarge(ax, 0, extent.height / ax.figure.dpi - ONE_ROW)


def legend_beside(ax: Axes) -> None:
    """A legend on the right of the axes; a new figure becomes wider by it."""
    place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    legend = ax.legend(fontsize="small", frameon=False, **place)
    _enlarge(ax, legend.get_window_extent().width / ax.figure.dpi, 0)


def _enlarge(ax: Axes, wider: float, higher: float) -> None:
    """A new figure makes room, in inches, for what would squash its axes."""
    if isinstance(ax.figure, NewFigure):
        width, height = ax.figure.get_size_inches()
        ax.figure.set_size_inches(width + max(wider, 0), height + max(higher, 0))
