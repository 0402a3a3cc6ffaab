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
from hh_sde.choice import is_stated
from hh_sde.dataset import label
from hh_sde.errors import DivergenceError, Interrupted, keyword_hints, unknown, warn
from hh_sde.methods import METHODS, Method, method_of, name_of
from hh_sde.network import Network
from hh_sde.noise import CurrentNoise, Noise
from hh_sde.progress import quiet_if_asked
from hh_sde.provenance import arguments_attribute, made_with, place_of, seed_attributes
from hh_sde.sde import SDE
from hh_sde.solver import solve
from hh_sde.stimuli import ConstantCurrent
from hh_sde.studies.arguments import CHECKS, UNITS, checked
from hh_sde.studies.intervals import NO_INTERVAL, jackknife, unless_all_agree
from hh_sde.studies.subject import Subject

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
    "problem": ("1", "equation whose solution is known"),
    "rank": ("1", "which exponent, 1 the largest"),
    "parameter": ("1", "name of a number of the network"),
    "phase": ("ms", "time since the crossing of 0 mV"),
    "component": ("1", "component of the state"),
    "multiplier": ("1", "which multiplier, 1 the largest"),
    "intervals": ("1", "intervals taken together"),
    "level": ("1", "level of a multilevel estimate: how often the coarsest step is halved"),
}


class OrderWarning(UserWarning):
    """The measured order of convergence differs from the declared one."""


def study(function: Callable[..., xr.Dataset]) -> Callable[..., xr.Dataset]:
    """Decorator that makes a study of a function of a network `net`, keywords and `rng`.

    The arguments are checked by their names, and the seed is fixed, before the study begins. The
    arguments become attributes of the result, as JSON, so that `hh_sde.rerun` can repeat the study
    if it is entered in `STUDIES` under its name. A study of any equation calls its first argument
    `model`, and receives a `Subject`.

    Raises
    ------
    TypeError
        If the first argument is not `net` or `model`, there is no argument `rng`, or an argument is
        not in `CHECKS`.
    """
    signature = inspect.signature(function)
    _see_arguments(function.__name__, list(signature.parameters))
    first = next(iter(signature.parameters))

    @keyword_hints
    @quiet_if_asked
    @wraps(function)
    def wrapper(*args: Any, **options: Any) -> xr.Dataset:
        bound = signature.bind(*args, **options)
        bound.apply_defaults()
        model = bound.arguments[first]
        if first == "net" and not isinstance(model, Network):
            raise TypeError(f"{function.__name__} takes a Network, got {type(model).__name__}")
        subject = Subject.of(model, function.__name__)
        bound.arguments[first] = subject if first == "model" else model
        given = {k: v for k, v in bound.arguments.items() if k not in (first, "rng")}
        bound.arguments.update(checked(subject, given))
        seed = seed_sequence(bound.arguments.get("rng"))
        bound.arguments["rng"] = seed
        try:
            result = function(*bound.args, **bound.kwargs)
        except Interrupted:
            raise
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted {function.__name__}", xr.Dataset()) from None
        _warn(result, function.__name__)
        asked = {k: v for k, v in bound.arguments.items() if k not in (first, "rng", "threads")}
        attrs = {
            "study": function.__name__,
            "arguments": arguments_attribute({k: in_names(v) for k, v in asked.items()}),
            **seed_attributes(seed),
            **subject.attributes,
            **made_with("numba", "numpy"),
        }
        return label(result.assign_attrs(attrs), {})

    wrapper.units = UNITS  # type: ignore[attr-defined]
    wrapper.is_study = True  # type: ignore[attr-defined]
    return wrapper


def _see_arguments(name: str, arguments: list[str]) -> None:
    if arguments[:1] not in (["net"], ["model"]) or "rng" not in arguments:
        raise TypeError(
            f"the study {name} must take a network first, net (or model, if it takes any "
            f"equation), and a seed, rng; it takes {', '.join(arguments)}"
        )
    for argument in arguments[1:]:
        if argument not in ("rng", *CHECKS):
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


def meant(model: Network | Subject) -> str | None:
    """`noise=` of solve: that one without noise is meant, and its trials to be equal."""
    return None if model.noisy else "ignore"


def in_names(value: Any) -> Any:
    """An argument of a study with methods by what results call them."""
    if isinstance(value, Method):
        return name_of(value)
    if isinstance(value, list):
        return [in_names(one) for one in value]
    if callable(value):
        return place_of(value)
    return value


def reference_method(sde: SDE) -> str:
    """The method of highest strong order for this noise."""
    if not sde.m:
        return "scipy.DOP853"
    if sde.program is not None:
        return "sra1" if sde.noise_type == "additive" else "sri2"
    return "sdeint.itoSRI2" if sde.interpretation == "ito" else "sdeint.stratSRS2"


