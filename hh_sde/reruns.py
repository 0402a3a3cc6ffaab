"""rerun: a result, made again of what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import continuation, initial, measures, sweeps
from hh_sde.brownian import BrownianPath
from hh_sde.choice import sde_for_method
from hh_sde.clamp import protocol_of, voltage_clamp
from hh_sde.dataset import spikes_alone, upgrade
from hh_sde.errors import unknown
from hh_sde.measures import SpikeRule
from hh_sde.measures.detection import rule_of
from hh_sde.methods import METHODS
from hh_sde.network import Network
from hh_sde.provenance import path_of, seed_of, warn_of_differences
from hh_sde.results import opened
from hh_sde.sde import SDE
from hh_sde.solver import solve
from hh_sde.stopping import Threshold
from hh_sde.studies import STUDIES


def rerun(
    ds: xr.Dataset | str | PathLike[str], model: Network | SDE | None = None, **changes: Any
) -> xr.Dataset:
    """Make a result again, bit for bit, or with other arguments.

    Parameters
    ----------
    ds : Dataset, or path of a file with one, or of the store of a sweep
        Of `solve`, `voltage_clamp`, `sweep` or a study; of a part of a sweep, ``ds.sel(...)``,
        its cells alone. Of one with fewer trials than were run, only these
        are run; of a part of it, `window` or `spikes`, the whole run is made again and the same
        part taken.
    model : Network or SDE, optional
        Default: the network that the Dataset describes. Functions of an SDE of your own do not
        stand in a Dataset: give it.
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
    arguments = json.loads(ds.attrs["arguments"])
    if "study" in ds.attrs:
        name, seed = ds.attrs["study"], seed_of(ds.attrs)
        if name not in STUDIES:
            raise ValueError(unknown("study", name, STUDIES))
        return STUDIES[name](model, **{"rng": seed, **arguments, **changes})
    if ds.attrs.get("protocol") == "voltage clamp":
        return _of_trials(ds, changes, voltage_clamp, model, _clamp(ds, arguments))
    if "spike_rule" in arguments:
        arguments["spike_rule"] = SpikeRule(**arguments["spike_rule"])
    if isinstance(arguments.get("stop"), dict):
        arguments["stop"] = Threshold(**arguments["stop"])
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
    span = {name: ds.attrs.get(name) for name in ("t_start", "t_end")}
    other_times = {"t_end", "discard", "x0", "stop"} & {*changes, *_stops(result)}
    cut = None not in span.values() and any(result.attrs[k] != time for k, time in span.items())
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
    again = {**arguments, "V": protocol_of(arguments["V"])}
    again |= {} if seed is None else {"rng": seed}
    return again | _fewer_trials(ds, arguments)


def _described(ds: xr.Dataset) -> Network:
    if "network" not in ds.attrs:
        raise ValueError(
            "this Dataset describes no network: give the model that it was made with, "
            "rerun(ds, model), as an SDE's functions do not stand in a Dataset"
        )
    return Network.from_dataset(ds)


def _beginning(ds: xr.Dataset, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The initial state, if one was given."""
    if "x0" in changes or ds.attrs["x0"] == "default":
        return {}
    if ds.attrs["x0"] != "given":
        return {"x0": initial.of_attribute(ds.attrs["x0"])}
    if "initial_state" not in ds.attrs:
        raise ValueError(
            "the initial state of this run was too large to be kept in its result: give it, x0=..."
        )
    return {"x0": continuation.of_text(ds.attrs["initial_state"])}


def _noise(
    ds: xr.Dataset, model: Network | SDE, changes: Mapping[str, Any], drawn: bool
) -> dict[str, BrownianPath | np.random.SeedSequence]:
    """The path, if one was given; else the seed; `drawn`: it is also that of other numbers."""
    seed, quiet = seed_of(ds.attrs), changes.get("noise") == "ignore"
    if seed is None or {"path", "rng"} & set(changes) or (quiet and not drawn):
        return {}
    if "path" not in ds.attrs or quiet:
        return {"rng": seed}
    name = ds.attrs["method"]
    return {"path": path_of(ds.attrs, sde_for_method(model, METHODS[name], name, None))}


def _fewer_trials(ds: xr.Dataset, arguments: Mapping[str, Any]) -> dict[str, list[int]]:
    """The numbers of the trials that are left of those that were run, if they are fewer."""
    run = arguments.get("trials")
    if "trial" in ds.coords:
        there = np.atleast_1d(ds.trial.values).tolist()
    elif spikes_alone(ds) and "trials" in ds.attrs:
        there = json.loads(ds.attrs["trials"])
    elif run is not None and _chosen_trial(ds) is not None:
        there = [_chosen_trial(ds)]
    else:
        return {}
    if run is None:
        known = continuation.trials_of(arguments.get("x0"))
        run = [] if known is None else known.values.tolist()
    return {} if there == (list(range(run)) if isinstance(run, int) else run) else {"trials": there}
