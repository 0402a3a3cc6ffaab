"""What the studies share: checked arguments, the reference run, labels and provenance."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from hh_sde.brownian import BrownianPath, Rng, seed_sequence
from hh_sde.dataset import label
from hh_sde.errors import DivergenceError, keyword_hints, unknown, warn
from hh_sde.methods import METHODS
from hh_sde.network import Network
from hh_sde.noise import CurrentNoise, Noise
from hh_sde.progress import quiet_if_asked
from hh_sde.provenance import arguments_attribute, made_with, seed_attributes
from hh_sde.sde import SDE
from hh_sde.solver import solve
from hh_sde.stimuli import ConstantCurrent
from hh_sde.studies.arguments import CHECKS, UNITS, checked
from hh_sde.studies.intervals import NO_INTERVAL, jackknife, unless_all_agree

#: Labels of the dims that studies vary.
DIMENSIONS = {
    "scheme": ("1", "method of integration"),
    "dt": ("ms", "step"),
    "sigma": ("uA/cm^2*ms^0.5", "intensity of the white current noise"),
    "current": ("uA/cm^2", "injected current"),
    "start": ("1", "state from which a run begins"),
    "coupling": ("1", "factor on all synaptic weights"),
    "observable": ("1", "what is estimated"),
    "tolerance": ("1", "wanted relative error"),
}


class OrderWarning(UserWarning):
    """An order of convergence that is not the declared one."""


def study(function: Callable[..., xr.Dataset]) -> Callable[..., xr.Dataset]:
    """Make a function of a network, keywords and `rng` a study: its result can be run again.

    The arguments are checked by their names and the seed is fixed before the study begins; the
    arguments become attributes as JSON. To be found by its name in `STUDIES` it is entered there.

    Raises
    ------
    TypeError
        If it does not take a network, `net`, first, and `rng`, or `CHECKS` lacks an argument.
    """
    signature = inspect.signature(function)
    _see_arguments(function.__name__, list(signature.parameters))

    @keyword_hints
    @quiet_if_asked
    @wraps(function)
    def wrapper(net: Network, *args: Any, **options: Any) -> xr.Dataset:
        if not isinstance(net, Network):
            raise TypeError(f"{function.__name__} takes a Network, got {type(net).__name__}")
        bound = signature.bind(net, *args, **options)
        bound.apply_defaults()
        given = {k: v for k, v in bound.arguments.items() if k not in ("net", "rng")}
        bound.arguments.update(checked(net, given))
        seed = seed_sequence(bound.arguments.get("rng"))
        bound.arguments["rng"] = seed
        result = function(*bound.args, **bound.kwargs)
        _warn(result, function.__name__)
        asked = {k: v for k, v in bound.arguments.items() if k not in ("net", "rng", "threads")}
        attrs = {
            "study": function.__name__,
            "arguments": arguments_attribute(asked),
            **seed_attributes(seed),
            "network": net.describe(),
            **made_with("numba", "numpy"),
        }
        return label(result.assign_attrs(attrs), {})

    wrapper.units = UNITS  # type: ignore[attr-defined]
    wrapper.is_study = True  # type: ignore[attr-defined]
    return wrapper


def _see_arguments(name: str, arguments: list[str]) -> None:
    if arguments[:1] != ["net"] or "rng" not in arguments:
        raise TypeError(
            f"the study {name} must take a network first, net, and a seed, rng; it takes "
            f"{', '.join(arguments)}"
        )
    for argument in arguments:
        if argument not in ("net", "rng", *CHECKS):
            problem = unknown("argument with a check", argument, CHECKS)
            raise TypeError(f"the study {name}: {problem}")


def _warn(result: xr.Dataset, name: str) -> None:
    """Say what a study's result warns of, and what it advises."""
    for variable in result.data_vars.values():
        if "warning" in variable.attrs:
            category = OrderWarning if variable.name == "order" else UserWarning
            warn(f"{name}: {variable.attrs['warning']}", category)
    if "advice" in result.attrs:
        warn(f"{name}: {result.attrs['advice']}")


class Column(NamedTuple):
    """A variable of a study's Dataset."""

    dims: tuple[str, ...]
    values: Any
    units: str
    long_name: str
    nan_means: str = ""

    def labelled(self) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
        attrs = {"units": self.units, "long_name": self.long_name}
        if self.nan_means:
            attrs["nan_means"] = self.nan_means
        return self.dims, np.asarray(self.values), attrs


def estimated(
    name: str, column: Column, low: Any, high: Any, no_interval: str = NO_INTERVAL
) -> dict[str, Column]:
    """An estimate and the ends of its interval: `name`, `name`_low, `name`_high."""
    ends = {"low": (low, "lower"), "high": (high, "upper")}
    return {name: column} | {
        f"{name}_{end}": column._replace(
            values=values,
            long_name=f"{column.long_name}, {word} end of its interval",
            nan_means=no_interval,
        )
        for end, (values, word) in ends.items()
    }


