"""A method of one's own: a Method out of one step of all trials."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from hh_sde.methods.batches import over_trials
from hh_sde.methods.method import Diverged, Method, Problem, Reached, Run
from hh_sde.records import see_choice, shown, single
from hh_sde.sde import INTERPRETATIONS, NOISE_TYPES, Function

#: step(f, G, x, t, h, dW, extra) -> x.
Step = Callable[
    [Function, Function, np.ndarray, float, float, np.ndarray, np.ndarray | None], np.ndarray
]
#: What a step may need of the noise besides dW.
NEEDS = ("", "halves", "time integrals", "areas", "weak")
#: Numbers in a window's arrays of noise and of states, 8 bytes each, and its steps, at most.
_IN_WINDOW, _LONGEST_WINDOW = 2**20, 2**10
_ARGUMENTS = ("f", "G", "x", "t", "h", "dW", "extra")


def integrator(
    *,
    strong_order: Mapping[str, float] | None = None,
    interpretation: str = "ito",
    deterministic_order: float = 1.0,
    weak_order: Mapping[str, float] | float | None = None,
    needs: str = "",
    reference: str = "",
) -> Callable[[Step], Method]:
    """Make a method of a function that makes one step.

    The function is ``step(f, G, x, t, h, dW, extra)`` and gives the states one step later. It takes
    all trials at once:

    ===========  ==================  ==============================================================
    x            (d, trials)         the states at time t, ms, which it may overwrite
    h                                the step, ms
    f(x, t)      (d, trials)         the drift of states (d, trials)
    G(x, t)      (d, m, trials)      the diffusion
    dW           (m, trials)         the Wiener increments, ms^0.5
    extra        depends on `needs`  None, or what the table below says
    ===========  ==================  ==============================================================

    f and G take such batches whatever model is solved: those of a Network run compiled, and those
    of an SDE of your own are called for one state after another where they take no batches (see
    `SDE`). G dW is ``np.einsum("dmk,mk->dk", G(x, t), dW)``.

    Parameters
    ----------
    strong_order : mapping of noise type to float, optional
        The noise types that it takes ("additive", "diagonal", "commutative", "general"), with its
        strong order for each. Models with other noise are refused. Additive and diagonal noise are
        commutative too, and all are general: those that are not named have that order. To be left
        out with ``needs="weak"`` alone: then `weak_order` says which noise it takes.
    interpretation : {"ito", "stratonovich"}
        The calculus in which f and G are given to it.
    deterministic_order : float
        Order without noise.
    weak_order : mapping of noise type to float, or float, optional
        Its weak order, in the same way; a number is that for additive noise.
    needs : {"", "halves", "time integrals", "areas", "weak"}
        What `extra` is: None; the increments of the first half of the step (m, trials), ms^0.5;
        I_(1,0), the integral of W - W(t) over the step (m, trials), ms^1.5; or Ito's iterated
        integrals I_ij, those of dW_i dW_j (m, m, trials), ms. With "weak" the increments are no
        Brownian path's: dW is sqrt(3 h) times -1, 0 or 1 with the probabilities 1/6, 2/3, 1/6,
        and `extra` sqrt(h) times -1 or 1 (m, trials), independent of dW.
    reference : str
        The paper.

    Returns
    -------
    decorator
        It makes a `hh_sde.Method`, called as the function is, whose summary is the first line of
        the function's docstring. `solve`, studies and `hh_sde.rerun` take it as ``method=``, and
        the command line as ``--method module:name``.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these, or the function takes others.

    Examples
    --------
    >>> import numpy as np
    >>> import hh_sde as hh
    >>> @hh.integrator(strong_order={"additive": 1.0, "diagonal": 0.5})
    ... def my_euler(f, G, x, t, h, dW, extra):
    ...     '''Euler-Maruyama.'''
    ...     return x + f(x, t) * h + np.einsum("dmk,mk->dk", G(x, t), dW)
    >>> net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(1.0))
    >>> ds = hh.solve(net, 20.0, method=my_euler, rng=1, trials=3)
    >>> ours, theirs = ds.V, hh.solve(net, 20.0, method="euler_maruyama", rng=1, trials=3).V
    >>> ds.attrs["method"], bool(abs(ours - theirs).max() < 1e-6)
    ('my_euler', True)
    """
    see_choice(interpretation, INTERPRETATIONS, "interpretation")
    see_choice(needs, NEEDS, "needs")
    if needs == "weak":
        if strong_order is not None:
            raise ValueError(
                "a method that needs weak increments has no strong order, since they belong to no "
                "Brownian path; give weak_order alone"
            )
        strong, weak = {}, _orders(weak_order, "weak_order")
    else:
        strong = _orders(strong_order, "strong_order")
        weak = _weak_orders(weak_order)
    plain = single(deterministic_order, "deterministic_order", positive=True)

    def decorator(step: Step) -> Method:
        _see_step(step)
        text = inspect.getdoc(step) or ""
        return Method(
            run=stepping(lambda problem: step, needs),
            name=step.__name__,
            place=f"{step.__module__}:{step.__qualname__}",
            summary=text.partition("\n")[0].rstrip("."),
            interpretation=interpretation,
            strong_order=strong,
            deterministic_order=plain,
            weak_order=weak,
            reference=reference,
        )

    return decorator


def _weak_orders(given: Mapping[str, float] | float | None) -> dict[str, float]:
    if given is None or isinstance(given, Mapping):
        return _orders(given, "weak_order") if given else {}
    return {"additive": single(given, "weak_order", positive=True)}


def _orders(given: Any, name: str) -> dict[str, float]:
    """An order for each noise type, those that are special cases of others among them."""
    if not isinstance(given, Mapping) or not given:
        raise TypeError(
            f'{name} says which noise it takes, as {{"additive": 1.0, "diagonal": 0.5}}; got '
            f"{shown(given)}"
        )
    for noise_type in given:
        see_choice(noise_type, NOISE_TYPES, f"{name}: noise type")
    orders = {
        key: single(order, f"{name} of {key} noise", positive=True) for key, order in given.items()
    }
    wider = orders.get("commutative", orders.get("general"))
    if wider is not None:
        orders = {"additive": wider, "diagonal": wider, **orders}
    if "general" in orders:
        orders = {"commutative": orders["general"], **orders}
    return {key: orders[key] for key in NOISE_TYPES if key in orders}


def _see_step(step: Step) -> None:
    if not callable(step) or not hasattr(step, "__name__"):
        raise TypeError(f"integrator(...) decorates a function, got {shown(step)}")
    taken = inspect.signature(step)
    try:
        taken.bind(*_ARGUMENTS)
    except TypeError:
        raise TypeError(
            f"{step.__name__} must take step({', '.join(_ARGUMENTS)}); it takes {taken}"
        ) from None


def derivative_along(G: Function, x: np.ndarray, t: float, v: np.ndarray) -> np.ndarray:
    """The derivative (dG) v of G along v, for steps that need more of it than a correction.

    Column k along column l of G is what multiplies I_lk in Milstein's scheme.

    Parameters
    ----------
    G : callable
        As a step of `integrator` gets it.
    x, v : (d, trials) array
    t : float
        ms.

    Returns
    -------
    (d, m, trials) array
        By central differences, to about 1e-9 of G.

    Raises
    ------
    ValueError
        If x and v are no arrays of one shape.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0]])
    >>> derivative_along(lambda x, t: x[:, None] ** 2, x, 0.0, np.ones((1, 2))).round(6)
    array([[[2., 4.]]])
    """
    if np.ndim(x) == 0 or np.shape(x) != np.shape(v):
        raise ValueError(
            f"x and v must be arrays of one shape, (d, trials); got {np.shape(x)} and {np.shape(v)}"
        )
    fastest = (np.abs(v) / (1.0 + np.abs(x))).max(axis=0)  # in each trial
    h = np.cbrt(np.finfo(float).eps) / np.where(fastest > 0.0, fastest, 1.0)
    return (G(x + h * v, t) - G(x - h * v, t)) / (2.0 * h)


def stepping(step_of: Callable[[Problem], Step], needs: str = "") -> Run:
    """The `run` of a method of steps of all trials at once, by the step that a problem has."""

    def run(problem: Problem) -> Iterator[np.ndarray]:
        trajectories = _Trajectories(problem, step_of(problem), needs)
        for start, stop in problem.windows(trajectories.largest):
            states, error = trajectories.advance(start, stop)
            if trajectories.gates.size:
                problem.report["gate_excursions"] = trajectories.excursions
            yield states
            if error is not None:
                raise error

    return run


class _Trajectories:
    """All trials of a problem, moved by one step after the other."""

    def __init__(self, problem: Problem, step: Step, needs: str) -> None:
        self.problem = problem
        self.step = step
        self.needs = needs
        d, trials = problem.sde.d, len(problem.trials)
        # numpy adds up in another order where there is one column alone: never less than two
        self.columns = np.minimum(np.arange(max(trials, 2)), trials - 1)
        self.trials = trials
        self.x = np.ascontiguousarray(problem.x0.T[:, self.columns], dtype=float)
        self.f, self.G = over_trials(problem.sde, trials)
        m, fine = problem.sde.m, 1 if problem.path is None else problem.path.fine_steps
        numbers = (m * m if needs == "areas" else 2 * m) * fine + len(problem.keep)
        self.largest = max(1, min(_LONGEST_WINDOW, _IN_WINDOW // max(1, numbers * trials)))
        self.shape = (d, len(self.columns))
        program = problem.sde.program
        self.gates = np.zeros(0, np.int64) if program is None else program.gates
        self.excursions = 0  # states of gates seen outside [0, 1]

    def advance(self, start: int, stop: int) -> tuple[np.ndarray, BaseException | None]:
        """Make steps start + 1 ... stop; what is to be saved, and what ended them early."""
        problem = self.problem
        every, saved = problem.save_every, []
        error: BaseException | None = None
        times = problem.times(start, stop)
        made = start
        try:
            dW, extra = self._noise(start, stop)
            for k, t in enumerate(times[:-1].tolist()):
                x = self._stepped(t, dW[k], None if extra is None else extra[k])
                bad = ~np.isfinite(x)
                if bad.any():
                    trial, component = np.argwhere(bad.T)[0]
                    trial = min(int(trial), self.trials - 1)
                    error = Diverged(made + 1, int(component), trial)
                    break
                self.x, made = x, made + 1
                gates = x[self.gates, : self.trials]
                self.excursions += int(np.count_nonzero((gates < 0.0) | (gates > 1.0)))
                if made % every == 0:
                    saved.append(x[problem.keep, : self.trials].T)
        except (Exception, KeyboardInterrupt) as caught:
            error = caught
        if made > start:
            problem.reach(Reached(made, self.x[:, : self.trials].T.copy()))
        return np.array(saved).reshape(len(saved), self.trials, len(problem.keep)), error

    def _stepped(self, t: float, dW: np.ndarray, extra: np.ndarray | None) -> np.ndarray:
        with np.errstate(all="ignore"):  # a state that is not finite is reported
            x = self.step(self.f, self.G, self.x.copy(), t, self.problem.dt, dW, extra)
        if x is None:
            raise ValueError("a step must return the states of all trials, and returned None")
        x = np.asarray(x, dtype=float)
        if x.shape != self.shape:
            raise ValueError(
                f"a step must give the states of all trials, of shape {self.shape} as it got them; "
                f"it gave {x.shape}"
            )
        return x

    def _noise(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray | None]:
        """dW (steps, m, columns), and what the step needs besides."""
        problem, path = self.problem, self.problem.path
        steps, m, columns = stop - start, problem.sde.m, len(self.columns)
        if path is None:
            none = np.zeros((steps, 0, columns))
            shapes = {"": None, "areas": np.zeros((steps, 0, 0, columns))}
            return none, shapes.get(self.needs, none)
        window = (problem.first_step + start, problem.first_step + stop)
        numbers = problem.trials[self.columns]

        def by_step(values: np.ndarray) -> np.ndarray:
            return values.reshape(steps, m, columns)

        if self.needs == "halves":
            both = path.halves(*window, numbers)
            return by_step(both[:, 0]), by_step(both[:, 1])
        if self.needs == "weak":
            both = path.weak_increments(*window, numbers)
            return by_step(both[:, 0]), by_step(both[:, 1])
        if self.needs == "time integrals":
            dW, integrals = path.with_time_integrals(*window, numbers)
            return by_step(dW), by_step(integrals)
        dW = by_step(path.lanes(*window, numbers))
        if self.needs == "":
            return dW, None
        areas = problem.sde.noise_type == "general"  # where columns commute they drop out
        of_trials = [path.of_trial(i).integrals(*window, areas=areas) for i in problem.trials]
        return dW, np.stack(of_trials, axis=-1)[..., self.columns]
