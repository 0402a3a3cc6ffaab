"""Spikes of the methods that know nothing of them: found in the states of every step."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np

from hh_sde.methods.method import Detection, Problem, Reached, Run


def with_spikes(run: Run) -> Run:
    """A `run` that gives states alone, with the search for spikes that a problem may want."""

    def found(problem: Problem) -> Iterator[np.ndarray]:
        if problem.detection is None:
            yield from run(problem)
            return
        search = _Search(problem)
        with closing(_iterate(run, search.part)) as chunks:
            for chunk in chunks:
                yield search.taken(chunk)

    return found


def _iterate(run: Run, problem: Problem) -> Generator[np.ndarray, None, None]:
    yield from run(problem)


class _Search:
    """The search in a run whose states come after every step."""

    def __init__(self, problem: Problem) -> None:
        assert problem.detection is not None
        self.problem = problem
        columns = problem.sde.program.layout.components["V"]
        self.part = replace(
            problem,
            save_every=1,
            keep=np.concatenate([problem.keep, columns]),
            detection=None,
            milestones=[Reached()],
        )
        self.V = problem.x0[:, columns].copy()
        self.armed = problem.detection.armed.copy()
        self.last_spike = problem.detection.last_spike.copy()
        self.steps = 0

    def taken(self, chunk: np.ndarray) -> np.ndarray:
        """Look at the states (steps, trials, kept and V) of the next steps; those to be saved."""
        problem, start = self.problem, self.steps
        n = len(problem.keep)
        self._look(chunk[..., n:])
        self.steps += len(chunk)
        reached = self.part.reached
        if reached.x is not None and reached.step == self.steps:
            rule = self._rule
            found = Detection(rule, self.armed.copy(), self.last_spike.copy())
            problem.reach(replace(reached, detection=found))
        every = problem.save_every
        return chunk[-(start + 1) % every :: every, :, :n]

    @property
    def _rule(self) -> tuple[float, float, float]:
        assert self.problem.detection is not None
        return self.problem.detection.rule

    def _look(self, V: np.ndarray) -> None:
        """Spikes in V (steps, trials, neurons), as `hh_sde.kernels.watch.detect` finds them."""
        if not len(V):
            return
        threshold, rearm, lockout = self._rule
        before = np.concatenate([self.V[None], V[:-1]])
        times = self.problem.times(self.steps, self.steps + len(V))
        # how often V was below the re-arm level before each step, and before the last crossing
        below = np.cumsum(rearm > V, axis=0)
        seen = np.zeros_like(below[0])
        spikes: list[tuple[int, int, float]] = []
        crossed = (before < threshold) & (threshold <= V)
        for k, trial, neuron in np.argwhere(crossed).tolist():
            here = (trial, neuron)
            earlier = int(below[(k - 1, *here)]) if k else 0
            if not self.armed[here] and earlier == seen[here]:
                continue
            self.armed[here], seen[here] = False, earlier
            low, high = before[(k, *here)], V[(k, *here)]
            time = times[k] + (threshold - low) / (high - low) * self.problem.dt
            if time - self.last_spike[here] >= lockout:
                self.last_spike[here] = time
                spikes.append((trial, neuron, time))
        self.armed |= below[-1] > seen
        self.V = V[-1].copy()
        if spikes:
            trials, neurons, when = map(np.array, zip(*spikes, strict=True))
            self.problem.events.append((trials, neurons, when))
