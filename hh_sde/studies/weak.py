"""weak_convergence: weak errors, of statistics over trials."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

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
    study,
)
from hh_sde.studies.intervals import jackknife, students_t, unless_all_agree
from hh_sde.studies.observables import TOO_FEW, Firing, Moments
from hh_sde.studies.orders import (
    NO_ORDER,
    NO_ORDER_INTERVAL,
    NOISY_SLOPE_SPREAD,
    disagreement,
    fitted_order,
)
from hh_sde.studies.subject import Subject

#: Weaker errors than this many standard errors are noise.
ABOVE_NOISE = 3.0


@study
def weak_convergence(
    model: Subject,
    methods: Sequence[str | Method] | None = None,
    dts: Sequence[float] = (0.01, 0.025, 0.05, 0.1, 0.2),
    t_end: float = 200.0,
    trials: int = 200,
    *,
    refine: int = 2,
    reference: str | Method | None = None,
    extrapolate: bool = False,
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Weak error, of statistics over trials, over the step, and its order.

    All runs have the same noise as the reference, so differences have a smaller sampling error
    than the estimates themselves.

    Parameters
    ----------
    model, methods, dts, t_end, trials, refine, reference, confidence, rng, threads
        As for `strong_convergence`. Methods with a weak order only are accepted too; they use the
        random numbers of the path.
    extrapolate : bool
        Add Richardson extrapolation to step 0 (Talay & Tubaro 1990) as separate schemes. From the
        estimates E at a step and at twice that step, for a method of weak order p, it is
        (2^p E_dt - E_2dt)/(2^p - 1), of order p + 1 where coefficients are smooth.

    Returns
    -------
    Dataset
        Observables of a network are mean and variance of V at the end, the firing rate, the mean
        inter-spike interval and the time of the first spike; of an SDE mean_x and var_x of each
        component x at the end, and the functional of a problem that has one.
        estimate, error (estimate minus that of the reference), error_low, error_high, fitted
        (scheme, observable, dt); order, order_low, order_high (scheme, observable), nan where fewer
        than three steps have an error above the sampling error; exact (observable), the exact
        value where the problem has one, else the reference's; declared_order (scheme). A declared
        order outside a confidence interval gives a warning, as in `strong_convergence`.
        Extrapolated schemes have names such as ``euler_maruyama, extrapolated``. Their values are
        at the smaller of the two steps, and nan where twice the step is not in `dts`.

    Notes
    -----
    Errors of mean_V and var_V are determined by the trials that are at a spike (V above -40 mV) at
    the end. For a firing network with noise they have a confidence interval, and an order, only if
    there are 16 or more such trials; with fewer, take more trials. Confidence intervals of
    first_passage are reliable, and with 200 trials or more those of the mean inter-spike interval.
    Where no trial's spike count differs from the reference's, the error of the rate has no
    confidence interval.

    The two estimates of an extrapolation come from the same trials and the same paths. How this
    affects their variance depends on the method. The confidence interval is computed from the
    combination in each trial, which is valid in any case. It is wider than that of E_dt.

    References
    ----------
    Talay & Tubaro 1990, Stoch. Anal. Appl. 8, 483, doi:10.1080/07362999008809220.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(1.0))
    >>> ds = weak_convergence(net, ["lie_trotter"], [0.05, 0.1], 40.0, 10, rng=1)
    >>> ds.observable.values.tolist()
    ['mean_V', 'var_V', 'rate', 'interval', 'first_passage']
    >>> from hh_sde.problems import PROBLEMS
    >>> ds = weak_convergence(PROBLEMS["geometric"], ["dri1"], [0.125, 0.25, 0.5], 1.0, 10_000,
    ...                       extrapolate=True, rng=1)
    >>> ds.scheme.values.tolist()
    ['dri1', 'dri1, extrapolated']
    """
    methods = fitting_methods(model, methods, along_path=False)
    schemes = [name_of(method) for method in methods]
    declared = [_declared_weak(model.sde, method) for method in methods]
    twice = _twice(dts, dict(zip(schemes, declared, strict=True))) if extrapolate else {}
    observed = Firing(t_end) if model.net is not None else Moments(model, t_end)
    finest = dts[0] / refine
    if reference is None:
        finest = model.finest(dts, refine, t_end, trials, rng)
    ensemble = Ensemble.of(model, dts, finest, trials, rng, threads)
    exact = _reference(model, ensemble, observed, reference)
    estimates: dict[tuple[int, int], Estimate] = {}
    for (i, method), (j, dt) in watched(list(product(enumerate(methods), enumerate(dts)))):
        ds = ensemble.run(method, t_end, dt, **observed.options)
        if ds is not None:
            estimates[i, j] = Estimate(observed, ((1.0, observed.sums(ds)),))
    if extrapolate:
        estimates |= _extrapolated(estimates, twice, declared)
        schemes += [f"{name}, extrapolated" for name in schemes]
        declared += [order + 1.0 for order in declared]
    whole = np.arange(trials)[None]
    at_reference = observed.values(exact, whole)[0]
    estimate, low, high = np.full((3, len(schemes), len(observed.names), len(dts)), np.nan)
    for (i, j), one in estimates.items():
        estimate[i, :, j] = one.values(whole)[0]
        low[i, :, j], high[i, :, j] = _interval(one, model.noisy, exact, confidence)
    errors = estimate - at_reference[None, :, None]
    order, fitted = _weak_orders(estimates, observed, exact, low, high, dts, confidence)
    true = observed.known if isinstance(observed, Moments) else None
    ds = _labelled(
        {"scheme": schemes, "observable": list(observed.names), "dt": dts},
        {"estimate": estimate, "error": errors, "low": low, "high": high, "fitted": fitted,
         "order": order, "exact": at_reference if true is None else true,
         "declared": np.array(declared)},
    )  # fmt: skip
    both = [f"{scheme}, {name}," for scheme, name in product(schemes, observed.names)]
    wanted = np.repeat(declared, len(observed.names))
    ds.order.attrs.update(disagreement(both, order.reshape(3, -1), wanted))
    return ds


