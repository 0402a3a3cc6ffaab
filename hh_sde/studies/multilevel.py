"""mlmc: an expected value to a wanted error, from runs at many steps.

The mean at the finest step is that at the coarsest plus the means of differences between runs at a
step and at twice that step along the same path, which vary less the smaller the steps are: few
trials of the fine runs are enough.

References
----------
Giles (2008), Oper. Res. 56, 607, doi:10.1287/opre.1070.0496; Giles (2015), Acta Numer. 24, 259,
doi:10.1017/S096249291500001X.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from hh_sde.addresses import MOST_TRIALS
from hh_sde.brownian import Rng
from hh_sde.errors import DivergenceError
from hh_sde.methods import Method, method_of, name_of
from hh_sde.solver import solve
from hh_sde.studies.common import Column, labelled, study
from hh_sde.studies.observed import Observable, of_name
from hh_sde.studies.subject import Subject

#: Trials that run beside each other; numbers of all that are kept of them, at most.
BATCH = 2**12
#: Levels that there are from the beginning: a trend in their means and variances is needed.
FIRST_LEVELS = 3
#: The order of the bias, as it is found from few noisy means, is taken to lie between this and the
#: weak order of the method: two means of which the second is small by chance, or because a sign
#: changes, would promise more. A method that declares none has 1.
LEAST_ORDER, UNDECLARED_ORDER = 0.5, 1.0
#: In what order variances are taken to fall where all differences are 0.
STEEPEST_FALL = 2.0
#: Half of the error's square is left to the bias.
OF_BIAS = 0.5
#: Samples of the first levels that must have a value other than 0 for their variance to be told,
#: and how many pilots are spent on it; those of others have a trend to be held against.
FEWEST_DIFFERENT, MOST_PILOTS = 10, 16
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
    r"""An expected value to a root mean square error, by multilevel Monte Carlo.

    With :math:`P_l` the observable of a run at the step :math:`h_l = 2^{-l} h_0`,

    .. math::

        E[P_L] = E[P_0] + \sum_{l=1}^{L} E[P_l - P_{l-1}] ,

    each mean from samples of its own, :math:`P_l` and :math:`P_{l-1}` of one sample along the same
    Brownian path. From the variances :math:`V_l` and costs :math:`C_l` of what is averaged, as
    they are found on the way, follow the samples of each level that keep the variance of the sum
    below half of rmse^2 at the least cost; levels are added until what the last one changes tells
    that the bias is below the other half.

    Parameters
    ----------
    model : Network, SDE or problem of `hh_sde.problems`
    observable : name or function
        A name of `hh_sde.studies.OBSERVABLES`; or a function of a Dataset of `solve`, with the dim
        trial, to a DataArray with the dim trial, and perhaps others: then each entry has the error
        asked for. What jumps with the path, as whether there was a spike, has differences that
        vanish slowly: see `smoothed_distribution`.
    t_end : float
        Length of the runs, ms.
    rmse : float
        The error that is wanted, in the observable's unit: the root of its mean square.
    method : str or Method
        With a strong order.
    coarsest : float
        Step of level 0, ms, of which t_end and save_dt are multiples.
    pilot : int
        Samples of each level to begin with.
    most_levels : int
        With more a warning says that the bias may be larger.
    record, save_dt, stop
        As of `solve`, for a function. Default: V and spikes, of an SDE x, at the end.
    rng : seed
        The result follows from it alone, whatever the threads.
    threads : int

    Returns
    -------
    Dataset
        estimate, standard_error and bias (the estimated size of it), in the observable's unit and
        over its own dims. Over `level`: dt (ms), samples,
        mean, variance (of P_l - P_(l-1); the largest among entries), cost (steps of a sample),
        seconds (of a sample, measured). alpha, beta, gamma: orders of mean, variance and seconds in
        dt; cost_ratio: steps that plain Monte Carlo at its best single step takes for the same
        error, over those taken here, both by the estimates of variance and bias. Where it is below
        1, plain Monte Carlo at plain_dt (ms) is the better choice.

    Raises
    ------
    TypeError, ValueError
        If the observable is none, or a step does not fit.
    DivergenceError
        If a run at the coarsest step diverges: give a smaller one, or another method.

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
    for _ in range(FIRST_LEVELS):
        ladder.add_level(pilot)
    refused = ""
    for _ in range(MOST_ROUNDS):
        lacking = ladder.wanted(rmse) - ladder.samples
        if (lacking > 0).any():
            for number in np.flatnonzero(lacking > 0):
                ladder.sample(int(number), int(lacking[number]))
        elif ladder.bias().max() <= np.sqrt(OF_BIAS) * rmse:
            break
        elif len(ladder.levels) >= most_levels:
            refused = _too_few(ladder, rmse)
            break
        else:
            ladder.add_level(pilot)
    return _result(ladder, rmse, refused)


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


