"""Which methods take a model, and what they have a use for."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from hh_sde import continuation, initial
from hh_sde.brownian import Rng
from hh_sde.cells import Cell
from hh_sde.equations.functions import LANGUAGES
from hh_sde.errors import missing, warn
from hh_sde.kinetics import Constant, Sigmoid
from hh_sde.methods import METHODS, Method, method_of, name_of
from hh_sde.network import Network
from hh_sde.noise import ConductanceNoise, Noise
from hh_sde.records import shown
from hh_sde.sde import SDE
from hh_sde.spike_sources import PoissonInput
from hh_sde.stimuli import Stimulus
from hh_sde.synapses import EventSynapse

#: Why step control takes noise whose columns commute alone.
_STEPS_FOLLOW_THE_PATH = (
    ": its steps follow the path, and where columns do not commute such steps may lead to another "
    "solution unless the areas between increments are known at every depth (Gaines & Lyons 1997, "
    "doi:10.1137/S0036139995286515)"
)


#: Why jitcsde takes no other noise.
_NOISE_OF_ITS_OWN = ": its own noise moves each component by what depends on that alone"


def chosen_method(
    given: str | Method | None, model: Network | SDE, noise: str | None
) -> tuple[str, Method]:
    """A method and its name: the one that is given, or else one which takes the model."""
    given = _default_method(model, noise) if given is None else given
    method = method_of(given)
    return name_of(given), method.of(model) if isinstance(model, SDE) else method


def _default_method(model: Network | SDE, noise: str | None) -> str:
    if not isinstance(model, SDE) or _is_compiled(model):
        return "euler_maruyama"
    if noise == "ignore" or not model.m:
        return "scipy.DOP853"
    return "sdeint.itoEuler" if model.interpretation == "ito" else "sdeint.stratHeun"


def is_stated(sde: SDE) -> bool:
    """Whether it was stated as expressions and runs in the engine."""
    return sde.program is not None and sde.program.stated is not None


def _is_compiled(sde: SDE) -> bool:
    return sde.program is not None and sde.program.stands_for(sde.f, sde.G, sde.interpretation)


def sde_for_method(model: Any, method: Method, name: str, noise: str | None) -> SDE:
    """The model's SDE in the form the method takes, or an error that says which methods fit."""
    if not isinstance(model, Network | SDE):
        raise TypeError(f"solve takes a Network or an SDE, got {type(model).__name__}")
    if noise not in (None, "ignore"):
        raise ValueError(f"noise must be None or 'ignore', got {noise!r}")
    if method.interpretation == "chain":
        return require_chain_network(model, method, name, noise).sde()
    sde = model.sde() if isinstance(model, Network) else model
    remembers = sde.program is not None and sde.program.remembers
    if remembers and not method.compiled:
        raise ValueError(
            f"{name} takes dx = f(x, t) dt + G(x, t) dW, and this network has event-driven "
            "synapses or delays, whose spikes and past potentials are no part of x: take a method "
            f"of the engine, {', '.join(key for key, other in METHODS.items() if other.compiled)}"
        )
    if not method.has_functions(sde):
        raise ValueError(_other_arrays(sde, method, name))
    if not method.available:
        raise missing(method.library)
    if noise == "ignore":
        sde = sde.without_noise()
    if method.compiled and sde.program is not None and not _is_compiled(sde):
        raise ValueError(
            f"{name} runs compiled equations, but this SDE has another f, G or interpretation; "
            "give SDE(f=..., G=..., x0=...) without the program, to a method of sdeint or scipy"
        )
    if method.compiled and method.own is None and sde.program is None:
        raise ValueError(
            f"{name} runs in the compiled engine, which takes a Network; for an SDE of your own "
            f"choose from {_fitting(sde)}, or state it as expressions, which the engine takes too: "
            "SDE.from_expressions"
        )
    if method.compiled and method.keeps_gates and is_stated(sde):
        raise ValueError(
            f"{name} moves gates by their exact flow at fixed V, and this SDE has neither; choose "
            f"from {_fitting(sde)}"
        )
    if sde.m and sde.noise_type not in method.noise_types:
        hint = " or give noise='ignore'" if method.interpretation == "ode" else ""
        follows = method.adaptive and method.strong_order
        why = _NOISE_OF_ITS_OWN if method.own_noise else _STEPS_FOLLOW_THE_PATH if follows else ""
        raise ValueError(
            f"{name} does not take {sde.noise_type} noise{why}; choose from {_fitting(sde)}{hint}"
        )
    if not method.compiled and getattr(sde.program, "bounded", False) and sde.m:
        raise ValueError(
            f"{name} cannot bring gates back after each step; with bounds='clip', 'reflect' or "
            "'project' use a method of the engine, or give bounds='none'"
        )
    if method.interpretation == "stratonovich":
        return sde.to_stratonovich()
    return sde.to_ito()


