"""A page: the network's equations and numbers, the scripts, and what draws, in one text."""

from __future__ import annotations

import html
import json
import re
from dataclasses import asdict, replace
from importlib import resources
from itertools import chain
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from hh_sde.addresses import in_steps, whole
from hh_sde.equations import javascript
from hh_sde.equations.dynamics import Dynamics
from hh_sde.errors import keyword_hints, unknown
from hh_sde.explorer.controls import (
    METHODS,
    MOST_NEURONS,
    MOST_STEPS,
    MOST_TRIALS,
    Control,
    controls,
    different,
    kinds,
    see_values,
)
from hh_sde.explorer.noises import CHANNELS, WHITE, densities
from hh_sde.explorer.subject import FIXED, Subject, refusal, subject_of, variant
from hh_sde.network import Network
from hh_sde.records import see_kind, shown, single
from hh_sde.spike_rule import SpikeRule

#: The scripts of the page itself, in their order.
DRAWN = ("plots.js", "controls.js", "shown.js", "rates.js", "files.js", "page.js")
#: Of the names of pages.
ENDINGS = (".html", ".htm")
#: Of all tabulated rates, so that a page stays small.
MOST_POINTS = 5000


@keyword_hints
def explore(
    net: Network,
    path: str | PathLike[str],
    *,
    t_end: float = 200.0,
    dt: float = 0.01,
    method: str = "euler_maruyama",
    rng: int = 1,
    trials: int = 1,
    spike_rule: SpikeRule | None = None,
) -> Path:
    """Write a page in which a network can be played with: one HTML file, for any browser.

    It has sliders for the current, the coupling, every conductance, the noise, and how it is
    integrated, and computes what they say as they move: potentials, gates, spikes, intervals, the
    phase plane, the rate over the current. It needs neither a server nor a network nor Python. The
    same seed gives the same path as `solve`, and the page shows the lines of Python, and the TOML,
    that do so.

    Parameters
    ----------
    net : Network
        Neurons of one kind, whose numbers are alike, with one constant current; a cell without
        pools of concentrations; graded synapses without delay; no noise, or one `CurrentNoise`,
        `OrnsteinUhlenbeckCurrent`, or `SubunitNoise` or `ConductanceNoise` of an area.
    path : path
        The file to write, which ends in .html.
    t_end, dt : float
        The run that the page begins with, ms.
    method : {"euler_maruyama", "tamed_euler", "exponential_euler", "heun", "lie_trotter"}
    rng : int
        Seed, from 0 to 2^53 - 1.
    trials : int
    spike_rule : SpikeRule, optional
        What counts as a spike. Its rearm is a number.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    TypeError, ValueError
        If the network has what a page cannot show, or an argument is out of range; if `path` is
        not the name of such a file.
    OSError
        If the file cannot be written; a FileNotFoundError where its folder is not there.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network, Synapse
    >>> net = Network(2, stimulus=10.0, synapses=Synapse.sigmoidal(0.1), noise=CurrentNoise(1.0))
    >>> file = explore(net, "page.html", t_end=500.0, method="lie_trotter")  # doctest: +SKIP
    """
    target = _target(path)
    text = page(
        net, t_end=t_end, dt=dt, method=method, rng=rng, trials=trials, spike_rule=spike_rule
    )
    target.write_text(text, encoding="utf-8")
    return target


@keyword_hints
def page(
    net: Network,
    *,
    t_end: float = 200.0,
    dt: float = 0.01,
    method: str = "euler_maruyama",
    rng: int = 1,
    trials: int = 1,
    spike_rule: SpikeRule | None = None,
) -> str:
    """The text of such a page; the arguments are those of `explore`.

    Raises
    ------
    TypeError, ValueError
        As `explore`.

    Examples
    --------
    >>> from hh_sde import Network
    >>> 100_000 < len(page(Network(1, stimulus=10.0))) < 400_000
    True
    """
    engine = script_of_runs(net, t_end, dt, method, rng, trials, spike_rule)
    assert net.cell is not None
    parts = {
        "uplot_css": _read("vendor/uPlot.min.css"),
        "css": _read("page.css"),
        "uplot": _read("vendor/uPlot.iife.min.js"),
        "licence": _read("vendor/LICENSE.uPlot"),
        "engine": engine,
        "page": "\n".join(map(_read, DRAWN)),
        "title": html.escape(net.cell.name),
    }

    def part(place: re.Match[str]) -> str:
        return re.sub("</(?=script)", r"<\\/", parts[place[1]], flags=re.IGNORECASE)

    return re.sub("{{(\\w+)}}", part, _read("page.html"))


def script_of_runs(net: Network, *arguments: Any) -> str:
    """`script_of`, and what runs it."""
    return "\n".join([script_of(net, *arguments), _read("worker.js")])


