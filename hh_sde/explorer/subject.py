"""The network that a page is of: what of it can be shown, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hh_sde.cells import CELLS, Cell
from hh_sde.network import Network
from hh_sde.noise import CurrentNoise, Noise, OrnsteinUhlenbeckCurrent
from hh_sde.synapses import SYNAPSES, Synapse

#: The kinds of noise that a page has, as NOISES calls them.
NOISE, COLOURED = "current", "ornstein_uhlenbeck_current"
#: Parameters of cells that a page does not change.
FIXED = ("temperature", "V_T")
ACCEPTED = (
    "a page takes neurons of one kind with one constant current, a cell without pools of "
    "concentrations whose numbers are the same in all neurons, graded synapses without delay, and "
    "as noise none, a CurrentNoise or an OrnsteinUhlenbeckCurrent"
)


@dataclass(frozen=True)
class SynapseShown:
    """A graded synapse.

    `row` is what of the sending neurons is added up. Its weight is that between every two different
    neurons, or there is a matrix. `kind` is its entry of SYNAPSES, None if it is no such, and `E`
    its reversal potential where that is not the entry's.
    """

    name: str
    row: str
    weight: float
    matrix: list[list[float]] | None
    kind: str | None
    E: float | None


@dataclass(frozen=True)
class Subject:
    """A network in numbers that a page can change.

    `parameters` are those of the cell, each with the value that needs no saying: that of the cell
    of CELLS, or of the given one where that is none. Of these, FIXED go into rates, which a page
    takes as they are.
    """

    n_neurons: int
    cell: Cell
    named: bool
    parameters: Mapping[str, tuple[float, float]]
    stimulus: float
    synapses: tuple[SynapseShown, ...]
    given: tuple[Synapse, ...]
    noise: str
    white: tuple[float, float]  # sigma, correlation
    coloured: tuple[float, float, float]  # mean, sd, tau
    eta: str  # the name of the coloured current


def subject_of(net: Network) -> Subject:
    """What a page shows of a network.

    Raises
    ------
    ValueError
        If it has what a page cannot show; with what that is, and what is accepted.
    """
    if net.populations:
        raise refusal("it has populations")
    assert net.cell is not None
    synapses = tuple(_synapse(one, net) for one in net.synapses)
    noise, white, coloured, eta = _noise(net.noise)
    named, parameters = _cell(net.cell)
    if len({one.name for one in synapses}) < len(synapses):
        raise refusal("it has two synapses of one name")
    return Subject(
        n_neurons=net.n_neurons,
        cell=net.cell,
        named=named and all(one.kind for one in synapses),
        parameters=parameters,
        stimulus=_stimulus(net),
        synapses=synapses,
        given=net.synapses,  # type: ignore[arg-type]
        noise=noise,
        white=white,
        coloured=coloured,
        eta=eta,
    )


def variant(subject: Subject, noise: str, **parameters: float) -> Network:
    """One neuron of the network with a kind of noise, and other parameters of its cell or noise."""
    names = ("mean", "sd", "tau")
    mean, sd, tau = (
        parameters.pop(name, value) for name, value in zip(names, subject.coloured, strict=True)
    )
    coloured = OrnsteinUhlenbeckCurrent(mean, sd, tau, name=subject.eta)
    return Network(
        1,
        cell=subject.cell.replace(**parameters),
        synapses=[one.replace(weights=0.0) for one in subject.given],
        noise=coloured if noise == COLOURED else None,
    )


def refusal(what: str) -> ValueError:
    """That a page cannot show this, with what it takes."""
    return ValueError(f"this network cannot be shown in a page: {what}; {ACCEPTED}")


def _cell(cell: Cell) -> tuple[bool, dict[str, tuple[float, float]]]:
    """Whether it is one of CELLS with other parameters, and these."""
    if cell.pools:
        raise refusal(f"its cell has the concentration {cell.pools[0].name}")
    values = cell.parameters
    for name, value in values.items():
        if np.ndim(value):
            raise refusal(f"{name} differs between neurons")
    usual = CELLS.get(cell.name)
    named = usual is not None and set(usual.parameters) == set(values)
    if named:
        assert usual is not None
        named = usual.replace(**values) == cell
    known = usual.parameters if named and usual is not None else values
    return named, {name: (_number(values[name]), _number(known[name])) for name in values}


def _number(value: Any) -> float:
    return float(value)


def _stimulus(net: Network) -> float:
    assert net.stimulus is not None
    if not net.stimulus.constant:
        raise refusal("its stimulus changes in time")
    values = np.unique(net.stimulus.current(np.zeros((1, 1))))
    if values.size > 1:
        raise refusal("its stimulus differs between neurons")
    return float(values[0])


def _synapse(one: Any, net: Network) -> SynapseShown:
    if not isinstance(one, Synapse):
        raise refusal(f"it has the synapses {type(one).__name__}")
    if one.delay or "delay" in net.connectivity():
        raise refusal(f"synapse {one.name} has a delay")
    if np.ndim(one.E):
        raise refusal(f"E of synapse {one.name} differs between neurons")
    kind = _kind(one)
    E = None
    if kind and getattr(SYNAPSES[kind](weights=0.0), "E", None) != one.E:
        E = _number(one.E)
    weight, matrix = _weights(one, net)
    row = "s" if len(net.synapses) == 1 else f"s_{one.name}"
    if one.messenger is not None:
        row = f"open_{one.name}"
    return SynapseShown(one.name, row, weight, matrix, kind, E)


def _kind(one: Synapse) -> str | None:
    """The entry of SYNAPSES that it is, but for weights and E."""
    for kind, make in SYNAPSES.items():
        try:
            made = make(weights=0.0)
        except TypeError:  # it takes more than weights: time constants
            continue
        if isinstance(made, Synapse) and made.replace(weights=one.weights, E=one.E) == one:
            return kind
    return None


def _weights(one: Synapse, net: Network) -> tuple[float, list[list[float]] | None]:
    """The weight between every two different neurons, or a matrix."""
    if isinstance(one.weights, int | float):
        return float(one.weights), None
    n = net.n_neurons
    matrix = np.zeros((n, n))
    edges = net.connectivity()
    own = edges.synapse.values == one.name
    np.add.at(
        matrix, (edges.target.values[own], edges.source.values[own]), edges.weight.values[own]
    )
    others = matrix[~np.eye(n, dtype=bool)]
    if not np.any(np.diag(matrix)) and np.all(others == others[:1]):
        return float(others[0]) if others.size else 0.0, None
    return 0.0, matrix.tolist()


def _noise(
    given: tuple[Noise, ...],
) -> tuple[str, tuple[float, float], tuple[float, float, float], str]:
    """The kind of noise, the numbers of white and of coloured noise, and the latter's name."""
    white, coloured = (1.0, 0.0), (0.0, 1.0, 5.0)
    if not given:
        return "none", white, coloured, "eta"
    if len(given) > 1:
        raise refusal("it has several noises")
    (noise,) = given
    if isinstance(noise, CurrentNoise):
        correlation = 0.0 if noise.correlation is None else noise.correlation
        if np.ndim(noise.sigma) or np.ndim(correlation) or correlation < 0:
            raise refusal(
                "its noise has numbers that differ between neurons, or a negative correlation"
            )
        return NOISE, (_number(noise.sigma), _number(correlation)), coloured, "eta"
    if isinstance(noise, OrnsteinUhlenbeckCurrent):
        if any(map(np.ndim, (noise.mean, noise.sigma, noise.tau))):
            raise refusal(f"numbers of its noise {noise.name} differ between neurons")
        mean, sd, tau = _number(noise.mean), _number(noise.sigma), _number(noise.tau)
        return COLOURED, white, (mean, sd, tau), noise.name
    raise refusal(f"it has the noise {type(noise).__name__}")
