"""A network packed into arrays: all that the kernels know of it.

A lane is one neuron of one trial; lanes = n_neurons * trials, trial fastest. Arrays that differ
from neuron to neuron have one column per lane. The dtypes and numbers of dimensions never change,
so one compilation serves every network.

Calls from Python hand over few arrays (`Packed`), because each costs time at the border; inside,
`unpack` gives them names again (`Tables`), as views.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hh_sde.kernels.jit import expression

EXPONENTIAL, SIGMOID, LINOID, CONSTANT, TABULATED = range(5)
ALPHA_BETA, INF_TAU = range(2)


class Links(NamedTuple):
    """Rows of a sparse matrix [to, from] (CSR): row i holds entries start[i] to start[i + 1]."""

    start: np.ndarray
    source: np.ndarray
    weight: np.ndarray


class Tables(NamedTuple):
    """Rates, gates, channels and synapses (R, N_g, N_c and N_s of them) for L lanes.

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


class Packed(NamedTuple):
    """Tables in four arrays: whole numbers, numbers per lane, tabulated curves, weights."""

    program: np.ndarray
    lanes: np.ndarray
    curves: np.ndarray
    weights: np.ndarray

    def for_trials(self, trials: int) -> "Packed":
        """With a column for every trial of every neuron, from the tables of one trial."""
        return self._replace(lanes=np.repeat(self.lanes, trials, axis=1))


class Program(NamedTuple):
    """What the engine runs: tables of one trial, the noise on V, and the injected current."""

    packed: Packed
    noise: Links  # rows of A: dV_i gets sum_k A_ik dW_k
    current: Callable[[np.ndarray], np.ndarray]  # (times,) ms -> (times or 1, n_neurons)

    def without_noise(self) -> "Program":
        """The same equations with nothing in the rows of the noise."""
        start = np.zeros_like(self.noise.start)
        return self._replace(noise=Links(start, self.noise.source[:0], self.noise.weight[:0]))


def pack(tables: Tables) -> Packed:
    """The inverse of `unpack`: a head of five counts, then the arrays in the order of reading."""
    head = [
        tables.n_neurons,
        len(tables.rate_kind),
        len(tables.gate_rates),
        len(tables.g),
        len(tables.synapse_rates),
    ]
    whole_numbers = [
        np.array(head),
        tables.rate_kind,
        tables.curve_span,
        tables.gate_rates,
        tables.gate_form,
        tables.gate_power,
        tables.channel_gates,
        tables.synapse_rates,
        tables.links.start,
        tables.links.source,
    ]
    rates = tables.rate_parameters.reshape(-1, tables.C.size)
    return Packed(
        program=np.concatenate([np.ravel(numbers) for numbers in whole_numbers]).astype(np.int64),
        lanes=np.concatenate([rates, tables.g, tables.E, tables.C[None], tables.synapse_E]),
        curves=np.concatenate([tables.curve_grid.ravel(), tables.curve_values]),
        weights=tables.links.weight,
    )


@expression
def unpack(program, lanes, curves, weights):
    """The Tables in these arrays, as views."""
    n_neurons, n_rates, n_gates, n_channels, n_synapses = (
        program[0],
        program[1],
        program[2],
        program[3],
        program[4],
    )
    L = lanes.shape[1]
    rate_kind = 5
    span = rate_kind + n_rates
    gate_rates = span + 2 * n_rates
    gate_form = gate_rates + 2 * n_gates
    gate_power = gate_form + n_gates
    channel_gates = gate_power + n_gates
    synapse_rates = channel_gates + n_channels + 1
    start = synapse_rates + 3 * n_synapses
    source = start + (n_synapses + 1) * n_neurons + 1
    g = 3 * n_rates
    E = g + n_channels
    C = E + n_channels
    return Tables(
        n_neurons,
        program[rate_kind:span],
        lanes[:g].reshape(n_rates, 3, L),
        program[span:gate_rates].reshape(n_rates, 2),
        curves[: 2 * n_rates].reshape(n_rates, 2),
        curves[2 * n_rates :],
        program[gate_rates:gate_form].reshape(n_gates, 2),
        program[gate_form:gate_power],
        program[gate_power:channel_gates],
        program[channel_gates:synapse_rates],
        lanes[g:E],
        lanes[E:C],
        lanes[C],
        program[synapse_rates:start].reshape(n_synapses, 3),
        lanes[C + 1 :],
        Links(program[start:source], program[source:], weights),
    )