def _fitting(sde: SDE) -> str:
    """The methods that take an equation with its noise, as it is."""
    return ", ".join(
        key
        for key, one in METHODS.items()
        if one.has_functions(sde)
        and (sde.noise_type in one.noise_types if sde.m else one.interpretation != "chain")
        and not (one.compiled and one.own is None and sde.program is None)
        and not (one.compiled and one.keeps_gates and is_stated(sde))
    )


def _other_arrays(sde: SDE, method: Method, name: str) -> str:
    """Why a method of another framework does not take an equation, and what to do."""
    if method.arrays not in LANGUAGES:
        return (
            f"{name} takes a Network, or an SDE stated as expressions, SDE.from_expressions; f and "
            f"G of this one are functions, for which choose from {_fitting(sde)}"
        )
    library = LANGUAGES[method.arrays]
    return (
        f"{name} takes f and G of arrays of {library}, and those of this SDE are of "
        f"{sde.arrays}; write them with {method.arrays} and say SDE(f=..., G=..., x0=..., "
        f"arrays={method.arrays!r}), or state it as expressions, SDE.from_expressions, which has "
        "them in all arrays as a Network has. For this SDE as it is "
        f"choose from {_fitting(sde)}"
    )


def precision(dtype: Any, method: Method, name: str, sde: SDE) -> str:
    """The name of a precision, if the method and the run can do with it.

    Raises
    ------
    ValueError
    """
    try:
        given = np.dtype(dtype).name
    except TypeError:
        given = ""
    if given not in ("float64", "float32"):
        raise ValueError(f"dtype must be 'float64' or 'float32', got {shown(dtype)}")
    if given == "float64":
        return given
    takes = "dtype='float32' is for networks with noise, in the engine's methods for diffusions"
    if not method.compiled or method.interpretation == "chain":
        raise ValueError(f"{takes}; {name} computes in float64")
    if is_stated(sde):
        raise ValueError(f"{takes}; expressions of your own are computed in float64")
    if not sde.m:
        raise ValueError(
            f"{takes}: without noise a slope of V below 4e-4 mV/ms is lost to rounding at "
            "dt = 0.01 ms, so that V stops short of where it goes; take dtype='float64'"
        )
    return given


def require_chain_network(model: Any, method: Method, name: str, noise: str | None) -> Network:
    """The network whose channels a chain method counts, or an error that says what it takes."""
    takes = f"{name} counts the channels of a Network whose noise is ConductanceNoise(area=...)"
    if not isinstance(model, Network):
        raise ValueError(f"{takes}; got an SDE")
    if noise == "ignore":
        raise ValueError(f"{takes}: there is nothing left without it; noise='ignore' goes with ode")
    for part in model.parts.values():
        _see_counted(part.n, part.cell, part.noise, takes)
    if model.populations and model.noise:
        raise ValueError(
            f"{takes}, alone; got {', '.join(type(one).__name__ for one in model.noise)}"
        )
    if method.exact:
        _exactly_solvable(model, name)
    # one process for a transition or for a pair of them: the chain is the same
    unpaired = {key: part.replace(noise=_unpaired(part.noise)) for key, part in model.parts.items()}
    return model.with_parts(unpaired)


def _unpaired(noise: tuple[Noise, ...]) -> tuple[Noise, ...]:
    return tuple(
        one.replace(paired=False) if isinstance(one, ConductanceNoise) and one.paired else one
        for one in noise
    )


def _see_counted(n: int, cell: Cell, noise: tuple[Noise, ...], takes: str) -> None:
    """See that all channels of some neurons have a number, and all their transitions happen."""
    given = [type(part).__name__ for part in noise]
    if given != ["ConductanceNoise"]:
        raise ValueError(f"{takes}, alone; got {', '.join(given) or 'no noise'}")
    (channels,) = noise
    assert isinstance(channels, ConductanceNoise)
    if channels.transitions is not None or channels.bounds != "none":
        raise ValueError(
            f"{takes}, with all transitions and bounds='none'; got transitions = "
            f"{channels.transitions!r}, bounds = {channels.bounds!r}"
        )
    uncounted = [
        channel.name
        for channel in cell.channels
        if channel.variable_gates and channels.number(channel, n) is None
    ]
    if uncounted:
        raise ValueError(
            f"{takes}: all channels with gates need a number; there is none for "
            f"{', '.join(uncounted)} (numbers={{...}})"
        )
    if not any(channel.variable_gates for channel in cell.channels):
        raise ValueError(f"{takes}; this cell has no channels with gates")


