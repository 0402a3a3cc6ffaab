"""How a run is cut into segments: the same way however long it is, and wherever it was ended."""

from __future__ import annotations

from dataclasses import dataclass

from hh_sde.methods import Method
from hh_sde.runs import Run

#: Bytes of the traces of a segment, about.
BYTES = 2**23
#: Steps of a segment, all lanes together: some seconds of the engine, and of methods in Python.
STEPS = {"engine": 2**27, "python": 2**16}


@dataclass(frozen=True)
class Segments:
    """The segments of a run, those of its transient first.

    With traces a segment is `saves` saved states, the first of them the state that the traces
    begin with; so it ends `offset` steps before a whole number of lengths.

    Parameters
    ----------
    length : int
        Steps from the end of one to that of the next.
    offset : int
        Steps from save to save; 0 where there are no traces.
    skipped : int
        Steps of the transient, of which nothing is kept.
    total : int
        Steps of the whole run.

    Examples
    --------
    >>> cut = Segments(length=40, offset=10, skipped=50, total=130)
    >>> [step := 0, *(step := cut.stop(step) for _ in range(4))]
    [0, 40, 50, 80, 120]
    >>> cut.saves, cut.is_whole(120), cut.stop(120), cut.is_whole(130)
    (4, True, 130, False)
    """

    length: int
    offset: int
    skipped: int
    total: int

    @property
    def saves(self) -> int:
        """Saved states of a segment."""
        return self.length // self.offset if self.offset else 0

    def number(self, step: int) -> int:
        """How many whole segments there are after so many steps, the transient apart."""
        return max(0, step - self.skipped + self.offset) // self.length

    def stop(self, step: int) -> int:
        """Where the segment ends that begins after so many steps."""
        if step < self.skipped:
            return min(step + self.length, self.skipped)
        end = self.skipped + (self.number(step) + 1) * self.length - self.offset
        return min(end, self.total)

    def is_whole(self, step: int) -> bool:
        """Whether a segment ends after so many steps, however long the run is."""
        return step <= self.skipped or (step - self.skipped + self.offset) % self.length == 0


def length_of(run: Run, method: Method) -> tuple[int, int]:
    """The length and the offset of the segments of a run."""
    trials = len(run.problem.trials)
    lanes = trials if run.layout.by_component else trials * run.layout.width
    fast = method.compiled and not method.exact
    steps = max(1, STEPS["engine"] // lanes if fast else STEPS["python"] // trials)
    if not run.variables:
        return steps, 0
    every = run.problem.save_every
    variables, rows, _, members = run.values.shape
    room = BYTES // (variables * rows * members * run.values.itemsize)
    return every * max(2, min(room, steps // every)), every
