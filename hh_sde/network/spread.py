"""A network at many points, which differ in parameters: one set of loops for all of them.

Each population is spread to a wide one, of so many neurons for each of its own, neuron by neuron
and inside these point by point; what checks and works out a population's numbers does so for all
points at once. From its tables, numbers that the sweep reaches become (n_neurons, points), the rest
(n_neurons,) as in the network itself. Which are reached is found by moving the swept numbers, so
that it does not depend on the points: the same loops run a point alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from typing import Any

import numpy as np
import scipy.sparse

from hh_sde.equations import evaluated, module
from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.evaluated import sums_over_neurons
from hh_sde.equations.layout import StateLayout
from hh_sde.equations.tables import Connectivity, Model, Tables
from hh_sde.network import packing
from hh_sde.network.network import Network
from hh_sde.network.paths import parts_of, population_in, replaced, value_at, with_value
from hh_sde.network.populations import Group
from hh_sde.network.wiring import Connections, Ends
from hh_sde.noise import CurrentNoise
from hh_sde.records import numbers, parameter, per_neuron, shown
from hh_sde.sde import SDE
from hh_sde.synapses import EventSynapse, GapJunction, Synapse

_GOLDEN = 0.5 * (1.0 + np.sqrt(5.0))
#: What names a factor on all weights of a synapse.
SCALE = "scale"


class Spread:
    """The network at the points of a sweep.

    Parameters
    ----------
    net : Network
    values : mapping of name to (points,) array
        Names as of `paths`; ``synapses.AMPA.scale`` is a factor on its weights, and
        ``synapses.AMPA.weights`` the weight itself where that is one number.
    points : int

    Raises
    ------
    TypeError, ValueError
        If a name leads nowhere, to what is no number of a neuron, or a value is out of range.

    Attributes
    ----------
    net : Network
    points : int
        How many there are.
    """

    def __init__(self, net: Network, values: Mapping[str, np.ndarray], points: int) -> None:
        self._values = {path: numbers(one, path) for path, one in values.items()}
        self.points = points
        self.net, self._values = _with_unit_weights(net, self._values)
        self._connections = Connections(self.net._groups, self.net.synapses)
        self._wide = _Wide(self.net, self._connections, self._values, self.points)
        self._moved = _moved(self.net, self._connections, self._values)

    # -- what the engine takes ---------------------------------------------------------------------

    @cached_property
    def tables(self) -> Tables:
        """Those of the network, with the numbers of the points."""
        own = self.net._made.tables
        models = (
            _narrowed(wide, moved, model.n_neurons)._replace(n_neurons=model.n_neurons)
            for wide, moved, model in zip(
                self._wide.models, self._moved.models, own.populations, strict=True
            )
        )
        return own._replace(populations=tuple(models))

    @cached_property
    def layout(self) -> StateLayout:
        """Where variables stand in the flat state of a point."""
        return self.net.layout

    def of_points(self, sde: SDE) -> SDE:
        """The network's SDE, in any form, with what the engine runs at all points in its place."""
        own: module.Program = sde.program
        program = own._replace(
            loaded=cache(partial(module.compiled, self.tables)),
            noise=self._noise_on_V(own.noise) if own.noise.weight.size else own.noise,
            current=self._wide.currents,
        )
        return replace(sde, program=program)

    def steady_states(self, V: np.ndarray | None = None) -> np.ndarray:
        """The flat states (points, ..., d) with all at rest.

        Parameters
        ----------
        V : (points, ..., n_neurons) array, optional
            mV. Default: the potentials that cells begin with.
        """
        groups = self._wide.groups
        if V is None:
            V0 = [per_neuron(one.population.cell.V0, one.n, "V0") for one in groups]
            V = np.concatenate([one.reshape(-1, self.points) for one in V0]).T
        x = np.empty((*V.shape[:-1], self.layout.d))
        for own, equations in zip(self.layout.ranges, self._wide.equations, strict=True):
            # (..., neuron, point), as the wide population has them
            of_points = np.moveaxis(V[..., own.neurons], 0, -1)
            wide = of_points.reshape(*of_points.shape[:-2], -1)
            state = evaluated.steady_state(equations, wide)  # (variables, ..., neurons * points)
            by_point = state.reshape(*state.shape[:-1], own.n, self.points)
            rows = np.moveaxis(np.moveaxis(by_point, -1, 0), 1, -2)  # (points, ..., variables, n)
            x[..., own.components] = rows.reshape(*rows.shape[:-2], -1)
        return x

    # -- what follows from states ------------------------------------------------------------------

    @property
    def quantities(self) -> dict[str, evaluated.Quantity]:
        """All that follows from the state and is no variable of it, as of `Derived`."""
        return self.net.derived.quantities

    def recorded(self, names: Iterable[str], states: np.ndarray, times: np.ndarray) -> np.ndarray:
        """As of `Derived`, of states (times, rows, d): so many of each point, point by point."""
        layout, many = self.layout, states.shape[1] // self.points
        by_point = states.reshape(len(states), self.points, many, -1).swapaxes(1, 2)
        state = {name: layout.of(by_point, name) for name in layout.names}
        I = self._wide.currents(times)[:, None]
        sums = None
        if any(one.coupled for one in self._wide.equations):
            rows = self._with_outputs(layout.by_row(by_point), state)
            sums = sums_over_neurons(self.net._made.tables.wiring, rows)
        names = list(names)
        found = {name: state.get(name, np.full(state["V"].shape, np.nan)) for name in names}
        for own, equations in zip(layout.ranges, self._wide.equations, strict=True):
            here = own.neurons
            at = evaluated.Evaluated(
                equations,
                {name: _wide_order(state[name][..., here]) for name in own.names},
                I[..., here.start * self.points : here.stop * self.points],
                () if sums is None else [_wide_order(one[..., here]) for one in sums],
            )
            known = {**evaluated.currents(equations), **evaluated.conductances(equations)}
            for name in names:
                if name not in state and name in known:
                    wide = np.broadcast_to(
                        at.of(known[name].expression),
                        (len(states), many, own.n * self.points),
                    )
                    found[name][..., here] = self._by_point(wide)
        stacked = np.stack([found[name] for name in names], axis=3)  # (times, trials, points, ...)
        return stacked.swapaxes(1, 2).reshape(len(states), -1, *stacked.shape[3:])

    def _with_outputs(self, rows: np.ndarray, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """Rows (times, trials, points, rows, n_neurons) with what is sent but is no variable."""
        for own, equations in zip(self.layout.ranges, self._wide.equations, strict=True):
            if equations.outputs:
                here = own.neurons
                of_own = {name: _wide_order(state[name][..., here]) for name in own.names}
                at = evaluated.Evaluated(equations, of_own)
                for row, one in enumerate(equations.outputs, start=len(own.names)):
                    rows[..., row, here] = self._by_point(at.of(one))
        return rows

    def _by_point(self, wide: np.ndarray) -> np.ndarray:
        """(..., points, neurons) of (..., neurons * points)."""
        return wide.reshape(*wide.shape[:-1], -1, self.points).swapaxes(-1, -2)

    # -- noise on V --------------------------------------------------------------------------------

    def _noise_on_V(self, own: Connectivity) -> Connectivity:
        """Rows of A, with weights (entries, points) where they differ."""
        unit, which = _unit_amplitudes(self.net)
        if not unit.nnz or not _moves(self._moved.amplitudes(unit, which)):
            return own
        rows = packing.rows_of(unit)
        return rows._replace(weight=self._wide.amplitudes(unit, which))


class _Wide:
    """The populations of so many neurons for each of their own, with the numbers of points."""

    def __init__(
        self,
        net: Network,
        connections: Connections,
        values: Mapping[str, np.ndarray],
        points: int,
    ) -> None:
        self.points = points
        parts = {name: part.repeated(points) for name, part in net.parts.items()}
        common = [one.repeated(points) for one in net.noise] if net.populations else []
        synapses = [_repeated(one, points) for one in net.synapses]
        for path, of_points in values.items():
            population, words = population_in(net, parts_of(path))
            if population is not None:
                n = net.parts[population].n
                part = replaced(parts[population], words, np.tile(of_points, n), path)
                parts[population] = part
            elif words[0] == "noise":
                tiled = np.tile(of_points, net.n_neurons)
                common = list(replaced(tuple(common), words[1:], tiled, path))
            elif words[-1] != SCALE:
                synapses = self._with_number(net, synapses, words, of_points, path)
        first = 0
        self.groups: list[Group] = []
        for group in net._groups:
            self.groups.append(Group(group.name, first, parts[group.name]))
            first += group.n * points
        self._common = [one for one in common if isinstance(one, CurrentNoise)]
        named = dict(zip(map(id, net.synapses), synapses, strict=True))
        self.ends = [_wide_ends(ends, named, points) for ends in connections.ends]
        self.models = [
            self._scaled(packing.model_of(group, ends), connections, k, values)
            for k, (group, ends) in enumerate(zip(self.groups, self.ends, strict=True))
        ]

    def _scaled(
        self, model: Model, connections: Connections, k: int, values: Mapping[str, np.ndarray]
    ) -> Model:
        """A population whose inputs are taken so many times."""
        n = model.n_neurons // self.points

        def factor(name: str) -> np.ndarray | None:
            given = values.get(f"synapses.{name}.{SCALE}")
            own = None if given is None else np.tile(given, n)
            rise = self._rise(connections, k, name, values)
            return own if rise is None else rise if own is None else own * rise

        inputs = tuple(one._replace(scale=factor(one.name)) for one in model.inputs)
        gap, scale = model.gap, factor("gap")
        if gap is not None and scale is not None:
            gap = gap * scale
        return model._replace(inputs=inputs, gap=gap, gap_scale=None if gap is None else scale)

    def _rise(
        self, connections: Connections, k: int, name: str, values: Mapping[str, np.ndarray]
    ) -> np.ndarray | None:
        """How much higher than in the network an event-driven synapse jumps: its peak is 1."""
        if not {f"synapses.{name}.{word}" for word in ("tau", "tau_rise")} & set(values):
            return None
        own, wide = (ends.received.get(name) for ends in (connections.ends[k], self.ends[k]))
        if not isinstance(own, EventSynapse) or not isinstance(wide, EventSynapse):
            return None
        n = connections.groups[k].n
        base = per_neuron(own.rise_factor, n, f"tau of {name}")
        every = per_neuron(wide.rise_factor, n * self.points, f"tau of {name}")
        return every / np.repeat(base, self.points)

    @staticmethod
    def _with_number(
        net: Network,
        synapses: Sequence[Any],
        words: list[str],
        of_points: np.ndarray,
        path: str,
    ) -> list[Any]:
        """Synapses with a number of their own that differs between points."""
        known = value_at(net, path)
        names = [getattr(one, "name", "gap") for one in net.synapses]
        if names.count(words[1]) != 1:
            many = names.count(words[1])
            raise ValueError(f"{path}: {many} synapses are called {words[1]}; name one")
        k = names.index(words[1])
        synapse = net.synapses[k]
        end = synapse.source if words[2] in ("alpha", "beta") else synapse.target
        n = net.n_neurons if end is None else net.populations[end].n
        if not isinstance(known, float | np.ndarray):
            raise ValueError(f"{path} is no number: {shown(known)}")
        own = list(synapses)
        own[k] = replaced(own[k], words[2:], np.tile(of_points, n), path)
        return own

    @cached_property
    def equations(self) -> tuple[Dynamics, ...]:
        """Of the wide populations."""
        return tuple(map(Dynamics, self.models))

    def currents(self, times: np.ndarray) -> np.ndarray:
        """Injected current, (times or 1, n_neurons * points)."""
        constant = all(group.population.stimulus.constant for group in self.groups)
        times = times[:1] if constant else times
        parts = [
            np.broadcast_to(
                group.population.stimulus.current(times[:, None]), (len(times), group.n)
            )
            for group in self.groups
        ]
        return parts[0] if len(parts) == 1 else np.hstack(parts)

    def amplitudes(self, unit: scipy.sparse.csr_array, which: np.ndarray) -> np.ndarray:
        """Weights (entries, points) of the noise on V, where `which` says whose column it is."""
        white = [(one, group) for group in self.groups for one in group.current_noise]
        n = len(unit.indptr) - 1
        C = np.concatenate([model.C.reshape(-1, self.points) for model in self.models])
        sigmas = np.zeros((len(white) + len(self._common), n, self.points))
        for k, (noise, group) in enumerate(white):
            first, own = group.first // self.points, group.n // self.points
            sigma = per_neuron(noise.sigma, group.n, "CurrentNoise.sigma")
            sigmas[k, first : first + own] = sigma.reshape(own, -1)
        for k, noise in enumerate(self._common, start=len(white)):
            sigma = per_neuron(noise.sigma, n * self.points, "CurrentNoise.sigma")
            sigmas[k] = sigma.reshape(n, -1)
        row = np.repeat(np.arange(n), np.diff(unit.indptr))
        of_entry = sigmas[which[unit.indices], row]
        return np.ascontiguousarray((1 / C[row]) * (of_entry * unit.data[:, None]))


def _moved(net: Network, connections: Connections, values: Mapping[str, np.ndarray]) -> _Wide:
    """The network at a point and at one at which every swept number is another.

    Raises
    ------
    TypeError, ValueError
        If a number cannot differ between points.
    """
    found: Exception | None = None
    # large enough for whole numbers of channels to be others; and each its own, with no ratio that
    # is that of two others: what is a ratio of two numbers moves as well
    factors = 2.0 + 0.5 * (_GOLDEN * np.arange(1, len(values) + 1) % 1.0)
    for power in (1, -1):
        two = {
            path: np.array([one[0], factor**power * one[0] if one[0] else factor])
            for (path, one), factor in zip(values.items(), factors, strict=True)
        }
        try:
            return _Wide(net, connections, two, 2)
        except ValueError as error:
            found = error
    assert found is not None
    raise found


def _wide_order(values: np.ndarray) -> np.ndarray:
    """(..., neurons * points) of (..., points, neurons)."""
    return values.swapaxes(-1, -2).reshape(*values.shape[:-2], -1)


def _moves(of_two: np.ndarray) -> bool:
    """Whether a number (..., 2) of two points is not the same at both."""
    return bool(np.any(of_two[..., 0] != of_two[..., 1]))


def _narrowed(wide: Any, moved: Any, n: int) -> Any:
    """A table with numbers (n, points) where those of `moved` differ, else (n,)."""
    if isinstance(wide, np.ndarray):
        of_points = wide.reshape(n, -1)
        return of_points if _moves(moved.reshape(n, 2)) else of_points[:, 0].copy()
    if not isinstance(wide, tuple):
        return wide
    if not hasattr(wide, "_fields"):
        return tuple(_narrowed(one, other, n) for one, other in zip(wide, moved, strict=True))
    return type(wide)(
        *(
            one if name == "curve" else _narrowed(one, other, n)
            for name, one, other in zip(wide._fields, wide, moved, strict=True)
        )
    )


def _repeated(synapse: Any, points: int) -> Any:
    """A synapse with the numbers of so many of each neuron; its weights are the network's."""
    if isinstance(synapse, GapJunction):
        return synapse
    source = synapse.source if isinstance(synapse.source, str) else None
    return synapse.replace(weights=0.0, source=source).repeated(points)


def _wide_ends(ends: Ends, named: Mapping[int, Any], points: int) -> Ends:
    gap = None if ends.gap is None else np.repeat(ends.gap, points)
    sent: dict[str, Synapse] = {name: named[id(one)] for name, one in ends.sent.items()}
    received = {name: named[id(one)] for name, one in ends.received.items()}
    return ends._replace(sent=sent, received=received, gap=gap)


def _unit_amplitudes(net: Network) -> tuple[scipy.sparse.csr_array, np.ndarray]:
    """The noise on V if every sigma and C were 1, and whose each column is, counted."""
    own, which, count = [], [], 0
    for group in net._groups:
        white = [one.replace(sigma=1.0).amplitudes(group.n) for one in group.current_noise]
        own.append(scipy.sparse.hstack([scipy.sparse.csr_array((group.n, 0)), *white]))
        for one in white:
            which.append(np.full(one.shape[1], count))
            count += 1
    together = []
    for one in net.noise if net.populations else ():
        assert isinstance(one, CurrentNoise)
        together.append(one.replace(sigma=1.0).amplitudes(net.n_neurons))
        which.append(np.full(net.n_neurons, count))
        count += 1
    unit = scipy.sparse.csr_array(scipy.sparse.hstack([scipy.sparse.block_diag(own), *together]))
    unit.sort_indices()
    return unit, np.concatenate([np.zeros(0, int), *which])


def _see_factors(net: Network, name: str, factors: np.ndarray) -> None:
    """See that weights times these are weights."""
    what = f"synapses.{name}.{SCALE}"
    parameter(factors, what)
    currents = all(
        isinstance(one, EventSynapse) and one.E is None
        for one in net.synapses
        if getattr(one, "name", "gap") == name
    )
    if not currents:
        parameter(factors, what, nonnegative=True)


def _with_unit_weights(
    net: Network, values: dict[str, np.ndarray]
) -> tuple[Network, dict[str, np.ndarray]]:
    """The network with weights of 1 where weights are swept, which are then factors on these."""
    found = {}
    for path, of_points in values.items():
        words = parts_of(path)
        if words[0] != "synapses":
            found[path] = of_points
            continue
        if len(words) < 3:
            raise ValueError(
                f"{path}: name a number of a synapse, as synapses.AMPA.E or synapses.AMPA.scale, "
                "the factor on its weights"
            )
        name = f"synapses.{words[1]}.{SCALE}"
        if words[2] == "weights":
            if not isinstance(value_at(net, path), float):
                raise ValueError(
                    f"{path}: the weights are no single number; sweep {name}, a factor on them"
                )
            net, path = with_value(net, path, 1.0), name
        elif words[2] == SCALE:
            value_at(net, f"synapses.{words[1]}.weights")  # it is there
        if path in found:
            raise ValueError(f"{path} and the weights themselves are swept: one of them is enough")
        if path == name:
            _see_factors(net, words[1], of_points)
        found[path] = of_points
    return net, found
