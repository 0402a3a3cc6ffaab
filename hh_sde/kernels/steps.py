"""Fixed-step integrators over a window of grid steps."""

import numpy as np

from hh_sde.kernels.drift import drift
from hh_sde.kernels.jit import kernel
from hh_sde.kernels.tables import unpack


@kernel
def add_noise(noise, dW, V):
    """V_i += sum_k A_ik dW_k in every trial, added up in the order of k"""
    n_neurons = noise.start.size - 1
    trials = V.size // n_neurons
    for i in range(n_neurons):
        for e in range(noise.start[i], noise.start[i + 1]):
            amplitude = noise.weight[e]
            begin = noise.source[e] * trials
            for k in range(trials):
                V[i * trials + k] += amplitude * dW[begin + k]


@kernel
def all_finite(V):
    """True if no lane of V is NaN or infinite."""
    bad = 0
    for i in range(V.size):
        bad |= not np.isfinite(V[i])
    return bad == 0


@kernel
def euler_maruyama(
    x, program, lanes, curves, weights, noise, I, dW, h, first_step, save_every, rows, out
):
    """x_{k+1} = x_k + f(x_k, t_k) h + G dW_k for k = first_step, ...: one step per row of dW.

    Parameters
    ----------
    x : (variables, lanes) array, overwritten with the last state
    I : (steps or 1, n_neurons) array; one row if the currents are constant
    noise : Links, rows of A = sigma L/C: dV_i gets sum_k A_ik dW_k
    dW : (steps, processes * trials) array
    rows : (k,) indices of the variables to keep
    out : (saves, k, lanes) array: after step j, if save_every divides j, the variables kept

    Returns
    -------
    The number of steps made: fewer than rows of dW if the state became non-finite in the last one.

    References
    ----------
    Maruyama (1955), Rend. Circ. Mat. Palermo 4, 48, doi:10.1007/BF02846028.
    """
    tables = unpack(program, lanes, curves, weights)
    work = np.empty((3, x.shape[1]))
    dx = np.empty_like(x)
    saved = 0
    for step in range(dW.shape[0]):
        drift(x, I[min(step, I.shape[0] - 1)], tables, work, dx)
        for v in range(x.shape[0]):
            row = x[v]
            slope = dx[v]
            for i in range(row.size):
                row[i] += slope[i] * h
        add_noise(noise, dW[step], x[0])
        # a gate that is not finite makes V so in the next step; a saved state is looked at whole
        if not all_finite(x[0]):
            return step + 1
        if (first_step + step + 1) % save_every == 0:
            for v in range(1, x.shape[0]):
                if not all_finite(x[v]):
                    return step + 1
            for k in range(rows.size):
                out[saved, k] = x[rows[k]]
            saved += 1
    return dW.shape[0]
