"""measured_orders: measured and declared orders of every method on every problem that it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import memory
from hh_sde.arguments.recording import names_of
from hh_sde.arguments.scalars import positive_int
from hh_sde.brownian import BrownianPath
from hh_sde.choice import sde_for_method
from hh_sde.errors import IntegrationError, keyword_hints, unknown
from hh_sde.methods import Method, method_of, name_of
from hh_sde.network import Network
from hh_sde.problems import PROBLEMS, Problem, ReferencedProblem, SolvedProblem
from hh_sde.problems.referenced import SEED, TRIALS
from hh_sde.progress import watched
from hh_sde.records import see_choice, see_kind
from hh_sde.solver import solve
from hh_sde.studies.arguments import methods as checked_methods
from hh_sde.studies.common import Column, estimated, labelled
from hh_sde.studies.convergence import ABOVE_FLOOR
from hh_sde.studies.intervals import bootstrap
from hh_sde.studies.order_weak import FACTORS as WEAK_FACTORS
from hh_sde.studies.order_weak import weak_slope
from hh_sde.studies.orders import FEWEST_STEPS, NotMeasured
from hh_sde.studies.subject import Subject

#: Steps at which errors are taken, in those of the problem's finest grid.
FACTORS = (4, 8, 16, 32, 64)
#: And tolerances of methods with error control, on a grid of as long steps as divide the time.
TOLERANCES = tuple(10.0**-k for k in (3.0, 3.5, 4.0, 4.5, 5.0))
#: An order agrees with the declared one if its interval reaches up to this much below it: the
#: steps are those that people take, not the limit.
SLACK = 0.15
#: Errors below this, relative to the solution, are rounding and that of the reference.
ROUNDING = 1e-10
_NOT_MEASURED = "see the variable not_measured"
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
    """Measured orders of methods on problems with known solutions, with the declared orders.

    Parameters
    ----------
    methods : Method, or sequence of str or Method
    problems : sequence of names in `hh_sde.problems.PROBLEMS`, or mapping of name to problem
        Default: all. Where a method does not take a problem, or there is no way to solve it, the
        order is nan. For your own networks and SDEs use `strong_convergence` and
        `weak_convergence`.
    kind : {"strong", "without noise", "weak"}
        Order of the strong error (along the path); of the error without noise; or of the weak
        error, which needs thousands of trials to exceed the sampling error. The weak error is that
        of the mean of the problem's functional, or else of |x|^2; for networks, of the squared
        change of the first variable.
    trials : int
        For problems with a computed reference at most 40, the number of trials of the reference.
    confidence : float
        Of the confidence interval, over trials.

    Returns
    -------
    Dataset
        order, order_low, order_high, declared_order (scheme, problem), and agrees: 1 where
        order_high is at least the declared order minus 0.15. An order above the declared one is no
        disagreement, since the declared order holds for every equation with such noise.
        not_measured (scheme, problem) gives the reason for an order that is nan.

    Notes
    -----
    The slope of log error over log step is fitted by least squares through five steps, each half of
    the one before; with error control, through the mean steps at five tolerances, 10^-3 to 10^-5.
    Steps whose error is below 4 times that of the problem's reference are left out. The confidence
    interval is by the bootstrap over trials.

    Weak errors are taken at nine steps. The slope is fitted through the five smallest steps with an
    error above the sampling error, as far as slopes agree. Its confidence interval is that of the
    means over trials.

    Methods with a weak order only have no strong error. For an SDE with one or two Wiener processes
    and known moments their weak error is exact: a mean over all values that their increments can
    have in up to 8 steps. The slope is that of the three largest numbers of steps.

    Examples
    --------
    >>> ds = measured_orders(["sdeint.itoEuler"], ["cubic", "passive_membrane"])
    >>> ds.declared_order.values.tolist()
    [[0.5, 1.0]]
    >>> ds.agrees.values.tolist()
    [[1, 1]]
    """
    see_choice(kind, KINDS, "kind")
    size = 8.0 * positive_int(trials, "trials") * len(WEAK_FACTORS)
    memory.require(size, f"the errors of {trials} trials", "take fewer")
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
    measure = {"strong": _strong, "without noise": _without_noise, "weak": weak_slope}[kind]
    order = np.full((4, len(given), len(found)), np.nan)
    reasons = np.full(order.shape[1:], "", dtype=object)
    pairs = [(i, j) for i in range(len(given)) for j in range(len(found))]
    for i, j in watched(pairs):
        problem = list(found.values())[j]
        try:
            _see_taken(problem, given[i])
            order[:, i, j] = measure(problem, given[i], trials, confidence)
        except NotMeasured as reason:
            reasons[i, j] = str(reason)
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
    described = {"units": "1", "long_name": "why there is no order"}
    ds["not_measured"] = (dims, reasons.astype(str), described)
    return ds.assign_attrs(kind=kind, trials=trials)


def _see_taken(problem: Problem, method: str | Method) -> None:
    try:
        sde_for_method(problem.model, method_of(method), name_of(method), None)
    except ValueError as error:
        raise NotMeasured(str(error)) from None


def _strong(problem: Problem, method: str | Method, trials: int, confidence: float) -> Any:
    if not problem.pathwise:
        raise NotMeasured("the problem's solution along a path is not known")
    if method_of(method).weak:
        raise NotMeasured("the method has no error along the path: it approximates the law alone")
    if method_of(method).own_noise:
        raise NotMeasured("the method draws noise of its own, and so has no common path")
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
        except IntegrationError as error:
            raise NotMeasured(f"at a step of {coarse.dt:g}: {error}") from None
        squares[k] = ((subject.states(ds, variable)[:, -1] - exact) ** 2).mean(axis=-1)
        made = ds.attrs.get("steps_accepted", 0)
        steps[k] = trials * t_end / made if made else coarse.dt
    if steps[0] < 2 * steps[-1] and steps[-1] < 2 * steps[0]:
        raise NotMeasured("the mean steps at the least and the largest tolerance hardly differ")
    seen = squares.mean(axis=1) > (ABOVE_FLOOR * _reference_error(problem)) ** 2
    if seen.sum() < FEWEST_STEPS:
        raise NotMeasured(
            f"fewer than {FEWEST_STEPS} steps have an error above {ABOVE_FLOOR:g} times that of "
            "the reference, below which errors tell no order"
        )
    steps, squares = steps[seen], squares[seen]
    declared = method_of(method).strong_order[problem.sde.noise_type]
    return [*_slope(np.log(steps), squares, trials, confidence), declared]


def _reference_error(problem: Problem) -> float:
    """Root mean square, of the values that are compared."""
    if isinstance(problem, SolvedProblem):
        return 0.0
    error = problem.error[None]
    if isinstance(problem.model, Network):
        error = problem.model.layout.of(error, problem.variable or "V")
    return float(np.sqrt((error**2).mean()))


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
    except IntegrationError as error:
        raise NotMeasured(str(error)) from None
    if declared is None:
        raise NotMeasured("no order without noise is declared")
    seen = errors > ROUNDING * max(1.0, float(np.abs(exact).max()))
    if seen.sum() < FEWEST_STEPS:
        raise NotMeasured(f"fewer than {FEWEST_STEPS} errors are above rounding")
    slope = np.polyfit(np.log(np.array(steps)[seen]), np.log(errors[seen]), 1)[0]
    return [slope, slope, slope, declared]
