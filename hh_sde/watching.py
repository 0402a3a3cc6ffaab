"""A run of which each trial is watched, and ended where it stops.

The states are looked at after every step.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
import xarray as xr

from hh_sde.dataset import spikes_alone
from hh_sde.measures.trains import with_stop_time
from hh_sde.methods import Detection, Diverged, Method, Problem, Reached
from hh_sde.methods.method import in_engine
from hh_sde.stopping import Criterion

#: Steps after which one looks first; then after twice as many, and so on.
_FIRST_WINDOW = 2**8
#: A spike this part of a step later than the stop is still the one that stopped its trial.
_ROUNDING = 1e-6


class Watch:
    """The search for the end of each trial while a method runs.

    Parameters
    ----------
    criterion : Criterion
    n_trials : int

    Attributes
    ----------
    time : (trials,) array
        When each trial stopped, ms; nan: not yet.
    """

    def __init__(self, criterion: Criterion, n_trials: int) -> None:
        self.criterion = criterion
        self.time = np.full(n_trials, np.nan)
        self.last_step = 0  # that in which the last of those stopped that did

    @property
    def running(self) -> np.ndarray:
        """Positions of the trials that have not stopped."""
        return np.flatnonzero(np.isnan(self.time))

    @property
    def some_stopped(self) -> bool:
        """Whether a trial has stopped."""
        return self.running.size < self.time.size

    def until_stop(self, trial: np.ndarray, time: np.ndarray, dt: float) -> np.ndarray:
        """Whether times in trials (by position) are not after their stops."""
        return ~(time > self.time[trial] + _ROUNDING * dt)

    def watching(self, method: Method) -> Method:
        """The method, ended by the last trial that stops.

        What it yields of a trial after its stop may be anything.
        """

        def run(problem: Problem) -> Iterator[np.ndarray]:
            return _Watched(self, method, problem).run()

        return replace(method, run=in_engine(run) if method.compiled else run)

    def begin(self, problem: Problem) -> None:
        """Look at the initial states."""
        self._last = problem.x0[:, self.criterion.columns].copy()
        detection = problem.detection
        if self.criterion.rule is None:
            at_start = self._beyond(self._last).any(axis=1)
            self.time[at_start] = problem.times(0, 0)[0]
        elif detection is None:
            self._armed = np.ones(self._last.shape, dtype=bool)
            self._last_spike = np.full(self._last.shape, -np.inf)
        else:
            self._armed, self._last_spike = detection.armed.copy(), detection.last_spike

    def look(self, x: np.ndarray, members: np.ndarray, start: int, problem: Problem) -> None:
        """Look at the states (steps, members, watched) after steps start + 1, start + 2, ..."""
        if not len(x):
            return
        level, rule = self.criterion.level, self.criterion.rule
        before = np.concatenate([self._last[None, members], x[:-1]])
        crossed = self._beyond(x) & ~self._beyond(before)
        fraction = np.divide(
            level - before, x - before, where=crossed, out=np.full(x.shape, np.inf)
        )
        time = problem.times(start, start + len(x))[:-1, None, None] + fraction * problem.dt
        if rule is not None:
            below = before < rule.levels[1]
            armed = self._armed[members] | np.logical_or.accumulate(below, axis=0)
            counts = armed & (time - self._last_spike[members] >= rule.lockout)
            time = np.where(counts, time, np.inf)
            self._armed[members] = armed[-1]
        first = time.min(axis=2)  # (steps, members); inf: none
        stops = np.isfinite(first).any(axis=0) & np.isnan(self.time[members])
        self.time[members[stops]] = first.min(axis=0)[stops]
        step = start + 1 + first.argmin(axis=0)[stops]
        self.last_step = max(self.last_step, int(step.max(initial=0)))
        self._last[members] = x[-1]

    def _beyond(self, x: np.ndarray) -> np.ndarray:
        return self.criterion.sign * (x - self.criterion.level) >= 0.0

    def labelled(self, ds: xr.Dataset, trials: np.ndarray | None) -> xr.Dataset:
        """A result with stop_time, over its trials if it has several."""
        when = "time of the" if self.criterion.rule else "time when"
        text = {
            "units": "ms",
            "long_name": f"{when} {self.criterion.words}",
            "nan_means": "it did not happen",
        }
        times = xr.DataArray(
            self.time[0] if trials is None else self.time,
            coords={} if trials is None else {"trial": trials},
            attrs=text,
        )
        if spikes_alone(ds):
            return with_stop_time(ds, times)
        for one in ds.data_vars.values():
            if self.some_stopped and "time" in one.dims:
                before = one.attrs.get("nan_means")
                one.attrs["nan_means"] = " or ".join(filter(None, [before, "after stop_time"]))
        return ds.assign(stop_time=(times.dims, times.values, text))


class _Watched:
    """A run whose trials are watched.

    The method runs the trials that have not stopped; where half of these have, it begins again from
    there with the others, whose numbers are the same whatever trials are run beside them. So it
    does where one diverges after its stop.
    """

    def __init__(self, watch: Watch, method: Method, problem: Problem) -> None:
        self.watch, self.method, self.problem = watch, method, problem
        self.members = np.arange(len(problem.trials))  # positions of those that are run
        self.begun = Reached(0, problem.x0, problem.detection, problem.opened, problem.carried)
        self.looked = 0  # the step up to which the states were looked at
        self.saved = 0

    def run(self) -> Iterator[np.ndarray]:
        """See `Method.run`."""
        self.watch.begin(self.problem)
        self._go_on_with_the_rest(self.begun)
        while self.members.size and self.looked < self.problem.n_steps:
            part = self._part()
            yield from self._run(part)
            if self.looked < self.problem.n_steps:
                self._go_on_with_the_rest(part.reached)
        if not self.watch.running.size:
            self.problem.reach(Reached(self._end))
            yield self._filled(max(0, self._wanted - self.saved))

    @property
    def _end(self) -> int:
        """The step with which a run ends in which all trials stop: traces end with a save."""
        problem, last = self.problem, self.watch.last_step
        every = problem.save_every if problem.keep.size else 1
        return last + -last % every

    @property
    def _wanted(self) -> int:
        """How many saves there are in all."""
        problem = self.problem
        end = problem.n_steps if self.watch.running.size else self._end
        return end // problem.save_every

    def _part(self) -> Problem:
        """The problem of the trials that are run, from where they are."""
        problem, begun = self.problem, self.begun
        assert begun.x is not None
        return replace(
            problem,
            first_step=problem.first_step + begun.step,
            n_steps=problem.n_steps - begun.step,
            save_every=1,
            x0=begun.x,
            keep=np.concatenate([problem.keep, self.watch.criterion.columns]),
            trials=problem.trials[self.members],
            detection=begun.detection,
            opened=begun.opened,
            carried=begun.carried,
            first_window=_FIRST_WINDOW,
            milestones=[Reached()],
            events=[],
            report={},
        )

    def _run(self, part: Problem) -> Iterator[np.ndarray]:
        """Until all have stopped, or as many that it is worth to go on without them."""
        steps_alike = self.method.steps == 1  # it can go on from one state
        position = self.begun.step
        with closing(_iterate(self.method, part)) as chunks:
            try:
                for chunk in chunks:
                    start, position = position, position + len(chunk)
                    yield self._taken(part, chunk[max(0, self.looked - start) :], position)
                    left = int(np.isnan(self.watch.time[self.members]).sum())
                    if not left or (self.method.goes_on and 2 * left <= self.members.size):
                        return
            except Diverged as failure:
                member = int(self.members[failure.trial])
                if np.isnan(self.watch.time[member]) or not steps_alike:
                    step = self.begun.step + failure.step
                    raise Diverged(step, failure.component, member) from None

    def _taken(self, part: Problem, chunk: np.ndarray, position: int) -> np.ndarray:
        """Look at the states (steps, members, kept and watched) up to a step; what is to be saved.

        Of a step that was looked at before, there is nothing new.
        """
        problem, start = self.problem, self.looked
        self.watch.look(chunk[..., problem.keep.size :], self.members, start, problem)
        self.looked = max(start, position)
        self._take_events(part, start)
        step = self.begun.step + part.reached.step
        if self.watch.some_stopped:  # then there is no state to go on from
            problem.report.clear()
            problem.reach(Reached(step))
        else:
            problem.report.update(part.report)
            problem.reach(replace(part.reached, step=step))
        return self._saves(chunk[..., : problem.keep.size], start)

    def _take_events(self, part: Problem, start: int) -> None:
        """Those of the steps that were looked at for the first time, in steps after `start`."""
        problem = self.problem
        rounding = _ROUNDING * problem.dt
        first, last = problem.times(start, start)[0], problem.times(self.looked, self.looked)[0]
        for trial, neuron, time in part.events:
            new = (time > first - rounding) & (time <= last + rounding)
            problem.events.append((self.members[trial[new]], neuron[new], time[new]))
        part.events.clear()

    def _saves(self, states: np.ndarray, start: int) -> np.ndarray:
        """Of the states after steps start + 1, ... those to save, (saves, trials, kept)."""
        every = self.problem.save_every
        rows = states[-(start + 1) % every :: every][: max(0, self._wanted - self.saved)]
        out = self._filled(len(rows))
        out[:, self.members] = rows
        self.saved += len(rows)
        return out

    def _filled(self, saves: int) -> np.ndarray:
        """Anything that is finite, (saves, trials, kept)."""
        initial = self.problem.x0[:, self.problem.keep]
        return np.broadcast_to(initial, (saves, *initial.shape)).copy()

    def _go_on_with_the_rest(self, reached: Reached) -> None:
        """Of the trials that are run keep those that have not stopped, from where they are."""
        if reached.x is None:  # not even a window was finished
            reached = replace(self.begun, step=0)
        left = np.isnan(self.watch.time[self.members])
        detection = reached.detection
        assert reached.x is not None
        self.begun = Reached(
            self.begun.step + reached.step,
            reached.x[left],
            detection
            and Detection(detection.rule, detection.armed[left], detection.last_spike[left]),
            None if reached.opened is None else reached.opened[left],
            reached.carried and {name: one[left] for name, one in reached.carried.items()},
        )
        self.members = self.members[left]


def _iterate(method: Method, problem: Problem) -> Generator[np.ndarray, None, None]:
    yield from method.run(problem)
