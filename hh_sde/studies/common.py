"""What the studies share: the reference run, the bootstrap, labels and provenance."""

from __future__ import annotations

import inspect
import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from importlib import metadata
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.brownian import BrownianPath, Rng, seed_sequence
from hh_sde.dataset import label
from hh_sde.errors import IntegrationError
from hh_sde.methods import METHODS
from hh_sde.network import Network
from hh_sde.sde import SDE
from hh_sde.solver import solve

#: Resamples of the trials from which an interval is taken.
RESAMPLES = 2000
#: Labels of the dims that studies vary.
DIMENSIONS = {
    "method": ("1", "method of integration"),
    "dt": ("ms", "step"),
    "sigma": ("uA/cm^2*ms^0.5", "intensity of the white current noise"),
    "current": ("uA/cm^2", "injected current"),
    "start": ("1", "state from which a run begins"),
    "coupling": ("1", "factor on all synaptic weights"),
    "observable": ("1", "what is estimated"),
    "tolerance": ("1", "wanted relative error"),
}


def study(function: Callable[..., xr.Dataset]) -> Callable[..., xr.Dataset]:
    """Make a function of a network, keywords and `rng` a study: its result can be run again.

    The seed is fixed before the study begins, and the arguments become attributes as JSON.
    """
    signature = inspect.signature(function)

    @wraps(function)
    def wrapper(net: Network, *args: Any, **options: Any) -> xr.Dataset:
        if not isinstance(net, Network):
            raise TypeError(f"{function.__name__} takes a Network, got {type(net).__name__}")
        bound = signature.bind(net, *args, **options)
        bound.apply_defaults()
        seed = seed_sequence(bound.arguments.get("rng"))
        bound.arguments["rng"] = seed
        found = function(*bound.args, **bound.kwargs)
        told = {
            name: _plain(value)
            for name, value in bound.arguments.items()
            if name not in ("net", "rng", "progress", "threads")
        }
        network, arrays = net.describe()
        attrs = {
            "study": function.__name__,
            "arguments": json.dumps(told),
            "rng_entropy": json.dumps(_plain(seed.entropy)),
            "rng_spawn_key": ",".join(map(str, seed.spawn_key)),
            "network": network,
            "hh_sde_version": metadata.version("hh_sde"),
        }
        return label(found.assign_attrs(attrs), {}, arrays)

    return wrapper


def rerun(ds: xr.Dataset, table: Mapping[str, Callable[..., xr.Dataset]]) -> xr.Dataset:
    """The study that made `ds`, run again: equal but for wall times."""
    if "study" not in ds.attrs:
        raise ValueError("this Dataset has no attribute 'study': it is not a result of one")
    key = ds.attrs["rng_spawn_key"]
    seed = np.random.SeedSequence(
        json.loads(ds.attrs["rng_entropy"]),
        spawn_key=tuple(int(part) for part in key.split(",")) if key else (),
    )
    arguments = json.loads(ds.attrs["arguments"])
    return table[ds.attrs["study"]](Network.from_dataset(ds), **arguments, rng=seed)


