"""BrownianPath: Wiener increments and iterated integrals that are addressed, not streamed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hh_sde.kernels.random import derived_key, normal_window

Rng = int | np.random.SeedSequence | np.random.Generator | None

# What a normal number is for: the domain of its address, to which the grid's depth is added.
_PER_DEPTH = 2048
_INCREMENT = 0
_TAIL_LINEAR = 1
_FOURIER = 1  # term r of the series has domain _FOURIER + r
_TIME_INTEGRAL = 32
_BRIDGE = 33
_MIDPOINT = 40
_CHAIN = 34  # the key of the chain of ion channels
_TAIL_PRODUCT = 64  # the pair (i, j-th of its block) has this domain + j
#: Terms of the Levy areas' Fourier series that are summed; the tail is Gaussian.
AREA_TERMS = 5


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
    blocks : (m,) array of int, optional
        Which processes belong together: iterated integrals are given inside blocks. Default: one.

    Attributes
    ----------
    seed : numpy.random.SeedSequence
        ``BrownianPath(path.seed, ...)`` is the same path.

    References
    ----------
    Salmon et al. 2011, doi:10.1145/2063384.2063405 (Philox); Kloeden, Platen & Wright 1992,
    doi:10.1080/07362999208809281 (the series of the Levy area); Mrongowius & Roessler 2022,
    doi:10.1080/07362994.2021.1932483 (its Gaussian tail).

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
        blocks: Sequence[int] | np.ndarray | None = None,
    ) -> None:
        if m < 0:
            raise ValueError(f"m must not be negative, got {m}")
        if not (np.isfinite(dt) and dt > 0):
            raise ValueError(f"dt must be positive (ms), got {dt}")
        if not 0 <= trial < 2**32:
            raise ValueError(f"trial must lie between 0 and 2^32 - 1, got {trial}")
        self.seed = seed_sequence(rng)
        self.m = int(m)
        self.trial = int(trial)
        self.blocks = np.zeros(m, dtype=int) if blocks is None else np.asarray(blocks, dtype=int)
        if self.blocks.shape != (m,):
            raise ValueError(f"blocks must have shape ({m},), got {self.blocks.shape}")
        self._first_dt = float(dt)
        self._depth = 0  # halvings of the first grid
        self._factor = 1  # steps of the finest grid in one of this path
        self._key = self.seed.generate_state(2, np.uint32).astype(np.uint64)

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

    def chain_key(self) -> np.ndarray:
        """The key of random numbers for what is no Wiener process, (2,) words of 32 bits."""
        return derived_key(self._key, _CHAIN, 0)

    def of_trial(self, trial: int) -> BrownianPath:
        """The path of another trial under the same seed."""
        return self._changed(trial=trial)

    def coarsen(self, k: int) -> BrownianPath:
        """The same path on every k-th grid point.

        Raises
        ------
        ValueError
            If k is not a positive whole number.
        """
        if k != int(k) or k < 1:
            raise ValueError(f"k must be 1, 2, 3, ..., got {k}")
        return self._changed(factor=self._factor * int(k))

    def increments(self, start: int, stop: int) -> np.ndarray:
        """W(t_{j+1}) - W(t_j) for grid steps j = start ... stop - 1, shape (stop - start, m)."""
        return self.lanes(start, stop, [self.trial])

    def lanes(self, start: int, stop: int, trials: Sequence[int] | np.ndarray) -> np.ndarray:
        """Increments of several trials, shape (stop - start, m * trials), trial fastest."""
        _check_window(start, stop)
        k = self._factor
        if self._depth:
            fine, _ = self._fine_pairs(start * k, stop * k, trials, self._depth)
        else:
            scale = np.sqrt(self._first_dt)
            fine = self._normals(_INCREMENT, start * k, stop * k, trials, scale)
        total = fine[::k]
        for j in range(1, k):  # in this order whatever the shape, unlike numpy.sum
            total = total + fine[j::k]
        return total

    def halves(self, start: int, stop: int, trials: Sequence[int] | np.ndarray) -> np.ndarray:
        """Increments over each step, and over its first half.

        Those of the finer grid where this path was coarsened by an even number, else drawn: given
        dW they are normal with mean dW/2 and variance dt/4. (`refine` keeps time integrals too,
        and is another path between the same points.)

        Returns
        -------
        (stop - start, 2, m * trials) array: dW, and its first half
        """
        if self._factor % 2 == 0:
            fine = self._changed(factor=self._factor // 2).lanes(2 * start, 2 * stop, trials)
            return np.stack([fine[::2] + fine[1::2], fine[::2]], axis=1)
        dW = self.lanes(start, stop, trials)
        domain = self._domain(_MIDPOINT)
        out = np.empty((len(dW), 2, dW.shape[1]))
        out[:, 0] = dW
        np.multiply(dW, 0.5, out=out[:, 1])
        out[:, 1] += self._normals(domain, start, stop, trials, 0.5 * np.sqrt(self.dt))
        return out

    def _fine_pairs(
        self, start: int, stop: int, trials: Sequence[int] | np.ndarray, depth: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """dW and I_(1,0) on the grid at `depth` halvings, down from the first grid by bridges."""
        dt = self._first_dt / 2**depth
        if depth == 0:
            dW = self._normals(_INCREMENT, start, stop, trials, np.sqrt(dt))
            zeta = self._normals(_TIME_INTEGRAL, start, stop, trials, np.sqrt(dt / 3))
            return dW, 0.5 * dt * (dW + zeta)
        first, last = start // 2, (stop + 1) // 2
        dW, I = self._fine_pairs(first, last, trials, depth - 1)
        h = 2 * dt
        unit = np.stack([dW / np.sqrt(h), I / h**1.5])
        domain = _BRIDGE + depth * _PER_DEPTH
        xi = self._normals(domain, 2 * first, 2 * last, trials, 1.0)
        mean, root = _bridge()
        halves = np.tensordot(mean, unit, 1) + np.tensordot(root, np.stack([xi[::2], xi[1::2]]), 1)
        dW_1, I_1 = halves[0] * np.sqrt(h), halves[1] * h**1.5
        both_dW, both_I = np.empty((2, 2 * len(dW), dW.shape[1]))
        both_dW[::2], both_dW[1::2] = dW_1, dW - dW_1
        both_I[::2], both_I[1::2] = I_1, I - I_1 - dt * dW_1
        window = slice(start - 2 * first, stop - 2 * first)
        return both_dW[window], both_I[window]

    def _domain(self, use: int) -> int:
        """Every grid has areas and integrals of its own."""
        return use + self._depth * _PER_DEPTH

    def _normals(
        self,
        domain: int,
        start: int,
        stop: int,
        trials: Sequence[int] | np.ndarray,
        scale: float,
    ) -> np.ndarray:
        """Normals by address, (stop - start, m * trials), trial fastest."""
        trial = np.tile(np.asarray(trials, dtype=np.uint64), self.m)
        process = np.repeat(np.arange(self.m, dtype=np.uint64), len(trials))
        return normal_window(self._key, domain, start, stop, process, trial, scale)

    def time_integrals(
        self, start: int, stop: int, trials: Sequence[int] | np.ndarray | None = None
    ) -> np.ndarray:
        """I_(1,0), the integral of W - W(t_j) over each step, (stop - start, m * trials), ms^1.5.

        On the first grid it is dt (dW + zeta sqrt(dt/3))/2, zeta standard normal and independent
        of all increments there; on coarser and finer grids it follows the path.
        """
        return self.pairs(start, stop, [self.trial] if trials is None else trials)[1]

    def pairs(
        self, start: int, stop: int, trials: Sequence[int] | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What `lanes` and `time_integrals` give, drawn once."""
        _check_window(start, stop)
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
        return self._changed(depth=self._depth + 1)

    def integrals(self, start: int, stop: int, *, areas: bool = True) -> np.ndarray:
        """Iterated Ito integrals I_ij = int int dW_i dW_j of each step, (stop - start, m, m).

        I = (dW dW^T - dt 1)/2 + A, with the Levy area A drawn on the finest grid, inside blocks
        (0 between blocks), and carried to coarser grids by Chen's relation
        I(s, u) = I(s, r) + I(r, u) + dW(s, r) dW(r, u)^T.

        Parameters
        ----------
        areas : bool
            False leaves A out: enough where the noise is commutative.

        Raises
        ------
        ValueError
            If areas are wanted of a refined path: they are not those of the path before.
        """
        _check_window(start, stop)
        if areas and self._depth:
            raise ValueError(
                "Levy areas are not refined with a path: begin with the finest grid and coarsen it"
            )
        dW = self.increments(start, stop)
        out = _symmetric(dW, self.dt)
        for members in self._equal_blocks() if areas else []:
            if members.shape[1] > 1:
                rows, columns = members[:, :, None], members[:, None, :]
                out[:, rows, columns] = self._with_areas(members, start, stop)
        return out

    def _with_areas(self, members: np.ndarray, start: int, stop: int) -> np.ndarray:
        """The same with Levy areas, by way of the finest grid."""
        k = self._factor
        fine = self._changed(factor=1)
        dW = fine.increments(start * k, stop * k)[:, members]
        I = _symmetric(dW, fine.dt)
        I += fine._levy_areas(dW / np.sqrt(fine.dt), members, start * k)
        return I if k == 1 else _chen(I, dW, k)

    def _levy_areas(self, xi: np.ndarray, members: np.ndarray, start: int) -> np.ndarray:
        """A = h/(2 pi) sum_r [X_r (Y_r + sqrt(2) xi)^T - transposed]/r, its tail Gaussian.

        The tail beyond r = p has the law of sqrt(sum_{r>p} 1/r^2) [Z sqrt(2) xi^T - transposed + B]
        up to third moments, with Z standard normal and B antisymmetric with variance 2.
        """
        half = np.zeros(xi.shape + xi.shape[-1:])
        for r in range(1, AREA_TERMS + 1):
            X, Y = self._area_normals(_FOURIER + r, members, start, len(xi))
            half += _outer(X, Y + np.sqrt(2.0) * xi) / r
        left = np.sqrt(np.pi**2 / 6 - sum(1 / r**2 for r in range(1, AREA_TERMS + 1)))
        Z, _ = self._area_normals(_TAIL_LINEAR, members, start, len(xi))
        half += left * _outer(Z, np.sqrt(2.0) * xi)
        for j in range(1, members.shape[1]):
            B, _ = self._area_normals(_TAIL_PRODUCT + j, members[:, :j], start, len(xi))
            half[..., :j, j] += left * np.sqrt(2.0) * B
        return self._fine_dt / (2 * np.pi) * (half - np.swapaxes(half, -1, -2))

    def _area_normals(
        self, domain: int, members: np.ndarray, start: int, steps: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Two standard normals for each fine step and process, (steps, *members.shape) each."""
        process = members.ravel().astype(np.uint64)
        trial = np.full(process.size, self.trial, dtype=np.uint64)
        window = normal_window(
            self._key, self._domain(domain), 2 * start, 2 * (start + steps), process, trial, 1.0
        ).reshape(steps, 2, *members.shape)
        return window[:, 0], window[:, 1]

    def _equal_blocks(self) -> list[np.ndarray]:
        """The members of each block, stacked for blocks of equal size: (blocks, b) index arrays."""
        members = [np.flatnonzero(self.blocks == block) for block in np.unique(self.blocks)]
        sizes = sorted({len(block) for block in members})
        return [np.array([block for block in members if len(block) == size]) for size in sizes]

    def _changed(
        self, *, trial: int | None = None, factor: int | None = None, depth: int | None = None
    ) -> BrownianPath:
        path = type(self)(
            self.seed,
            m=self.m,
            dt=self._first_dt,
            trial=self.trial if trial is None else trial,
            blocks=self.blocks,
        )
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
    if isinstance(rng, np.random.Generator):
        words = rng.integers(0, 2**32, size=4, dtype=np.uint64)
        return np.random.SeedSequence(sum(int(word) << (32 * i) for i, word in enumerate(words)))
    if rng is None:
        return np.random.SeedSequence()
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer):
        raise TypeError(
            "rng must be an int, a numpy SeedSequence, a numpy Generator or None, "
            f"got {rng!r} ({type(rng).__name__})"
        )
    if rng < 0:
        raise ValueError(f"rng must not be negative, got {rng}")
    return np.random.SeedSequence(int(rng))


def _symmetric(dW: np.ndarray, h: float) -> np.ndarray:
    """(dW dW^T - h 1)/2 over the last axis."""
    return 0.5 * (_outer(dW, dW) - h * np.eye(dW.shape[-1]))


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


def _outer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., :, None] * b[..., None, :]


def _chen(I: np.ndarray, dW: np.ndarray, k: int) -> np.ndarray:
    """I of k fine steps each from the I and dW of the fine steps (first axis)."""
    fine_I = I.reshape(-1, k, *I.shape[1:])
    fine_dW = dW.reshape(-1, k, *dW.shape[1:])
    before = np.cumsum(fine_dW, axis=1) - fine_dW  # W(start of the fine step) - W(s)
    return (fine_I + _outer(before, fine_dW)).sum(axis=1)


def _check_window(start: int, stop: int) -> None:
    if not 0 <= start <= stop:
        raise ValueError(f"a window of grid steps needs 0 <= start <= stop, got {start}, {stop}")
