"""rerun: a result, made again of what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import continuation, initial, measures, stated, sweeps
from hh_sde.brownian import BrownianPath
from hh_sde.choice import sde_for_method
from hh_sde.clamp import protocol_of, voltage_clamp
from hh_sde.dataset import spikes_alone, upgrade
from hh_sde.errors import unknown
from hh_sde.measures import SpikeRule
from hh_sde.measures.detection import rule_of
from hh_sde.methods import METHODS, method_of, name_of
from hh_sde.network import Network
from hh_sde.problems import PROBLEMS, Problem
from hh_sde.provenance import path_of, seed_of, warn_of_differences
from hh_sde.results import opened
from hh_sde.sde import SDE
from hh_sde.solver import solve
from hh_sde.stopping import Threshold
from hh_sde.studies import STUDIES


def rerun(
    ds: xr.Dataset | str | PathLike[str],
    model: Network | SDE | Problem | None = None,
    **changes: Any,
) -> xr.Dataset:
    """Make a result again, bit for bit, or with other arguments.

    Parameters
    ----------
    ds : Dataset, or path of a file with one, or of the store of a sweep
        Of `solve`, `voltage_clamp`, `sweep` or a study; of a part of a sweep, ``ds.sel(...)``,
        its cells alone. Of one with fewer trials than were run, only these
        are run; of a part of it, `window` or `spikes`, the whole run is made again and the same
        part taken.
    model : Network, SDE or problem, optional
        Default: the network that the Dataset describes, or the problem of `hh_sde.problems` that it
        names. Functions of an SDE of your own do not stand in a Dataset: give it; nor does a
        method of your own: give it too, ``method=`` (of studies ``methods=``).
    **changes
        Its arguments that are to be other than they were: ``record=("V",)`` for traces of a run of
        which the spikes were kept, ``threads=2``, which changes no result.

    Returns
    -------
    Dataset
        Equal to `ds`, of a study but for wall times and what is drawn from them. A run that was
        interrupted goes as far as it went then.

    Raises
    ------
    TypeError
        If `ds` is neither a Dataset nor a path.
    ValueError
        If the Dataset does not say how it was made.

    Warns
    -----
    UserWarning
        If the versions of the libraries, or the processor, are others than they were: last bits may
        differ.

    Examples
    --------
    >>> from hh_sde import CurrentNoise
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(1.0))
    >>> spikes = solve(net, 50.0, rng=1, trials=3, record=("spikes",))
    >>> rerun(spikes).identical(spikes)
    True
    >>> rerun(spikes, trials=[2], record=("V",), save_dt=0.1).V.shape
    (1, 501, 1)
    """
    if isinstance(ds, str | PathLike) and sweeps.is_store(ds):
        ds = sweeps.open_store(ds)
    ds = upgrade(opened(ds, "rerun"))
    if sweeps.ATTRIBUTE in ds.attrs:
        warn_of_differences(ds.attrs)
        return _cells_again(ds, changes)
    if "arguments" not in ds.attrs:
        raise ValueError(
            "this Dataset has no attribute 'arguments': it is not a result of solve, "
            "voltage_clamp or a study of this version of hh_sde, or lost the attribute on the way"
        )
    if model is None:
        model = _described(ds)
    warn_of_differences(ds.attrs)
    arguments = stated.mapping(ds.attrs, "arguments")
    _see_methods(ds, arguments, changes)
    if "study" in ds.attrs:
        name, seed = stated.text(ds.attrs, "study"), seed_of(ds.attrs)
        if name not in STUDIES:
            raise ValueError(unknown("study", name, STUDIES))
        return STUDIES[name](model, **{"rng": seed, **arguments, **changes})
    model = model.model if isinstance(model, Problem) else model
    if ds.attrs.get("protocol") == "voltage clamp":
        return _of_trials(ds, changes, voltage_clamp, model, _clamp(ds, arguments))
    if "t_end" not in arguments:
        stated.damaged(ds.attrs, "arguments", "those of solve, with t_end, as JSON")
    for argument, kind in (("spike_rule", SpikeRule), ("stop", Threshold)):
        if isinstance(arguments.get(argument), dict):
            arguments[argument] = kind(**arguments[argument])
    arguments |= _beginning(ds, changes)
    drawn = initial.is_drawn(arguments.get("x0")) or getattr(model, "draws_spikes", False)
    arguments |= _noise(ds, model, changes, drawn=drawn)
    arguments |= _fewer_trials(ds, arguments)
    return _of_trials(ds, changes, solve, model, arguments)


def _cells_again(ds: xr.Dataset, changes: Mapping[str, Any]) -> xr.Dataset:
    """Those of a sweep's cells that are there."""
    if set(changes) - {"threads"}:
        raise ValueError(
            f"cells of a sweep are made again as they were: {', '.join(changes)} cannot be other; "
            "give them to hh_sde.sweep, or run a network of its own"
        )
    result = sweeps.rerun_part(ds, changes.get("threads", 1))
    span = ds.attrs["t_start"], ds.attrs["t_end"]
    whole = span == (result.attrs["t_start"], result.attrs["t_end"])
    return result if whole else measures.window(result, *span)