def labelled(
    variables: Mapping[str, tuple[Sequence[str], Any, str, str]], coords: Mapping[str, Any]
) -> xr.Dataset:
    """A Dataset of variables (dims, values, units, long name) over coordinates of DIMENSIONS."""
    return xr.Dataset(
        {
            name: (tuple(dims), np.asarray(values), {"units": units, "long_name": long_name})
            for name, (dims, values, units, long_name) in variables.items()
        },
        coords={
            name: (
                name,
                np.asarray(values),
                dict(zip(("units", "long_name"), DIMENSIONS[name], strict=True)),
            )
            for name, values in coords.items()
        },
    )


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray], trials: int, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval of `statistic`, a function of trial numbers (resamples, trials).

    nan for a single trial.

    Returns
    -------
    low, high : what `statistic` returns without its first axis
    """
    if trials < 2:  # one trial tells nothing of the spread
        nothing = np.full(statistic(np.zeros((1, 1), dtype=int)).shape[1:], np.nan)
        return nothing, nothing
    resamples = np.random.default_rng(0).integers(0, trials, (RESAMPLES, trials))
    values = statistic(resamples)
    tail = (1.0 - confidence) / 2.0
    finite = np.where(np.isfinite(values), values, np.nan)
    with warnings.catch_warnings():  # nan where no resample has a value
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        low, high = np.nanquantile(finite, [tail, 1.0 - tail], axis=0)
    return low, high


def reference_method(sde: SDE) -> str:
    """The method of highest strong order for this noise."""
    if not sde.m:
        return "scipy.DOP853"
    return "sra1" if sde.noise_type == "additive" else "sri2"


def fitting_methods(net: Network, methods: Sequence[str] | None) -> list[str]:
    """The methods asked for, or all that take the network's noise and have a fixed step.

    Raises
    ------
    ValueError
        If one is not known.
    """
    if methods is None:
        sde = net.sde()
        return [
            name
            for name, method in METHODS.items()
            if method.compiled
            and (sde.noise_type in method.strong_order if sde.m else method.strong_order)
        ]
    for name in methods:
        if name not in METHODS:
            raise ValueError(f"unknown method {name!r}; choose from {', '.join(METHODS)}")
    return list(methods)


@dataclass(frozen=True)
class Ensemble:
    """Trials of a network, each with a Brownian path of its own, for any method at any step.

    Parameters
    ----------
    net : Network
    path : BrownianPath or None
        On the finest grid; None without noise.
    finest : float
        Step of that grid, ms.
    trials, threads : int
    """

    net: Network
    path: BrownianPath | None
    finest: float
    trials: int
    threads: int

    @classmethod
    def of(
        cls, net: Network, dts: Sequence[float], finest: float, trials: int, rng: Rng, threads: int
    ) -> Ensemble:
        """With a path of which every k-th point gives a grid for each of the steps.

        Raises
        ------
        ValueError
            If a step is not a multiple of the finest one.
        """
        for dt in dts:
            factor = round(dt / finest)
            if factor < 1 or abs(factor * finest - dt) > 1e-9 * dt:
                raise ValueError(
                    f"dt = {dt:g} ms is not a multiple of the finest step, {finest:g} ms"
                )
        sde = net.sde()
        path = BrownianPath(rng, m=sde.m, dt=finest, blocks=sde.blocks) if sde.m else None
        return cls(net, path, finest, trials, threads)

    def run(self, method: str, t_end: float, dt: float, **options: Any) -> xr.Dataset | None:
        """All trials; None if the method diverges."""
        if self.path is not None:
            options["path"] = self.path.coarsen(round(dt / self.finest))
        try:
            return solve(
                self.net,
                t_end,
                dt=dt,
                method=method,
                trials=self.trials,
                threads=self.threads if METHODS[method].compiled else 1,
                progress=False,
                **options,
            )
        except IntegrationError:
            return None

    def reference(self, method: str, t_end: float, **options: Any) -> xr.Dataset:
        """The same at the finest step.

        Raises
        ------
        ValueError
            If it diverges.
        """
        found = self.run(method, t_end, self.finest, **options)
        if found is None:
            raise ValueError(
                f"the reference, {method}, diverged at dt = {self.finest:g} ms; take less"
            )
        return found


def wall_time(net: Network, t_end: float, dt: float, method: str, **options: Any) -> float:
    """Seconds that a run takes which keeps no more than it must; nan if it diverges."""
    record = {"record": ("spikes",)} if METHODS[method].compiled else {"save_dt": t_end}
    began = time.perf_counter()
    try:
        solve(net, t_end, dt=dt, method=method, progress=False, **record, **options)
    except IntegrationError:
        return np.nan
    return time.perf_counter() - began


def slope(log_dt: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Least-squares slopes of logs (steps, resamples); a nan or -inf stays in its resample."""
    x = log_dt - log_dt.mean()
    with np.errstate(invalid="ignore"):
        return (x[:, None] * logs).sum(axis=0) / (x @ x)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
