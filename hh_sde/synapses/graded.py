"""Graded chemical synapses: what they release follows the potential of the presynaptic neuron.

All share one form. The gate s_j of neuron j's output obeys
ds_j/dt = alpha(V_j) (1 - s_j) - beta(V_j) s_j, and neuron i receives the current
sum_j w_ij s_j (E - V_i), times the voltage-dependent block B(V_i) where there is one. Where a
second messenger is between the receptors and the channels, s_j are the activated receptors, and the
share of the channels that the messenger opens takes their place in the sum.
"""

from __future__ import annotations

import numpy as np

from hh_sde.errors import keyword_hints
from hh_sde.kinetics import Constant, Parameter, Rate, Sigmoid
from hh_sde.records import Record, check_name, parameter, record, shown, single
from hh_sde.synapses.ends import checked_delay, see_ends
from hh_sde.synapses.messenger import SecondMessenger
from hh_sde.topology import EdgeList
from hh_sde.weights import Weights, checked_weights

DESTEXHE = (
    "Destexhe, Mainen & Sejnowski 1994, Neural Comput. 6, 14, doi:10.1162/neco.1994.6.1.14, with "
    "the rates of their chapter of 1998 in Methods in Neuronal Modeling, 2nd ed. (ModelDB 18500); "
    "the transmitter, a pulse in that code, is T = 1/(1 + exp(-(V - 2)/5)) mM"
)


