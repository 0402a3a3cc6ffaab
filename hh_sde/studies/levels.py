"""The levels of a multilevel estimate: samples, variances, bias and cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from hh_sde.addresses import MOST_TRIALS
from hh_sde.errors import DivergenceError
from hh_sde.methods import Method, method_of, name_of
from hh_sde.solver import solve
from hh_sde.studies.observed import Observable
from hh_sde.studies.subject import Subject

#: Trials that run beside each other; numbers of all that are kept of them, at most.
BATCH = 2**14
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
    """The levels of an estimate, with their estimated variances, bias and cost.

    Each level has a seed of its own, and sample k is its trial k: more samples do not change the
    samples that exist.
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
        """Whether too few samples differ to estimate a level's variance, from any level."""
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
        """Variances of P_l - P_(l-1), at least those that the trend of the coarser levels predicts:
        a few samples of a rare difference may have none.
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
        """Numbers of samples of each level that give the variance at the least cost."""
        variance = self.variances().max(axis=1)
        total = np.sqrt(variance * self.costs).sum()
        samples = np.sqrt(variance / self.costs) * total / ((1.0 - OF_BIAS) * rmse**2)
        return np.ceil(samples).astype(np.int64)

    def alpha(self) -> float:
        """The order of the bias, from the means, within its assumed limits."""
        found = order_of(np.abs(self.means()).max(axis=1)[1:])
        declared = method_of(self.method).weak_order.get(self.model.sde.noise_type)
        largest = max(declared or UNDECLARED_ORDER, LEAST_ORDER)
        return float(np.clip(found, LEAST_ORDER, largest)) if np.isfinite(found) else largest

    def bias(self) -> np.ndarray:
        """Estimated absolute bias at the finest step, (entries,).

        It is the remainder of the geometric series of the means, from the last three of them, as
        one may be small by chance.
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
    """Order in the step at which values of successive levels decrease; nan if undetermined.

    Examples
    --------
    >>> round(order_of(np.array([1.0, 0.5, 0.25])), 6)
    1.0
    """
    there = np.flatnonzero(values > 0)
    if there.size < 2:
        return np.nan
    return float(-np.polyfit(there, np.log2(values[there]), 1)[0])
