"""A run that is written out: segment by segment, from where its store is."""

from __future__ import annotations

import os
from collections.abc import Mapping

import xarray as xr

from hh_sde.errors import IntegrationError, Interrupted, StoreError, optional
from hh_sde.files.chunks import FULL
from hh_sde.methods import Method
from hh_sde.progress import Progress
from hh_sde.records import shown
from hh_sde.runs import Run
from hh_sde.streams.plan import plan_of, segments_of
from hh_sde.streams.position import Position
from hh_sde.streams.result import GROUP, Result
from hh_sde.streams.store import Store


def streamed(
    path: str | os.PathLike[str], run: Run, method: Method, skipped: int, progress: bool | None
) -> xr.Dataset:
    """The result of a run in a store, of which the rest is computed.

    Parameters
    ----------
    path : path
        A folder, which is made, or that of a store of the same run.
    run : Run
        It has not begun.
    method : Method
    skipped : int
        Steps of the transient.
    progress : bool, optional

    Raises
    ------
    TypeError, ValueError
        If the run cannot be cut into segments, or the store is that of another run, or goes on for
        longer.
    StoreError
        If another process writes to the store, or the disk is full. What is done is kept.
    IntegrationError, Interrupted, ...
        As of `Run.complete`, with what is in the store.
    """
    _see_cut(path, run, method)
    optional("zarr", "sweep")
    plan = plan_of(run, method)
    found = Store.found(path, plan)
    if found is not None and found.t_end == run.t_end:
        return found.dataset()
    try:
        with Store.writing(path, plan) as store:
            return _Stream(store, run, method, skipped).go_on(progress)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise StoreError(
            f"the disk is full ({error}); {os.fspath(path)} keeps what is done, and the same call "
            "goes on from there"
        ) from error


def _see_cut(path: object, run: Run, method: Method) -> None:
    """See that a run can be cut into segments that make the same as the whole."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"store must be the path of a folder, got {shown(path)}")
    if not method.goes_on:
        why = "chooses its steps by those before" if method.adaptive else "takes several states"
        why = "draws noise of its own from the start of a run on" if method.own_noise else why
        raise ValueError(
            f"{run.attrs['method']} {why}, so that a run goes on from no state bit for bit: no "
            "store takes it; leave store out, or choose a method of fixed steps"
        )
    if GROUP in run.traces:
        raise ValueError(f"a store has a group of its own called {GROUP}, as a variable is called")
    if run.watch is not None:
        raise ValueError(
            "a run with stop goes on from no state, since its trials end at different times: no "
            "store takes it; leave store or stop out"
        )


class _Stream:
    """A run on its way into its store.

    Parameters
    ----------
    store : Store
    run : Run
    method : Method
    skipped : int
    """

    def __init__(self, store: Store, run: Run, method: Method, skipped: int) -> None:
        self.store, self.run, self.method = store, run, method
        self.segments = segments_of(store.plan, skipped, run.problem.n_steps)
        self.position = store.position(run.problem)
        self._see_end()

    def _see_end(self) -> None:
        """See that the store does not go on for longer."""
        problem = self.run.problem
        done = (problem.first_step + self.position.step) * problem.dt
        if self.position.step > problem.n_steps or self.store.t_end > self.run.t_end:
            raise ValueError(
                f"{self.store.path} has this run up to {max(done, self.store.t_end):g} ms, and "
                f"t_end is {self.run.t_end:g}: give that, or a later one, and take the part that "
                "is wanted, ds.sel(time=slice(...))"
            )

    def go_on(self, progress: bool | None) -> xr.Dataset:
        """Run to the end, or as far as it goes."""
        number = self.segments.number(self.position.step)
        self.store.go_on(self.run.traces, number)
        last = self._part(self.position.step)
        try:
            with Progress(self.segments.total, progress, "solve") as bar:
                while True:
                    bar.update(self.position.step)
                    stop = self.segments.stop(self.position.step)
                    last = self._part(stop)
                    self._complete(last)
                    if stop == self.position.step or not self.segments.is_whole(stop):
                        break
                    self._keep(last, stop)
            return self._finished(last)
        except Interrupted as error:
            message = f"{error}, opened from {self.store.path}; the same call goes on with it"
            raise Interrupted(message, self._finished(last)) from None
        except KeyboardInterrupt:  # while it was written
            last = self._part(self.position.step)
            self._complete(last)
            message = (
                f"interrupted after {last.t_end:g} ms; what was computed is in this error's "
                f"attribute 'dataset', opened from {self.store.path}; the same call goes on with it"
            )
            raise Interrupted(message, self._finished(last)) from None
        except IntegrationError as error:
            error.args = (f"{error}, opened from {self.store.path}",)
            error.dataset = self._finished(last)
            raise
        except Exception as error:
            if hasattr(error, "dataset"):  # it came out of f or G
                error.add_note(f"it is opened from {self.store.path}")
                error.dataset = self._finished(last)
            raise

    def _part(self, stop: int) -> Run:
        return self.run.part(self.position.step, stop, self.position.reached)

    def _complete(self, part: Run) -> None:
        """Run a segment; of a transient nothing is kept."""
        transient = self.position.step < self.segments.skipped
        part.complete(self.method, part.problem.n_steps if transient else 0, False)

    def _keep(self, part: Run, stop: int) -> None:
        """Write a whole segment, and go on from its end."""
        if self.position.step >= self.segments.skipped:
            self._write(part)
        position = Position(stop, part.reached, self._report(part))
        self.store.mark(position)
        self.position = position

    def _write(self, part: Run) -> int:
        number = self.segments.number(self.position.step)
        return self.store.write(part, part.dataset(), number, self.segments.saves)

    def _report(self, part: Run) -> Mapping[str, int]:
        before = self.position.report
        own = {name: before.get(name, 0) + n for name, n in part.problem.report.items()}
        return {**before, **own}

    def _finished(self, last: Run) -> xr.Dataset:
        """The result, with what there is of a last segment."""
        number = self.segments.number(self.position.step)
        n_saves = self._write(last)
        report = self._report(last)
        self.store.finish(Result(last, number, self.segments.saves, n_saves, report))
        return self.store.dataset()
