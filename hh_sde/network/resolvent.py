"""(1 - h J)^-1 of a network's Jacobian J, for implicit schemes: neuron by neuron.

Neurons feel each other through sums u = W s of what they send alone. A neuron's rows of the system
(1 - h J) v = r are

    D v = r + h C u,  D = 1 - h (derivatives by its own variables),  C = derivatives by the sums,

so that v is D^-1 r, and D^-1 h C for each of its sums. What the neurons send is linear in v, which
leaves a system of the sums alone: one number for each that a neuron has, in place of all variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from hh_sde.equations.jacobian import Entry
from hh_sde.equations.layout import Range, StateLayout

#: Sums of a network up to which their system is solved as a dense one.
_DENSE = 1000
#: Numbers in the matrices of some trials, 8 bytes each.
_AT_ONCE = 2**22


class Resolvent:
    """What solves (1 - h J) v = r for several trials.

    Parameters
    ----------
    layout : StateLayout
    entries : sequence of sequence of Entry
        What the derivatives of each population are.
    sums : (inputs * n_neurons, rows * n_neurons) sparse array
        W, of all inputs one after another, by the places of what is sent.
    """

    def __init__(
        self,
        layout: StateLayout,
        entries: Sequence[Sequence[Entry]],
        sums: scipy.sparse.csr_array,
    ) -> None:
        self._layout = layout
        self._entries = entries
        n = layout.n_neurons
        self._inputs = sums.shape[0] // n
        felt = np.flatnonzero(np.diff(sums.indptr))
        self._input, self._neuron = np.divmod(felt, n)  # of each sum that is not empty
        self._sums = sums[felt]
        self._sent = np.unique(self._sums.indices // n)  # rows of what is sent

    def __call__(
        self, derivatives: np.ndarray, h: float, r: np.ndarray, holding_V: bool = False
    ) -> np.ndarray:
        """v (d, trials), of derivatives (entries, n_neurons, trials) and r (d, trials).

        Without the equations of V, where that is held: it does not move.
        """
        parts = [
            self._own(own, entries, derivatives[:, own.neurons], h, r[own.components], holding_V)
            for own, entries in zip(self._layout.ranges, self._entries, strict=True)
        ]
        u = self._sums_of(parts, derivatives)
        flat = []
        for own, part in zip(self._layout.ranges, parts, strict=True):
            v = part[..., 0]
            for k in range(len(u)):
                v = v + part[..., 1 + k] * u[k, own.neurons]
            flat.append(v.reshape(-1, r.shape[1]))
        return np.concatenate(flat)

    def _own(
        self,
        own: Range,
        entries: Sequence[Entry],
        derivatives: np.ndarray,
        h: float,
        r: np.ndarray,
        holding_V: bool,
    ) -> np.ndarray:
        """D^-1 r and D^-1 h C of a population, (variables, n, trials, 1 + inputs)."""
        many, trials = len(own.names), r.shape[1]
        D = np.zeros((own.n, trials, many, many))
        D[..., np.arange(many), np.arange(many)] = 1.0
        right = np.zeros((own.n, trials, many, 1 + self._inputs))
        right[..., 0] = r.reshape(many, own.n, trials).transpose(1, 2, 0)
        for (row, column, coupled, _), value in zip(entries, derivatives, strict=False):
            if row < many and coupled:
                right[..., row, 1 + column] = h * value
            elif row < many:
                D[..., row, column] -= h * value
        if holding_V:
            D[..., 0, 1:] = right[..., 0, :] = 0.0
            D[..., 0, 0] = 1.0
        return np.linalg.solve(D, right).transpose(2, 0, 1, 3)

    def _sums_of(self, parts: Sequence[np.ndarray], derivatives: np.ndarray) -> np.ndarray:
        """u (inputs, n_neurons, trials), from the parts of v."""
        n, trials = self._layout.n_neurons, derivatives.shape[2]
        if not self._sums.shape[0]:
            return np.zeros((0, n, trials))
        sent = self._sent_by(parts, derivatives)
        right = self._sums @ np.ascontiguousarray(sent[..., 0]).reshape(-1, trials)
        back = sent[:, self._neuron, :, 1 + self._input]  # (sums, rows, trials)
        solve = self._dense if right.shape[0] <= _DENSE else self._sparse
        u = np.zeros((self._inputs, n, trials))
        u[self._input, self._neuron] = solve(back.transpose(1, 0, 2), right)
        return u

    def _sent_by(self, parts: Sequence[np.ndarray], derivatives: np.ndarray) -> np.ndarray:
        """What follows from the parts of v where neurons send, (rows, n_neurons, trials, ...)."""
        layout = self._layout
        sent = np.zeros((layout.rows, *derivatives.shape[1:], 1 + self._inputs))
        for own, entries, part in zip(layout.ranges, self._entries, parts, strict=True):
            sent[: len(part), own.neurons] = part
            for (row, column, _, _), value in zip(entries, derivatives, strict=False):
                if row >= len(part):
                    sent[row, own.neurons] += value[own.neurons, :, None] * part[column]
        return sent

    def _dense(self, back: np.ndarray, right: np.ndarray) -> np.ndarray:
        """u (sums, trials) with u = W (back u) + right, back being (rows, sums, trials)."""
        many, trials = right.shape
        u = np.empty_like(right)
        size = max(1, _AT_ONCE // many**2)
        for first in range(0, trials, size):
            some = slice(first, min(first + size, trials))
            matrix = np.broadcast_to(np.eye(many), (some.stop - first, many, many)).copy()
            for row, weights in zip(self._sent, self._weights, strict=True):
                matrix -= weights * back[row, :, some].T[:, None, :]
            u[:, some] = np.linalg.solve(matrix, right[:, some].T[..., None])[..., 0].T
        return u

    @cached_property
    def _weights(self) -> np.ndarray:
        """(sent, sums, sums): what each sum gets of a sent row of each sum's neuron."""
        n = self._layout.n_neurons
        places = self._sent[:, None] * n + self._neuron
        return np.stack([self._sums[:, own].toarray() for own in places])

    def _sparse(self, back: np.ndarray, right: np.ndarray) -> np.ndarray:
        """The same, trial by trial."""
        many, n = len(right), self._layout.n_neurons
        places = (self._sent[:, None] * n + self._neuron).ravel()
        columns = np.tile(np.arange(many), self._sent.size)
        shape = (self._sums.shape[1], many)
        u = np.empty_like(right)
        for trial in range(right.shape[1]):
            values = back[self._sent, :, trial].ravel()
            sent = scipy.sparse.csr_array((values, (places, columns)), shape=shape)
            matrix = scipy.sparse.eye_array(many) - self._sums @ sent
            u[:, trial] = scipy.sparse.linalg.splu(matrix.tocsc()).solve(right[:, trial])
        return u
