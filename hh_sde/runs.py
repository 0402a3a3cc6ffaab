"""A problem being solved, and what there is of its result: also where it is cut short."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import continuation, dataset, measures
from hh_sde.arguments.layout import Layout
from hh_sde.errors import DivergenceError, IntegrationError, Interrupted
from hh_sde.measures import SpikeRule
from hh_sde.methods import Diverged, Failed, Method, Problem, Reached
from hh_sde.methods.spikes import with_spikes
from hh_sde.progress import Progress
from hh_sde.provenance import arguments_attribute
from hh_sde.watching import Watch

#: What `reduce` makes of states (saves, trials, kept).
STATISTICS = {
    "mean": lambda states: states.mean(axis=1),
    "var": lambda states: states.var(axis=1, ddof=1),
}


class Run:
    """A problem being solved, and what there is of its result."""

    def __init__(
        self,
        problem: Problem,
        layout: Layout,
        kept: list[str],
        has_trials: bool,
        attrs: dict[str, Any],
        arguments: dict[str, Any],
        rule: SpikeRule | None,
        statistics: list[str],
        watch: Watch | None,
    ) -> None:
        self.problem = problem
        self.layout = layout
        self.numbers = problem.trials if has_trials else None
        self.attrs = attrs
        self.arguments = arguments
        self.rule = rule
        self.statistics = statistics
        self.watch = watch
        self.variables = [] if not kept else ["x"] if layout.by_component else kept
        self.members = kept if layout.by_component else list(layout.members)
        self.follow = layout.follow(kept)  # what is worked out from the states
        self.whole = set(layout.state) <= set(kept)  # the traces hold the state
        # one contiguous array (trials or statistics, times, members) for each variable
        rows = len(statistics) or len(problem.trials)
        dtype = "float64" if statistics else problem.dtype
        self.values = np.empty((len(self.variables), rows, 0, len(self.members)), dtype)
        self.saved = 0
        self.reached = Reached(0, problem.x0, problem.detection, problem.opened, problem.carried)
        self.t_end = float(attrs["t_end"])

    def complete(self, method: Method, skipped: int, progress: bool | None) -> xr.Dataset:
        """Run the method to its end, or as far as it goes."""
        if not method.compiled:
            method = replace(method, run=with_spikes(method.run))
        try:
            with Progress(self.problem.n_steps, progress, "solve") as bar:
                if skipped:
                    self._skip(method, skipped, bar)
                self._begin()
                self._keep(method, skipped, bar)
        except KeyboardInterrupt:
            self._stop()
            raise Interrupted(f"interrupted {self._stopped()}", self.dataset()) from None
        except Diverged as diverged:
            self._stop(diverged.step - 1)
            self.reached = Reached()  # there is nothing to go on from
            raise self._divergence(diverged) from None
        except Failed as failed:
            self._stop()
            message = f"{failed}; the run stopped {self._stopped()}"
            raise IntegrationError(message, self.dataset()) from failed
        except Exception as error:
            self._stop()
            error.add_note(f"the run stopped {self._stopped()}")
            error.dataset = self.dataset()  # type: ignore[attr-defined]
            raise
        return self.dataset()

    @property
    def traces(self) -> list[str]:
        """The names of what is kept over time."""
        statistics = [f"_{name}" for name in self.statistics] or [""]
        return [f"{name}{statistic}" for name in self.variables for statistic in statistics]

    def part(self, start: int, stop: int, reached: Reached) -> Run:
        """Its steps from `start` to `stop` as a run of their own, not begun.

        Parameters
        ----------
        start, stop : int
            Numbers of steps from the beginning of this run, which has not begun either.
        reached : Reached
            The state after `start` steps.
        """
        part, whole = copy(self), self.problem
        rest = _rest(whole, start, reached)
        part.problem = replace(
            rest,
            n_steps=stop - start,
            save_every=whole.save_every if self.variables else max(1, stop - start),
            milestones=[Reached()],
            events=[],
            report={},
        )
        part.reached = replace(reached, step=0)
        if stop < whole.n_steps:
            part.t_end = (whole.first_step + stop) * whole.dt
        return part

    def _skip(self, method: Method, steps: int, bar: Progress) -> None:
        """Run the transient, of which nothing is kept but the state after it."""
        whole = self.problem
        self.problem = replace(
            whole, n_steps=steps, save_every=steps, keep=whole.keep[:0], events=[], report={},
            milestones=[Reached()],
        )  # fmt: skip
        with closing(_iterate(method, self.problem)) as run:
            for _ in run:
                self._note_reached()
                bar.update(self.problem.reached.step)
        self.reached = replace(self.reached, step=0)
        self.problem = _rest(whole, steps, self.reached)

    def _begin(self) -> None:
        """Make room for the traces, and save the state that they begin with."""
        problem = self.problem
        n_saves = problem.n_steps // problem.save_every
        variables, rows, _, members = self.values.shape
        self.values = np.empty((variables, rows, n_saves + 1, members), self.values.dtype)
        self._store(problem.x0[:, problem.keep][None])

    def _keep(self, method: Method, skipped: int, bar: Progress) -> None:
        if self.watch:
            method = self.watch.watching(method)
        with closing(_iterate(method, self.problem)) as run:
            for chunk in run:
                self._store(chunk)
                if not self.variables or self.problem.reached.step % self.problem.save_every == 0:
                    self._note_reached()  # at a save, from which the traces can go on
                bar.update(skipped + self.problem.reached.step)
        if self._all_stopped():
            self.t_end = (self.problem.first_step + self.problem.reached.step) * self.problem.dt

    def _all_stopped(self) -> bool:
        return self.watch is not None and not self.watch.running.size

    def _note_reached(self) -> None:
        if self.problem.reached.step:
            self.reached = self.problem.reached

    def _stop(self, done: int = 0) -> None:
        """Note how far the run is that ends here, perhaps beyond what the method said."""
        every = self.problem.save_every
        if self.saved and not self._keeps_state():
            done = (self.saved - 1) * every
        elif not done:
            done = self.reached.step
            self.saved = min(self.saved, done // every + 1)
        self.t_end = (self.problem.first_step + done) * self.problem.dt

    def _in_traces(self) -> bool:
        """Whether the traces hold the last state."""
        return self.whole and self.saved > 0

    def _keeps_state(self) -> bool:
        """Whether the result holds a last state beside the traces."""
        half_done = self.reached.opened is not None or self.reached.carried is not None
        return not self.statistics and (half_done or self.rule is not None or not self._in_traces())

    def dataset(self) -> xr.Dataset:
        """What there is so far, labelled."""
        attrs = {**self.attrs, **self.problem.report, "t_end": self.t_end}
        # where all trials stopped, the end that was asked for leads there again
        wanted = self.attrs["t_end"] if self._all_stopped() else self.t_end
        attrs["arguments"] = arguments_attribute({"t_end": wanted, **self.arguments})
        attrs["t_start"] = min(attrs["t_start"], self.t_end)  # it may stop in the transient
        ds = self._traces(attrs) if self.variables else None
        if self.rule:
            ds = self.with_spikes(ds, *self._spikes(), attrs)
        assert ds is not None
        stopped = self.watch is not None and self.watch.some_stopped
        if self._keeps_state() and self.reached.x is not None and not stopped:
            axes: dict[str, Any] = {} if self.numbers is None else {"trial": self.numbers}
            axes |= {self.layout.dim: self.layout.members}
            state = continuation.state_of(
                axes,
                self.layout.labels,
                self.layout.state_layout,
                self.reached,
                self.t_end,
                in_traces=self._in_traces(),
            )
            ds = continuation.with_last_state(ds, state)
        return ds if self.watch is None else self.watch.labelled(ds, self.numbers)

    def _traces(self, attrs: dict[str, Any]) -> xr.Dataset:
        coords: dict[str, Any] = {}
        values = self.values[:, :, : self.saved]
        if self.watch:
            values[:, self.times(0, self.saved) > self.watch.time[:, None]] = np.nan
        quantities = self.layout.derived.quantities if self.layout.derived else {}
        labels = self.layout.labels | {name: one.labels for name, one in quantities.items()}
        if self.statistics:
            data = {
                f"{variable}_{statistic}": values[v, s]
                for v, variable in enumerate(self.variables)
                for s, statistic in enumerate(self.statistics)
            }
            labels = dataset.statistics_labels(labels)
        elif self.numbers is None:
            data = dict(zip(self.variables, values[:, 0], strict=True))
        else:
            data = dict(zip(self.variables, values, strict=True))
            coords["trial"] = self.numbers
        coords |= {"time": self.times(0, self.saved), self.layout.dim: self.members}
        return dataset.build(data, labels, coords, attrs)

    def events(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions of trials, neurons, and times of all spikes that were found, in any order."""
        recorded = self.problem.events if self.saved else []  # none of the transient
        found = [*recorded, (np.zeros(0, int), np.zeros(0, int), np.zeros(0))]
        trial, neuron, time = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return trial, neuron, time

    def _spikes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Those of the result."""
        trial, neuron, time = self.events()
        before = time <= self.t_end  # a thread may be ahead of one that failed
        if self.watch:
            before &= self.watch.until_stop(trial, time, self.problem.dt)
        return trial[before], neuron[before], time[before]

    def with_spikes(
        self,
        ds: xr.Dataset | None,
        trial: np.ndarray,
        neuron: np.ndarray,
        time: np.ndarray,
        attrs: dict[str, Any],
    ) -> xr.Dataset:
        """The result with these spikes, beside the traces `ds` where there are any."""
        assert self.rule is not None
        span = {name: attrs[name] for name in ("t_start", "t_end")}
        spikes = measures.trains.ragged(
            time,
            trial,
            neuron,
            trials=self.numbers,
            neurons=np.asarray(self.layout.members),
            attrs={**measures.detection.rule_attributes(self.rule), **span},
        )
        return dataset.label(spikes, attrs) if ds is None else measures.trains.beside(ds, spikes)

    def _store(self, chunk: np.ndarray) -> None:
        """Take in (saves, trials, kept)."""
        saves = len(chunk)
        if self.follow:
            assert self.layout.derived is not None
            times = self.times(self.saved, self.saved + saves)
            by_variable = self.layout.derived.recorded(self.variables, chunk, times)
        else:
            by_variable = self.layout.by_variable(self.variables, chunk)
        if self.statistics:
            statistics = [STATISTICS[name](by_variable) for name in self.statistics]
            by_variable = np.stack(statistics, axis=1)
        self.values[:, :, self.saved : self.saved + saves] = by_variable.transpose(2, 1, 0, 3)
        self.saved += saves

    def times(self, start: int, stop: int) -> np.ndarray:
        """Times of saves number start up to stop, ms."""
        problem = self.problem
        return (problem.first_step + problem.save_every * np.arange(start, stop)) * problem.dt

    def _stopped(self) -> str:
        return f"after {self.t_end:g} ms; what was computed is in this error's attribute 'dataset'"

    def _divergence(self, diverged: Diverged) -> DivergenceError:
        problem = self.problem
        time = (problem.first_step + diverged.step) * problem.dt
        trial = int(problem.trials[diverged.trial])
        variable, neuron = self.layout.place(diverged.component)
        where = variable if neuron is None else f"{variable} of neuron {neuron}"
        return DivergenceError(
            f"{where} (trial {trial}) became NaN or infinite at t = {time:g} ms with "
            f"dt = {problem.dt:g} ms. Try a smaller dt (explicit methods need dt below about "
            "0.07 ms for the classic cell), or look at what drives it there; what was computed "
            "before, the last values of which may be huge, is in this error's attribute 'dataset'",
            self.dataset(),
            time=time,
            trial=trial,
            neuron=neuron,
            variable=variable,
        )


def _rest(whole: Problem, steps: int, reached: Reached) -> Problem:
    """What is left of a problem after so many steps, from the state that they led to."""
    assert reached.x is not None
    return replace(
        whole,
        first_step=whole.first_step + steps,
        n_steps=whole.n_steps - steps,
        x0=reached.x,
        detection=reached.detection,
        opened=reached.opened,
        carried=reached.carried,
    )


def _iterate(method: Method, problem: Problem) -> Generator[np.ndarray, None, None]:
    yield from method.run(problem)
