"""Limit cycles of the equations without noise, and the effect of noise to first order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import scipy.integrate
import scipy.linalg

from hh_sde.progress import watched
from hh_sde.sde import SDE

LEVEL = 0.0  # mV, the section: where `SpikeRule` finds spikes
RTOL, ATOL = 1e-10, 1e-12
#: Returns to the section until the cycle is given up, and how far two may lie apart in the end.
MOST_RETURNS, CLOSED = 400, 1e-8
#: A multiplier this near to 1 is 1; noise along it is nothing below this part of all noise.
UNIT, NOTHING = 1e-5, 1e-8


class Cycle(NamedTuple):
    """The periodic solution without noise, from its crossing of the section upwards."""

    sde: SDE
    x0: np.ndarray  # (d,)
    period: float  # ms
    solution: scipy.integrate.OdeSolution

    @classmethod
    def of(cls, sde: SDE) -> Cycle:
        """The limit cycle, found by iterating the return map of the section until it converges.

        Raises
        ------
        ValueError
            If it does not converge.
        """

        def crossing(t: float, x: np.ndarray) -> float:
            return float(x[0] - LEVEL)

        crossing.direction = 1.0  # type: ignore[attr-defined]
        crossing.terminal = 1  # type: ignore[attr-defined]
        follow = partial(
            scipy.integrate.solve_ivp, lambda t, y: sde.f(y, 0.0), method="DOP853", rtol=RTOL,
            atol=ATOL,
        )  # fmt: skip
        x, before = sde.x0, None
        for _ in watched(range(MOST_RETURNS)):
            away = 0.0 if before is None else 0.5  # ms, so that the start is no crossing
            start = follow((0.0, away), x).y[:, -1] if away else x
            found = follow((0.0, 1000.0), start, events=crossing)
            if not found.t_events[0].size:
                raise ValueError(
                    "without noise the first neuron falls silent or does not reach 0 mV, so that "
                    "there is no cycle to have a phase: give a larger stimulus"
                )
            x = found.y_events[0][0]
            period = away + float(found.t_events[0][0])
            if before is not None and np.max(np.abs(x - before)) < CLOSED:
                return cls(sde, x, period, follow((0.0, period), x, dense_output=True).sol)
            before = x
        raise ValueError(
            f"after {MOST_RETURNS} spikes without noise the intervals still change: there is no "
            "stable cycle with one spike of the first neuron in each, or it is approached slowly"
        )

    def states(self, phase: np.ndarray) -> np.ndarray:
        """(phases, d)"""
        return np.asarray(self.solution(phase)).T

    def linearised(self) -> Linearised:
        """The derivative of the flow over a period, and the covariance that noise adds in it."""
        d, sde = self.sde.d, self.sde

        def slope(t: float, y: np.ndarray) -> np.ndarray:
            x = self.solution(t)
            M, C = y.reshape(2, d, d)
            J, G = sde.jac(x, 0.0), sde.G(x, 0.0)  # type: ignore[misc]
            return np.concatenate([(J @ M).ravel(), (J @ C + C @ J.T + G @ G.T).ravel()])

        y0 = np.concatenate([np.eye(d).ravel(), np.zeros(d * d)])
        found = scipy.integrate.solve_ivp(
            slope, (0.0, self.period), y0, method="DOP853", rtol=1e-9, atol=1e-13
        )
        M, C = found.y[:, -1].reshape(2, d, d)
        return Linearised(self, M, 0.5 * (C + C.T), sde.f(self.x0, 0.0))


class Linearised(NamedTuple):
    """The linearised return map of the section."""

    cycle: Cycle
    M: np.ndarray  # (d, d): displacements a period later
    C: np.ndarray  # (d, d): covariance of what noise adds in a period
    f0: np.ndarray  # (d,): the flow where the section is crossed

    @property
    def multipliers(self) -> np.ndarray:
        """Eigenvalues of M, the largest first."""
        found = np.linalg.eigvals(self.M).astype(complex)
        return found[np.argsort(-np.abs(found))]

    def uncontracted(self) -> tuple[np.ndarray, np.ndarray]:
        """Z at the section, the left eigenvector of M of multiplier 1 with Z f = 1; and a basis
        (d, others) of what has the multiplier 1 besides, as the sum of a channel's occupancies.

        Noise does not move the others, and Z is taken without them: the smallest one.

        Raises
        ------
        ValueError
            If noise moves what is neither contracted nor the phase.
        """
        space = _invariant(self.M.T, lambda size: size > 1.0 - UNIT)
        along = space.T @ self.f0
        if not along.size or not np.any(along):
            raise ValueError(
                "the cycle is not stable, or too weakly to be told from one that is not"
            )
        Z = space @ along / (along @ along)
        others = space @ scipy.linalg.null_space(along[None])
        moved = np.einsum("ij,ik,kj->j", others, self.C, others)
        if np.any(moved > NOTHING * np.trace(self.C)):
            raise ValueError(
                "parts of this network oscillate each on its own, so that it has no one phase: "
                "couple them, or take one neuron"
            )
        return Z, others

    @property
    def response(self) -> np.ndarray:
        """Z at the section."""
        return self.uncontracted()[0]

    def responses(self, phase: np.ndarray) -> np.ndarray:
        """Z at phases (ms), (phases, d), backwards along the cycle from its end; at each without
        what stays, on which the period depends, so that Z with it would not be periodic.
        """
        sde, cycle = self.cycle.sde, self.cycle
        end, others = self.uncontracted()

        def slope(s: float, Z: np.ndarray) -> np.ndarray:
            return np.asarray(sde.jac(cycle.solution(cycle.period - s), 0.0)).T @ Z  # type: ignore[misc]

        back = cycle.period - phase
        found = scipy.integrate.solve_ivp(
            slope, (0.0, cycle.period), end, method="DOP853", rtol=1e-9, atol=1e-12,
            dense_output=True,
        )  # fmt: skip
        Z = np.asarray(found.sol(back)).T
        return Z - Z @ others @ others.T

    @property
    def isochron(self) -> float:
        """The integral of |Z^T G|^2 over a period: Z^T C Z."""
        Z = self.response
        return float(Z @ self.C @ Z)

    @property
    def of_time(self) -> np.ndarray:
        """Delay of the return to the section by a displacement, ms."""
        normal = np.zeros(len(self.f0))
        normal[0] = 1.0
        return -normal / self.f0[0]

    def on_section(self) -> np.ndarray:
        """The stationary covariance of displacements on the section."""
        onto = np.eye(len(self.f0)) + np.outer(self.f0, self.of_time)
        P, C = onto @ self.M, onto @ self.C @ onto.T
        # in the space of what is contracted: what stays, the noise does not move
        Q = _invariant(P, lambda size: size < 1.0 - UNIT)
        S = scipy.linalg.solve_discrete_lyapunov(Q.T @ P @ Q, Q.T @ C @ Q)
        return np.asarray(Q @ S @ Q.T)

    def variance_of_times(self, n: int) -> float:
        """Variance of the time of n returns, ms^2."""
        S, step = self.on_section(), self.M
        total = np.zeros_like(self.C)
        power = np.eye(len(self.C))
        for _ in range(n):
            total += power @ self.C @ power.T
            power = step @ power
        return float(self.of_time @ (power @ S @ power.T + total) @ self.of_time)


def _invariant(M: np.ndarray, chosen: Callable[[float], bool]) -> np.ndarray:
    """An orthonormal basis of the invariant space of the multipliers whose sizes are chosen."""

    def is_chosen(real: float, imaginary: float = 0.0) -> bool:
        return bool(chosen(np.hypot(real, imaginary)))

    _, vectors, many = scipy.linalg.schur(M, sort=is_chosen)
    return np.asarray(vectors[:, :many])