@dataclass
class Level:
    """Sums over the samples of a level: of P_l - P_(l-1), and of P_l itself."""

    samples: int = 0
    seconds: float = 0.0
    different: int = 0  # samples with P_l - P_(l-1) other than 0
    sums: np.ndarray = field(default_factory=lambda: np.zeros((2, 1)))
    fine: np.ndarray = field(default_factory=lambda: np.zeros((2, 1)))

    def add(self, difference: np.ndarray, fine: np.ndarray, seconds: float) -> None:
        """More samples, (samples, entries)."""
        self.samples += len(difference)
        self.seconds += seconds
        self.different += int(np.count_nonzero(difference.any(axis=1)))
        self.sums = self.sums + _powers(difference)
        self.fine = self.fine + _powers(fine)

    @property
    def mean(self) -> np.ndarray:
        return self.sums[0] / self.samples

    @property
    def variance(self) -> np.ndarray:
        return _variance(self.sums, self.samples)

    @property
    def variance_of_fine(self) -> np.ndarray:
        return _variance(self.fine, self.samples)


def _powers(values: np.ndarray) -> np.ndarray:
    return np.stack([values.sum(axis=0), (values**2).sum(axis=0)])


def _variance(sums: np.ndarray, n: int) -> np.ndarray:
    return np.maximum(sums[1] - sums[0] ** 2 / n, 0.0) / max(n - 1, 1)


class Plain(NamedTuple):
    """Plain Monte Carlo at its best single step."""

    dt: float
    steps: float


