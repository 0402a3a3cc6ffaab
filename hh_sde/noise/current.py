"""White current noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from hh_sde.kinetics import Parameter
from hh_sde.noise.base import Noise
from hh_sde.records import numbers, parameter, per_neuron, record, shown, sparse_numbers


@record
class CurrentNoise(Noise):
    """White current noise: C dV_i = (...) dt + sigma_i dB_i, B correlated Wiener processes.

    Additive, so Ito and Stratonovich solutions agree.

    Parameters
    ----------
    sigma : float or (n_neurons,) array
        Intensity, uA/cm^2 ms^0.5.
    correlation : float, (n_neurons, n_neurons) array or scipy.sparse matrix, optional
        Correlation of the B_i: one number for all pairs of neurons, or a symmetric matrix with
        ones on the diagonal and no negative eigenvalue. None: independent; 1: one noise shared by
        all.

    Raises
    ------
    TypeError, ValueError
        If sigma is negative or the correlation is not one.

    Examples
    --------
    >>> CurrentNoise(2.0, correlation=0.5).amplitudes(2).toarray()
    array([[2.       , 0.       ],
           [1.       , 1.7320508...]])
    """

    units = {"sigma": "uA/cm^2*ms^0.5"}

    sigma: Parameter
    correlation: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "sigma", parameter(self.sigma, "CurrentNoise.sigma", nonnegative=True)
        )
        if self.correlation is None:
            return
        given = self.correlation
        if scipy.sparse.issparse(given):
            given = sparse_numbers(given, "CurrentNoise.correlation").toarray()
        matrix = numbers(given, "CurrentNoise.correlation", "a number or a matrix")
        object.__setattr__(self, "correlation", float(matrix) if matrix.ndim == 0 else matrix)
        if matrix.ndim == 0:
            if not -1 <= matrix <= 1:
                raise ValueError(
                    f"CurrentNoise.correlation must lie between -1 and 1, got {shown(given)}"
                )
            matrix = np.array([[1.0, float(matrix)], [float(matrix), 1.0]])
        square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
        # to rounding, as numpy.corrcoef gives it
        if (
            not square
            or not np.all(np.isfinite(matrix))
            or not np.allclose(matrix, matrix.T, rtol=0.0, atol=1e-12)
            or not np.allclose(np.diag(matrix), 1.0, rtol=0.0, atol=1e-12)
        ):
            raise ValueError(
                "CurrentNoise.correlation must be one number or a symmetric matrix with ones on "
                f"the diagonal, got {shown(self.correlation)}"
            )
        cholesky(matrix)

    def amplitudes(self, n_neurons: int) -> scipy.sparse.csr_array:
        """A with sigma_i dB_i = sum_k A[i, k] dW_k, W independent; (n_neurons, n_neurons)."""
        sigma = per_neuron(self.sigma, n_neurons, "CurrentNoise.sigma")
        if self.correlation is None:
            return scipy.sparse.csr_array(scipy.sparse.diags_array(sigma))
        matrix = self.correlation
        if isinstance(matrix, float):
            matrix = np.full((n_neurons, n_neurons), matrix)
            np.fill_diagonal(matrix, 1.0)
        if matrix.shape != (n_neurons, n_neurons):
            raise ValueError(
                f"CurrentNoise.correlation has shape {matrix.shape}; {n_neurons} neurons "
                f"take ({n_neurons}, {n_neurons}) or one number"
            )
        return scipy.sparse.csr_array(sigma[:, None] * cholesky(matrix))


def cholesky(matrix: np.ndarray, tolerance: float = 1e-12) -> np.ndarray:
    """Lower-triangular L with L L^T = matrix, which may be singular (a shared noise is).

    Raises
    ------
    ValueError
        If the matrix has a negative eigenvalue.

    References
    ----------
    Higham (1990), Analysis of the Cholesky decomposition of a semi-definite matrix.
    """
    L = np.zeros_like(matrix)
    for k in range(len(matrix)):
        column = matrix[k:, k] - L[k:, :k] @ L[k, :k]
        pivot = column[0]
        if pivot > tolerance:
            L[k:, k] = column / np.sqrt(pivot)
        elif pivot < -tolerance or np.max(np.abs(column)) > np.sqrt(tolerance):
            raise ValueError(
                "the correlation matrix has a negative eigenvalue "
                f"({np.linalg.eigvalsh(matrix)[0]:.3g}): no noise has it"
            )
    return L
