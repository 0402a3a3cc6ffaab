"""A network as the equations take it: populations with numbers per neuron, and their wiring.

Numbers that differ between the points of a sweep are (n_neurons, points) in place of (n_neurons,).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hh_sde.spike_sources import PoissonInput, SpikeTimes


class Connectivity(NamedTuple):
    """Rows of a sparse matrix [to, from] (CSR): row i holds entries start[i] to start[i + 1]."""

    start: np.ndarray
    source: np.ndarray
    weight: np.ndarray


class RateTable(NamedTuple):
    """A rate: kind is one of `rates.FORMS`, `rates.OF_OTHERS`, or of those named here.

    numbers, each (n_neurons,): rate, mid, scale; of a constant: rate; of a tabulated one: none, but
    its curve: start, step, values; of one that is made of others: those, and of power the exponent;
    of one of a concentration the name of its pool: proportional: rate; hill: rate, half, and power.
    """

    kind: str
    numbers: tuple[np.ndarray, ...] = ()
    curve: tuple[float, float, np.ndarray] | None = None
    of: tuple[RateTable, ...] = ()
    pool: str = ""
    power: int = 1


class GateTable(NamedTuple):
    """A gate: rates are (alpha, beta), or (x_inf, tau), or (x_inf,) of an instantaneous one."""

    name: str
    power: int
    by_tau: bool
    rates: tuple[RateTable, ...]


class PairTable(NamedTuple):
    """Two states of a channel one subunit apart; see `hh_sde.markov.Pair`.

    noisy tells for the opening and for the closing transition whether it is noisy.
    """

    source: int
    target: int
    gate: int
    opening: int
    closing: int
    noisy: tuple[bool, bool]


class NernstTable(NamedTuple):
    """A reversal potential slope ln(outside/c) of a pool's concentration c; (n_neurons,)."""

    pool: str
    slope: np.ndarray
    outside: np.ndarray


class PoolTable(NamedTuple):
    """dc/dt = -k I - (c - rest)/tau, I the sum of these channels' currents; (n_neurons,)."""

    name: str
    channels: tuple[str, ...]
    k: np.ndarray
    rest: np.ndarray
    tau: np.ndarray


class ChannelTable(NamedTuple):
    """g is (n_neurons,), and so is E, or it follows a concentration.

    Instantaneous gates stand apart from those that are variables.

    form: "gates", the gates are the variables, with noise of their own if there is a `number`;
    "states", the occupancies of the channel's states are; "fluctuations", the gates are, and so
    are the fluctuations of the open fraction, one for each entry of `levels` but the first.
    """

    name: str
    g: np.ndarray
    E: np.ndarray | NernstTable
    gates: tuple[GateTable, ...]
    form: str = "gates"
    number: tuple[np.ndarray, ...] | None = None  # of channels, (n_neurons,), for each gate
    states: tuple[str, ...] = ()  # their names
    levels: tuple[tuple[int, ...], ...] = ()  # of the states: how many subunits are open
    pairs: tuple[PairTable, ...] = ()
    paired: bool = False  # one Wiener process for both transitions of a pair
    instantaneous: tuple[GateTable, ...] = ()


class ColoredTable(NamedTuple):
    """An Ornstein-Uhlenbeck process, as a current or (with E) as a conductance; (n_neurons,)."""

    name: str
    mean: np.ndarray
    sigma: np.ndarray
    tau: np.ndarray
    E: np.ndarray | None = None


class MessengerTable(NamedTuple):
    """dG/dt = K3 s - K4 G, and the share G^power/(G^power + Kd) of open channels; (n_neurons,)."""

    K3: np.ndarray
    K4: np.ndarray
    Kd: np.ndarray
    power: int


class SynapseTable(NamedTuple):
    """What neurons send through a graded synapse: the gate of their output, a variable.

    With a messenger it is a share of channels instead, which is no variable but follows from G.
    """

    name: str
    variable: str
    alpha: RateTable
    beta: RateTable
    messenger: MessengerTable | None = None