def _exactly_solvable(model: Network, name: str) -> None:
    """See that V between two transitions is known in closed form, and its rates are bounded."""
    other = "; tau_leap takes them"
    if model.synapses:
        raise ValueError(f"{name} takes neurons without synapses and gap junctions{other}")
    pools = [pool for part in model.parts.values() for pool in part.cell.pools]
    if pools:
        raise ValueError(
            f"{name} takes cells without pools: between two transitions the concentration of "
            f"{pools[0].name} changes, and V with it{other}"
        )
    if not model.piecewise_constant:
        raise ValueError(
            f"{name} takes currents that change at jumps alone: numbers, StepCurrent, PulseTrain, "
            f"SampledCurrent(interpolation='previous'), and sums and multiples of them{other} all"
        )
    for gate in (gate for part in model.parts.values() for gate in part.cell.gates):
        if gate.instantaneous:
            raise ValueError(
                f"{name} knows V between two transitions where conductances do not follow it; gate "
                f"{gate.name} is instantaneous{other}"
            )
        for rate in gate.rates:
            if not rate.monotone:
                raise ValueError(
                    f"{name} takes rates that are monotone in V (Exponential, Sigmoid, Linoid, "
                    f"Constant); gate {gate.name} has a {type(rate).__name__} one{other}"
                )
        if gate.x_inf is not None and not (
            isinstance(gate.x_inf, Sigmoid | Constant) and np.all(np.asarray(gate.x_inf.rate) <= 1)
        ):
            raise ValueError(
                f"{name}: x_inf of gate {gate.name} must be a Sigmoid or Constant <= 1"
            )


def refuse_ignored(
    name: str, method: Method, noisy: bool, rng: Rng, threads: int, tolerances: dict[str, Any]
) -> None:
    """Refuse what was given and has no use; warn where it may have one for another model."""
    for argument, value in tolerances.items():
        if value is not None and argument not in method.tolerances:
            taking = [key for key, other in METHODS.items() if argument in other.tolerances]
            raise ValueError(
                f"{name} has no use for {argument}: its error follows from dt. {argument} is for "
                f"{', '.join(taking)}"
            )
    if threads > 1 and not method.compiled:
        raise ValueError(
            f"{name} calls Python functions and runs on one thread; threads is for the methods of "
            f"the engine: {', '.join(key for key, other in METHODS.items() if other.compiled)}"
        )
    if rng is not None and not noisy:
        _no_noise(name, method, "rng has no effect")


def refuse_history(name: str, method: Method, start: float, discard: Any) -> None:
    """Refuse to go on from one state with a method that goes on from several."""
    if (method.steps == 1 and not method.own_noise) or not (start or discard):
        return
    if method.own_noise:
        if start:
            raise ValueError(
                f"{name} draws noise of its own from the start of a run on, so that one that goes "
                f"on from {start:g} ms would meet that of the run before it again; run it from 0"
            )
        return
    others = [
        key
        for key, other in METHODS.items()
        if (other.steps, other.interpretation, other.library)
        == (1, method.interpretation, method.library)
    ]
    what = f"x0 that ends at {start:g} ms" if start else f"discard = {discard:g} ms"
    raise ValueError(
        f"{name} goes on from {method.steps} states, and with {what} there is one: the run would "
        f"not be the later part of a whole one. Take {', '.join(others)}, or run it from 0 and "
        "select the times (ds.sel(time=slice(...)))"
    )


def refuse_equal_trials(
    name: str, method: Method, noisy: bool, trials: int, x0: Any, model: Network | SDE
) -> None:
    """Refuse trials that would all be the same run."""
    if initial.is_by_name(x0):
        own = initial.differs_between_trials(x0, model)
    elif isinstance(x0, xr.Dataset):
        known = continuation.trials_of(x0)
        own = known is not None and known.size > 1
    else:
        own = np.ndim(x0) == 2
    if trials > 1 and not noisy and not own:
        _no_noise(name, method, f"the {trials} trials are equal")


def _no_noise(name: str, method: Method, what: str) -> None:
    if method.interpretation == "ode":
        raise ValueError(f"{name} takes no noise, so that {what}: leave it out")
    warn(f"this model has no noise, so that {what}; noise='ignore' says that it is meant")


def warn_of_missing_samples(model: Any, start: float, t_end: float) -> None:
    """Warn where most of a run lies outside the samples of its stimulus, or of a rate of trains."""
    if not isinstance(model, Network):
        return
    given = {"the stimulus": [part.stimulus for part in model.parts.values()]}
    for one in model.synapses:
        if isinstance(one, EventSynapse) and isinstance(one.source, PoissonInput):
            rate = one.source.rate
            given[f"the rate of {one.name}"] = [rate] if isinstance(rate, Stimulus) else []
    for name, stimuli in given.items():
        spans = [one.sampled for one in stimuli if one.sampled is not None]
        if not spans:
            continue
        first, last = min(a for a, _ in spans), max(b for _, b in spans)
        if min(last, t_end) - max(first, start) < 0.5 * (t_end - start):
            warn(
                f"the samples of {name} go from {first:g} to {last:g} ms, and the run from "
                f"{start:g} to {t_end:g} ms: outside of them they count as 0. Times are in ms; "
                "samples over seconds take SampledCurrent(values, dt=1e3 * dt_in_seconds). If 0 is "
                "meant, give it as samples, numpy.pad(values, (0, n))"
            )
