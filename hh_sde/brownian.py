"""BrownianPath: Wiener increments and iterated integrals that are addressed, not streamed."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hh_sde import levy
from hh_sde.addresses import (
    MOST_PROCESSES,
    MOST_TRIALS,
    check_steps,
    domain,
    is_whole,
    seed_number,
    trial_words,
    whole,
)
from hh_sde.errors import keyword_hints
from hh_sde.kernels.random import derived_key, normal_window
from hh_sde.kernels.weak import THIRD
from hh_sde.records import shown, single

Rng = int | np.random.SeedSequence | np.random.Generator | None


class Drawing(NamedTuple):
    """How increments are drawn from addresses alone; see `kernels.coupling.Inputs`."""

    key: np.ndarray  # (2,)
    domains: np.ndarray  # (1 or 2,)
    scales: np.ndarray  # (1 or 2,): standard deviations


@keyword_hints
class BrownianPath:
    """m independent Wiener processes on a grid of step dt.

    Every number is a pure function of (rng, trial, process, grid step), so any window of the path
    can be had at any time, in any order, by any method, and is always the same.

    Parameters
    ----------
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        Seed. A Generator gives one draw; None takes fresh entropy. See `seed`.
    m : int
        Number of Wiener processes.
    dt : float
        Grid step, ms.
    trial : int
        Which of the many independent paths under this seed.
    area_groups : (m,) array of int, optional
        The group of each process: Levy areas are those inside groups, between groups 0. Default:
        one group. `hh_sde.SDE.path` gives the path of a model its groups.

    Attributes
    ----------
    seed : numpy.random.SeedSequence
        ``BrownianPath(path.seed, ...)`` is the same path.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range. Random numbers are addressed by 2^32 trials, 2^32 processes
        and 2^48 steps; beyond these the path refuses as well.

    References
    ----------
    Salmon et al. 2011, doi:10.1145/2063384.2063405 (Philox); `hh_sde.levy` for the areas.

    Examples
    --------
    >>> path = BrownianPath(1, m=2, dt=0.01)
    >>> path.increments(0, 1000).shape
    (1000, 2)
    >>> bool(np.all(path.increments(500, 600) == path.increments(0, 1000)[500:600]))
    True
    >>> coarse = path.coarsen(10)
    >>> np.allclose(coarse.increments(0, 1)[0], path.increments(0, 10).sum(axis=0))
    True
    """

    def __init__(
        self,
        rng: Rng,
        *,
        m: int,
        dt: float,
        trial: int = 0,
        area_groups: Sequence[int] | np.ndarray | None = None,
    ) -> None:
        self.m = whole(m, "m", 0, MOST_PROCESSES)
        self.trial = whole(trial, "trial", 0, MOST_TRIALS)
        self.seed = seed_sequence(rng)
        together = np.zeros(self.m, int)
        self.area_groups = _labels(together if area_groups is None else area_groups, self.m)
        self._area_groups = levy.AreaGroups(self.area_groups)
        self._first_dt = single(dt, "dt (ms)", positive=True)
        self._depth = 0  # halvings of the first grid
        self._factor = 1  # steps of the finest grid in one of this path
        self._in_law = False
        self._key = self.seed.generate_state(2, np.uint32).astype(np.uint64)

    def __repr__(self) -> str:
        seed = shown(self.seed.entropy)
        return f"BrownianPath of m = {self.m}, dt = {self.dt:g} ms, seed {seed}, trial {self.trial}"

    @property
    def _fine_dt(self) -> float:
        return self._first_dt / 2**self._depth

    @property
    def grid(self) -> str:
        """How this grid came from the first one, in words."""
        return (
            f"first step {self._first_dt!r} ms, halved {self._depth} times, then coarsened by "
            f"{self._factor}; trial {self.trial}"
        )

    @property
    def fine_steps(self) -> int:
        """Steps of the finest grid in one of this path."""
        return self._factor

    @property
    def dt(self) -> float:
        """Grid step, ms."""
        return self._fine_dt * self._factor

    @property
    def is_in_law(self) -> bool:
        """Whether it is given for its random numbers alone; see `in_law`."""
        return self._in_law

    def in_law(self) -> BrownianPath:
        """The same, given to a method that approximates the law of a solution and no path.

        Such a method (``METHODS[method].weak``) refuses a path, along which it has no error. Its
        increments, of two and three values, are rounded from those of the path all the same: its
        estimates share noise with those of other methods and steps on it, so that differences of
        estimates have less sampling error. This says that no more is meant.
        """
        path = self._changed()
        path._in_law = True
        return path

    def chain_key(self) -> np.ndarray:
        """The key of random numbers for what is no Wiener process, (2,) words of 32 bits."""
        return derived_key(self._key, domain("chain"), 0)

    def of_trial(self, trial: int) -> BrownianPath:
        """The path of another trial under the same seed."""
        return self._changed(trial=whole(trial, "trial", 0, MOST_TRIALS))

    def coarsen(self, k: int) -> BrownianPath:
        """The same path on every k-th grid point.

        Raises
        ------
        ValueError
            If k is not a positive whole number, or so large that a step has no address.
        """
        if not is_whole(k) or k < 1:
            raise ValueError(f"k must be 1, 2, 3, ..., got {k!r}")
        factor = self._factor * int(k)
        check_steps(factor)
        return self._changed(factor=factor)

    def increments(self, start: int, stop: int) -> np.ndarray:
        """W(t_{j+1}) - W(t_j) for grid steps j = start ... stop - 1, shape (stop - start, m)."""
        return self.lanes(start, stop, [self.trial])

    def lanes(self, start: int, stop: int, trials: Sequence[int] | np.ndarray) -> np.ndarray:
        """Increments of several trials, shape (stop - start, m * trials), trial fastest."""
        self._check_window(start, stop)
        k = self._factor
        if self._depth:
            fine, _ = self._fine_pairs(start * k, stop * k, trials, self._depth)
        else:
            scale = np.sqrt(self._first_dt)
            fine = self._normals(domain("increment"), start * k, stop * k, trials, scale)
        return _in_turn(fine, k, k)

    def halves(self, start: int, stop: int, trials: Sequence[int] | np.ndarray) -> np.ndarray:
        """Increments over each step, and over its first half.

        The first half is made of the finest grid's steps, and the one in the middle of an odd
        number of them is halved: given its dW, its first half is normal with mean dW/2 and a
        quarter of its variance. (`refine` keeps time integrals too, and is another path between
        the same points.)

        Returns
        -------
        (stop - start, 2, m * trials) array: dW, and its first half
        """
        k, middle = self._factor, self._factor // 2
        if k % 2 == 0:
            fine = self._changed(factor=middle).lanes(2 * start, 2 * stop, trials)
            return np.stack([fine[::2] + fine[1::2], fine[::2]], axis=1)
        finest = self._changed(factor=1)
        self._check_window(start, stop)
        dW = finest.lanes(start * k, stop * k, trials)
        use = domain("midpoint", halvings=self._depth)
        middles = self._normals(use, start * k, stop * k, trials, 0.5 * np.sqrt(finest.dt))
        half = 0.5 * dW[middle::k] + middles[middle::k]
        if middle:
            half = _in_turn(dW, middle, k) + half
        return np.stack([_in_turn(dW, k, k), half], axis=1)

    def weak_increments(
        self, start: int, stop: int, trials: Sequence[int] | np.ndarray
    ) -> np.ndarray:
        """Increments with the moments of dW up to the fifth, and independent signs.

        Weak order 2 needs no more of the noise than sqrt(3 dt) times -1, 0 or 1 with the
        probabilities 1/6, 2/3, 1/6, and sqrt(dt) times -1 or 1. The first is dW, rounded; the
        second has the sign of what the first half of the step moves W more than the second half
        does, which is independent of dW.

        Returns
        -------
        (stop - start, 2, m * trials) array: of three values, and of two

        References
        ----------
        Kloeden & Platen 1999, section 14.2, doi:10.1007/978-3-662-12616-5.

        Examples
        --------
        >>> three, two = BrownianPath(1, m=1, dt=0.01).weak_increments(0, 4, [0])[:, :, 0].T
        >>> (three / 0.03**0.5).round(12).tolist(), (two / 0.01**0.5).round(12).tolist()
        ([0.0, 0.0, 1.0, 0.0], [1.0, 1.0, -1.0, -1.0])
        """
        k, half = self._factor, self._factor // 2
        finest = self._changed(factor=1)
        dW = self.lanes(start, stop, trials)
        more = np.zeros_like(dW)
        if half:
            fine = finest.lanes(start * k, stop * k, trials)
            more = _in_turn(fine, half, k) - _in_turn(fine[k - half :], half, k)
        if k % 2:
            use = domain("midpoint", halvings=self._depth)
            more = (
                more
                + 2.0
                * self._normals(use, start * k, stop * k, trials, 0.5 * np.sqrt(finest.dt))[half::k]
            )
        root = np.sqrt(self.dt)
        three = np.where(np.abs(dW) > THIRD * root, np.copysign(np.sqrt(3.0) * root, dW), 0.0)
        return np.stack([three, np.sign(more) * root], axis=1)

    def drawing(self, needs: str) -> Drawing | None:
        """How a kernel draws the increments of the first grid, and what is needed besides.

        That is half of dW plus normal numbers of their own, for "halves" as for "time integrals",
        which are over dt, and for "weak" the sign of such numbers. On other grids there is no such
        way: None.
        """
        if self._depth or self._factor > 1:
            return None
        uses = ["increment"]
        scales = [np.sqrt(self._first_dt)]
        if needs in ("halves", "weak"):
            uses.append("midpoint")
            scales.append(0.5 * np.sqrt(self._first_dt))
        if needs == "time integrals":
            uses.append("time integral")
            scales.append(0.5 * np.sqrt(self._first_dt / 3))
        return Drawing(self._key, np.array([domain(use) for use in uses]), np.array(scales))

    def _fine_pairs(
        self, start: int, stop: int, trials: Sequence[int] | np.ndarray, depth: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """dW and I_(1,0) on the grid at `depth` halvings, down from the first grid by bridges."""
        dt = self._first_dt / 2**depth
        if depth == 0:
            dW = self._normals(domain("increment"), start, stop, trials, np.sqrt(dt))
            zeta = self._normals(domain("time integral"), start, stop, trials, np.sqrt(dt / 3))
            return dW, 0.5 * dt * (dW + zeta)
        first, last = start // 2, (stop + 1) // 2
        dW, I = self._fine_pairs(first, last, trials, depth - 1)
        h = 2 * dt
        unit_W, unit_I = dW / np.sqrt(h), I / h**1.5
        use = domain("bridge", halvings=depth)
        xi = self._normals(use, 2 * first, 2 * last, trials, 1.0)
        mean, root = _bridge()
        # written out: a product of matrices may round by the number of lanes
        dW_1 = mean[0, 0] * unit_W + mean[0, 1] * unit_I + root[0, 0] * xi[::2]
        I_1 = mean[1, 0] * unit_W + mean[1, 1] * unit_I
        I_1 += root[1, 0] * xi[::2] + root[1, 1] * xi[1::2]
        dW_1, I_1 = dW_1 * np.sqrt(h), I_1 * h**1.5
        both_dW, both_I = np.empty((2, 2 * len(dW), dW.shape[1]))
        both_dW[::2], both_dW[1::2] = dW_1, dW - dW_1
        both_I[::2], both_I[1::2] = I_1, I - I_1 - dt * dW_1
        window = slice(start - 2 * first, stop - 2 * first)
        return both_dW[window], both_I[window]

    def _normals(
        self,
        use: int,
        start: int,
        stop: int,
        trials: Sequence[int] | np.ndarray,
        scale: float,
    ) -> np.ndarray:
        """Normals by address, (stop - start, m * trials), trial fastest."""
        trial = np.tile(trial_words(trials), self.m)
        process = np.repeat(np.arange(self.m, dtype=np.uint64), len(trials))
        return normal_window(self._key, use, start, stop, process, trial, scale)

    def time_integrals(
        self, start: int, stop: int, trials: Sequence[int] | np.ndarray | None = None
    ) -> np.ndarray:
        """I_(1,0), the integral of W - W(t_j) over each step, (stop - start, m * trials), ms^1.5.

        On the first grid it is dt (dW + zeta sqrt(dt/3))/2, zeta standard normal and independent
        of all increments there; on coarser and finer grids it follows the path.
        """
        return self.with_time_integrals(start, stop, [self.trial] if trials is None else trials)[1]

    def with_time_integrals(
        self, start: int, stop: int, trials: Sequence[int] | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What `lanes` and `time_integrals` give, drawn once."""
        self._check_window(start, stop)
        k, dt = self._factor, self._fine_dt
        dW, each = self._fine_pairs(start * k, stop * k, trials, self._depth)
        total, W = each[::k], dW[::k]
        for j in range(1, k):  # in this order whatever the shape, unlike numpy.sum
            total = total + (each[j::k] + dt * W)
            W = W + dW[j::k]
        return W, total

    def refine(self) -> BrownianPath:
        """The same path on a grid of half the step, drawn as a bridge between the old points.

        The bridge keeps increments and time integrals; Levy areas it cannot keep, so `integrals`
        refuses them. A path that was coarsened by an even number goes back to what it came from.
        """
        if self._factor % 2 == 0:
            return self._changed(factor=self._factor // 2)
        if self._factor > 1:
            raise ValueError(
                f"this path is {self._factor} steps of a finer one, which has no half step; "
                "refine before coarsening"
            )
        domain("bridge", halvings=self._depth + 1)  # refuses what has no numbers of its own
        return self._changed(depth=self._depth + 1)

    def integrals(self, start: int, stop: int, *, areas: bool = True) -> np.ndarray:
        """Iterated Ito integrals I_ij = int int dW_i dW_j of each step, (stop - start, m, m).

        I = (dW dW^T - dt 1)/2 + A, with the Levy area A drawn on the finest grid, inside groups
        (0 between groups), and carried to coarser grids by Chen's relation. For many processes
        see `integrals_within`, which takes no more memory than the groups themselves.

        Parameters
        ----------
        areas : bool
            False leaves A out: enough where the noise is commutative.

        Raises
        ------
        ValueError
            If areas are wanted of a refined path (they are not those of the path before), of
            more than 1,984 processes in a group, or on so fine a grid that their series would
            need more than 2,014 terms.
        """
        out = levy.symmetric(self.increments(start, stop), self.dt)
        for members in self._area_groups.of_equal_size() if areas else []:
            if members.shape[1] == 1:
                continue
            rows, columns = members[:, :, None], members[:, None, :]
            out[:, rows, columns] = self.integrals_within(members, start, stop)
        return out

    def integrals_within(
        self, members: np.ndarray, start: int, stop: int, *, areas: bool = True
    ) -> np.ndarray:
        """The same among some processes of each group, (stop - start, groups, b, b).

        Parameters
        ----------
        members : (groups, b) array of int
            Processes, in ascending order in each row; where areas are wanted, of one group of the
            path in each row.
        """
        self._check_window(start, stop)
        if not areas:
            return levy.symmetric(self.increments(start, stop)[:, members], self.dt)
        if self._depth:
            raise ValueError(
                "Levy areas are not refined with a path: begin with the finest grid and coarsen it"
            )
        drawn = levy.Drawn(self._key, self.trial, self._area_groups, self._first_dt)
        return drawn.within(members, start, stop, self._factor)

    def _check_window(self, start: int, stop: int) -> None:
        if not (is_whole(start) and is_whole(stop) and 0 <= start <= stop):
            raise ValueError(
                "a window of grid steps needs whole numbers 0 <= start <= stop, "
                f"got {start!r}, {stop!r}"
            )
        check_steps(stop * self._factor)

    def _changed(
        self, *, trial: int | None = None, factor: int | None = None, depth: int | None = None
    ) -> BrownianPath:
        path = copy.copy(self)
        path.trial = self.trial if trial is None else trial
        path._factor = self._factor if factor is None else factor
        path._depth = self._depth if depth is None else depth
        return path


def seed_sequence(rng: Rng) -> np.random.SeedSequence:
    """The SeedSequence that stands for `rng`.

    Raises
    ------
    TypeError, ValueError
        If `rng` is not an int >= 0, a SeedSequence, a Generator or None.
    """
    if isinstance(rng, np.random.SeedSequence):
        return rng
    return np.random.SeedSequence(seed_number(rng))


def _labels(groups: Any, m: int) -> np.ndarray:
    """A number for each process: its group."""
    labels = np.asarray(groups)
    if labels.shape != (m,):
        raise ValueError(f"area_groups must have shape ({m},), got {labels.shape}")
    if m and not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"area_groups must be whole numbers, one for each process, got {groups!r}")
    return labels.astype(int)


def _in_turn(fine: np.ndarray, number: int, k: int) -> np.ndarray:
    """Of every k rows the sum of the first `number`: in this order, unlike that of numpy.sum."""
    total = fine[::k]
    for j in range(1, number):
        total = total + fine[j::k]
    return total


def _bridge() -> tuple[np.ndarray, np.ndarray]:
    """Law of (dW, I_(1,0)) of the first half of a unit step, given those of the whole step.

    Mean = first @ (dW, I), covariance = second @ second^T. From the joint normal law of both
    halves: var dW = k, var I = k^3/3, cov = k^2/2 for a step k, and I = I_1 + I_2 + k dW_1.
    """
    k = 0.5
    half = np.array([[k, k**2 / 2], [k**2 / 2, k**3 / 3]])
    both = np.kron(np.eye(2), half)  # dW_1, I_1, dW_2, I_2
    whole = np.array([[1, 0, 1, 0], [k, 1, 0, 1]])
    gain = both @ whole.T @ np.linalg.inv(whole @ both @ whole.T)
    rest = both - gain @ whole @ both
    return gain[:2], np.linalg.cholesky(rest[:2, :2])
