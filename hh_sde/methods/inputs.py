"""What drives the lanes of a block in the engine: injected current, Wiener increments, areas."""

from __future__ import annotations

from copy import copy

import numpy as np

from hh_sde.brownian import Drawing
from hh_sde.equations.module import Program
from hh_sde.equations.tables import Connectivity
from hh_sde.kernels.coupling import Inputs, Lanes
from hh_sde.kernels.random import PER_BLOCK, normals_at, room_to_draw, with_keys
from hh_sde.methods.method import Problem

#: Increments in a window, 8 bytes each: enough to make little of what a window costs in Python.
_IN_WINDOW = 2**19
#: Increments drawn at once: they stay in a core's cache until they are used.
_IN_CACHE = 2**15
#: Steps whose inputs are brought to the lanes together, at most, over `PER_BLOCK`.
_MOST_BLOCKS = 256
#: The end of a step is looked at this much before it, ms: more than rounding, less than any step.
_BEFORE = 2e-9
_NONE = Drawing(np.zeros(2, np.uint64), np.zeros(1, np.int64), np.zeros(1))


class BlockInputs:
    """The inputs of some trials of a problem.

    Parameters
    ----------
    problem : Problem
    members : (trials,) array of int
        Positions of the trials.
    lanes : int
        Lanes of the block, padding included.
    nodes, needs
        As of `compiled.engine`.

    Attributes
    ----------
    terms : int
        Wiener processes of a neuron's own: of the population that has most.
    gates_noisy : bool
        Whether there are some, and they are not ignored.
    kinds : int
        1, or 2 where something is needed of the noise besides dW.
    largest, at_once : int
        Steps of a window, and those whose inputs are brought to the lanes together: at most.
    changing : bool
        Whether the current changes in time.
    """

    def __init__(
        self,
        problem: Problem,
        members: np.ndarray,
        lanes: int,
        nodes: tuple[float, ...],
        needs: str,
    ) -> None:
        program: Program = problem.sde.program
        path = problem.path
        self.problem = problem
        self.program = program
        self.trials = problem.trials[members]
        self.points = problem.points(members)
        self._words, self._keys = problem.words(members)
        self.lanes = lanes
        self.dtype = np.dtype(problem.dtype)
        self.nodes = nodes
        # without a path too the loops read what their model has: increments that are 0
        self.terms = program.compiled.most_terms
        self.gates_noisy = self.terms > 0 and path is not None
        # increments are split for noise of gates and states, and for inputs that depend on V
        split = self.terms or program.compiled.module.V_DEPENDENT_CONDUCTANCE
        # of the signs for areas there is a use where processes of a lane's own meet others
        self.weak = needs == "weak" and path is not None
        one_kind = (needs == "halves" and not split) or (needs == "weak" and not self.terms)
        self.needs = "" if one_kind else needs
        self.kinds = 1 if self.needs in ("", "areas") else 2
        self.joined = self._joined() if self.needs == "areas" and self.gates_noisy else []
        joined = path is None or bool(self.joined)
        self.drawing = None if joined else path.drawing(self.needs)  # type: ignore[union-attr]
        areas = sum(
            rows.size * (rows.shape[1] + self.terms * len(members)) for rows, *_ in self.joined
        )
        numbers = self.n_neurons * len(members) * self.kinds * (1 + self.terms) + areas
        self.largest = max(1, _IN_WINDOW // (numbers * (1 if path is None else path.fine_steps)))
        blocks = min(max(1, _IN_CACHE // numbers // PER_BLOCK), _MOST_BLOCKS)
        self.at_once = PER_BLOCK * blocks if self.drawing else self.largest
        if path is None:
            self.at_once = 1
        self.changing = len(program.current(np.array([0.0, problem.dt]))) > 1
        self._always = self._addresses(range(self.n_neurons))

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return self.program.layout.n_neurons

    def of_window(self, start: int, stop: int, m: Lanes) -> tuple[Inputs, Lanes]:
        """What drives the steps start + 1 ... stop, and the lanes that it comes to."""
        inputs = self._always
        I = self._currents(start, stop)
        m = m._replace(I=I, changing=int(len(I) > 1), areas=self._areas(start, stop))
        if self.problem.path is not None and self.drawing is None:
            dW_V, dW = self._given(start, stop)
            m = m._replace(dW=dW.astype(m.dW.dtype, copy=False))
            inputs = inputs._replace(dW_V=dW_V.astype(m.dW.dtype, copy=False))
        return inputs._replace(dW=m.dW.reshape(len(m.dW), m.dW[0].size)), m

    @property
    def m_V(self) -> int:
        """Wiener processes of the noise on V, where there is a path."""
        own = sum(n * terms for _, n, _, terms in self._own(0))
        return self.problem.sde.m - own

    def _own(self, m_V: int | None = None) -> list[tuple[int, int, int, int]]:
        """Of each population: first neuron, how many, their first own process, own processes."""
        first = self.m_V if m_V is None else m_V
        found = []
        for own, one in zip(
            self.program.layout.ranges, self.program.compiled.populations, strict=True
        ):
            found.append((own.first, own.n, first, len(one.processes)))
            first += own.n * len(one.processes)
        return found

    def of_neurons(self, neurons: range) -> BlockInputs:
        """What drives some of the neurons: the same arrays, of which a thread fills its part."""
        own = copy(self)
        own._always = self._addresses(neurons)
        return own

    def _addresses(self, neurons: range) -> Inputs:
        """What is the same for all windows, for some of the neurons."""
        many = len(self.trials)
        m_V = self.m_V if self.problem.path is not None else 0
        drawing = self.drawing or _NONE._replace(domains=np.zeros(self.kinds, np.int64))
        noise = self.program.noise
        rows = slice(neurons.start, neurons.stop + 1)
        entries = slice(noise.start[neurons.start], noise.start[neurons.stop])
        diagonal, processes = _is_diagonal(noise), range(m_V)
        if diagonal and self.drawing is not None and m_V:  # each thread draws those of its neurons
            processes = neurons
        words, z = room_to_draw(max(len(processes), len(neurons)) * many, self.dtype)
        own, addresses = self._own_processes(neurons)
        weight, each = self._of_members(noise.weight[entries])
        return Inputs(
            drawn=self.drawing is not None,
            weak=self.weak,
            normals=normals_at(self._keys is not None, self.dtype),
            key=drawing.key,
            domains=drawing.domains,
            scales=drawing.scales,
            addresses_V=self._addressed(np.array(processes, dtype=np.uint64)),
            addresses=addresses,
            own=own,
            start=noise.start[rows] - entries.start,
            source=(noise.source[entries] - processes.start) * many,
            weight=weight,
            each=each,
            # given increments are those of all neurons, found by `source`
            diagonal=diagonal and not each and len(processes) == len(neurons),
            dW_V=np.empty((self.at_once, self.kinds * len(processes) * many), self.dtype),
            dW=np.empty((0, 0), self.dtype),
            words=words,
            z=z,
        )

    def _addressed(self, processes: np.ndarray) -> np.ndarray:
        """(2, processes * trials): the addresses of processes in all trials."""
        many = len(self.trials)
        process, trial = np.repeat(processes, many), np.tile(self._words, len(processes))
        if self._keys is None:
            return np.stack([process, trial])
        return with_keys(process, trial, np.tile(self._keys, (len(processes), 1)))

    def _point_of(self, member: int) -> int:
        assert self.points is not None
        return int(self.points[member])

    def _of_members(self, weight: np.ndarray) -> tuple[np.ndarray, int]:
        """Weights of entries, in turn for each trial where they differ, and whether they do."""
        if weight.ndim == 1:
            return weight, 0
        return weight[:, self.points].ravel(), 1

    def _own_processes(self, neurons: range) -> tuple[np.ndarray, np.ndarray]:
        """`Inputs.own` and `Inputs.addresses` of some of the neurons."""
        many = len(self.trials)
        rows, addresses, place = [], [np.empty(0, np.uint64)], 0
        for begin, n, first, terms in self._own():
            here = range(max(begin, neurons.start), min(begin + n, neurons.stop))
            if not here:
                continue
            processes = (first + np.array(here) - begin).astype(np.uint64)
            rows.append((here.start * many, len(here) * many, n, terms, place))
            addresses.append(self._addressed(processes).ravel())
            place += 2 * len(here) * many
        own = np.array(rows, dtype=np.int64).reshape(-1, 5)
        return own, np.concatenate(addresses)

    def _currents(self, start: int, stop: int) -> np.ndarray:
        """(steps, or 1 where they have the same, nodes, lanes), injected in all trials."""
        times = self.problem.times(start, stop - 1)
        # a step that ends at a jump of the current ends with the value before it
        shifts = [c * self.problem.dt - (_BEFORE if c == 1.0 else 0.0) for c in self.nodes]
        at_nodes = [self.program.current(times + shift) for shift in shifts]
        I = np.stack(np.broadcast_arrays(*at_nodes), axis=1)
        I = I[:1] if np.array_equal(I, np.broadcast_to(I[:1], I.shape)) else I
        if self.points is None:
            of_lanes = np.repeat(I, len(self.trials), axis=2)
        else:  # of the points of each neuron, one after the other
            of_points = I.reshape(*I.shape[:2], self.n_neurons, -1)
            of_lanes = of_points[..., self.points].reshape(*I.shape[:2], -1)
        return np.ascontiguousarray(self._padded(of_lanes), self.dtype)

    def _padded(self, values: np.ndarray) -> np.ndarray:
        """Zeros up to the number of lanes."""
        lacking = self.lanes - values.shape[-1]
        return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, lacking)])

    def _given(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """dW of the noise on V (steps, kinds * processes * trials), and `Lanes.dW`."""
        increments = self._increments(start, stop)
        steps, kinds, _ = increments.shape
        many = len(self.trials)
        on_V = increments[..., : self.m_V * many].reshape(steps, kinds * self.m_V * many)
        dW = np.zeros((steps, kinds, self.terms, self.lanes))
        for begin, n, first, terms in self._own():
            own = increments[..., first * many : (first + terms * n) * many]
            dW[:, :, :terms, begin * many : (begin + n) * many] = own.reshape(
                steps, kinds, terms, n * many
            )
        return np.ascontiguousarray(on_V), dW

    def _increments(self, start: int, stop: int) -> np.ndarray:
        """(steps, kinds, processes * trials), first those on V."""
        problem, path = self.problem, self.problem.path
        assert path is not None
        first, last = problem.first_step + start, problem.first_step + stop
        if self.weak:
            return path.weak_increments(first, last, self.trials)[:, : self.kinds]
        if self.needs == "halves":
            return path.halves(first, last, self.trials)
        if self.needs == "time integrals":
            dW, I_10 = path.with_time_integrals(first, last, self.trials)
            return np.stack([dW, I_10 / problem.dt], axis=1)
        return path.lanes(first, last, self.trials)[:, None]

    # -- areas -------------------------------------------------------------------------------------

    def _joined(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, int]]:
        """The processes that meet in each neuron: those of its noise on V, then its own terms.

        Neurons of a population with equally many go together: (processes (neurons, b), those
        neurons, the amplitudes of the processes on V, own terms).
        """
        noise = self.program.noise
        number = np.diff(noise.start)
        found = []
        for begin, n, first, terms in self._own():
            for many in np.unique(number[begin : begin + n]):
                local = np.flatnonzero(number[begin : begin + n] == many)
                entries = noise.start[begin + local, None] + np.arange(many)
                own = first + np.arange(terms) * n + local[:, None]
                rows = np.concatenate([noise.source[entries], own], axis=1)
                found.append((rows, begin + local, noise.weight[entries], terms))
        return found

    def _areas(self, start: int, stop: int) -> np.ndarray:
        """(steps, terms, terms + 1, lanes): [., k, l] is I_(l,k), the last A I_(.,k).

        Nothing where the scheme does not need them.
        """
        problem = self.problem
        if not self.joined:
            return np.empty((0, 0, 0, 0), self.dtype)
        assert problem.path is not None
        window = (problem.first_step + start, problem.first_step + stop)
        areas = problem.sde.noise_type == "general"
        many = len(self.trials)
        out = np.zeros((stop - start, self.terms, self.terms + 1, self.lanes))
        used = out[..., : self.n_neurons * many]
        by_neuron = used.reshape(*used.shape[:3], self.n_neurons, many)
        for k, trial in enumerate(self.trials):
            path = problem.path.of_trial(int(trial))
            for rows, neurons, weight, terms in self.joined:
                if not terms:
                    continue
                I = path.integrals_within(rows, *window, areas=areas)[..., -terms:]
                I = I.transpose(0, 3, 2, 1)  # (steps, terms, b, neurons)
                by_neuron[:, :terms, :terms, neurons, k] = I[:, :, -terms:]
                own = weight if weight.ndim == 2 else weight[..., self._point_of(k)]
                for j in range(own.shape[1]):
                    by_neuron[:, :terms, self.terms, neurons, k] += own[:, j] * I[:, :, j]
        used[:] = by_neuron.reshape(used.shape)
        return out.astype(self.dtype, copy=False)


def _is_diagonal(A: Connectivity) -> bool:
    """Whether row i holds one entry, in column i."""
    n = A.start.size - 1
    return np.array_equal(A.start, np.arange(n + 1)) and np.array_equal(A.source, np.arange(n))
