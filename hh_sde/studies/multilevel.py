"""mlmc: an expected value to a requested error, by multilevel Monte Carlo.

The mean at the finest step is that at the coarsest step plus mean differences between runs at a
step and at twice that step, on the same path. The variance of these differences decreases with the
step, so a few samples of the fine runs are enough.

References
----------
Giles (2008), Oper. Res. 56, 607, doi:10.1287/opre.1070.0496; Giles (2015), Acta Numer. 24, 259,
doi:10.1017/S096249291500001X.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.methods import Method, method_of, name_of
from hh_sde.studies.common import Column, labelled, study
from hh_sde.studies.levels import OF_BIAS, Ladder, order_of
from hh_sde.studies.observed import of_name
from hh_sde.studies.subject import Subject

#: Levels that there are from the beginning: a trend in their means and variances is needed.
FIRST_LEVELS = 3
#: Samples of a level, at least.
FEWEST = 100
#: Rounds in which samples or levels are added: each brings what the estimates then ask for.
MOST_ROUNDS = 100
NO_TREND = "the differences are 0, or too few to tell a trend"


@study
def mlmc(
    model: Subject,
    observable: str | Callable[[xr.Dataset], xr.DataArray],
    t_end: float,
    *,
    rmse: float,
    method: str | Method = "lie_trotter",
    coarsest: float = 0.2,
    pilot: int = 1000,
    most_levels: int = 10,
    record: Any = None,
    save_dt: float | None = None,
    stop: Any = None,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    r"""An expected value to a requested root mean square error, by multilevel Monte Carlo.

    With :math:`P_l` the observable of a run at the step :math:`h_l = 2^{-l} h_0`,

    .. math::

        E[P_L] = E[P_0] + \sum_{l=1}^{L} E[P_l - P_{l-1}] ,

    where each level has independent samples, and :math:`P_l` and :math:`P_{l-1}` of one sample are
    on the same Brownian path. The variances :math:`V_l` and costs :math:`C_l` of the averaged
    differences are estimated during the run. They give the numbers of samples that keep the
    variance of the sum below half of rmse^2 at the least cost. Levels are added until the estimated
    squared bias is below the other half.

    Parameters
    ----------
    model : Network, SDE or problem of `hh_sde.problems`
    observable : name or function
        A name of `hh_sde.studies.OBSERVABLES`; or a function of a Dataset of `solve`, with the dim
        trial, to a DataArray with the dim trial. It may have further dims: then each entry has
        the requested error. For a discontinuous observable, such as whether there was a spike,
        the differences decrease slowly: see `smoothed_distribution`.
    t_end : float
        Length of the runs, ms.
    rmse : float
        The requested root mean square error, in the observable's unit.
    method : str or Method
        With a strong order.
    coarsest : float
        Step of level 0, ms, of which t_end and save_dt are multiples.
    pilot : int
        Initial number of samples of level 0. Each further level begins with half as many, at least
        100. If so many samples at one step have the requested error, plain Monte Carlo is better.
    most_levels : int
        If more would be needed, a warning says that the bias may be larger.
    record, save_dt, stop
        As of `solve`, for a function. Default: V and spikes, for an SDE x, at the end.
    rng : seed
        It alone determines the result, for any number of threads.
    threads : int

    Returns
    -------
    Dataset
        estimate, standard_error and bias (its estimated absolute value), in the observable's unit
        and over its own dims. Over `level`: dt (ms), samples, mean, variance (of P_l - P_(l-1);
        the largest among entries), cost (steps of a sample, to t_end even if it stops earlier),
        seconds (of a sample, measured). alpha, beta, gamma: orders of mean, variance and seconds
        in dt. cost_ratio: steps that plain Monte Carlo at its best single step takes for the same
        error, divided by those taken here, both from the estimates of variance and bias. Where it
        is below 1, plain Monte Carlo at plain_dt (ms) is the better choice.

    Raises
    ------
    TypeError, ValueError
        If the observable is invalid, or a step does not divide t_end or save_dt.
    DivergenceError
        If a run at the coarsest step diverges: take a smaller step, or another method.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(1.0))
    >>> ds = mlmc(net, "first_spike", 10.0, rmse=0.01, rng=1)
    >>> bool(abs(ds.estimate - 1.92) < 0.05), ds.sizes["level"] >= 3
    (True, True)
    """
    see_method(model, method)
    of = of_name(observable, model, t_end, record, save_dt, stop)
    ladder = Ladder(model, of, t_end, method, coarsest, rng, threads)
    for number in range(FIRST_LEVELS):
        ladder.add_level(_pilot(pilot, number))
    refused = ""
    for _ in range(MOST_ROUNDS):
        lacking = ladder.wanted(rmse) - ladder.samples
        if (lacking > 0).any():
            for one in np.flatnonzero(lacking > 0).tolist():
                ladder.sample(one, int(lacking[one]))
        elif ladder.bias().max() <= np.sqrt(OF_BIAS) * rmse:
            break
        elif len(ladder.levels) >= most_levels:
            refused = _too_few(ladder, rmse)
            break
        else:
            ladder.add_level(_pilot(pilot, len(ladder.levels)))
    return _result(ladder, rmse, refused)


def _pilot(first: int, number: int) -> int:
    """Samples that a level begins with: half of those of the level before, which cost half."""
    return max(first >> number, FEWEST)


def see_method(model: Subject, method: str | Method) -> None:
    """Refuse methods that do not take a path.

    Raises
    ------
    ValueError
    """
    if not method_of(method).strong_order or not model.noisy:
        raise ValueError(
            f"mlmc takes noise and a method with a strong order, got {name_of(method)} of "
            f"{'a model with' if model.noisy else 'a model without'} noise"
        )


def _too_few(ladder: Ladder, rmse: float) -> str:
    return (
        f"with {len(ladder.levels)} levels, down to {ladder.dt(len(ladder.levels) - 1):g} ms, the "
        f"bias is estimated as {ladder.bias().max():.2g}, above the {np.sqrt(OF_BIAS) * rmse:.2g} "
        "that rmse leaves it: give more levels (most_levels), a smaller coarsest step, a method "
        "of higher weak order, or a larger rmse"
    )


def _result(ladder: Ladder, rmse: float, refused: str) -> xr.Dataset:
    assert ladder.entries is not None
    levels = range(len(ladder.levels))
    samples = ladder.samples
    means, variances = ladder.means(), ladder.variances()
    error = np.sqrt((variances / samples[:, None]).sum(axis=0))
    seconds = np.array([level.seconds for level in ladder.levels]) / samples
    plain = ladder.plain(rmse)
    units = str(ladder.entries.attrs.get("units", "1"))
    whole: dict[str, Column] = {}
    of_entries = {
        "estimate": (means.sum(axis=0), "estimated mean"),
        "standard_error": (error, "standard error of the estimate"),
        "bias": (ladder.bias(), "estimated size of the bias at the finest step"),
    }
    dims = tuple(map(str, ladder.entries.dims))
    for name, (values, long_name) in of_entries.items():
        whole[name] = Column(dims, values.reshape(ladder.entries.shape), units, long_name)
    square = f"{units}^2" if units.isalpha() else f"({units})^2"
    of_levels = {
        "dt": ([ladder.dt(k) for k in levels], "ms", "step"),
        "samples": (samples, "1", "samples"),
        "mean": (_largest(means), units, "mean of the difference to the level before"),
        "variance": (variances.max(axis=1), square, "variance of that difference"),
        "cost": (ladder.costs, "1", "steps of a sample"),
        "seconds": (seconds, "s", "wall time of a sample"),
    }
    whole |= {name: Column(("level",), *column) for name, column in of_levels.items()}
    orders = {
        "alpha": (order_of(np.abs(means).max(axis=1)[1:]), "order of the mean difference in dt"),
        "beta": (order_of(variances.max(axis=1)[1:]), "order of its variance in dt"),
        "gamma": (-order_of(seconds[1:]), "order of the wall time in 1/dt"),
        "cost_ratio": (plain.steps / float(samples @ ladder.costs),
                       "steps of plain Monte Carlo at its best step over those taken"),
    }  # fmt: skip
    whole |= {
        name: Column((), value, "1", text, NO_TREND) for name, (value, text) in orders.items()
    }
    whole["plain_dt"] = Column((), plain.dt, "ms", "best step of plain Monte Carlo")
    ds = labelled(whole, {"level": list(levels)})
    ds = ds.assign_coords({k: v for k, v in ladder.entries.coords.items() if v.dims})
    if refused:
        ds.bias.attrs["warning"] = refused
    rare = [k for k in levels if ladder.is_rare(k)]
    if rare:
        ds.standard_error.attrs["warning"] = (
            f"at level {rare[0]} only {ladder.levels[rare[0]].different} of {samples[rare[0]]} "
            "samples have a value other than 0, which tells nothing of how they vary: give a "
            "larger pilot, or an observable that moves with the path (smoothed_distribution)"
        )
    return ds


def _largest(values: np.ndarray) -> np.ndarray:
    """Of entries (levels, entries) the one of largest size at each level."""
    return values[np.arange(len(values)), np.abs(values).argmax(axis=1)]