class Estimate(NamedTuple):
    """Of the observables: a combination of what runs give, with the factor and sums of each."""

    observed: Firing | Moments
    parts: tuple[tuple[float, np.ndarray], ...]

    def values(self, resamples: np.ndarray) -> np.ndarray:
        """Of each resample of the trials, (resamples, observables)."""
        found = [factor * self.observed.values(sums, resamples) for factor, sums in self.parts]
        return np.sum(found, axis=0)

    def unsure(self, exact: np.ndarray) -> np.ndarray:
        """Which observables have no interval, (observables,)."""
        return np.any([self.observed.unsure(sums, exact) for _, sums in self.parts], axis=0)


def _twice(dts: Sequence[float], declared: dict[str, float]) -> dict[int, int]:
    """Where twice a step stands, by where the step does.

    Raises
    ------
    ValueError
        If nothing can be extrapolated.
    """
    found = {
        j: k
        for (j, dt), (k, other) in product(enumerate(dts), enumerate(dts))
        if abs(other - 2.0 * dt) <= 1e-9 * dt
    }
    if not found:
        steps = ", ".join(f"{dt:g}" for dt in dts)
        raise ValueError(f"extrapolate takes a step and twice that step; dts are {steps} ms")
    unknown = [name for name, order in declared.items() if not np.isfinite(order)]
    if unknown:
        raise ValueError(
            f"extrapolate needs the weak order of a method, and for this noise there is none "
            f"declared of {', '.join(unknown)}"
        )
    return found


def _extrapolated(
    estimates: dict[tuple[int, int], Estimate], twice: dict[int, int], declared: list[float]
) -> dict[tuple[int, int], Estimate]:
    """From each pair of steps to step 0, as further schemes."""
    found = {}
    for (i, order), (j, k) in product(enumerate(declared), twice.items()):
        if (i, j) in estimates and (i, k) in estimates:
            near, far, ratio = estimates[i, j], estimates[i, k], 2.0**order
            parts = [(w * ratio / (ratio - 1.0), sums) for w, sums in near.parts]
            parts += [(-w / (ratio - 1.0), sums) for w, sums in far.parts]
            found[len(declared) + i, j] = Estimate(near.observed, tuple(parts))
    return found


