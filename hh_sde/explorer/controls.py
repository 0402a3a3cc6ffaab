"""What a page lets one set: each control with its range, and the numbers of the equations it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hh_sde.equations.dynamics import Dynamics
from hh_sde.explorer.noises import CHANNELS, COLOURED, WHITE, densities
from hh_sde.explorer.subject import FIXED, Subject

#: Methods that are written in JavaScript, in `engine.js`.
METHODS = ("euler_maruyama", "tamed_euler", "exponential_euler", "heun", "lie_trotter")
#: Steps that a slider has, ms.
STEPS = (
    0.001, 0.002, 0.0025, 0.004, 0.005, 0.008, 0.01, 0.02, 0.025, 0.04, 0.05, 0.08, 0.1, 0.125,
    0.2, 0.25, 0.4, 0.5, 1.0,
)  # fmt: skip
#: A page draws so many neurons and trials, and no more.
MOST_NEURONS, MOST_TRIALS = 100, 200
#: Steps of all neurons and trials of a run: some minutes.
MOST_NEURON_STEPS = 1e9
_LONGEST = 100_000.0  # ms


@dataclass(frozen=True)
class Control:
    """A number or a choice.

    `low` and `high` are the slider's ends, `least` and `most` what is accepted, `cell` the value
    that needs no saying, `only` the settings under which it is shown, `sets` the places in the
    numbers of each model that it is, and `counts` those that are its product with a density,
    rounded.
    """

    name: str
    group: str
    label: str
    value: Any
    units: str = ""
    low: float | None = None
    high: float | None = None
    least: float | None = None
    most: float | None = None
    positive: bool = False
    whole: bool = False
    steps: Sequence[float] | None = None
    choices: Sequence[str] | None = None
    cell: float | None = None
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sets: Mapping[str, Sequence[int]] = field(default_factory=dict)
    counts: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)


def controls(subject: Subject, run: Mapping[str, Any]) -> list[Control]:
    """All of a page's controls, with their places to be filled in."""
    return [*_of_network(subject), *_of_cell(subject), *_of_noise(subject), *_of_run(subject, run)]


def see_accepted(every: Sequence[Control]) -> None:
    """See that a page begins with numbers that it accepts itself.

    Raises
    ------
    ValueError
        If it does not; with what it accepts.
    """
    for one in every:
        if isinstance(one.value, str):
            continue
        least = -math.inf if one.least is None else one.least
        most = math.inf if one.most is None else one.most
        if not least <= one.value <= most:
            above = f"from {least:g}" if math.isfinite(least) else ""
            ends = [above, f"up to {most:g}" if math.isfinite(most) else ""]
            raise ValueError(
                f"a page takes {one.label} {' '.join(filter(None, ends))} {one.units}".rstrip()
                + f", got {one.value:g}"
            )
    run = {one.name: one.value for one in every}
    trials = 1 if run["noise"] == "none" else run["trials"]
    if run["t_end"] / run["dt"] * run["n_neurons"] * trials > MOST_NEURON_STEPS:
        raise ValueError(
            f"t_end = {run['t_end']:g} ms with dt = {run['dt']:g} ms is too much for a page, whose "
            f"runs have {MOST_NEURON_STEPS:g} steps of all neurons and trials at most: fewer of "
            "these, a shorter run or a larger step"
        )


def _of_network(subject: Subject) -> list[Control]:
    I = subject.stimulus
    found = [
        Control(
            "stimulus", "network", "current", I, "µA/cm²",
            low=min(-10.0, _nice(2 * I)), high=max(30.0, _nice(2 * I)),
        ),
    ]  # fmt: skip
    for synapse in subject.synapses:
        one = len(subject.synapses) == 1
        name = "weights" if one else f"weights_{synapse.name}"
        if synapse.matrix is None:
            w = synapse.weight
            top = max(0.5, _nice(5 * w))
            label, units = f"coupling, {synapse.name}", "mS/cm²"
        else:
            w, top, label, units = 1.0, 5.0, f"weights of {synapse.name}, times", ""
        found.append(Control(name, "network", label, w, units, low=0.0, high=top, least=0.0))
    n = subject.n_neurons
    fixed = any(one.matrix is not None for one in subject.synapses)
    found.append(
        Control(
            "n_neurons", "network", "neurons", n, whole=True, low=n if fixed else 1,
            high=n if fixed else max(20, n), least=n if fixed else 1,
            most=n if fixed else MOST_NEURONS,
        )
    )  # fmt: skip
    return found


