"""Plots of studies: one function for each, chosen by the attribute `study`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from hh_sde.dataset import upgrade
from hh_sde.plot.common import axis_label, raised, with_units
from hh_sde.plot.drawing import (
    Size,
    legend_above,
    legend_beside,
    line_colours,
    new_figure,
    style_of,
    tidy,
    without_colour,
)
from hh_sde.plot.sweeps import curve, heatmap
from hh_sde.results import dataset_of

#: With the colours, so that more than seven lines can be distinguished.
MARKERS = "osD^vP*Xh<>"
Style = Mapping[str, Any]


def study_plot(ds: xr.Dataset, *, figsize: Size | None = None, **style: Any) -> Figure:
    """The plot of a study, its lines with `style` (of a heat map, its image).

    Raises
    ------
    ValueError
        If `ds` is not the result of one.
    """
    ds = upgrade(dataset_of(ds, "study_plot"))
    name = ds.attrs.get("study")
    if name not in STUDY_PLOTS:
        raise ValueError(f"no plot for the study {name!r}; there are {', '.join(STUDY_PLOTS)}")
    draw, panels = STUDY_PLOTS[name]
    fig, axes = new_figure(figsize or (0.8 + 4.2 * panels, 4.0), columns=panels)
    draw(ds, axes[0], style)
    return fig


def orders(ds: xr.Dataset, axes: Sequence[Axes], style: Style) -> None:
    """Error over the step with reference slopes; filled where fitted; the order in the legend."""
    ax = axes[0]
    for i, scheme in enumerate(ds.scheme.values):
        one = ds.sel(scheme=scheme)
        label = _order_label(str(scheme), one)
        _error_line(ax, one, one.error, label, _style(i, style))
    _reference_slopes(ax, ds.dt.values, ds.error.values)
    ax.set(xlabel="dt (ms)", ylabel=axis_label(ds.error))
    _log_log(ax)
    legend_beside(ax)


def weak_orders(ds: xr.Dataset, axes: Sequence[Axes], style: Style) -> None:
    """|Error| of the mean interval and of the first spike's time over the step.

    Of an SDE: of mean and variance of its first component.
    """
    names = ds.observable.values.tolist()
    fires = "interval" in names
    variance = next((name for name in names if name.startswith("var_")), names[0])
    shown = ("interval", "first_passage") if fires else (names[0], variance)
    for ax, observable in zip(axes, shown, strict=True):
        part = ds.sel(observable=observable)
        for i, scheme in enumerate(ds.scheme.values):
            one = part.sel(scheme=scheme)
            _error_line(
                ax, one, abs(one.error).where(one.error != 0), _order_label(str(scheme), one),
                _style(i, style),
            )  # fmt: skip
        _reference_slopes(ax, ds.dt.values, abs(part.error.values))
        what = f"the {observable.replace('_', ' ')} (ms)" if fires else observable
        ax.set(xlabel="dt (ms)", ylabel=f"|error| of {what}")
        _log_log(ax)
        legend_above(ax)


def comparison(ds: xr.Dataset, axes: Sequence[Axes], style: Style) -> None:
    """Error along the path and mean interval over the step; x where a method diverged.

    Of an SDE, which has no intervals, what a step costs.
    """
    shown = ("path_error", "interval" if "interval" in ds else "cost")
    for i, scheme in enumerate(ds.scheme.values):
        one = ds.sel(scheme=scheme)
        line = _style(i, style)
        axes[0].plot(one.dt, one.path_error, label=str(scheme), **line)
        axes[1].plot(one.dt, one[shown[1]], label=str(scheme), **line)
        if "interval" in ds:
            axes[1].fill_between(
                one.dt, one.interval_low, one.interval_high, color=line["color"], alpha=0.15, lw=0
            )
    gone = ds.diverged.any("scheme").values.astype(bool)
    for ax, name in zip(axes, shown, strict=True):
        top = ax.get_ylim()[1]
        for dt in ds.dt.values[gone]:
            lost = [str(one) for one in ds.scheme.values[ds.diverged.sel(dt=dt).values == 1]]
            ax.plot([dt], [top], "x", color="#333333", clip_on=False)
            ax.annotate(f"{len(lost)}", (dt, top), xytext=(0, 5), textcoords="offset points",
                        ha="center", fontsize="x-small")  # fmt: skip
        ax.set(xlabel="dt (ms)", ylabel=axis_label(ds[name]), xscale="log")
        _plain_ticks(ax)
        tidy(ax)
    axes[0].set_yscale("log")
    axes[0].set_title("x: how many methods diverged", fontsize="small", loc="left", pad=18)
    legend_beside(axes[1])


def precision(ds: xr.Dataset, axes: Sequence[Axes], style: Style) -> None:
    """Errors over their cost."""
    second = "interval_error" if "interval_error" in ds else "mean_error"
    for ax, name in zip(axes, ("path_error", second), strict=True):
        for i, scheme in enumerate(ds.scheme.values):
            one = ds.sel(scheme=scheme)
            ax.plot(one.cost, abs(one[name]), label=str(scheme), **_style(i, style))
        ax.set(xlabel=axis_label(ds.cost), ylabel=axis_label(ds[name]))
        _log_log(ax)
    legend_beside(axes[1])


def rates(ds: xr.Dataset, axes: Sequence[Axes], style: Style) -> None:
    """Rate over current for each noise: from firing a full line, from rest a broken one."""
    ax = axes[0]
    for i, sigma in enumerate(ds.sigma.values):
        for start, line in (("firing", "-"), ("rest", "--")):
            one = ds.sel(sigma=sigma, start=start)
            label = with_units(sigma, ds.sigma) if start == "firing" else None
            _band(ax, one.current, one, "rate", label, {**_style(i, style), "linestyle": line})
    ax.set(xlabel=axis_label(ds.current), ylabel=axis_label(ds.rate))
    ax.plot([], [], "--", color="#777777", label="broken: from rest")
    legend_above(ax)


def noise(ds: xr.Dataset, axes: Sequence[Axes], style: Style) -> None:
    """Rate and coefficient of variation over the noise."""
    for ax, name in zip(axes, ("rate", "cv"), strict=True):
        _over_sigma(ds, name, ax, style)
    axes[1].set_yscale("log")
    _plain_ticks(axes[1], "y")


def reliability(ds: xr.Dataset, axes: Sequence[Axes], style: Style) -> None:
    """Reliability over the noise."""
    _over_sigma(ds, "reliability", axes[0], style)
    axes[0].set_ylim(0, 1.02)


def synchrony(ds: xr.Dataset, axes: Sequence[Axes], style: Style) -> None:
    """Synchrony over coupling and noise, as a heat map."""
    heatmap(ds, x="sigma", y="coupling", z="chi_squared", ax=axes[0], **style)


def levels(ds: xr.Dataset, axes: Sequence[Axes], style: Style) -> None:
    """Mean and variance of the differences, and samples and their cost, over the levels."""
    shown = (("mean", "variance"), ("samples", "seconds"))
    for ax, names in zip(axes, shown, strict=True):
        for i, name in enumerate(names):
            values = abs(ds[name]).where(ds[name] != 0)
            ax.plot(ds.level, values, label=axis_label(ds[name]), **_style(i, style))
        ax.set(xlabel="level", yscale="log")
        ax.set_ylabel("of the difference" if names[0] == "mean" else "of a level")
        ax.set_xticks(ds.level.values)
        tidy(ax)
        legend_above(ax)


def exponents(ds: xr.Dataset, axes: Sequence[Axes], style: Style) -> None:
    """Lyapunov exponents with their intervals, largest first."""
    ax = axes[0]
    ends = abs(np.stack([ds.exponent - ds.exponent_low, ds.exponent_high - ds.exponent]))
    ax.errorbar(ds["rank"], ds.exponent, yerr=ends, **{**_style(0, style), "linestyle": ""})
    ax.axhline(0.0, color="#999999", lw=0.8)
    ax.set(xlabel="rank", ylabel=axis_label(ds.exponent))
    ax.set_xticks(ds["rank"].values)
    tidy(ax)


def phase(ds: xr.Dataset, axes: Sequence[Axes], style: Style) -> None:
    """The response of the phase to V, and variances of intervals: lines predicted."""
    V = [name for name in ds.component.values.tolist() if name.split("[")[0] == "V"]
    for i, name in enumerate(V):
        axes[0].plot(ds.phase, ds.response.sel(component=name), label=name,
                     **{**_style(i, style), "marker": ""})  # fmt: skip
    axes[0].axhline(0.0, color="#999999", lw=0.8)
    axes[0].set(xlabel=axis_label(ds.phase), ylabel="phase response (ms/mV)")
    if len(V) > 1:
        axes[0].legend(frameon=False, fontsize="small")
    ax, n = axes[1], ds.intervals
    ends = abs(np.stack([ds.simulated - ds.simulated_low, ds.simulated_high - ds.simulated]))
    ax.errorbar(n, ds.simulated, yerr=ends, **{**_style(0, style), "linestyle": ""},
                label="simulated")  # fmt: skip
    ax.plot(n, ds.predicted, color="#777777", label="first order in the noise")
    ax.axhline(float(ds.isochron), color="#777777", ls=":", label="isochrons")
    ax.set(
        xlabel="intervals taken together, n", ylabel=f"Var T_n/n ({raised('ms^2')})", xscale="log"
    )
    _plain_ticks(ax)
    legend_above(ax)
    for one in axes:
        tidy(one)


def mean_returns(ds: xr.Dataset, axes: Sequence[Axes], style: Style) -> None:
    """The phase by mean return times over that without noise, or over the states' numbers."""
    ax, known = axes[0], not np.isnan(ds.phase).any()
    x = ds.phase if known else ds.start
    found = ds.mean_return_phase
    ends = abs(np.stack([found - ds.mean_return_phase_low, ds.mean_return_phase_high - found]))
    ax.errorbar(x, found, yerr=ends, **{**_style(0, style), "linestyle": ""})
    if known:
        ax.plot(x, x, color="#777777", lw=0.8, label="without noise")
        legend_above(ax)
    ax.set(xlabel=axis_label(x), ylabel=axis_label(found))
    tidy(ax)