def _labelled(coords: dict[str, Any], found: dict[str, np.ndarray]) -> xr.Dataset:
    three, two = ("scheme", "observable", "dt"), ("scheme", "observable")
    gone = (
        "the method diverged, or no trial has what is observed; or twice the step, from which is "
        "to be extrapolated, is none of dt"
    )
    error = Column(three, found["error"], "1", "estimate less that of the reference", gone)
    slopes = Column(two, found["order"][0], "1", "slope of log |error| over log dt",
                    f"{NO_ORDER}; or errors have no interval")  # fmt: skip
    return labelled(
        {
            "estimate": Column(three, found["estimate"], "1", "estimate, in the observable's unit",
                               gone),
            **estimated("error", error, found["low"], found["high"], TOO_FEW),
            "fitted": Column(three, found["fitted"].astype(np.int8), "1",
                             "1: in the asymptotic range"),
            **estimated("order", slopes, found["order"][1], found["order"][2], NO_ORDER_INTERVAL),
            "exact": Column(("observable",), found["exact"], "1",
                            "exact value if it is known, or else the reference's",
                            "no trial of the reference has what is observed"),
            "declared_order": Column(("scheme",), found["declared"], "1",
                                     "declared weak order", "none is declared"),
        },
        coords,
    )  # fmt: skip


def _reference(
    model: Subject, ensemble: Ensemble, observed: Firing | Moments, reference: str | Method | None
) -> np.ndarray:
    """The sums of what errors are taken against, (sums, trials)."""
    t_end = observed.t_end
    if reference is None and isinstance(observed, Moments):
        exact = model.exact(ensemble.path, t_end, ensemble.trials)
        if exact is not None:
            return observed.of_states(exact)
    best = reference or reference_method(model.sde)
    return observed.sums(ensemble.reference(best, t_end, **observed.options))


def _declared_weak(sde: SDE, method: str | Method) -> float:
    entry = method_of(method)
    order = entry.weak_order.get(sde.noise_type) if sde.m else entry.deterministic_order
    return np.nan if order is None else order


def _interval(
    estimate: Estimate, noisy: bool, exact: np.ndarray, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of the errors of the observables."""
    differences = partial(_differences, estimate, exact)
    low, high = unless_all_agree(noisy, *jackknife(differences, exact.shape[1], confidence))
    nothing = noisy & estimate.unsure(exact)
    return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)


def _differences(estimate: Estimate, exact: np.ndarray, resamples: np.ndarray) -> np.ndarray:
    return estimate.values(resamples) - estimate.observed.values(exact, resamples)


def _weak_orders(
    estimates: dict[tuple[int, int], Estimate],
    observed: Firing | Moments,
    exact: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    dts: Sequence[float],
    confidence: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (3, scheme, observable) with interval, and the steps (scheme, observable, dt) used."""
    trials = exact.shape[1]
    fitted = np.zeros(low.shape, dtype=bool)
    order = np.full((3, *low.shape[:2]), np.nan)
    if trials < 2:
        return order, fitted
    noise = ABOVE_NOISE * (high - low) / (2.0 * students_t(confidence, trials))
    for i, o in np.ndindex(low.shape[:2]):

        def errors(r: np.ndarray, i: int = i, o: int = o) -> np.ndarray:
            at_exact = observed.values(exact, r)[:, o]
            return np.stack(
                [
                    np.abs(estimates[i, j].values(r)[:, o] - at_exact)
                    if (i, j) in estimates
                    else np.full(len(r), np.nan)
                    for j in range(len(dts))
                ],
                axis=1,
            )

        def floor(r: np.ndarray, i: int = i, o: int = o) -> np.ndarray:
            return np.broadcast_to(noise[i, o], (len(r), len(dts)))

        order[:, i, o], fitted[i, o] = fitted_order(
            np.array(dts), errors, floor, trials, confidence, NOISY_SLOPE_SPREAD
        )
    return order, fitted
