"""The Markov scheme of a channel: what its gates become where every channel is counted.

A gate x of power p stands for p independent subunits, so a channel with powers p, q, ... has
(p + 1)(q + 1)... states, distinguished by how many subunits of each kind are open. Between
neighbours the rates are alpha times the subunits still closed, and beta times those open
(Hodgkin & Huxley 1952; the scheme of Fitzhugh 1965, doi:10.1085/jgp.48.5.111).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from hh_sde.kinetics import Channel
from hh_sde.records import parameter, see_kind, shown

#: Each state and transition is a line of the written loops: with more they take minutes to compile.
MOST_STATES = 32


@dataclass(frozen=True)
class Pair:
    """Two neighbouring states and the transitions between them, one subunit apart.

    Parameters
    ----------
    source, target : int
        States; `target` has one more subunit open.
    gate : int
        Which gate of the channel the subunit belongs to.
    opening, closing : int
        Multiplicities: the rates are opening * alpha and closing * beta of that gate.
    """

    source: int
    target: int
    gate: int
    opening: int
    closing: int


@dataclass(frozen=True)
class Scheme:
    """States and pairs of transitions of one channel.

    Parameters
    ----------
    channel : str
    states : tuple of str
        Names, as "m2h1": how many subunits of each gate are open.
    levels : tuple of tuple of int
        The same as numbers, (states, gates). The first gate changes fastest.
    pairs : tuple of Pair

    Examples
    --------
    >>> from hh_sde import CELLS
    >>> K = scheme(CELLS["hodgkin_huxley"].channels[1])
    >>> K.states
    ('n0', 'n1', 'n2', 'n3', 'n4')
    >>> K.names[:2]
    ('n0->n1', 'n1->n0')
    """

    channel: str
    states: tuple[str, ...]
    levels: tuple[tuple[int, ...], ...]
    pairs: tuple[Pair, ...]

    @property
    def open(self) -> int:
        """The one state that conducts: all subunits open."""
        return len(self.states) - 1

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the transitions: of each pair the opening one, then the closing one."""
        return tuple(
            f"{self.states[a]}->{self.states[b]}"
            for pair in self.pairs
            for a, b in ((pair.source, pair.target), (pair.target, pair.source))
        )

    def touching_open(self) -> tuple[str, ...]:
        """The transitions that change the conductance: into the open state or out of it."""
        open_state = self.states[self.open]
        return tuple(name for name in self.names if open_state in name.split("->"))

    def generator(self, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
        """Q with dp/dt = Q p for occupancies p, (states, states), columns sum to 0.

        Parameters
        ----------
        alpha, beta : (n_gates,) array
            Opening and closing rates of the gates, 1/ms.

        Raises
        ------
        TypeError, ValueError
            If they are not so many rates.
        """
        alpha, beta = self._of_gates(alpha, "alpha"), self._of_gates(beta, "beta")
        Q = np.zeros((len(self.states), len(self.states)))
        for pair in self.pairs:
            for a, b, rate in (
                (pair.source, pair.target, pair.opening * alpha[pair.gate]),
                (pair.target, pair.source, pair.closing * beta[pair.gate]),
            ):
                Q[b, a] += rate
                Q[a, a] -= rate
        return Q

    def equilibrium(self, x_inf: np.ndarray) -> np.ndarray:
        """Occupancies (states,) where the gates are independent and open with probability x_inf.

        Raises
        ------
        TypeError, ValueError
            If `x_inf` is not one probability for each gate.
        """
        x_inf = self._of_gates(x_inf, "x_inf")
        if np.any(x_inf > 1):
            raise ValueError(f"x_inf must be probabilities, from 0 to 1, got {shown(x_inf)}")
        powers = self.levels[self.open]
        return np.array(
            [
                math.prod(
                    math.comb(p, k) * x**k * (1 - x) ** (p - k)
                    for p, k, x in zip(powers, level, x_inf, strict=True)
                )
                for level in self.levels
            ]
        )

    def covariance(
        self, alpha: np.ndarray, beta: np.ndarray, noisy: Sequence[str] | None = None
    ) -> np.ndarray:
        """Stationary covariance of the occupancies at fixed rates, times the number of channels.

        The solution C of Q C + C Q^T + D = 0 whose rows sum to 0, where D has the noise of the
        transitions `noisy` (default: all, which gives diag(p) - p p^T).

        Parameters
        ----------
        alpha, beta : (n_gates,) array
            1/ms.

        Raises
        ------
        TypeError, ValueError
            If they are not so many rates, or those of a gate are both 0.
        """
        Q = self.generator(alpha, beta)
        alpha, beta = self._of_gates(alpha, "alpha"), self._of_gates(beta, "beta")
        if not np.all(alpha + beta > 0):
            raise ValueError("a gate whose rates are both 0 stays where it is: it has no variance")
        p = self.equilibrium(alpha / (alpha + beta))
        D = np.zeros_like(Q)
        if p.max() == 1.0:  # all is in one state, of whatever rates
            return D
        for k, name in enumerate(self.names):
            pair = self.pairs[k // 2]
            if noisy is not None and name not in noisy:
                continue
            if k % 2 == 0:
                flux = pair.opening * alpha[pair.gate] * p[pair.source]
            else:
                flux = pair.closing * beta[pair.gate] * p[pair.target]
            step = np.zeros(len(p))
            step[[pair.source, pair.target]] = -1.0, 1.0
            D += flux * np.outer(step, step)
        # C has no part along the sum, so Q may decay there too, which makes the equation regular
        shifted = Q - np.outer(p, np.ones_like(p))
        return scipy.linalg.solve_continuous_lyapunov(shifted, -D)

    def _of_gates(self, values: np.ndarray, name: str) -> np.ndarray:
        """A finite number from 0 for each gate."""
        n_gates = len(self.levels[0])
        array = np.asarray(parameter(values, name, nonnegative=True))
        if array.shape != (n_gates,):
            raise ValueError(
                f"{name} must be {n_gates} numbers, one for each gate, got {shown(values)}"
            )
        return array


def scheme(channel: Channel) -> Scheme:
    """The Markov scheme of a channel with at least one gate.

    Raises
    ------
    ValueError
        If the channel has no gate: then there is nothing that opens and closes. If it has too many
        states.
    """
    see_kind(channel, Channel, "channel")
    gates = channel.variable_gates  # an instantaneous one is open to a part, in every channel
    if not gates:
        raise ValueError(f"channel {channel.name} has no gates, so no states to go between")
    powers = [gate.power for gate in gates]
    n_states = math.prod(power + 1 for power in powers)
    if n_states > MOST_STATES:
        raise ValueError(
            f"channel {channel.name} has {n_states} states, (power + 1) of each gate multiplied; "
            f"channel noise takes up to {MOST_STATES}"
        )
    levels = [level[::-1] for level in itertools.product(*(range(p + 1) for p in powers[::-1]))]
    number = {level: k for k, level in enumerate(levels)}
    pairs = []
    for gate, power in enumerate(powers):
        for level in levels:
            if level[gate] < power:
                above = (*level[:gate], level[gate] + 1, *level[gate + 1 :])
                pairs.append(
                    Pair(number[level], number[above], gate, power - level[gate], above[gate])
                )
    return Scheme(
        channel=channel.name,
        states=tuple(
            "".join(f"{gate.name}{k}" for gate, k in zip(gates, level, strict=True))
            for level in levels
        ),
        levels=tuple(levels),
        pairs=tuple(pairs),
    )