class Ladder:
    """The levels of an estimate, and what follows from what is known of them.

    Each level has a seed of its own, and sample k of it is trial k: more samples leave those there
    as they are.
    """

    def __init__(
        self,
        model: Subject,
        observable: Observable,
        t_end: float,
        method: str | Method,
        coarsest: float,
        rng: Any,
        threads: int,
    ) -> None:
        self.model, self.observable, self.t_end = model, observable, t_end
        self.method, self.coarsest = method, coarsest
        self.threads = threads if method_of(method).compiled else 1
        self.seed = rng
        self.levels: list[Level] = []
        self.entries: xr.DataArray | None = None  # labels of one sample

    def dt(self, number: int) -> float:
        """The step of a level, ms."""
        return self.coarsest / 2**number

    def cost(self, number: int) -> float:
        """Steps of a sample."""
        fine = self.t_end / self.dt(number)
        return fine if number == 0 else 1.5 * fine

    @property
    def costs(self) -> np.ndarray:
        return np.array([self.cost(k) for k in range(len(self.levels))])

    def add_level(self, samples: int) -> None:
        """One at half the step of the last."""
        number, level = len(self.levels), Level()
        self.levels.append(level)
        self.sample(number, samples)
        while self.is_rare(number) and level.samples < MOST_PILOTS * samples:
            self.sample(number, level.samples)

    def is_rare(self, number: int) -> bool:
        """Whether hardly any sample tells of a level's variance, and no other level does."""
        return number < 2 and self.levels[number].different < FEWEST_DIFFERENT

    def sample(self, number: int, samples: int) -> None:
        """More samples of a level."""
        level = self.levels[number]
        if level.samples + samples > MOST_TRIALS:
            raise ValueError(
                f"level {number} would take {level.samples + samples:.2g} samples, of which there "
                f"are {MOST_TRIALS}: give a larger rmse"
            )
        last = level.samples + samples
        for first in range(level.samples, last, BATCH):
            began = time.perf_counter()
            fine, difference = self._pairs(number, range(first, min(first + BATCH, last)))
            level.add(difference, fine, time.perf_counter() - began)

    def _pairs(self, number: int, trials: range) -> tuple[np.ndarray, np.ndarray]:
        """P_l, and P_l - P_(l-1), of samples, (samples, entries)."""
        seed = np.random.SeedSequence(self.seed.entropy, spawn_key=(*self.seed.spawn_key, number))
        path = self.model.sde.path(seed, self.dt(number))
        fine = self._run(path, self.dt(number), trials)
        if number == 0:
            return fine, fine
        return fine, fine - self._run(path.coarsen(2), self.dt(number - 1), trials)

    def _run(self, path: Any, dt: float, trials: range) -> np.ndarray:
        try:
            ds = solve(
                self.model.model, self.t_end, dt=dt, method=self.method, trials=list(trials),
                path=path, progress=False, threads=self.threads, **self.observable.options,
            )  # fmt: skip
        except DivergenceError as error:
            error.add_note(
                f"mlmc runs {name_of(self.method)} at {dt:g} ms: give a smaller coarsest step, or "
                "another method"
            )
            raise
        values = self.observable.values(ds)
        entries = values.isel(trial=0, drop=True)
        if self.entries is not None and entries.sizes != self.entries.sizes:
            raise ValueError(
                f"observable must give as many values of every run, got {dict(entries.sizes)} for "
                f"each trial after {dict(self.entries.sizes)}"
            )
        self.entries = entries
        return values.transpose("trial", ...).values.reshape(len(trials), -1).astype(float)

    # -- what follows ------------------------------------------------------------------------------

    def means(self) -> np.ndarray:
        """Of P_l - P_(l-1), (levels, entries)."""
        return np.stack([level.mean for level in self.levels])

    def variances(self) -> np.ndarray:
        """The same of variances; not less than the trend of the level before makes likely, since
        few samples of what differs seldom may show no difference.
        """
        found = np.stack([level.variance for level in self.levels])
        order = order_of(found.max(axis=1)[1:])
        fall = 2.0 ** -(max(order, LEAST_ORDER) if np.isfinite(order) else STEEPEST_FALL)
        for k in range(2, len(found)):
            found[k] = np.maximum(found[k], 0.5 * fall * found[k - 1])
        return found

    @property
    def samples(self) -> np.ndarray:
        """Of the levels."""
        return np.array([level.samples for level in self.levels])

    def wanted(self, rmse: float) -> np.ndarray:
        """Samples of each level that make the variance small enough at the least cost."""
        variance = self.variances().max(axis=1)
        total = np.sqrt(variance * self.costs).sum()
        samples = np.sqrt(variance / self.costs) * total / ((1.0 - OF_BIAS) * rmse**2)
        return np.ceil(samples).astype(np.int64)

    def alpha(self) -> float:
        """The order of the bias, from the means, in the limits that it is taken to lie in."""
        found = order_of(np.abs(self.means()).max(axis=1)[1:])
        largest = max(method_of(self.method).weak_order or UNDECLARED_ORDER, LEAST_ORDER)
        return float(np.clip(found, LEAST_ORDER, largest)) if np.isfinite(found) else largest

    def bias(self) -> np.ndarray:
        """Its estimated size at the finest step, (entries,): the geometric series of the means goes
        on; the last three of them are asked, lest one be small by chance.
        """
        ratio = 2.0 ** self.alpha()
        last = np.abs(self.means()[1:][-3:])[::-1]
        powers = ratio ** -np.arange(len(last))[:, None]
        return (last * powers).max(axis=0) / (ratio - 1.0)

    def plain(self, rmse: float) -> Plain:
        """The step at which plain Monte Carlo has this error at the least cost.

        With a bias c h^a and the variance V of one sample, V t/(h (rmse^2 - c^2 h^(2 a))) steps
        are least where the bias is rmse/sqrt(2 a + 1).
        """
        a, finest = self.alpha(), len(self.levels) - 1
        variance = self.levels[-1].variance_of_fine.max()
        bias, best = self.bias().max(), rmse / np.sqrt(2.0 * a + 1.0)
        dt = self.coarsest
        if bias > 0:
            dt = min(dt, self.dt(finest) * (best / bias) ** (1.0 / a))
        left = rmse**2 - (bias * (dt / self.dt(finest)) ** a) ** 2
        return Plain(dt, variance / left * self.t_end / dt)


def order_of(values: np.ndarray) -> float:
    """How fast values of successive levels fall, as a power of the step; nan if it cannot be told.

    Examples
    --------
    >>> round(order_of(np.array([1.0, 0.5, 0.25])), 6)
    1.0
    """
    there = np.flatnonzero(values > 0)
    if there.size < 2:
        return np.nan
    return float(-np.polyfit(there, np.log2(values[there]), 1)[0])


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