def slopes(ds: xr.Dataset, axes: Sequence[Axes], style: Style) -> None:
    """Derivatives times the values of their parameters, so that they can be compared."""
    ax = axes[0]
    columns = ("derivative", "derivative_low", "derivative_high")
    middle, low, high = ((ds[name] * ds.value).transpose("parameter", ...) for name in columns)
    at = np.arange(ds.sizes["parameter"])
    for i, one in enumerate(middle.values.reshape(at.size, -1).T):
        ends = [part.values.reshape(at.size, -1)[:, i] - one for part in (low, high)]
        ax.errorbar(at, one, yerr=abs(np.array(ends)), **{**_style(i, style), "linestyle": ""})
    ax.axhline(0.0, color="#999999", lw=0.8)
    ax.set_xticks(at, ds.parameter.values.tolist())
    units = ds["mean"].attrs["units"]
    ax.set(xlabel="parameter", ylabel=f"its value times the derivative ({raised(units)})")
    tidy(ax)


def _over_sigma(ds: xr.Dataset, name: str, ax: Axes, style: Style) -> None:
    curve(ds, x="sigma", y=name, low=f"{name}_low", high=f"{name}_high", ax=ax, **style)
    if np.all(ds.sigma > 0):
        ax.set_xscale("log")
        _plain_ticks(ax)