@record
class Synapse(Record):
    """A chemical synapse between the neurons of a network.

    Parameters
    ----------
    name : str
    weights : float, matrix, table of edges, graph or Topology
        Conductance w[i, j] from neuron j to neuron i, mS/cm^2. One number stands for that weight
        between every two different neurons, so that the network can grow. A matrix [to, from] is an
        array, a scipy.sparse matrix or a DataArray with dims target and source; edges are a
        DataFrame or a Dataset with source, target and weight, or a networkx graph whose edges have
        a weight (both directions, where it has none); rules are in `hh_sde.topology`.
    alpha, beta : Rate
        Rise and decay of the gate, 1/ms, as functions of the presynaptic potential.
    E : float or (n_neurons,) array
        Reversal potential, mV.
    voltage_block : Rate, optional
        Factor on the conductance as a function of the postsynaptic potential.
    messenger : SecondMessenger, optional
        What is between the receptors, whose gate s then is, and the channels. Its concentration is
        a variable of the presynaptic neuron, G_<name> (uM). Default: the receptors are channels.
    reference : str
        The paper.
    source, target : str, optional
        Names of populations. Default: all neurons.
    delay : float
        How late the gate is felt, ms: a multiple of dt. Delays of the edges of a table come on top
        of it.

    Raises
    ------
    TypeError, ValueError
        If the weights are not finite, negative, or none of these.

    Examples
    --------
    >>> from hh_sde import SYNAPSES
    >>> Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]]).E
    20.0
    >>> SYNAPSES["AMPA"](weights=0.05).name
    'AMPA'
    """

    units = {
        "weights": "mS/cm^2", "alpha": "1/ms", "beta": "1/ms", "E": "mV", "voltage_block": "1",
        "delay": "ms",
    }  # fmt: skip

    name: str
    weights: Weights
    alpha: Rate
    beta: Rate
    E: Parameter
    voltage_block: Rate | None = None
    reference: str = ""
    source: str | None = None
    target: str | None = None
    delay: float = 0.0
    messenger: SecondMessenger | None = None

    def __post_init__(self) -> None:
        check_name(self.name, "a synapse")
        see_ends(self)
        object.__setattr__(self, "delay", checked_delay(self.delay, self.name))
        object.__setattr__(self, "weights", checked_weights(self.weights, self.name))
        object.__setattr__(self, "E", parameter(self.E, f"E of synapse {self.name}"))
        for name in ("alpha", "beta"):
            if not isinstance(getattr(self, name), Rate):
                raise TypeError(
                    f"synapse {self.name}: {name} must be a Rate, got {shown(getattr(self, name))}"
                )
        if self.voltage_block is not None and not isinstance(self.voltage_block, Rate):
            raise TypeError(
                f"synapse {self.name}: voltage_block must be a Rate, "
                f"got {shown(self.voltage_block)}"
            )
        if not isinstance(self.messenger, SecondMessenger | None):
            raise TypeError(
                f"synapse {self.name}: messenger must be a SecondMessenger or None, "
                f"got {shown(self.messenger)}"
            )

    def at_once(self) -> Synapse:
        """The same without delays."""
        weights = self.weights
        if isinstance(weights, EdgeList):
            weights = weights.replace(delay=None)
        return self.replace(delay=0.0, weights=weights)

    @classmethod
    @keyword_hints
    def sigmoidal(
        cls,
        weights: Weights,
        *,
        E: Parameter = 20.0,
        w: float = 1.0,
        rate: float = 5.0,
        source: str | None = None,
        target: str | None = None,
        delay: float = 0.0,
    ) -> Synapse:
        """The synapse of the question: ds/dt = rate (1 - s)/(1 + exp(-(V + 3)/8)) - s.

        Its current is (E - V_i)/w sum_j e_ij s_j: the weights e_ij are divided by `w`.

        Parameters
        ----------
        weights : float, matrix, table of edges, graph or Topology
            As for `Synapse`: e[i, j] from neuron j to neuron i.
        E : float
            Reversal potential (V_r in the question), mV.
        w : float
            Divisor of all weights, positive.
        rate : float
            Rise rate, 1/ms.
        source, target : str, optional
            Names of populations. Default: all neurons.
        delay : float
            ms.

        References
        ----------
        The two-neuron network that this library grew from.
        """
        divisor = single(w, "w", positive=True)
        checked = checked_weights(weights, "sigmoidal")
        return cls(
            name="sigmoidal",
            weights=checked / divisor if divisor != 1 else checked,
            alpha=Sigmoid(rate=rate, mid=-3.0, scale=8.0),
            beta=Constant(1.0),
            E=E,
            reference="the two-neuron network that this library grew from",
            source=source,
            target=target,
            delay=delay,
        )

    @classmethod
    @keyword_hints
    def NMDA(
        cls,
        weights: Weights,
        *,
        Mg: Parameter = 1.0,
        E: Parameter = 0.0,
        name: str = "NMDA",
        source: str | None = None,
        target: str | None = None,
        delay: float = 0.0,
    ) -> Synapse:
        """NMDA receptors, which magnesium blocks where the postsynaptic neuron is not depolarised.

        ds/dt = 0.072 T (1 - s) - 0.0066 s; its conductance is w s B(V), where
        B(V) = 1/(1 + exp(-0.062 V) [Mg]/3.57) of the postsynaptic V.

        Parameters
        ----------
        weights : float, matrix, table of edges, graph or Topology
            As for `Synapse`, mS/cm^2.
        Mg : float or (n_neurons,) array
            Concentration of magnesium outside, mM; 0: no block.
        E : float or (n_neurons,) array
            Reversal potential, mV.
        name : str
            Another name, where a network has two of them.
        source, target : str, optional
            Names of populations. Default: all neurons.
        delay : float
            ms.

        Raises
        ------
        ValueError
            If a concentration is negative, or 0 for some of the neurons.

        References
        ----------
        Destexhe, Mainen & Sejnowski 1994, Neural Comput. 6, 14, doi:10.1162/neco.1994.6.1.14; the
        block is that of Jahr & Stevens 1990, J. Neurosci. 10, 3178,
        doi:10.1523/JNEUROSCI.10-09-03178.1990.
        """
        concentration = np.asarray(parameter(Mg, "Mg of NMDA"))
        none = not np.any(concentration)
        if not none and np.any(concentration <= 0):
            raise ValueError(
                f"Mg of NMDA must be positive (mM), or 0 for no block, got {shown(Mg)}"
            )
        block = None
        if not none:  # exp(-0.062 V) Mg/3.57 = exp(-0.062 (V - mid))
            mid = np.log(concentration / 3.57) / 0.062
            block = Sigmoid(rate=1.0, mid=mid if mid.ndim else float(mid), scale=1 / 0.062)
        return cls(
            name=name,
            weights=weights,
            alpha=Sigmoid(rate=0.072, mid=2.0, scale=5.0),
            beta=Constant(0.0066),
            E=E,
            voltage_block=block,
            reference=f"{DESTEXHE}; block: Jahr & Stevens 1990, J. Neurosci. 10, 3178, "
            "doi:10.1523/JNEUROSCI.10-09-03178.1990",
            source=source,
            target=target,
            delay=delay,
        )


Synapse.sigmoidal.__func__.units = {  # type: ignore[attr-defined]
    **Synapse.units, "rate": "1/ms"
}  # fmt: skip
Synapse.NMDA.__func__.units = {**Synapse.units, "Mg": "mM"}  # type: ignore[attr-defined]
