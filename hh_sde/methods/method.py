"""What a method is: the contract between `solve` and the integrators.

For whoever adds a method (an entry of METHODS and, where the scheme is new, one function):

1. `run(problem)` is a generator. It yields the saved states in order of time, in chunks, each an
   array (saves, trials, kept): of the states after every `save_every` steps, the components `keep`.
   A chunk may be empty: it still shows progress. The initial state is not yielded.
2. Chunks are small enough that a person waiting sees progress.
3. Wiener increments, or what stands for them in law, come from `problem.path` alone, by grid step;
   nothing else is random.
4. A method for one trajectory yields (saves, d) chunks and is wrapped by `each_trial`.
5. Before it yields a chunk it says by `problem.reach` how far the run is, with what is needed to
   go on from there (`problem.saves` does so for one trajectory). `problem.x0` stays as it is.
6. At the first state that is not finite it yields what was saved before and raises `Diverged`;
   where the integrator gives up, `Failed`. An exception out of f or G passes through as it is,
   after what was saved has been yielded.
7. Its orders, noise types and interpretation stand in METHODS and nowhere else.
8. Spikes are found in the states that it yields, unless it runs in the engine, which finds its own.

Where one step of all trials at once is all there is to say, `integrator` says the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

import numpy as np

from hh_sde.addresses import trial_words
from hh_sde.brownian import BrownianPath
from hh_sde.records import see_kind
from hh_sde.rows import Rows
from hh_sde.sde import SDE
from hh_sde.tables import Described, Description


@dataclass(frozen=True, eq=False)
class Detection:
    """The search for spikes at every step.

    Parameters
    ----------
    rule : tuple of float
        Threshold, re-arm level (infinite where every crossing counts) and lockout.
    armed : (trials, n_neurons) array of bool
        Whether the next crossing counts.
    last_spike : (trials, n_neurons) array
        ms; -inf: none yet.
    """

    rule: tuple[float, float, float]
    armed: np.ndarray
    last_spike: np.ndarray


@dataclass(frozen=True, eq=False)
class Reached:
    """How far a run is.

    Attributes
    ----------
    step : int
        Steps made.
    x : (trials, d) array or None
        The state after them; None before the first.
    detection : Detection or None
        How far the search for spikes is then.
    opened : (trials, d) array or None
        The state that a scheme goes on from which leaves its steps half done.
    carried : dict of name to (trials, ...) array, or None
        What is on its way between neurons: `methods.on_the_way`.
    """

    step: int = 0
    x: np.ndarray | None = None
    detection: Detection | None = None
    opened: np.ndarray | None = None
    carried: Mapping[str, np.ndarray] | None = None


@dataclass(frozen=True, eq=False)
class Problem:
    """One call of `solve`, checked.

    Parameters
    ----------
    sde : SDE
    dt : float
        Step of the grid t_k = k dt, ms.
    first_step, n_steps : int
        The run goes from t_{first_step} over n_steps steps.
    save_every : int
        Divides n_steps.
    x0 : (trials, d) array
    keep : (kept,) array of int
        Components of the state to return.
    path : BrownianPath or None
        None where the method takes no noise.
    trials : (trials,) array of int
        The trials' numbers, which address their noise.
    threads : int
    dtype : {"float64", "float32"}
        The precision of states in the engine.
    rtol, atol : float
        For methods with error control.
    detection : Detection, optional
        Compiled methods then put the spikes they find into `events`, as (positions of trials,
        neurons, times).
    opened : (trials, d) array, optional
        See `Reached`: where a run is continued that left its last step half done.
    carried : mapping of name to array, optional
        See `Reached`.
    seed : SeedSequence, optional
        Of what is drawn besides the path: spike trains.
    milestones : list of Reached
        How far the method last said that it is; see `reached`.
    report : dict
        What a method has to say of its run, for the attributes.
    rows : Rows, optional
        Where parameters differ: `trials` are then numbers of rows.
    first_window : int, optional
        Steps of the first window, where somebody looks at the states and may end the run; the next
        have twice as many, and so on.
    """

    sde: SDE
    dt: float
    first_step: int
    n_steps: int
    save_every: int
    x0: np.ndarray
    keep: np.ndarray
    path: BrownianPath | None
    trials: np.ndarray
    threads: int = 1
    dtype: str = "float64"
    rtol: float = 1e-8
    atol: float = 1e-8
    detection: Detection | None = None
    opened: np.ndarray | None = None
    carried: Mapping[str, np.ndarray] | None = None
    seed: np.random.SeedSequence | None = None
    milestones: list[Reached] = field(default_factory=lambda: [Reached()])
    events: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    report: dict[str, int] = field(default_factory=dict)
    rows: Rows | None = None
    first_window: int | None = None

    @property
    def reached(self) -> Reached:
        """How far the run is."""
        return self.milestones[0]

    def reach(self, reached: Reached) -> None:
        """Say how far the run is, at once: Ctrl-C may come at any time."""
        self.milestones[0] = reached

    def windows(self, largest: int) -> Iterator[tuple[int, int]]:
        """(start, stop) of consecutive windows of at most `largest` steps, from first_step on.

        Every save, or where saves are closer than that every so many, is the end of one: there the
        run can be interrupted and go on.
        """
        if self.first_window is not None:
            yield from self._growing_windows(self.first_window, largest)
            return
        span = max(self.save_every, largest - largest % self.save_every)
        for first in range(0, self.n_steps, span):
            end = min(first + span, self.n_steps)
            for start in range(first, end, largest):
                yield start, min(start + largest, end)

    def _growing_windows(self, size: int, largest: int) -> Iterator[tuple[int, int]]:
        start = 0
        while start < self.n_steps:
            stop = min(start + min(size, largest), self.n_steps)
            yield start, stop
            start, size = stop, 2 * size

    def saves(self, start: int, states: np.ndarray) -> np.ndarray:
        """Of the states after steps start + 1, start + 2, ... those that are to be saved.

        The last of them is how far the run is; if there is none, the last state.
        """
        n_steps = len(states)
        past = (start + n_steps) % self.save_every  # steps since a save
        last = n_steps - past if past < n_steps else n_steps
        if n_steps:
            self.reach(Reached(start + last, states[last - 1 : last].copy()))
        first = -(start + 1) % self.save_every
        return states[first :: self.save_every]

    def points(self, members: np.ndarray) -> np.ndarray | None:
        """Which point's numbers the trials at these positions have; None: all the same."""
        return None if self.rows is None else self.rows.point[self.trials[members]]

    def words(self, members: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The words of addresses of the trials at these positions, and keys of their own."""
        if self.rows is None:
            return trial_words(self.trials[members]), None
        return self.rows.words(self.trials[members])

    def times(self, start: int, stop: int) -> np.ndarray:
        """Grid times of steps start ... stop (inclusive), relative to first_step, ms."""
        return np.arange(self.first_step + start, self.first_step + stop + 1) * self.dt

    def of_trial(self, index: int) -> Problem:
        """The problem of one trial alone."""
        path = self.path and self.path.of_trial(int(self.trials[index]))
        one = slice(index, index + 1)
        return replace(
            self, x0=self.x0[one], trials=self.trials[one], path=path, milestones=[Reached()]
        )


Run = Callable[[Problem], Iterator[np.ndarray]]


def in_engine(run: Run) -> Run:
    """Mark a `run` of the compiled engine, which puts the spikes into `Problem.events`."""
    run.in_engine = True  # type: ignore[attr-defined]
    return run


#: Orders by noise type, as entries of METHODS share them.
EVERY_NOISE_1 = {"additive": 1.0, "diagonal": 1.0, "commutative": 1.0, "general": 1.0}
HALF_UNLESS_ADDITIVE = {"additive": 1.0, "diagonal": 0.5, "commutative": 0.5, "general": 0.5}
TWO_IF_ADDITIVE = {**EVERY_NOISE_1, "additive": 2.0}


@dataclass(frozen=True, repr=False)
class Method(Described):
    """An entry of METHODS.

    Parameters
    ----------
    run : callable
        See the contract at the head of this module.
    summary : str
        One line.
    interpretation : {"ito", "stratonovich", "ode", "chain"}
        "ode": takes no noise. "chain": takes ConductanceNoise alone, and instead of the diffusion
        simulates the Markov chain of whole channels that it approximates.
    strong_order : mapping of noise type to float
        The noise types it accepts, with its strong order for each, with error control in the mean
        step. None: it takes no noise, or has a weak order alone.
    deterministic_order : float or None
        Order without noise (of a chain: with ever more channels); None where the error is
        controlled by rtol and atol, or where there is none. With event-driven synapses, of which a
        spike acts at the end of its step, it is 1: `order_with_events`.
    weak_order : mapping of noise type to float
        Weak order for each of them, where it is known.
    keeps_gates : bool
        Whether gates stay in [0, 1] at any step, where they have no noise of their own.
    exact : bool
        Has no step: dt spaces the output.
    compiled : bool
        Runs in the engine: needs a Network's equations.
    own : callable or None
        The `run` for an SDE of one's own, of a method of the engine that takes those too.
    steps : int
        From how many states it makes the next. One that takes more than one begins with another
        scheme, so that a run of it cannot be continued.
    tolerances : tuple of str
        Which of rtol and atol it uses.
    tolerance : float
        What these are where they are not given.
    reference : str
        The paper, or the function of the library that is called.
    library : str
        The library that does the arithmetic, whose version results state.
    arrays : str
        In whose arrays it takes f and G; what a Network has in all of them.
    own_noise : bool
        Whether it draws noise of its own, along no path that others take.
    name, place : str
        Of a method that is no entry of METHODS: what results call it, and where it is defined, as
        "package.module:name".

    Raises
    ------
    ValueError
        If it says that it is compiled, and its `run` is none of the engine, which finds the spikes.
    """

    run: Run
    summary: str
    interpretation: str
    deterministic_order: float | None
    reference: str = ""
    strong_order: Mapping[str, float] = field(default_factory=dict)
    weak_order: Mapping[str, float] = field(default_factory=dict)
    keeps_gates: bool = False
    exact: bool = False
    compiled: bool = False
    own: Run | None = None
    steps: int = 1
    tolerances: tuple[str, ...] = ()
    tolerance: float = 1e-8
    library: str = "numpy"
    arrays: str = "numpy"
    own_noise: bool = False
    name: str = ""
    place: str = ""

    def __post_init__(self) -> None:
        if self.compiled and not getattr(self.run, "in_engine", False):
            raise ValueError(
                "compiled says that the engine runs a method and finds the spikes itself: then run "
                "is made by hh_sde.methods.compiled.engine. Leave it away for a run of your own, "
                "in whose states spikes are found at every step"
            )
        see_kind(self.strong_order, Mapping, "Method: strong_order")
        see_kind(self.weak_order, Mapping, "Method: weak_order")
        super().__post_init__()

    @property
    def noise_types(self) -> tuple[str, ...]:
        """The noise types it accepts."""
        return tuple(self.strong_order or self.weak_order)

    @property
    def available(self) -> bool:
        """Whether its library is installed."""
        return find_spec(self.library) is not None

    def has_functions(self, sde: SDE) -> bool:
        """Whether an equation has f and G in the arrays that it takes: all have those of numpy."""
        if self.arrays == "numpy" or self.arrays == sde.arrays:
            return True
        program = sde.program
        return program is not None and program.stands_for(sde.f, sde.G, sde.interpretation)

    @property
    def weak(self) -> bool:
        """Whether it approximates the law of the solution alone, and no path."""
        return bool(self.weak_order) and not self.strong_order

    def of(self, sde: SDE) -> Method:
        """The same as it runs for an equation: in the engine, or outside of it."""
        if self.own is None or sde.program is not None:
            return self
        return replace(self, run=self.own, own=None, compiled=False, library="numpy")

    @property
    def adaptive(self) -> bool:
        """Whether the step follows rtol and atol; dt is then the spacing of the output.

        Of a method that takes noise, dt is the longest step too.
        """
        return self.deterministic_order is None and not self.exact

    @property
    def goes_on(self) -> bool:
        """Whether a run that goes on from a state is the rest of the whole one, bit for bit.

        Error control by a scheme that takes noise begins anew at each point of the grid; noise of
        its own would begin anew with the run.
        """
        if self.own_noise or self.steps > 1:
            return False
        return not self.adaptive or bool(self.strong_order)

    @property
    def order_with_events(self) -> float | None:
        """Order without noise where there are event-driven synapses; None: takes none."""
        return 1.0 if self.compiled and not self.exact else None

    def description(self) -> Description:
        """Its equation, its orders, its tolerances, its reference."""
        strong, weak = in_words(self.strong_order), in_words(self.weak_order)
        plain = self.deterministic_order
        parts = [
            self.interpretation,
            f"strong order {strong}" if strong else "",
            f"weak order {weak}" if weak else "",
            f"order {plain:g} without noise" if plain else "",
            f"{self.order_with_events:g} with events" if self.order_with_events else "",
            f"tolerances {', '.join(self.tolerances)}" if self.tolerances else "",
        ]
        return Description(self.summary, "; ".join(filter(None, parts)), self.reference)


def in_words(orders: Mapping[str, float]) -> str:
    """Orders and the noise types that have them."""
    by_order: dict[float, list[str]] = {}
    for noise, order in orders.items():
        by_order.setdefault(order, []).append(noise)
    return ", ".join(f"{order:g} ({', '.join(noises)})" for order, noises in by_order.items())


class Diverged(Exception):
    """The state became NaN or infinite.

    Parameters
    ----------
    step : int
        Number of steps made, the last of which gave the state that is not finite.
    component : int
        The first component that is not finite.
    trial : int
        Position of the trial in the problem.
    """

    def __init__(self, step: int, component: int, trial: int = 0) -> None:
        super().__init__(f"component {component} of trial {trial} at step {step}")
        self.step = step
        self.component = component
        self.trial = trial


class Failed(Exception):
    """The integrator gave up; the message is its own."""


def finite_part(states: np.ndarray, start: int) -> tuple[np.ndarray, Diverged | None]:
    """The leading finite states (steps, d), made by steps start + 1 ..., and what follows them."""
    bad = ~np.isfinite(states)
    if not bad.any():
        return states, None
    row = int(bad.any(axis=1).argmax())
    return states[:row], Diverged(start + row + 1, int(bad[row].argmax()))


def each_trial(trajectory: Run) -> Run:
    """A `run` for all trials from the generator of one trajectory: window by window, all trials."""

    def run(problem: Problem) -> Iterator[np.ndarray]:
        alone = [problem.of_trial(i) for i in range(len(problem.trials))]
        runs = [trajectory(one) for one in alone]
        while True:
            chunks, failures = [], []
            for trial, one in enumerate(runs):
                try:
                    chunks.append(next(one))
                except StopIteration:
                    return
                except Diverged as failure:
                    failure.trial = trial
                    failures.append(failure)
            if failures:
                raise min(failures, key=lambda failure: failure.step)
            _reach_together(problem, [one.reached for one in alone])
            saves = min(len(chunk) for chunk in chunks)  # one that failed has fewer
            yield np.stack([chunk[:saves, problem.keep] for chunk in chunks], axis=1)

    return run


def _reach_together(problem: Problem, trials: list[Reached]) -> None:
    """Say how far all trials are, if they are equally far."""
    states = [one.x for one in trials if one.x is not None]
    if len({one.step for one in trials}) == 1 and states:
        problem.reach(Reached(trials[0].step, np.concatenate(states)))