def labelled(variables: Mapping[str, Column], coords: Mapping[str, Any]) -> xr.Dataset:
    """A Dataset of variables over coordinates of DIMENSIONS."""
    return xr.Dataset(
        {name: column.labelled() for name, column in variables.items()},
        coords={
            name: (
                name,
                np.asarray(values),
                dict(zip(("units", "long_name"), DIMENSIONS[name], strict=True)),
            )
            for name, values in coords.items()
        },
    )


def mean_of(values: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Means over trials of values (trials,) for trial numbers (samples, trials)."""
    return values[samples].mean(axis=1)


def rate_interval(net: Network, rates: np.ndarray, confidence: float) -> tuple[Any, Any]:
    """Interval of the mean of firing rates (trials,)."""
    mean = partial(mean_of, rates)
    ends = jackknife(mean, len(rates), confidence, within=(0.0, np.inf))
    return unless_all_agree(net.noisy, *ends)


def with_white(net: Network, sigma: float) -> Network:
    """The network with white noise of this intensity in place of its own."""
    if net.populations and net.noise:  # one for all of them
        own = {
            name: part.replace(noise=_with_white(part.noise, 0.0))
            for name, part in net.parts.items()
        }
        return net.with_parts(own).replace(noise=_with_white(net.noise, sigma))
    parts = {
        name: part.replace(noise=_with_white(part.noise, sigma)) for name, part in net.parts.items()
    }
    return net.with_parts(parts)


def _with_white(noise: tuple[Noise, ...], sigma: float) -> tuple[Noise, ...]:
    others = tuple(one for one in noise if not isinstance(one, CurrentNoise))
    own = [one for one in noise if isinstance(one, CurrentNoise)]
    if sigma == 0:
        return others
    correlation = own[0].correlation if own else None
    return (CurrentNoise(sigma, correlation=correlation), *others)


def with_stimulus(net: Network, current: float) -> Network:
    """The network with one constant current in all neurons."""
    stimulus = ConstantCurrent(current)
    parts = {name: part.replace(stimulus=stimulus) for name, part in net.parts.items()}
    return net.with_parts(parts)


def meant(net: Network) -> str | None:
    """`noise=` of solve: that a network without noise is meant, and its trials to be equal."""
    return None if net.noisy else "ignore"


def reference_method(sde: SDE) -> str:
    """The method of highest strong order for this noise."""
    if not sde.m:
        return "scipy.DOP853"
    return "sra1" if sde.noise_type == "additive" else "sri2"


def fitting_methods(net: Network, methods: Sequence[str] | None) -> list[str]:
    """The methods asked for, or all that take the network's noise and have a fixed step."""
    if methods is not None:
        return list(methods)
    sde = net.sde()
    return [
        name
        for name, method in METHODS.items()
        if method.compiled
        and (sde.noise_type in method.strong_order if sde.m else method.strong_order)
    ]


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
        path = sde.path(rng, finest) if sde.m else None
        return cls(net, path, finest, trials, threads)

    def run(self, method: str, t_end: float, dt: float, **options: Any) -> xr.Dataset | None:
        """All trials; None if the method diverges."""
        if self.path is None:
            options["noise"] = "ignore"
        else:
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
        except DivergenceError:
            return None

    def reference(self, method: str, t_end: float, **options: Any) -> xr.Dataset:
        """The same at the finest step.

        Raises
        ------
        ValueError
            If it diverges.
        """
        result = self.run(method, t_end, self.finest, **options)
        if result is None:
            raise ValueError(
                f"the reference, {method}, diverged at dt = {self.finest:g} ms; give smaller "
                "steps, or a finer reference (refine, reference_dt)"
            )
        return result


def end_and_spikes(method: str, t_end: float) -> dict[str, Any]:
    """What to record for V at the end and the spikes: all of V, if the method finds no spikes."""
    if METHODS[method].compiled:
        return {"record": ("V", "spikes"), "save_dt": t_end}
    return {"record": ["V"]}


def wall_time(net: Network, t_end: float, dt: float, method: str, **options: Any) -> float:
    """Seconds that a run takes which keeps no more than it must; nan if it diverges."""
    record = {"record": ("spikes",)} if METHODS[method].compiled else {"save_dt": t_end}
    began = time.perf_counter()
    try:
        solve(
            net, t_end, dt=dt, method=method, noise=meant(net), progress=False, **record, **options
        )
    except DivergenceError:
        return np.nan
    return time.perf_counter() - began