def _of_cell(subject: Subject) -> list[Control]:
    found = []
    for name, (value, usual) in subject.parameters.items():
        if name in FIXED:
            continue
        if name.startswith("g_"):
            top = _nice(2.5 * value) if value else 1.0
            own: dict[str, Any] = {"group": "conductances", "units": "mS/cm²", "least": 0.0}
            own |= {"low": 0.0, "high": top}
        elif name == "C":
            own = {"group": "membrane", "units": "µF/cm²", "positive": True}
            own |= {"low": _nice(0.1 * value), "high": _nice(5 * value)}
        else:
            own = {"group": "membrane", "units": "mV"}
            middle = round(value / 10) * 10
            own |= {"low": middle - 50.0, "high": middle + 50.0}
        label = "V at the start" if name == "V0" else name
        found.append(Control(name=name, label=label, value=value, cell=usual, **own))
    return found


def kinds(subject: Subject) -> list[str]:
    """The kinds of noise that the network may have."""
    channels = list(CHANNELS) if densities(subject.cell) else []
    return ["none", WHITE, COLOURED, *channels]


def _of_noise(subject: Subject) -> list[Control]:
    white, coloured, channels = (
        {"noise": names} for names in ([WHITE], [COLOURED], list(CHANNELS))
    )
    one = subject.noise
    found = [
        Control("noise", "noise", "kind", one.kind, choices=kinds(subject)),
        Control(
            "sigma", "noise", "strength sigma", one.sigma, "µA/cm² √ms", low=0.0,
            high=max(10.0, _nice(2 * one.sigma)), least=0.0, only=white,
        ),
        Control(
            "correlation", "noise", "correlation between neurons", one.correlation, low=0.0,
            high=1.0, least=0.0, most=1.0, only=white,
        ),
        Control(
            "sd", "noise", "standard deviation", one.sd, "µA/cm²", low=0.0,
            high=max(10.0, _nice(2 * one.sd)), least=0.0, only=coloured,
        ),
        Control(
            "tau", "noise", "correlation time", one.tau, "ms", low=0.1,
            high=max(50.0, _nice(2 * one.tau)), positive=True, only=coloured,
        ),
        Control("mean", "noise", "mean", one.mean, "µA/cm²", low=-10.0, high=10.0, only=coloured),
    ]  # fmt: skip
    if known := densities(subject.cell):  # one channel of each kind at least
        least = 1.0 / known[0]
        found.append(
            Control(
                "area", "noise", "membrane area", one.area, "µm²", low=_nice(least),
                high=max(1000.0, _nice(2 * one.area)), least=least, most=1e6, only=channels,
            )
        )  # fmt: skip
    return found


def _of_run(subject: Subject, run: Mapping[str, Any]) -> list[Control]:
    noisy = {"noise": [WHITE, COLOURED, *CHANNELS]}
    t_end, dt, trials = run["t_end"], run["dt"], run["trials"]
    steps = sorted({*STEPS, dt})
    return [
        Control("method", "run", "method", run["method"], choices=METHODS),
        Control("dt", "run", "step dt", dt, "ms", steps=steps, positive=True, most=10.0),
        Control(
            "t_end", "run", "duration", t_end, "ms", low=20.0, high=max(2000.0, t_end),
            positive=True, most=_LONGEST,
        ),
        Control(
            "trials", "run", "trials", trials, whole=True, low=1, high=max(50, trials), least=1,
            most=MOST_TRIALS, only=noisy,
        ),
        Control(
            "rng", "run", "seed", run["rng"], whole=True, least=0, most=2**53 - 1, only=noisy,
        ),
    ]  # fmt: skip


def different(usual: Dynamics, other: Dynamics) -> list[str]:
    """The numbers in which equations of one form differ, less those that follow from others."""
    before, after = usual.parameters, other.parameters
    return [
        name
        for name, one in before.table.items()
        if name not in before.definitions
        and not np.array_equal(one.values, after.table[name].values)
    ]


def _nice(x: float) -> float:
    """A number near x, and not below it, with one digit or two."""
    if not 1e-300 < abs(x) < 1e300:
        return x
    unit = 10.0 ** math.floor(math.log10(abs(x)))
    return math.copysign(next(k for k in (1, 2, 3, 4, 5, 8, 10) if k * unit >= abs(x)) * unit, x)