class InputTable(NamedTuple):
    """What neurons receive through the synapses of one name; arrays are (n_neurons,).

    Without E it is a current. With tau it is a variable that jumps as spikes arrive, or with
    tau_rise too two of them; else a sum over the gates of the neurons that send. What they bring is
    taken `scale` times, in sweeps over it.
    """

    name: str
    E: np.ndarray | None
    summed: str = "s"  # what of the neurons that send, for people
    voltage_block: RateTable | None = None
    tau: np.ndarray | None = None
    tau_rise: np.ndarray | None = None
    scale: np.ndarray | None = None


#: Of the policies for noisy gates and states outside [0, 1], those that act after each step.
BROUGHT_BACK = ("clip", "reflect", "project")


class Model(NamedTuple):
    """The neurons of one population: cells, what they send, what they receive."""

    n_neurons: int
    C: np.ndarray
    channels: tuple[ChannelTable, ...]
    synapses: tuple[SynapseTable, ...]
    inputs: tuple[InputTable, ...]
    gap: np.ndarray | None  # (n_neurons,) sum of a neuron's gap conductances
    gap_scale: np.ndarray | None = None  # which are taken so many times, in sweeps over it
    colored: tuple[ColoredTable, ...] = ()
    pools: tuple[PoolTable, ...] = ()
    bounds: str = "none"  # what is done with noisy gates and states outside [0, 1]

    @property
    def brought_back(self) -> bool:
        """Whether that is done after each step."""
        return self.bounds in BROUGHT_BACK

    @property
    def jumping(self) -> list[InputTable]:
        """The inputs that jump at spikes, in their order."""
        return [table for table in self.inputs if table.tau is not None]

    @property
    def outputs(self) -> list[SynapseTable]:
        """The synapses through which what is sent is no variable, in their order."""
        return [table for table in self.synapses if table.messenger is not None]


class Wiring(NamedTuple):
    """What the neurons of all populations get from each other, at a state (rows, n_neurons).

    Its rows are those of `StateLayout`: of what is sent besides variables too.

    Row k * n_neurons + i of a sparse matrix (CSR) is what neuron i gets through its input k; gap
    junctions are the last. `source` is the place of the value there, row * n_neurons + neuron.
    A line of `blocks` stands for equal weights from all neurons of a population to all of another:
    (input, first target, targets, place of the first source, sources, 1 if none is its own source).
    """

    start: np.ndarray
    source: np.ndarray
    weight: np.ndarray
    blocks: np.ndarray  # (k, 6)
    block_weight: np.ndarray  # (k,)


class Late(NamedTuple):
    """The rest of `Wiring`: what comes with a delay.

    `source` is number * n_neurons + neuron, the number that of the source's row in `rows`.
    """

    start: np.ndarray
    source: np.ndarray
    weight: np.ndarray
    delay: np.ndarray  # ms
    rows: np.ndarray  # of the state


class Sender(NamedTuple):
    """An event-driven synapse: whose spikes go where.

    A place is input * n_neurons + neuron, the input being one of those of the target population
    that jump, counted from 0. A line of `blocks` stands for equal weights to all neurons of a
    population: (place of the first, how many, its number).
    """

    name: str
    spikes: tuple[float, float, float] | PoissonInput | SpikeTimes  # the rule, or the trains
    first_source: int  # a neuron; 0 of trains
    n_sources: int
    each: int  # how many trains each of them stands for
    start: np.ndarray  # rows of a sparse matrix [from, to]
    place: np.ndarray
    weight: np.ndarray
    delay: np.ndarray  # ms
    blocks: np.ndarray  # (k, 3)
    block_weight: np.ndarray
    block_delay: float  # ms
    plasticity: tuple[float, float, float] | None  # U, tau_rec, tau_facil
    trains: str = ""  # what Poisson trains are drawn by, each synapse's own


class Tables(NamedTuple):
    """A network as the equations take it."""

    populations: tuple[Model, ...]
    wiring: Wiring
    late: Late | None = None
    senders: tuple[Sender, ...] = ()

    @property
    def remembers(self) -> bool:
        """Whether what comes next depends on more than the state: on spikes, or on the past."""
        return self.late is not None or bool(self.senders)

    @property
    def n_neurons(self) -> int:
        """Of all populations."""
        return sum(model.n_neurons for model in self.populations)