def script_of(
    net: Network,
    t_end: float = 200.0,
    dt: float = 0.01,
    method: str = "euler_maruyama",
    rng: int = 1,
    trials: int = 1,
    spike_rule: SpikeRule | None = None,
) -> str:
    """The script of a network without what draws: its description, its models, and the engine.

    Raises
    ------
    TypeError, ValueError
        As `explore`.
    """
    see_kind(net, Network, "net")
    rule = spike_rule or SpikeRule()
    see_kind(rule, SpikeRule, "spike_rule")
    if rule.rearm is None:
        raise ValueError("spike_rule: a page takes a number as rearm (mV), got None")
    run: dict[str, Any] = {
        "t_end": single(t_end, "t_end (ms)", positive=True),
        "dt": single(dt, "dt (ms)", positive=True),
        "method": _method(method),
        "rng": whole(rng, "rng", 0, 2**53),
        "trials": whole(trials, "trials", 1, MOST_TRIALS + 1),
    }
    in_steps(run["t_end"], run["dt"], "t_end")
    whole(net.n_neurons, "n_neurons of a page", 1, MOST_NEURONS + 1)
    subject = subject_of(net)
    usual = controls(subject, run)
    see_values(usual)
    models, every = _models(subject, usual)
    named = "".join(f"  {name}: {text},\n" for name, text in models.items())
    return "\n".join(
        [
            f"const PAGE = {json.dumps(_description(subject, every, rule), ensure_ascii=False)};",
            _read("engine.js"),
            f"// Written by hh_sde.equations.javascript.\nconst MODELS = {{\n{named}}};",
            _read("settings.js"),
        ]
    )


def _models(subject: Subject, every: list[Control]) -> tuple[dict[str, str], list[Control]]:
    """The models by kind of noise as JavaScript, and the controls with their places in them."""
    changing = (*subject.parameters, "mean", "sd", "tau")
    free = [one for one in every if one.name in changing]
    sets: dict[str, dict[str, list[int]]] = {one.name: {} for one in every}
    counts: dict[str, list[tuple[int, float]]] = {}
    models = {}
    for kind in kinds(subject):
        if kind == WHITE:  # which is not in the equations
            continue
        usual = _equations(subject, kind)
        if sum(map(len, usual.parameters.curves)) > MOST_POINTS:
            raise refusal(f"its tabulated rates have more than {MOST_POINTS} points")
        differing = {
            one.name: different(usual, _equations(subject, kind, **{one.name: _other(one.value)}))
            for one in free
        }
        numbers = _numbers_of_channels(subject, kind, usual)
        script = javascript.script(usual, [*chain.from_iterable(differing.values()), *numbers])
        places = list(script.numbers)
        for name, names in differing.items():
            sets[name][kind] = [places.index(one) for one in names if one in places]
        counts[kind] = [
            (places.index(one), density) for one, density in numbers.items() if one in places
        ]
        own = {"name": kind, "numbers": list(script.numbers.values()), "curves": script.curves}
        models[kind] = f"Object.assign({script.text}, {json.dumps(own)})"
    return models, [
        replace(one, sets=sets[one.name], counts=counts if one.name == "area" else {})
        for one in every
    ]


def _numbers_of_channels(subject: Subject, kind: str, usual: Dynamics) -> dict[str, float]:
    """The numbers of channels in the equations, with how many there are per um^2."""
    if kind not in CHANNELS:
        return {}
    area = 1e4 * _other(subject.noise.area)
    other = _equations(subject, kind, area=area)
    return {
        name: next(
            density
            for density in densities(subject.cell)
            if np.round(density * area) == other.parameters.table[name].values[0]
        )
        for name in different(usual, other)
    }


def _equations(subject: Subject, kind: str, **changes: float) -> Dynamics:
    (equations,) = variant(subject, kind, **changes)._made.equations
    return equations


def _other(value: float) -> float:
    """A number that is not this one, and is allowed wherever it is."""
    return 1.25 * abs(value) + 1.0


def _description(subject: Subject, every: list[Control], rule: SpikeRule) -> dict[str, Any]:
    """What the scripts know of the network besides its equations."""
    controls_of = [one.name for one in every if one.name.startswith("weights")]
    fixed = [
        (name, value)
        for name, (value, usual) in subject.parameters.items()
        if name in FIXED and value != usual
    ]
    return {
        "cell": subject.cell.name,
        "named": subject.named,
        "fixed": fixed,
        "eta": subject.noise.eta,
        "rule": rule.levels,
        "usualRule": rule == SpikeRule(),
        "mostSteps": MOST_STEPS,
        "synapses": [
            asdict(synapse) | {"control": control}
            for synapse, control in zip(subject.synapses, controls_of, strict=True)
        ],
        "controls": [
            {name: value for name, value in asdict(one).items() if value is not None}
            for one in every
        ],
    }


def _target(path: Any) -> Path:
    """The file to write, seen before anything is computed."""
    try:
        name = fspath(path)
    except TypeError:
        name = None
    example = 'as "page.html"'
    if not isinstance(name, str):
        raise TypeError(
            f"path must be the name of a file that ends in .html, {example}, got {shown(path)}"
        )
    target = Path(name)
    if target.is_dir() and name:
        inside = shown(str(target / "page.html"))
        raise ValueError(f"path: {shown(name)} is a folder: name a file in it, as {inside}")
    if target.suffix.lower() not in ENDINGS:
        raise ValueError(f"path: a page has the ending .html, {example}, got {shown(name)}")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"path: there is no folder {shown(str(target.parent))} to write {target.name} into: "
            "make it first, or name another"
        )
    return target


def _method(method: Any) -> str:
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(unknown("method of a page", method, METHODS))
    return method


def _read(name: str) -> str:
    return (resources.files("hh_sde.explorer") / name).read_text(encoding="utf-8")
