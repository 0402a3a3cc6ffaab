"""measured_orders: every method on every problem that it takes, declared beside measured order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.arguments.recording import names_of
from hh_sde.brownian import BrownianPath
from hh_sde.choice import sde_for_method
from hh_sde.errors import IntegrationError, keyword_hints, unknown
from hh_sde.methods import Method, method_of, name_of
from hh_sde.problems import PROBLEMS, Problem, ReferencedProblem, SolvedProblem
from hh_sde.problems.referenced import SEED, TRIALS
from hh_sde.progress import watched
from hh_sde.records import see_choice, see_kind
from hh_sde.solver import solve
from hh_sde.studies.arguments import methods as checked_methods
from hh_sde.studies.common import Column, estimated, labelled, reference_method
from hh_sde.studies.convergence import ABOVE_FLOOR
from hh_sde.studies.intervals import bootstrap, times_drawn
from hh_sde.studies.orders import FEWEST_STEPS
from hh_sde.studies.subject import Subject
from hh_sde.studies.weak import ABOVE_NOISE

#: Steps at which errors are taken, in those of the problem's finest grid.
FACTORS = (4, 8, 16, 32, 64)
#: And tolerances of methods with error control, on a grid of as long steps as divide the time.
TOLERANCES = tuple(10.0**-k for k in (3.0, 3.5, 4.0, 4.5, 5.0))
#: An order agrees with the declared one if its interval reaches up to this much below it: the
#: steps are those that people take, not the limit.
SLACK = 0.15
#: Errors below this, relative to the solution, are rounding and that of the reference.
ROUNDING = 1e-10
_NOT_MEASURED = (
    "the method does not take the problem, or its solution is not known, or the method diverges or "
    "gives up at these steps, or errors are rounding"
)
KINDS = ("strong", "without noise", "weak")


@keyword_hints
def measured_orders(
    methods: Method | Sequence[str | Method],
    problems: Mapping[str, Problem] | Sequence[str] | None = None,
    kind: str = "strong",
    *,
    trials: int = 100,
    confidence: float = 0.95,
) -> xr.Dataset:
    """The order of methods on problems with known solutions, beside the declared one.

    Parameters
    ----------
    methods : Method, or sequence of str or Method
    problems : sequence of names in `hh_sde.problems.PROBLEMS`, or mapping of name to problem
        Default: all. Methods of the engine take networks alone; where a method does not take a
        problem, or a way to solve it is not known, the order is nan.
    kind : {"strong", "without noise", "weak"}
        Of the error along the path; of the error without noise; of the mean of the first variable,
        for additive noise, which needs thousands of trials to be seen above the sampling noise.
    trials : int
        Of problems with a reference 40 at most: so many have one.
    confidence : float
        Of the interval, over trials.

    Returns
    -------
    Dataset
        order, order_low, order_high, declared_order (scheme, problem), and agrees: 1 where the
        interval reaches the declared order, less 0.15, or lies above it. A higher order than the
        declared one is no fault: the declared one holds for every equation with such noise.

    Notes
    -----
    The slope of log error over log step is that of least squares through five steps, halved each
    time, or with error control through the mean steps at five tolerances, 10^-3 to 10^-5; its
    interval is by the bootstrap over trials.

    Examples
    --------
    >>> ds = measured_orders(["sdeint.itoEuler"], ["cubic", "passive_membrane"])
    >>> ds.declared_order.values.tolist()
    [[0.5, 1.0]]
    >>> ds.agrees.values.tolist()
    [[1, 1]]
    """
    see_choice(kind, KINDS, "kind")
    given = checked_methods(methods, "methods")
    wanted = PROBLEMS if problems is None else problems
    if not isinstance(wanted, Mapping):
        names = names_of(wanted, "problems")
        for name in names:
            if name not in PROBLEMS:
                raise ValueError(unknown("problem", name, PROBLEMS))
        wanted = {name: PROBLEMS[name] for name in names}
    found = dict(wanted)
    for problem in found.values():
        see_kind(problem, (SolvedProblem, ReferencedProblem), "each of the problems")
    measure = {"strong": _strong, "without noise": _without_noise, "weak": _weak}[kind]
    order = np.full((4, len(given), len(found)), np.nan)
    pairs = [(i, j) for i in range(len(given)) for j in range(len(found))]
    for i, j in watched(pairs):
        problem = list(found.values())[j]
        if _takes(problem, given[i]):
            order[:, i, j] = measure(problem, given[i], trials, confidence)
    dims = ("scheme", "problem")
    slope = Column(dims, order[0], "1", f"slope of log error over log step, {kind}", _NOT_MEASURED)
    agrees = (order[2] >= order[3] - SLACK) & np.isfinite(order[3])
    ds = labelled(
        {
            **estimated("order", slope, order[1], order[2]),
            "declared_order": Column(dims, order[3], "1", "declared order", "none is declared"),
            "agrees": Column(dims, agrees.astype(np.int8), "1", "1: not below the declared order"),
        },
        {"scheme": [name_of(one) for one in given], "problem": list(found)},
    )
    return ds.assign_attrs(kind=kind, trials=trials)


def _takes(problem: Problem, method: str | Method) -> bool:
    try:
        sde_for_method(problem.model, method_of(method), name_of(method), None)
    except ValueError:
        return False
    return True


def _strong(problem: Problem, method: str | Method, trials: int, confidence: float) -> Any:
    if not problem.pathwise:
        return np.nan
    subject = Subject.of(problem, "measured_orders")
    t_end, variable, path = problem.t_end, problem.variable, problem.sde.path(SEED, problem.dt)
    trials = min(trials, TRIALS) if isinstance(problem, ReferencedProblem) else trials
    exact = subject.exact(path, t_end, trials, variable)
    assert exact is not None
    steps, squares = np.empty(len(FACTORS)), np.empty((len(FACTORS), trials))
    for k, (coarse, tolerances) in enumerate(_grids(problem, path, method)):
        try:
            ds = solve(
                problem.model, t_end, dt=coarse.dt, method=method, path=coarse, trials=trials,
                save_dt=t_end, record=subject.record(variable), progress=False, **tolerances,
            )  # fmt: skip
        except IntegrationError:
            return np.nan
        squares[k] = ((subject.states(ds, variable)[:, -1] - exact) ** 2).mean(axis=-1)
        made = ds.attrs.get("steps_accepted", 0)
        steps[k] = trials * t_end / made if made else coarse.dt
    if steps[0] < 2 * steps[-1] and steps[-1] < 2 * steps[0]:
        return np.nan
    declared = method_of(method).strong_order[problem.sde.noise_type]
    return [*_slope(np.log(steps), squares, trials, confidence), declared]


def _grids(
    problem: Problem, path: BrownianPath, method: str | Method
) -> list[tuple[BrownianPath, dict[str, Any]]]:
    """What a method is tried on: coarser grids of the path, or one grid at several tolerances."""
    if not method_of(method).adaptive:
        return [(path.coarsen(factor), {}) for factor in FACTORS]
    many = round(problem.t_end / problem.dt)
    longest = path.coarsen(many & -many)  # halved again and again it is the path
    return [(longest, {"rtol": one, "atol": one}) for one in TOLERANCES]


def _slope(
    log_dt: np.ndarray, squares: np.ndarray, trials: int, confidence: float
) -> tuple[float, float, float]:
    """Of the root mean squares of errors (steps, trials): a slope, and the ends of its interval."""

    def slopes(samples: np.ndarray) -> np.ndarray:
        errors = 0.5 * np.log(squares[:, samples].mean(axis=-1))
        x = log_dt - log_dt.mean()
        return x @ errors / (x @ x)

    low, high = bootstrap(slopes, trials, confidence)
    return float(slopes(np.arange(trials)[None])[0]), float(low), float(high)


def _without_noise(problem: Problem, method: str | Method, trials: int, confidence: float) -> Any:
    subject = Subject.of(problem, "measured_orders")
    t_end, steps = problem.t_end, [problem.dt * k for k in FACTORS]
    options: dict[str, Any] = {"noise": "ignore", "save_dt": t_end, "progress": False}

    def last(method: str | Method, dt: float, **tolerances: Any) -> np.ndarray:
        ds = solve(problem.model, t_end, dt=dt, method=method, **options, **tolerances)
        return subject.states(ds, problem.variable)[-1]

    exact = last("scipy.DOP853", t_end, rtol=1e-12, atol=1e-12)
    declared = method_of(method).deterministic_order
    try:
        errors = np.array([np.abs(last(method, dt) - exact).max() for dt in steps])
    except IntegrationError:
        return np.nan
    seen = errors > ROUNDING * max(1.0, float(np.abs(exact).max()))
    if seen.sum() < 3 or declared is None:
        return np.nan
    slope = np.polyfit(np.log(np.array(steps)[seen]), np.log(errors[seen]), 1)[0]
    return [slope, slope, slope, declared]


def _weak(problem: Problem, method: str | Method, trials: int, confidence: float) -> Any:
    declared = method_of(method).weak_order
    if problem.sde.noise_type != "additive" or declared is None:
        return np.nan
    subject = Subject.of(problem, "measured_orders")
    path, t_end = problem.sde.path(SEED, problem.dt), problem.t_end

    def last(method: str | Method, factor: int) -> np.ndarray:
        coarse = path.coarsen(factor)
        ds = solve(
            problem.model, t_end, dt=coarse.dt, method=method, path=coarse, trials=trials,
            save_dt=t_end, record=subject.record(problem.variable), progress=False,
        )  # fmt: skip
        return subject.states(ds, problem.variable)[:, -1, 0]

    best = reference_method(problem.sde)
    reference = last(best, 1)
    own = abs(float((last(best, 2) - reference).mean()))
    try:
        errors = np.array([last(method, factor) - reference for factor in FACTORS])
    except IntegrationError:
        return np.nan
    # the noise is that of the reference, so that much of the sampling error drops out
    noise = errors.std(axis=1) / np.sqrt(trials)
    seen = np.abs(errors.mean(axis=1)) > np.maximum(ABOVE_NOISE * noise, ABOVE_FLOOR * own)
    if seen.sum() < FEWEST_STEPS:
        return np.nan
    means = partial(_mean_slope, np.log(np.array(FACTORS)[seen]), errors[seen])
    low, high = bootstrap(means, trials, confidence)
    return [float(means(np.arange(trials)[None])[0]), float(low), float(high), declared]


def _mean_slope(log_dt: np.ndarray, errors: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Slopes of the log of mean errors (steps, trials), for trial numbers (samples, trials)."""
    means = times_drawn(samples, errors.shape[1]) @ errors.T / errors.shape[1]
    x = log_dt - log_dt.mean()
    return np.log(np.abs(means)) @ x / (x @ x)