def fitting_methods(
    subject: Subject, methods: Sequence[str | Method] | None, *, along_path: bool
) -> list[str | Method]:
    """The methods asked for, or all that take the noise and have a fixed step.

    Those are the engine's for a network, and the others for an SDE of one's own.

    Parameters
    ----------
    along_path : bool
        Whether errors along the path are to be taken, which some have not.
    """
    if methods is not None:
        for method in methods if along_path else []:
            see_pathwise(subject.sde, method)
        return list(methods)
    return [name for name, method in METHODS.items() if _fits(subject, method, along_path)]


def see_pathwise(sde: SDE, method: str | Method) -> None:
    """See that a method follows a Brownian path, where there is one.

    Raises
    ------
    ValueError
        If it approximates the law alone.
    """
    if sde.m and method_of(method).own_noise:
        raise ValueError(
            f"{name_of(method)} draws noise of its own, at steps that follow its error, so that it "
            "has no error along a path that others share"
        )
    if sde.m and method_of(method).weak:
        raise ValueError(
            f"{name_of(method)} approximates the law of the solution alone: its increments have "
            "two and three values and belong to no Brownian path, so that it has no error along "
            "one. weak_convergence takes it"
        )


def _fits(subject: Subject, method: Method, along_path: bool) -> bool:
    sde = subject.sde
    if method.of(sde).compiled != (sde.program is not None) or not method.noise_types:
        return False
    if method.keeps_gates and is_stated(sde):
        return False
    if along_path and method.weak:
        return False
    if method.adaptive or not (method.has_functions(sde) and method.available):
        return False
    restated = sde.interpretation != method.interpretation and sde.noise_type != "additive"
    possible = not restated or sde.correction is not None
    return possible and (not sde.m or sde.noise_type in method.noise_types)


@dataclass(frozen=True)
class Ensemble:
    """Trials of a model, each with a Brownian path of its own, for any method at any step.

    Parameters
    ----------
    model : Network or SDE
    path : BrownianPath or None
        On the finest grid; None without noise.
    finest : float
        Step of that grid, ms.
    trials, threads : int
    """

    model: Network | SDE
    path: BrownianPath | None
    finest: float
    trials: int
    threads: int

    @classmethod
    def of(
        cls,
        subject: Subject,
        dts: Sequence[float],
        finest: float,
        trials: int,
        rng: Rng,
        threads: int,
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
        path = subject.sde.path(rng, finest) if subject.sde.m else None
        return cls(subject.model, path, finest, trials, threads)

    def run(
        self, method: str | Method, t_end: float, dt: float, **options: Any
    ) -> xr.Dataset | None:
        """All trials; None if the method diverges."""
        if self.path is None:
            options["noise"] = "ignore"
        else:
            path = self.path.coarsen(round(dt / self.finest))
            options["path"] = path.in_law() if method_of(method).weak else path
        try:
            return solve(
                self.model,
                t_end,
                dt=dt,
                method=method,
                trials=self.trials,
                threads=self.threads if in_engine(self.model, method) else 1,
                progress=False,
                **options,
            )
        except DivergenceError:
            return None

    def reference(self, method: str | Method, t_end: float, **options: Any) -> xr.Dataset:
        """The same at the finest step.

        Raises
        ------
        ValueError
            If it diverges.
        """
        result = self.run(method, t_end, self.finest, **options)
        if result is None:
            raise ValueError(
                f"the reference, {name_of(method)}, diverged at dt = {self.finest:g} ms; give "
                "smaller steps, or a finer reference (refine, reference_dt)"
            )
        return result


def in_engine(model: Network | SDE, method: str | Method) -> bool:
    """Whether the method runs in the engine for this model."""
    found = method_of(method)
    return found.compiled if isinstance(model, Network) else found.of(model).compiled


def end_and_spikes(t_end: float) -> dict[str, Any]:
    """What to record of a network for V at the end and the spikes."""
    return {"record": ("V", "spikes"), "save_dt": t_end}


def wall_time(
    subject: Subject, t_end: float, dt: float, method: str | Method, **options: Any
) -> float:
    """Seconds that a run takes which keeps no more than it must; nan if it diverges."""
    finds_spikes = subject.net is not None and method_of(method).compiled
    record = {"record": ("spikes",)} if finds_spikes else {"save_dt": t_end}
    if not in_engine(subject.model, method):
        options.pop("threads", None)
    began = time.perf_counter()
    try:
        solve(
            subject.model, t_end, dt=dt, method=method, noise=meant(subject), progress=False,
            **record, **options,
        )  # fmt: skip
    except DivergenceError:
        return np.nan
    return time.perf_counter() - began
