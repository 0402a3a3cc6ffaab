"""What is derived from a network's description: tables, equations, loops, and the SDE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse

from hh_sde.equations import evaluated, module
from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.functions import Functions
from hh_sde.equations.layout import StateLayout
from hh_sde.equations.tables import Tables
from hh_sde.network import packing
from hh_sde.network.batches import Batches, among_lanes
from hh_sde.network.derived import Derived
from hh_sde.network.diffusion import Columns, Diffusion
from hh_sde.network.in_arrays import InArrays
from hh_sde.network.jacobian import Jacobian
from hh_sde.network.populations import Group
from hh_sde.noise import CurrentNoise
from hh_sde.records import per_neuron
from hh_sde.sde import SDE, Function
from hh_sde.synapses import AnySynapse


class Assembly:
    """The parts of a network, put together when they are first asked for.

    Parameters
    ----------
    groups : sequence of Group
    synapses : sequence of synapses and gap junctions
    common_noise : sequence of CurrentNoise
        Noise on V of the neurons of all populations.

    Attributes
    ----------
    n_neurons : int
    tables : Tables
    equations : tuple of Dynamics
        Of each group.
    layout : StateLayout
    compiled : Compiled
    """

    def __init__(
        self,
        groups: Sequence[Group],
        synapses: Sequence[AnySynapse],
        common_noise: Sequence[CurrentNoise],
    ) -> None:
        self.groups = tuple(groups)
        self.n_neurons = sum(group.n for group in groups)
        self._synapses = synapses
        self._common_noise = common_noise
        self._in_arrays: dict[str, Functions] = {}

    @cached_property
    def tables(self) -> Tables:
        """What the equations are made of."""
        return packing.tables(self.groups, self._synapses)

    @cached_property
    def equations(self) -> tuple[Dynamics, ...]:
        """The equations of each group."""
        return tuple(map(Dynamics, self.tables.populations))

    @cached_property
    def layout(self) -> StateLayout:
        """Where variables stand in the flat state."""
        return module.layout_of(self.equations)

    @cached_property
    def compiled(self) -> module.Compiled:
        """The loops, in double precision."""
        return module.compiled(self.tables)

    @cached_property
    def _compiled_single(self) -> module.Compiled:
        return module.compiled(self.tables, "float32")

    def _loaded(self, dtype: str) -> module.Compiled:
        return self._compiled_single if dtype == "float32" else self.compiled

    @cached_property
    def derived(self) -> Derived:
        """Currents, conductances, open fractions."""
        return Derived(
            self.equations,
            self.tables.wiring,
            self.layout,
            self.currents,
            self.is_constant,
            late=self._late,
        )

    @property
    def _late(self) -> set[str]:
        """Names of graded synapses with delays."""
        late, n = self.tables.late, self.n_neurons
        if late is None:
            return set()
        inputs = np.unique(np.flatnonzero(np.diff(late.start)) // n)
        sums = [[one.name for one in model.inputs if one.tau is None]
                for model in self.tables.populations]  # fmt: skip
        return {names[k] for names in sums for k in inputs if k < len(names)}

    # -- the injected current ----------------------------------------------------------------------

    @property
    def is_constant(self) -> bool:
        """Whether the injected current is the same at all times."""
        return all(group.population.stimulus.constant for group in self.groups)

    @property
    def piecewise_constant(self) -> bool:
        """Whether it changes at its breakpoints alone."""
        return all(group.population.stimulus.piecewise_constant for group in self.groups)

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        """Times at which an injected current jumps or has a kink, ms."""
        found = [group.population.stimulus.breakpoints(start, stop) for group in self.groups]
        return found[0] if len(found) == 1 else np.unique(np.concatenate(found))

    def currents(self, times: np.ndarray) -> np.ndarray:
        """Injected current at `times` (ms): (times, n_neurons), or (1, n_neurons) if constant."""
        times = times[:1] if self.is_constant else times
        parts = []
        for group in self.groups:
            current = group.population.stimulus.current(times[:, None])
            if current.shape[1] not in (1, group.n):
                of = f"population {group.name}" if group.name else "this network"
                raise ValueError(
                    f"the stimulus has values for {current.shape[1]} neurons; {of} has {group.n}"
                )
            parts.append(np.broadcast_to(current, (len(times), group.n)))
        return np.ascontiguousarray(parts[0] if len(parts) == 1 else np.hstack(parts))

    # -- noise -------------------------------------------------------------------------------------

    @cached_property
    def amplitudes(self) -> scipy.sparse.csr_array:
        """A with dV_i = (...) dt + sum_k A[i, k] dW_k: (n_neurons, m), mV ms^-0.5."""
        C = np.concatenate([model.C for model in self.tables.populations])
        own = []
        for group in self.groups:
            none = scipy.sparse.csr_array((group.n, 0))
            with group.naming():
                white = [noise.amplitudes(group.n) for noise in group.current_noise]
            own.append(scipy.sparse.hstack([none, *white]))
        together = [noise.amplitudes(self.n_neurons) for noise in self._common_noise]
        amplitudes = scipy.sparse.hstack([scipy.sparse.block_diag(own), *together])
        scaled = scipy.sparse.csr_array(scipy.sparse.diags_array(1 / C) @ amplitudes)
        scaled.sort_indices()
        return scaled

    def processes(self) -> list[tuple[str, slice, CurrentNoise | None]]:
        """The Wiener processes by name, with their neurons, and the noise on V that they are of."""
        found: list[tuple[str, slice, CurrentNoise | None]] = []
        most = 0
        for group in self.groups:
            for k, white in enumerate(group.current_noise, start=1):
                found.append((_white_name(k), group.neurons, white))
                most = max(most, k)
        for k, white in enumerate(self._common_noise, start=most + 1):
            found.append((_white_name(k), slice(0, self.n_neurons), white))
        for group, equations in zip(self.groups, self.equations, strict=True):
            for term in equations.terms:
                found.append((term.dW.name.removeprefix("noise_"), group.neurons, None))
        return found

    # -- states ------------------------------------------------------------------------------------

    @cached_property
    def V0(self) -> np.ndarray:
        """Initial potentials of the cells, mV."""
        found = []
        for group in self.groups:
            with group.naming():
                found.append(per_neuron(group.population.cell.V0, group.n, "V0"))
        return np.concatenate(found)

    def steady_state(self, V: np.ndarray) -> np.ndarray:
        """The flat states (..., d) at potentials (..., n_neurons), mV, all else at steady state."""
        x = np.empty((*V.shape[:-1], self.layout.d))
        for own, equations in zip(self.layout.ranges, self.equations, strict=True):
            state = np.moveaxis(evaluated.steady_state(equations, V[..., own.neurons]), 0, -2)
            x[..., own.components] = state.reshape(*state.shape[:-2], -1)
        if not np.all(np.isfinite(x)):
            *_, component = place = tuple(np.argwhere(~np.isfinite(x))[0])
            neuron = int(self.layout.places[component]) % self.n_neurons
            raise ValueError(
                f"{self.layout.name_of(component)} has no steady state at V = "
                f"{V[(*place[:-1], neuron)]:g} mV (neuron {neuron}): alpha + beta is zero "
                "or not finite there, or a concentration is not above 0"
            )
        return x

    def equilibrium(self) -> np.ndarray:
        """The equilibrium as a flat state (d,): see `Network.equilibrium`."""
        f = self._drift()

        def imbalance(V: np.ndarray) -> np.ndarray:
            return self.layout.of(f(self.steady_state(V), 0.0), "V")

        start = self.V0
        found = scipy.optimize.root(imbalance, start, tol=1e-12)
        if not np.max(np.abs(found.fun)) <= 1e-8:
            found = scipy.optimize.root(imbalance, _balanced(imbalance, start), tol=1e-12)
        if not np.max(np.abs(found.fun)) <= 1e-8:
            raise ValueError(
                f"no equilibrium found from V0 = {start[0]:g} mV; dV/dt is still "
                f"{np.max(np.abs(found.fun)):.2g} mV/ms"
            )
        return self.steady_state(found.x)

    # -- the SDE -----------------------------------------------------------------------------------

    def sde(self) -> SDE:
        """dx = f(x, t) dt + G(x, t) dW, and the program that the engine runs."""
        tables, layout = self.tables, self.layout
        diffusion = Diffusion(self.compiled, self.equations, layout, self.amplitudes)
        f = _refusing("f") if tables.remembers else self._drift()
        jac = _refusing("jac") if tables.remembers else Jacobian(tables, layout, self.currents)
        return SDE(
            f=f,
            G=diffusion,
            m=diffusion.m,
            x0=self.steady_state(self.V0),
            noise_type=diffusion.noise_type,
            names=[
                f"{variable}[{neuron}]"
                for own in layout.ranges
                for variable in own.names
                for neuron in range(own.first, own.first + own.n)
            ],
            correction=None if diffusion.noise_type == "additive" else diffusion.correction,
            area_groups=diffusion.area_groups,
            columns=Columns(diffusion),
            breakpoints=None if self.is_constant else self.breakpoints,
            jac=jac,
            vectorized=True,
            program=module.Program(
                loaded=self._loaded,
                layout=layout,
                noise=packing.rows_of(self.amplitudes),
                current=self.currents,
                f=f,
                G=diffusion,
                area_groups=diffusion.area_groups,
                bounded=any(one.brought_back for one in tables.populations),
                remembers=tables.remembers,
                in_arrays=self.in_arrays,
            ),
        )

    def in_arrays(self, library: str) -> Functions:
        """f and G in the arrays of a library, made once."""
        if self.tables.remembers:
            _refusing("f")(self.V0, 0.0)
        if library not in self._in_arrays:
            made = InArrays(
                library,
                [(g.name, e) for g, e in zip(self.groups, self.equations, strict=True)],
                self.layout,
                self.tables.wiring,
                self.currents,
                self.is_constant,
                self.amplitudes,
            )
            noise_type = Diffusion(
                self.compiled, self.equations, self.layout, self.amplitudes
            ).noise_type
            x0 = self.steady_state(self.V0)
            self._in_arrays[library] = made.functions(x0, noise_type)
        return self._in_arrays[library]

    def _drift(self) -> Function:
        flat_drift = self.compiled.module.flat_drift
        states = Batches(self.compiled, self.layout)
        constant = self.currents(np.zeros(1))[0] if self.is_constant else None

        @lru_cache(maxsize=2)
        def wiring(trials: int) -> tuple[np.ndarray, ...]:
            return tuple(among_lanes(self.tables.wiring, self.layout, trials))

        def f(x: np.ndarray, t: float) -> np.ndarray:
            given = states(x)
            I = self.currents(np.array([t]))[0] if constant is None else constant
            I = I if given.trials == 1 else np.repeat(I, given.trials)
            flat = flat_drift(
                given.x, I, given.places, given.rows, given.trials, wiring(given.trials),
                *given.numbers,
            )  # fmt: skip
            return flat.reshape(given.shape)

        return f


def _refusing(name: str) -> Function:
    """In place of a function of the state alone, where there is none."""

    def refuse(x: np.ndarray, t: float, *args: Any) -> np.ndarray:
        raise ValueError(
            f"{name}(x, t) does not say what this network does: it has event-driven synapses or "
            "delays, so that what comes next depends on spikes and potentials of the past. The "
            "methods of the engine take it: hh_sde.solve(net, ...)"
        )

    return refuse


def _white_name(k: int) -> str:
    """What the processes of a neuron's k-th white noise are called."""
    return "V" if k == 1 else f"V_{k}"


def _balanced(imbalance: Callable[[np.ndarray], np.ndarray], start: np.ndarray) -> np.ndarray:
    """For each neuron the potential nearest to its start where the imbalance changes its sign."""
    V = np.arange(-100.0, 51.0)
    signs = np.sign([imbalance(np.full(start.shape, level)) for level in V])
    changes = signs[1:] != signs[:-1]
    far = np.where(changes, np.abs(V[:-1, None] + 0.5 - start), np.inf)
    nearest = V[np.argmin(far, axis=0)] + 0.5
    return np.where(changes.any(axis=0), nearest, start)