def _style(i: int, style: Style) -> dict[str, Any]:
    """Of the `i`-th line, in the caller's style where one is given."""
    colour, marker = line_colours(style, i + 1)[i], MARKERS[i % len(MARKERS)]
    own = {"color": colour, "marker": marker, "ms": 4, "lw": 1.2}
    return style_of(Line2D, without_colour(style), **own)


def _error_line(ax: Axes, one: xr.Dataset, error: xr.DataArray, label: str, line: Style) -> None:
    ax.plot(one.dt, error, **{**line, "label": label, "mfc": "white"})
    kept = one.fitted.values.astype(bool)
    ax.plot(one.dt[kept], error[kept], **{**line, "linestyle": ""})


def _order_label(scheme: str, one: xr.Dataset) -> str:
    if not np.isfinite(one.order):
        return f"{scheme}: no range to fit"
    order, low, high = (float(one[name]) for name in ("order", "order_low", "order_high"))
    declared = float(one.declared_order)
    beside = f", declared {declared:g}" if declared < low or high < declared else ""
    return f"{scheme}: {order:.2f} ({low:.2f}, {high:.2f}){beside}"


def _reference_slopes(ax: Axes, dts: np.ndarray, error: np.ndarray) -> None:
    """Broken grey lines of slopes 1/2, 1, 3/2 and 2 through the largest error."""
    finite = error[np.isfinite(error) & (error > 0)]
    if not finite.size:
        return
    for slope in (0.5, 1.0, 1.5, 2.0):
        line = 1.5 * finite.max() * (dts / dts[-1]) ** slope
        ax.plot(dts, line, ls=":", color="#999999", lw=0.8)
        ax.annotate(f"{slope:g}", (dts[0], line[0]), fontsize="x-small", color="#777777",
                    ha="right", va="center")  # fmt: skip


def _log_log(ax: Axes) -> None:
    ax.set(xscale="log", yscale="log")
    _plain_ticks(ax)
    tidy(ax)


def _plain_ticks(ax: Axes, xy: Literal["x", "y"] = "x") -> None:
    """1, 2 and 5 of every decade, as plain numbers."""
    axis = ax.xaxis if xy == "x" else ax.yaxis
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
    ax.tick_params(axis=xy, labelsize="small")


def _band(
    ax: Axes, x: xr.DataArray, ds: xr.Dataset, name: str, label: str | None, line: Style
) -> None:
    ax.plot(x, ds[name], label=label, **{**line, "marker": "o", "markersize": 3})
    low, high = ds[f"{name}_low"], ds[f"{name}_high"]
    ax.fill_between(x, low, high, color=line["color"], alpha=0.2, lw=0)
    tidy(ax)


#: The plot of each study, and how many panels it has.
STUDY_PLOTS: dict[str, tuple[Callable[..., None], int]] = {
    "compare_methods": (comparison, 2),
    "strong_convergence": (orders, 1),
    "weak_convergence": (weak_orders, 2),
    "work_precision": (precision, 2),
    "recommend": (precision, 2),
    "rate_curve": (rates, 1),
    "noise_sweep": (noise, 2),
    "reliability": (reliability, 1),
    "synchrony": (synchrony, 1),
    "mlmc": (levels, 2),
    "lyapunov": (exponents, 1),
    "phase_reduction": (phase, 2),
    "mean_return_phase": (mean_returns, 1),
    "sensitivity": (slopes, 1),
}
