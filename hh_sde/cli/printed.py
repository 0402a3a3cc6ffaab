"""What the command prints of a result, a study and a method."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hh_sde.cli.messages import harmless, printable

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

    from hh_sde.kernels.cache import Kept
    from hh_sde.methods import Method


def summary(ds: xr.Dataset, rule: Any) -> Iterator[str]:
    """What a result holds, and how often its neurons fire."""
    from hh_sde.dataset import spikes_alone

    if "sweep" in ds.attrs:
        yield _of_sweep(ds)
        return
    yield from _what_it_holds(ds)
    if "stop_time" in ds:
        yield _stops(ds.stop_time)
    elif spikes_alone(ds):
        yield from _mean_rates(ds.hh.rates().rate)
    elif "V" in ds and ds.sizes["time"] > 1:
        try:
            yield from _mean_rates(ds.hh.rates(rule).rate)
        except ValueError as error:
            yield f"firing rate: not known; {error}"


def summary_of_store(ds: xr.Dataset, rule: Any) -> Iterator[str]:
    """The same of a store, of which no traces are read."""
    yield from summary(ds, rule) if "spike_time" in ds else _what_it_holds(ds)


def _what_it_holds(ds: xr.Dataset) -> Iterator[str]:
    from hh_sde.dataset import spikes_alone

    sizes = ", ".join(f"{size} {dim}s" for dim, size in ds.sizes.items() if dim in _COUNTED)
    if spikes_alone(ds):
        span = f"{ds.attrs['t_start']:g} to {ds.attrs['t_end']:g} ms"
        yield f"{printable(ds.attrs.get('method', 'unknown method'))}: {sizes}; {span}"
        return
    yield (
        f"{printable(ds.attrs.get('method', 'unknown method'))}: {sizes}; "
        f"{float(ds.time[0]):g} to {float(ds.time[-1]):g} ms; "
        f"variables {', '.join(str(v) for v in ds.data_vars if 'time' in ds[v].dims)}"
    )


def _of_sweep(ds: xr.Dataset) -> str:
    """The cells of a sweep, and what is known of each."""
    cells = " x ".join(f"{n} {printable(dim)}" for dim, n in ds.sizes.items() if dim != "spike")
    span = " to ".join(f"{float(ds.attrs[name]):g}" for name in ("t_start", "t_end"))
    names = ", ".join(printable(name) for name in ds.data_vars)
    method = printable(ds.attrs.get("method", "several methods"))
    return f"{method}: {cells}; {span} ms; variables {names}"


def progress_of(store: Path, most: int) -> Iterator[str]:
    """How far a sweep is, and what failed, `most` of it with the call that makes it again."""
    from hh_sde.sweeps import failures, status

    yield str(status(store))
    failed = failures(store)
    for one in failed[:most]:
        where = ", ".join(f"{name} = {_span(at)}" for name, at in one["coordinates"].items())
        yield f"failed: {harmless(where)}: {harmless(one['reason'])}"
        yield f"  again: {harmless(one['rerun'])}"
    if len(failed) > most:
        yield f"and {len(failed) - most} more: hh-sde status --json has all"


def _span(values: Any) -> str:
    """A coordinate of cells, or the first and the last of many."""
    if isinstance(values, list) and len(values) > 3:
        return f"{values[0]} to {values[-1]}"
    return ", ".join(map(str, values)) if isinstance(values, list) else str(values)


def as_json(store: Path) -> str:
    """The same for a program."""
    import json
    from dataclasses import asdict
    from math import isnan

    from hh_sde.sweeps import failures, status

    known = {name: None if isnan(one) else one for name, one in asdict(status(store)).items()}
    return json.dumps({**known, "failures": failures(store)}, indent=1)


def _stops(stop_time: xr.DataArray) -> str:
    """How many trials stopped, and when."""
    text = printable(stop_time.attrs.get("long_name", "time of the stop"))
    text = text.removeprefix("time of ").removeprefix("time when ")
    times = stop_time.values[stop_time.notnull().values]
    if not times.size:
        return f"stop: {text}: in none of {stop_time.size} trials"
    when = f"mean {times.mean():.4g} ms (from {times.min():.4g} to {times.max():.4g})"
    return f"stop: {text}: in {times.size} of {stop_time.size} trials, {when}"


def _mean_rates(rate: xr.DataArray) -> Iterator[str]:
    """Over all neurons, or in each population."""
    if "population" not in rate.coords:
        yield _mean_rate(rate, "")
        return
    for name in dict.fromkeys(rate.population.values.tolist()):
        yield _mean_rate(rate.isel(neuron=rate.population.values == name), f" of {printable(name)}")


def _mean_rate(rate: xr.DataArray, of: str) -> str:
    low, mean, high = float(rate.min()), float(rate.mean()), float(rate.max())
    return f"firing rate{of}: mean {mean:.2f} Hz (from {low:.2f} to {high:.2f} over neurons)"


_COUNTED = ("trial", "time", "neuron", "component", "spike")


def estimates(ds: xr.Dataset, *, warned: bool) -> Iterator[str]:
    """The study's estimates as tables, each with its last dim across; warnings, if not said yet."""
    for name, variable in ds.data_vars.items():
        if str(name).endswith(("_low", "_high")):
            continue
        described = variable.attrs.get("long_name", name), variable.attrs.get("units", "1")
        yield "\n{} ({}):".format(*described)
        yield _table(variable)
        if "warning" in variable.attrs and not warned:
            yield f"warning: {variable.attrs['warning']}"
    for name in ("recommended_method", "recommended_dt", "advice"):
        if name in ds.attrs and not (name == "advice" and warned):
            yield f"{name}: {ds.attrs[name]}"


