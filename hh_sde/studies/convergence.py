"""strong_convergence: strong errors, along the path."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.methods import Method, method_of, name_of
from hh_sde.progress import watched
from hh_sde.sde import SDE
from hh_sde.studies.common import (
    Column,
    Ensemble,
    estimated,
    fitting_methods,
    labelled,
    reference_method,
    see_pathwise,
    study,
)
from hh_sde.studies.intervals import LOG, jackknife
from hh_sde.studies.orders import NO_ORDER, NO_ORDER_INTERVAL, disagreement, fitted_order
from hh_sde.studies.subject import Subject

#: A step is fitted if its error is this many times the reference's own.
ABOVE_FLOOR = 4.0
DEFAULT_STEPS = (0.00125, 0.0025, 0.005, 0.01, 0.02)


@study
def strong_convergence(
    model: Subject,
    methods: Sequence[str | Method] | None = None,
    dts: Sequence[float] = DEFAULT_STEPS,
    t_end: float = 5.0,
    trials: int = 100,
    *,
    variable: str | None = None,
    refine: int = 8,
    reference: str | Method | None = None,
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Strong (pathwise) error over the step, with the measured and the declared order.

    All runs of a trial are on the same Brownian path, coarsened for each step. The reference is a
    run on a grid `refine` times finer than the smallest step. For a problem of `hh_sde.problems`
    with a known solution along the path, it is that solution.

    Parameters
    ----------
    model : Network, SDE or problem of `hh_sde.problems`
    methods : sequence of str or Method, optional
        Names of METHODS, and user-defined methods (`hh_sde.integrator`). Default: all of the
        engine that take the network's noise; for an SDE those of sdeint.
    dts : sequence of float
        Steps, ms, multiples of the smallest one divided by `refine`.
    t_end : float
        When the paths are compared, ms.
    trials : int
    variable : str, optional
        Variable that is compared. Default: V; of an SDE all components.
    refine : int
    reference : str or Method, optional
        Default: the solution if it is known, else the method of highest order for the noise.
    confidence : float
        Of the confidence intervals: of errors by the jackknife over trials; of the order by the
        bootstrap, which repeats the choice of the fitted steps in every resample.
    rng, threads
        As for `hh_sde.solve`.

    Returns
    -------
    Dataset
        error (scheme, dt): root mean square over trials and neurons (of an SDE: components), nan
        where the method diverged; error_low, error_high; fitted: 1 where a step lies in the
        asymptotic range; order, order_low, order_high, declared_order (scheme); floor: the
        reference's own error. A declared order outside the confidence interval gives a warning,
        which is also the attribute `warning` of `order`.

    References
    ----------
    Kloeden & Platen 1999, section 9.3, doi:10.1007/978-3-662-12616-5.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(1.0))
    >>> ds = strong_convergence(net, ["euler_maruyama"], [0.005, 0.01, 0.02], 1.0, 20, rng=1)
    >>> dict(ds.error.sizes)
    {'scheme': 1, 'dt': 3}
    >>> from hh_sde.problems import PROBLEMS
    >>> steps = [2.0**-k for k in range(4, 8)]
    >>> ds = strong_convergence(PROBLEMS["cubic"], ["sdeint.itoEuler"], steps, 1.0, 100, rng=1)
    >>> bool(0.4 < ds.order < 0.6)
    True
    """
    methods = fitting_methods(model, methods, along_path=True)
    finest = dts[0] / refine
    if reference is None:
        finest = model.finest(dts, refine, t_end, trials, rng)
    ensemble = Ensemble.of(model, dts, finest, trials, rng, threads)
    options: dict[str, Any] = {"save_dt": t_end, "record": model.record(variable)}
    exact, floor = _reference(model, ensemble, t_end, variable, reference, options)
    squares = np.full((len(methods), len(dts), trials), np.nan)
    for (i, method), (j, dt) in watched(list(product(enumerate(methods), enumerate(dts)))):
        ds = ensemble.run(method, t_end, dt, **options)
        if ds is not None:
            error = model.states(ds, variable)[:, -1] - exact
            squares[i, j] = (error**2).mean(axis=-1)
    declared = [_declared(model.sde, method) for method in methods]
    names = [name_of(method) for method in methods]
    result = _orders(names, dts, squares, floor, declared, confidence)
    for name in ("error", "error_low", "error_high", "floor"):
        result[name].attrs["units"] = model.units(variable)
    return result