def _of_trials(
    ds: xr.Dataset,
    changes: Mapping[str, Any],
    run: Callable[..., xr.Dataset],
    model: Network | SDE,
    arguments: Mapping[str, Any],
) -> xr.Dataset:
    """What the run gives; of a result with one trial chosen, that one."""
    result = run(model, **{**arguments, **changes})
    alone = _chosen_trial(ds) is not None and "trials" not in changes and "trial" in result.dims
    return _same_part(ds, changes, result.isel(trial=0) if alone else result)


def _chosen_trial(ds: xr.Dataset) -> int | None:
    """The trial that was chosen of several, ``ds.sel(trial=...)``, of traces or of their spikes."""
    if "trial" in ds.coords:
        return None if ds.trial.ndim else int(ds.trial)
    return ds.attrs.get("trial") if spikes_alone(ds) and "trial" not in ds else None


def _same_part(ds: xr.Dataset, changes: Mapping[str, Any], result: xr.Dataset) -> xr.Dataset:
    """The part of a run that `ds` is of its own: a window of time, its spikes."""
    ends = [name for name in ("t_start", "t_end") if name in ds.attrs]
    span = {name: stated.number(ds.attrs, name) for name in ends}
    other_times = {"t_end", "discard", "x0", "stop"} & {*changes, *_stops(result)}
    cut = len(span) == 2 and any(result.attrs[k] != time for k, time in span.items())
    if cut and not other_times:
        result = measures.window(result, *span.values())
    if spikes_alone(ds) and not spikes_alone(result) and "record" not in changes:
        rule = None if "spike_time" in result else rule_of(ds.attrs)
        result = measures.spikes(result, rule)
    return result


def _stops(result: xr.Dataset) -> list[str]:
    """The argument that let trials end when they did."""
    return ["stop"] if "stop_time" in result else []


def _clamp(ds: xr.Dataset, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `voltage_clamp`."""
    seed = seed_of(ds.attrs)
    if not {"V", "t_end"} <= set(arguments):
        stated.damaged(ds.attrs, "arguments", "those of voltage_clamp, with V and t_end, as JSON")
    again = {**arguments, "V": protocol_of(arguments["V"])}
    again |= {} if seed is None else {"rng": seed}
    return again | _fewer_trials(ds, arguments)


def _see_methods(ds: xr.Dataset, arguments: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """See that the methods are there: those of one's own are functions, which no Dataset holds."""
    for argument in ("method", "methods", "reference"):
        names = arguments.get(argument) or []
        names = [names] if isinstance(names, str) else names
        lost = [name for name in names if name not in METHODS]
        if not lost or argument in changes:
            continue
        place = f", {ds.attrs['method_place']}" if "method_place" in ds.attrs else ""
        wanted = "[...]" if argument == "methods" else lost[0].rpartition(".")[2]
        raise ValueError(
            f"this result was made by {', '.join(lost)}{place}, which is no method of METHODS and "
            f"does not stand in a Dataset: give it, rerun(ds, {argument}={wanted})"
        )


def _described(ds: xr.Dataset) -> Network | Problem:
    if ds.attrs.get("problem") in PROBLEMS:
        return PROBLEMS[ds.attrs["problem"]]
    if "network" not in ds.attrs:
        raise ValueError(
            "this Dataset describes no network: give the model that it was made with, "
            "rerun(ds, model), as an SDE's functions do not stand in a Dataset"
        )
    return Network.from_dataset(ds)


def _beginning(ds: xr.Dataset, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The initial state, if one was given."""
    if "x0" in changes or stated.text(ds.attrs, "x0") == "default":
        return {}
    if ds.attrs["x0"] != "given":
        return {"x0": initial.of_attribute(stated.mapping(ds.attrs, "x0"))}
    if "initial_state" not in ds.attrs:
        raise ValueError(
            "the initial state of this run was too large to be kept in its result: give it, x0=..."
        )
    return {"x0": continuation.of_text(stated.text(ds.attrs, "initial_state"))}


def _noise(
    ds: xr.Dataset, model: Network | SDE, changes: Mapping[str, Any], drawn: bool
) -> dict[str, BrownianPath | np.random.SeedSequence]:
    """The path, if one was given; else the seed; `drawn`: it is also that of other numbers."""
    seed, quiet = seed_of(ds.attrs), changes.get("noise") == "ignore"
    if seed is None or {"path", "rng"} & set(changes) or (quiet and not drawn):
        return {}
    if "path" not in ds.attrs or quiet:
        return {"rng": seed}
    method = changes.get("method") or stated.text(ds.attrs, "method")
    sde = sde_for_method(model, method_of(method), name_of(method), None)
    path = path_of(ds.attrs, sde)
    return {"path": path.in_law() if method_of(method).weak else path}


def _fewer_trials(ds: xr.Dataset, arguments: Mapping[str, Any]) -> dict[str, list[int]]:
    """The numbers of the trials that are left of those that were run, if they are fewer."""
    run = arguments.get("trials")
    if "trial" in ds.coords:
        there = np.atleast_1d(ds.trial.values).tolist()
    elif spikes_alone(ds) and "trials" in ds.attrs:
        there = stated.labels(ds.attrs, "trials")
    elif run is not None and _chosen_trial(ds) is not None:
        there = [_chosen_trial(ds)]
    else:
        return {}
    if run is None:
        known = continuation.trials_of(arguments.get("x0"))
        run = [] if known is None else known.values.tolist()
    return {} if there == (list(range(run)) if isinstance(run, int) else run) else {"trials": there}