def attributes(ds: xr.Dataset) -> Iterator[str]:
    """The attributes of a result, and the network that it describes as a configuration is shown."""
    for name, value in ds.attrs.items():
        if name not in ("network", "sweep"):
            yield f"  {printable(name)} = {printable(value)}"
    if not {"network", "sweep"} & set(ds.attrs):
        return
    from hh_sde.network import Network
    from hh_sde.sweeps import network_of

    try:
        shown = repr(network_of(ds) if "sweep" in ds.attrs else Network.from_dataset(ds))
    except (TypeError, ValueError) as error:
        shown = f"  network: {error}"
    # a file may hold anything
    yield from map(harmless, shown.split("\n"))


def _table(variable: xr.DataArray) -> str:
    if not variable.ndim:
        return f"{variable.item():.4g}"
    if variable.ndim > 2:
        *rows, across = variable.dims
        variable = variable.stack(rows=rows).transpose("rows", across)
    return str(variable.to_pandas().to_string(float_format="{:.4g}".format))


def list_studies() -> None:
    """Print each study with its arguments."""
    from rich.console import Console
    from rich.padding import Padding

    from hh_sde.studies import STUDIES

    console = Console(highlight=False)
    for name, function in STUDIES.items():
        console.print(f"[bold]{name}[/bold]")
        about = (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")
        console.print(Padding(about, (0, 0, 0, 4)))
        for key, parameter in inspect.signature(function).parameters.items():
            if key not in ("net", "model"):
                line = f"{key} = {_value(parameter.default)}"
                console.print(Padding(line, (0, 0, 0, 8)))


def _value(default: Any) -> str:
    """A default as a configuration would give it."""
    if default is None:
        return "(not set)"
    if default is inspect.Parameter.empty:
        return "(must be given)"
    if isinstance(default, tuple):
        return f"[{', '.join(f'{number:g}' for number in default)}]"
    return f'"{default}"' if isinstance(default, str) else f"{default:g}"


def list_methods() -> None:
    """Print each method with its orders."""
    from rich.console import Console
    from rich.padding import Padding

    from hh_sde.methods import METHODS

    console = Console(highlight=False)
    for name, method in METHODS.items():
        strong, weak = (
            ", ".join(f"{kind} {order:g}" for kind, order in orders.items())
            for orders in (method.strong_order, method.weak_order)
        )
        console.print(f"[bold]{name}[/bold]")
        about = (
            f"{method.summary} ({method.interpretation}). "
            + (f"Strong order: {strong}. " if strong else "")
            + (f"Weak order: {weak}. " if weak else "")
            + _noise_taken(method)
        )
        console.print(Padding(about, (0, 0, 0, 4)))


def _noise_taken(method: Method) -> str:
    """What `hh-sde methods` says besides strong orders."""
    if method.exact:
        return "Takes ConductanceNoise alone. No step, no error of one."
    if method.interpretation == "chain":
        order = method.deterministic_order
        return f"Takes ConductanceNoise alone. With ever more channels: order {order:g}."
    taken = "" if method.noise_types else "Takes no noise. "
    if method.adaptive:
        return taken + "Error control by rtol and atol."
    events = f", {method.order_with_events:g} with events" if method.order_with_events else ""
    return f"{taken}No noise: order {method.deterministic_order:g}{events}."


def kept_code() -> Iterator[str]:
    """Where compiled code is kept, and how much it is."""
    from hh_sde.kernels import cache

    yield f"compiled code is kept in {cache.root()} (HH_SDE_CACHE_DIR moves it)"
    contents = cache.contents()
    amount = _amount([kept for kept in contents if kept.in_use])
    yield f"{amount}: a module for each shape of model, another for its Jacobian"
    if others := [kept for kept in contents if not kept.in_use]:
        rule = f"{cache.KEPT_DAYS} days after its last use"
        yield f"of other versions: {_amount(others)}; each goes {rule}"


def _amount(contents: list[Kept]) -> str:
    modules = sum(kept.modules for kept in contents)
    size = sum(kept.size for kept in contents) / 1e6
    return f"{modules} module{'' if modules == 1 else 's'}, {size:.1f} MB"
