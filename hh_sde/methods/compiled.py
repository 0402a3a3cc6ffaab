"""The library's own engine: the steps of `hh_sde.kernels.steps` over many trials at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from hh_sde.equations.module import Program
from hh_sde.equations.tables import Connectivity
from hh_sde.kernels.coupling import Equations, Inputs, Kept
from hh_sde.methods.method import Diverged, Problem, Reached

#: Increments in a window, 8 bytes each: enough to make little of what a window costs in Python.
_CACHED = 2**19
#: The end of a step is looked at this much before it, ms: more than rounding, less than any step.
_BEFORE = 2e-9
#: Spikes of a window for which there is room before they are collected.
_ROOM = 2**14
#: Lanes come in whole SIMD registers.
_WIDTH = 8


def engine(
    step: str, *, nodes: tuple[float, ...] = (0.0,), needs: str = ""
) -> Callable[[Problem], Iterator[np.ndarray]]:
    """The method of `kernels.steps` with that name.

    Parameters
    ----------
    step : str
    nodes : tuple of float
        Where in a step, in units of h, it needs the injected current.
    needs : {"", "time integrals", "halves", "areas"}
        What it needs of the noise besides dW: I_(1,0); the increments of the first half of each
        step; or the iterated integrals I_(l,k).
    """

    def run(problem: Problem) -> Iterator[np.ndarray]:
        n_trials = len(problem.trials)
        groups = np.array_split(np.arange(n_trials), min(problem.threads, n_trials))
        blocks = [_Block(problem, members, step, nodes, needs) for members in groups]
        fine_steps = 1 if problem.path is None else problem.path.fine_steps
        largest = max(1, _CACHED // (blocks[0].numbers_per_step * fine_steps))
        with ThreadPoolExecutor(max_workers=len(blocks)) as pool:
            for start, stop in problem.windows(largest):
                futures = [pool.submit(block.advance, start, stop) for block in blocks[1:]]
                parts = [blocks[0].advance(start, stop)]
                parts += [future.result() for future in futures]
                saves = min(len(part) for part in parts)
                problem.report["gate_excursions"] = sum(int(block.counts[1]) for block in blocks)
                failures = [block.failure for block in blocks if block.failure is not None]
                if not failures:
                    problem.reach(_reached(problem, stop, blocks))
                yield np.concatenate([part[:saves] for part in parts], axis=1)
                if failures:
                    raise min(failures, key=lambda failure: failure.step)

    return run


def _is_diagonal(A: Connectivity) -> bool:
    """Whether row i holds one entry, in column i."""
    n = A.start.size - 1
    return np.array_equal(A.start, np.arange(n + 1)) and np.array_equal(A.source, np.arange(n))


def _reached(problem: Problem, step: int, blocks: list[_Block]) -> Reached:
    """All blocks after so many steps."""

    def together(arrays: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([one.by_trial(a) for one, a in zip(blocks, arrays, strict=True)])

    detection = problem.detection and replace(
        problem.detection,
        armed=together([one.kept.armed for one in blocks]),
        last_spike=together([one.kept.last_spike for one in blocks]),
    )
    return Reached(step, together([one.x for one in blocks]), detection)


class _Block:
    """Some trials of a problem, stepped together; x is (variables, lanes), trial fastest."""

    def __init__(
        self,
        problem: Problem,
        members: np.ndarray,
        step: str,
        nodes: tuple[float, ...],
        needs: str,
    ) -> None:
        program: Program = problem.sde.program
        compiled = program.compiled
        n_neurons = compiled.n_neurons
        self.problem = problem
        self.program = program
        self.members = members
        self.nodes = nodes
        self.terms = len(compiled.terms) if problem.path is not None else 0
        # increments are split for noise of gates and states, and for inputs that depend on V
        split = problem.path is not None and (self.terms or compiled.module.V_DEPENDENT_CONDUCTANCE)
        self.needs = "" if needs == "halves" and not split else needs
        self.lanes = n_neurons * len(members)
        kinds = 1 if self.needs in ("", "areas") else 2
        self.joined = self._joined() if needs == "areas" and self.terms else []
        areas = sum(
            rows.size * (rows.shape[1] + self.terms * len(members)) for rows, *_ in self.joined
        )
        self.numbers_per_step = self.lanes * kinds * (1 + self.terms) + areas
        self.x = self._by_lane(problem.x0)
        self.window = getattr(compiled.module, f"{step}_window")
        A = program.noise
        self.noise = (*A, _is_diagonal(A))
        trials = len(members)
        self.equations = Equations(
            n_neurons,
            trials,
            program.first_synapse,
            *compiled.connectivity,
            *compiled.numbers(trials, self.x.shape[1]),
        )
        self.rows = np.unique(problem.keep // n_neurons)
        # where the component v * n_neurons + i stands once only `rows` are kept
        row = np.searchsorted(self.rows, problem.keep // n_neurons)
        self.columns = row * n_neurons + problem.keep % n_neurons
        self.failure: Diverged | None = None
        self.counts = np.zeros(2, dtype=np.int64)
        self.kept = self._nothing_kept()

    def _nothing_kept(self) -> Kept:
        """With the state of the detection, and room for the spikes of a window, if wanted."""
        found, n_neurons = self.problem.detection, self.program.compiled.n_neurons
        nothing = np.zeros((len(self.problem.trials), n_neurons))
        room = 0 if found is None else max(_ROOM, 4 * self.lanes)
        return Kept(
            save_every=self.problem.save_every,
            rows=self.rows,
            out=np.empty((0, len(self.rows), self.lanes)),
            free=np.array(self.program.compiled.module.FREE),
            rule=np.array((np.nan,) * 3 if found is None else found.rule),
            armed=self._by_lane(nothing > 0 if found is None else found.armed)[0],
            last_spike=self._by_lane(nothing if found is None else found.last_spike)[0],
            before=np.empty(self.x.shape[1]),
            event_lane=np.empty(room, dtype=np.int64),
            event_time=np.empty(room),
            counts=self.counts,
        )

    def _by_lane(self, values: np.ndarray) -> np.ndarray:
        """(rows, lanes), padded, of the members' values (trials, rows * n_neurons)."""
        rows = np.ascontiguousarray(values[self.members].T).reshape(-1, self.lanes)
        return np.pad(rows, ((0, 0), (0, -self.lanes % _WIDTH)), mode="edge")

    def by_trial(self, lanes: np.ndarray) -> np.ndarray:
        """(members, rows * n_neurons) of (rows, lanes) or (lanes,), a copy."""
        return lanes[..., : self.lanes].reshape(-1, len(self.members)).T.copy()

    def advance(self, start: int, stop: int) -> np.ndarray:
        """Make steps start + 1 ... stop; return what is saved of them, (saves, trials, kept)."""
        problem = self.problem
        saves = self._saves(start, stop)
        out = np.empty((saves, len(self.rows), self.lanes))
        I, dW = self._currents(start, stop), self._increments(start, stop)
        areas = self._areas(start, stop)
        made = 0
        while made < stop - start and self.failure is None:
            inputs = Inputs(
                I[:, made:] if I.shape[1] > 1 else I, dW[made:], areas[made:], *self.noise
            )
            kept = self.kept._replace(out=out[self._saves(start, start + made) :])
            made += self.window(
                self.x, self.equations, inputs, kept, problem.dt, problem.first_step, start + made
            )
            self._collect_spikes()
            if not np.all(np.isfinite(self.x[:, : self.lanes])):
                self.failure = self._failure(start + made)
                made -= 1
        done = self._saves(start, start + made)
        width = len(self.rows) * self.lanes // len(self.members)
        states = out[:done].reshape(done, width, len(self.members))
        return states.transpose(0, 2, 1)[:, :, self.columns]

    def _saves(self, start: int, stop: int) -> int:
        every = self.problem.save_every
        return stop // every - start // every

    def _collect_spikes(self) -> None:
        found = self.counts[0]
        neuron, member = np.divmod(self.kept.event_lane[:found], len(self.members))
        if found:
            self.problem.events.append(
                (self.members[member], neuron, self.kept.event_time[:found].copy())
            )
        self.counts[0] = 0

    def _currents(self, start: int, stop: int) -> np.ndarray:
        """(nodes, steps or 1, n_neurons)"""
        times = self.problem.times(start, stop - 1)
        # a step that ends at a jump of the current ends with the value before it
        shifts = [c * self.problem.dt - (_BEFORE if c == 1.0 else 0.0) for c in self.nodes]
        return np.stack([self.program.current(times + shift) for shift in shifts])

    def _increments(self, start: int, stop: int) -> np.ndarray:
        """(steps, 1 or 2, processes * trials): dW, and what is needed besides."""
        problem, path = self.problem, self.problem.path
        if path is None:
            return np.empty((stop - start, 1, 0))
        first, last = problem.first_step + start, problem.first_step + stop
        trials = problem.trials[self.members]
        if self.needs == "halves":
            return path.halves(first, last, trials)
        if self.needs == "time integrals":
            dW, I_10 = path.pairs(first, last, trials)
            return np.stack([dW, I_10 / problem.dt], axis=1)
        return path.lanes(first, last, trials)[:, None]

    def _joined(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """The processes that meet in each neuron: those of its noise on V, then its own terms.

        Neurons with equally many go together: (processes (neurons, b), those neurons, the
        amplitudes of the processes on V).
        """
        n_neurons, noise = self.program.compiled.n_neurons, self.program.noise
        m_V = self.problem.sde.m - self.terms * n_neurons
        number = np.diff(noise.start)
        found = []
        for many in np.unique(number):
            neurons = np.flatnonzero(number == many)
            entries = noise.start[neurons, None] + np.arange(many)
            own = m_V + np.arange(self.terms) * n_neurons + neurons[:, None]
            rows = np.concatenate([noise.source[entries], own], axis=1)
            found.append((rows, neurons, noise.weight[entries]))
        return found

    def _areas(self, start: int, stop: int) -> np.ndarray:
        """(steps, terms + 1, terms, lanes): I_(l,k), and sum_j A_ij I_(j,k) for the noise on V."""
        terms, problem = self.terms, self.problem
        if not self.joined:
            return np.empty((0, 0, 0, 0))
        assert problem.path is not None
        window = (problem.first_step + start, problem.first_step + stop)
        areas = problem.sde.noise_type == "general"
        shape = (terms + 1, terms, self.program.compiled.n_neurons, len(self.members))
        out = np.zeros((stop - start, *shape))
        for k, trial in enumerate(problem.trials[self.members]):
            path = problem.path.of_trial(int(trial))
            for rows, neurons, weight in self.joined:
                I = path.integrals_within(rows, *window, areas=areas)[..., -terms:]
                I = I.transpose(2, 3, 0, 1)  # (b, terms, steps, neurons)
                own, on_V = out[:, :terms, ..., k], out[:, terms, ..., k]
                own[..., neurons] = I[-terms:].transpose(2, 0, 1, 3)
                for j in range(weight.shape[1]):
                    on_V[..., neurons] += (weight[:, j] * I[j]).transpose(1, 0, 2)
        return out.reshape(stop - start, terms + 1, terms, self.lanes)

    def _failure(self, step: int) -> Diverged:
        by_trial = self.x[:, : self.lanes].reshape(-1, len(self.members))
        component, member = np.argwhere(~np.isfinite(by_trial))[0]
        return Diverged(step, int(component), int(self.members[member]))
