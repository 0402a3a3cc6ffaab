"""Weak orders of methods on problems: of means over trials, and of means without sampling."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np

from hh_sde.errors import IntegrationError
from hh_sde.methods import Method, method_of
from hh_sde.network import Network
from hh_sde.problems import PROBLEMS, Problem, ReferencedProblem, SolvedProblem
from hh_sde.problems.referenced import SEED
from hh_sde.solver import solve
from hh_sde.studies.common import reference_method
from hh_sde.studies.convergence import ABOVE_FLOOR
from hh_sde.studies.every_path import MOST, EveryPath
from hh_sde.studies.intervals import students_t
from hh_sde.studies.orders import (
    FEWEST_STEPS,
    NOISY_SLOPE_SPREAD,
    NotMeasured,
    asymptotic_range,
)
from hh_sde.studies.subject import Subject
from hh_sde.studies.weak import ABOVE_NOISE

#: Steps at which errors are taken, in those of the problem's finest grid; of those that are above
#: the sampling noise so many are fitted.
FACTORS, FITTED = (4, 8, 16, 32, 64, 128, 256, 512, 1024), 5
#: Steps to the end in which means of weak schemes are taken without sampling.
STEPS = (1, 2, 3, 4, 6, 8)


def weak_slope(problem: Problem, method: str | Method, trials: int, confidence: float) -> Any:
    """Order, the ends of its confidence interval, and the declared order."""
    declared = method_of(method).weak_order.get(problem.sde.noise_type)
    if declared is None:
        raise NotMeasured(f"no weak order is declared for {problem.sde.noise_type} noise")
    if method_of(method).weak and isinstance(problem, SolvedProblem):
        return [*_exact_slope(problem, method), declared]
    found = _reference(problem, trials)
    if found is None:
        raise NotMeasured("the mean of the problem's functional is not known")
    reference, own = found
    errors = np.full((len(FACTORS), trials), np.nan)
    floor = np.full(len(FACTORS), np.inf)
    for k, factor in reversed(list(enumerate(FACTORS))):
        with suppress(IntegrationError):
            errors[k] = _at_end(problem, method, factor, trials) - reference
            floor[k] = max(ABOVE_NOISE * errors[k].std() / np.sqrt(trials), ABOVE_FLOOR * own)
            lost = np.abs(errors[k:].mean(axis=1)) <= floor[k:]
            if lost.size > 1 and lost[:2].all():
                break  # those at smaller steps are lost too
    means, steps = errors.mean(axis=1), np.array(FACTORS)
    kept = asymptotic_range(steps, np.abs(means), floor, NOISY_SLOPE_SPREAD)
    if kept.sum() < FEWEST_STEPS:
        raise NotMeasured(
            f"errors at fewer than {FEWEST_STEPS} steps are above the sampling noise of "
            f"{trials} trials, not diverged, and with slopes that agree; more trials show more"
        )
    kept &= np.cumsum(kept) <= FITTED  # the smallest of them
    return [*mean_slope(np.log(steps[kept]), errors[kept], confidence), declared]


def _exact_slope(problem: SolvedProblem, method: str | Method) -> tuple[float, float, float]:
    """That of a weak scheme, whose increments have few values: of means over all of them."""
    t_end = STEPS[-1] * 32 * problem.dt
    errors = []
    for steps in STEPS:
        many = EveryPath.values_of(problem.sde.m) ** steps
        if problem.moments is None or many > MOST:
            break
        path = EveryPath(m=problem.sde.m, dt=t_end / steps)
        ds = solve(
            problem.sde, t_end, dt=path.dt, method=method, path=path, trials=many, save_dt=t_end,
            progress=False,
        )  # fmt: skip
        found = path.weights(steps) @ _functional(problem, ds.x.values[:, -1])
        errors.append(abs(found - _mean(problem, t_end)))
    if len(errors) < FEWEST_STEPS:
        raise NotMeasured(
            "exact weak errors need known moments and few Wiener processes: all values of the "
            f"increments of {FEWEST_STEPS} numbers of steps are gone through"
        )
    last = np.array(STEPS[: len(errors)])[-FEWEST_STEPS:]
    slope = -np.polyfit(np.log(last), np.log(errors[-FEWEST_STEPS:]), 1)[0]
    return slope, slope, slope


def _mean(problem: SolvedProblem, t: float) -> float:
    """That of the functional at a time."""
    if problem.expectation is not None:
        return problem.expectation(t)
    assert problem.moments is not None
    mean, covariance = problem.moments(t)
    return float(np.trace(covariance) + mean @ mean)


@lru_cache(maxsize=len(PROBLEMS))
def _reference(problem: Problem, trials: int) -> tuple[np.ndarray | float, float] | None:
    """What the functional should be in each trial, or in the mean, and how far it may be off."""
    if isinstance(problem, SolvedProblem) and problem.solution is not None:
        # along the same path, so that much of the sampling error drops out
        subject = Subject.of(problem, "measured_orders")
        path = problem.sde.path(SEED, problem.dt)
        exact = subject.exact(path, problem.t_end, trials, problem.variable)
        assert exact is not None
        return _functional(problem, exact), 0.0
    if isinstance(problem, SolvedProblem):
        return _mean(problem, problem.t_end), 0.0
    if not isinstance(problem.model, Network):
        return None
    # iterated integrals of thousands of trials take too long, and the law is all that is wanted
    additive = problem.sde.noise_type == "additive"
    best = reference_method(problem.sde) if additive else "dri1"
    finest = _at_end(problem, best, 1, trials)
    return finest, abs(float((_at_end(problem, best, 2, trials) - finest).mean()))


def _at_end(problem: Problem, method: str | Method, factor: int, trials: int) -> np.ndarray:
    """The functional in each trial at so many times the finest step."""
    subject = Subject.of(problem, "measured_orders")
    path = problem.sde.path(SEED, problem.dt).coarsen(factor)
    ds = solve(
        problem.model, problem.t_end, dt=path.dt, method=method, trials=trials,
        path=path.in_law() if method_of(method).weak else path, save_dt=problem.t_end,
        record=subject.record(problem.variable), progress=False,
    )  # fmt: skip
    return _functional(problem, subject.states(ds, problem.variable)[:, -1])


def _functional(problem: Problem, states: np.ndarray) -> np.ndarray:
    """That whose mean is looked at, of states (trials, values)."""
    if isinstance(problem, ReferencedProblem):
        net = problem.model
        start = net.layout.of(problem.sde.x0[None], problem.variable or "V")  # type: ignore
        return (states[:, 0] - start[0, 0]) ** 2
    if problem.functional is not None:
        return problem.functional(states.T)
    return (states**2).sum(axis=1)


def mean_slope(
    log_dt: np.ndarray, errors: np.ndarray, confidence: float
) -> tuple[float, float, float]:
    """Slope of the log of mean errors (steps, trials), with an interval.

    The means are several standard errors from 0, so that their logs are nearly linear in them.
    """
    means, trials = errors.mean(axis=1), errors.shape[1]
    x = log_dt - log_dt.mean()
    x = x / (x @ x)
    slope = float(x @ np.log(np.abs(means)))
    error = float(np.std((x / means) @ errors, ddof=1) / np.sqrt(trials))
    half = students_t(confidence, trials) * error
    return slope, slope - half, slope + half