def _reference(
    model: Subject,
    ensemble: Ensemble,
    t_end: float,
    variable: str | None,
    reference: str | Method | None,
    options: dict[str, Any],
) -> tuple[np.ndarray, np.ndarray]:
    """What errors are taken against, (trials, values), and the squares of its own, (trials,)."""
    if reference is None:
        exact = model.exact(ensemble.path, t_end, ensemble.trials, variable)
        if exact is not None:
            return exact, np.zeros(ensemble.trials)
        reference = reference_method(model.sde)
    see_pathwise(model.sde, reference)
    fine = ensemble.reference(reference, t_end, **options)
    exact = model.states(fine, variable)[:, -1]
    check = ensemble.run(reference, t_end, 2 * ensemble.finest, **options)
    shift = np.full(exact.shape, np.inf)
    if check is not None:
        shift = model.states(check, variable)[:, -1] - exact
    return exact, (shift**2).mean(axis=-1)


def _declared(sde: SDE, method: str | Method) -> float:
    entry = method_of(method)
    if not sde.m:
        return np.nan if entry.deterministic_order is None else entry.deterministic_order
    return entry.strong_order.get(sde.noise_type, np.nan)


def _orders(
    methods: list[str],
    dts: Sequence[float],
    squares: np.ndarray,
    floor_squares: np.ndarray,
    declared: list[float],
    confidence: float,
) -> xr.Dataset:
    """From squared errors (scheme, dt, trial), and those of the reference itself (trial,), to
    errors and slopes with their intervals.
    """
    steps, trials = np.array(dts), squares.shape[2]
    fitted = np.zeros(squares.shape[:2], dtype=bool)
    low, high = np.empty((2, *squares.shape[:2]))
    order = np.empty((3, len(methods)))

    def floor(samples: np.ndarray) -> np.ndarray:
        return ABOVE_FLOOR * np.sqrt(floor_squares[samples].mean(axis=1, keepdims=True))

    for i in range(len(methods)):
        errors = partial(_root_mean_square, squares[i])
        low[i], high[i] = jackknife(errors, trials, confidence, LOG)
        order[:, i], fitted[i] = fitted_order(steps, errors, floor, trials, confidence)
    both, one = ("scheme", "dt"), ("scheme",)
    error = Column(both, np.sqrt(squares.mean(axis=2)), "1",
                   "root mean square error along the path", "the method diverged")  # fmt: skip
    slopes = Column(one, order[0], "1", "slope of log error over log dt", NO_ORDER)
    result = labelled(
        {
            **estimated("error", error, low, high),
            "fitted": Column(both, fitted.astype(np.int8), "1", "1: in the asymptotic range"),
            **estimated("order", slopes, order[1], order[2], NO_ORDER_INTERVAL),
            "declared_order": Column(
                one, declared, "1", "declared order of convergence", "none is declared"
            ),
            "floor": Column(
                (), np.sqrt(floor_squares.mean()), "1", "error of the reference itself"
            ),
        },
        {"scheme": methods, "dt": dts},
    )
    result.order.attrs.update(disagreement(methods, order, np.array(declared)))
    return result


def _root_mean_square(squares: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """(steps, trials) and trial numbers (samples, trials) to (samples, steps)."""
    return np.sqrt(np.stack([row[samples].mean(axis=1) for row in squares], axis=1))
