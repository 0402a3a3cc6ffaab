"""The library's own engine: many trials at once, compiled."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hh_sde.kernels import steps
from hh_sde.kernels.tables import Program
from hh_sde.methods.method import Diverged, Problem

#: Increments in a window, which then stay in a core's own cache; 8 bytes each.
_CACHED = 2**16


def euler_maruyama(problem: Problem) -> Iterator[np.ndarray]:
    """Euler-Maruyama for every trial of a network; threads share the trials out."""
    n_trials = len(problem.trials)
    groups = np.array_split(np.arange(n_trials), min(problem.threads, n_trials))
    blocks = [_Block(problem, members) for members in groups]
    largest = max(1, _CACHED // blocks[0].lanes)
    with ThreadPoolExecutor(max_workers=len(blocks)) as pool:
        for start, stop in problem.windows(largest):
            futures = [pool.submit(block.advance, start, stop) for block in blocks]
            parts = [future.result() for future in futures]
            saves = min(len(part) for part in parts)
            yield np.concatenate([part[:saves] for part in parts], axis=1)
            failures = [block.failure for block in blocks if block.failure is not None]
            if failures:
                raise min(failures, key=lambda failure: failure.step)


class _Block:
    """Some trials of a problem, stepped together; x is (variables, lanes), trial fastest."""

    def __init__(self, problem: Problem, members: np.ndarray) -> None:
        program: Program = problem.sde.program
        n_neurons = int(program.packed.program[0])
        self.problem = problem
        self.program = program
        self.members = members
        self.packed = program.packed.for_trials(len(members))
        self.lanes = n_neurons * len(members)
        self.x = np.ascontiguousarray(problem.x0[members].T).reshape(-1, self.lanes)
        self.rows = np.unique(problem.keep // n_neurons)
        # where the component v * n_neurons + i stands once only `rows` are kept
        row = np.searchsorted(self.rows, problem.keep // n_neurons)
        self.columns = row * n_neurons + problem.keep % n_neurons
        self.failure: Diverged | None = None

    def advance(self, start: int, stop: int) -> np.ndarray:
        """Make steps start + 1 ... stop; return what is saved of them, (saves, trials, kept)."""
        problem, program = self.problem, self.program
        saves = stop // problem.save_every - start // problem.save_every
        out = np.empty((saves, len(self.rows), self.lanes))
        made = steps.euler_maruyama(
            self.x,
            *self.packed,
            program.noise,
            program.current(problem.times(start, stop - 1)),
            self._increments(start, stop),
            problem.dt,
            start,
            problem.save_every,
            self.rows,
            out,
        )
        if not np.all(np.isfinite(self.x)):
            self.failure = self._failure(start + made)
            made -= 1
        done = (start + made) // problem.save_every - start // problem.save_every
        width = len(self.rows) * self.lanes // len(self.members)
        states = out[:done].reshape(done, width, len(self.members))
        return states.transpose(0, 2, 1)[:, :, self.columns]

    def _increments(self, start: int, stop: int) -> np.ndarray:
        problem = self.problem
        if problem.path is None:
            return np.empty((stop - start, 0))
        first = problem.first_step
        return problem.path.lanes(first + start, first + stop, problem.trials[self.members])

    def _failure(self, step: int) -> Diverged:
        by_trial = self.x.reshape(-1, len(self.members))
        component, member = np.argwhere(~np.isfinite(by_trial))[0]
        return Diverged(step, int(component), int(self.members[member]))
