"""A network packed into arrays: all that the kernels know of it.

A lane is one neuron of one trial; lanes = n_neurons * trials, trial fastest. Arrays that differ
from neuron to neuron have one column per lane. The dtypes and numbers of dimensions never change,
so one compilation serves every network.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

EXPONENTIAL, SIGMOID, LINOID, CONSTANT, TABULATED = range(5)
ALPHA_BETA, INF_TAU = range(2)


class Links(NamedTuple):
    """Rows of a sparse matrix [to, from] (CSR): row i holds entries start[i] to start[i + 1]."""

    start: np.ndarray
    source: np.ndarray
    weight: np.ndarray


class Tables(NamedTuple):
    """Packed rates, gates, channels and synapses (R, N_g, N_c and N_s of them) for L lanes.

    The state is (variables, L): V, the gates channel by channel, then the synapses.
    """

    n_neurons: int
    # rates
    rate_kind: np.ndarray  # (R,) EXPONENTIAL ... TABULATED
    rate_parameters: np.ndarray  # (R, 3, L): rate, mid, 1/scale
    curve_span: np.ndarray  # (R, 2): where a tabulated rate's values begin and how many they are
    curve_grid: np.ndarray  # (R, 2): first V and 1/step
    curve_values: np.ndarray  # all tabulated values, one after the other
    # gates and channels
    gate_rates: np.ndarray  # (N_g, 2): indices of the gate's two rates
    gate_form: np.ndarray  # (N_g,): ALPHA_BETA or INF_TAU
    gate_power: np.ndarray  # (N_g,)
    channel_gates: np.ndarray  # (N_c + 1,): channel c has gates channel_gates[c] ... [c + 1] - 1
    g: np.ndarray  # (N_c, L)
    E: np.ndarray  # (N_c, L)
    C: np.ndarray  # (L,)
    # synapses: the rows of synapse s are links.start[s * n_neurons + i]; gap junctions come last
    synapse_rates: np.ndarray  # (N_s, 3): alpha, beta, block (-1: none)
    synapse_E: np.ndarray  # (N_s, L)
    links: Links


class Program(NamedTuple):
    """What the engine runs: tables of one trial, the noise on V, and the injected current."""

    tables: Tables
    noise: Links  # rows of A: dV_i gets sum_k A_ik dW_k
    current: Callable[[np.ndarray], np.ndarray]  # (times,) ms -> (times or 1, n_neurons)

    def without_noise(self) -> "Program":
        """The same equations with nothing in the rows of the noise."""
        start = np.zeros_like(self.noise.start)
        return self._replace(noise=Links(start, self.noise.source[:0], self.noise.weight[:0]))


def for_trials(tables: Tables, trials: int) -> Tables:
    """The tables of one trial, with a column for every trial of every neuron."""

    def spread(per_neuron: np.ndarray) -> np.ndarray:
        return np.repeat(per_neuron, trials, axis=-1)

    return tables._replace(
        rate_parameters=spread(tables.rate_parameters),
        g=spread(tables.g),
        E=spread(tables.E),
        C=spread(tables.C),
        synapse_E=spread(tables.synapse_E),
    )
