"""Synapses and gap junctions as data, and the table SYNAPSES.

All chemical synapses here share one form. The gate s_j of neuron j's output obeys
ds_j/dt = alpha(V_j) (1 - s_j) - beta(V_j) s_j, and neuron i receives the current
sum_j w_ij s_j (E - V_i), times the voltage-dependent block B(V_i) where there is one.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from hh_sde.errors import keyword_hints
from hh_sde.kinetics import Constant, Parameter, Rate, Sigmoid
from hh_sde.records import (
    Record,
    check_name,
    parameter,
    record,
    shown,
    single,
)
from hh_sde.tables import Table, description_of
from hh_sde.topology import Topology
from hh_sde.weights import Weights, checked_weights


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
    reference : str
        The paper.
    source, target : str, optional
        Names of populations. Default: all neurons.

    Raises
    ------
    TypeError, ValueError
        If the weights are not finite, negative, or none of these.

    Examples
    --------
    >>> Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]]).E
    20.0
    >>> SYNAPSES["AMPA"](weights=0.05).name
    'AMPA'
    """

    units = {"weights": "mS/cm^2", "alpha": "1/ms", "beta": "1/ms", "E": "mV", "voltage_block": "1"}

    name: str
    weights: Weights
    alpha: Rate
    beta: Rate
    E: Parameter
    voltage_block: Rate | None = None
    reference: str = ""
    source: str | None = None
    target: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name, "a synapse")
        _see_ends(self)
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
        )


Synapse.sigmoidal.__func__.units = {  # type: ignore[attr-defined]
    **Synapse.units, "rate": "1/ms"
}  # fmt: skip


@record
class GapJunction(Record):
    """An electrical synapse: neuron i receives sum_j w_ij (V_j - V_i).

    Parameters
    ----------
    weights : float, matrix, table of edges, graph or Topology
        Conductance w[i, j], mS/cm^2, as for `Synapse`. Inside a population a topology is made
        symmetric: both directions are one edge; a matrix and edges are taken as they are, though a
        real gap junction is symmetric. Between two populations the current goes both ways.
    source, target : str, optional
        Names of populations. Default: all neurons.

    Examples
    --------
    >>> GapJunction(weights=0.02).weights
    0.02
    """

    units = {"weights": "mS/cm^2"}

    weights: Weights
    source: str | None = None
    target: str | None = None

    def __post_init__(self) -> None:
        _see_ends(self)
        weights = checked_weights(self.weights, "GapJunction")
        if isinstance(weights, Topology):
            if getattr(weights, "delay", None) is not None:
                raise ValueError("a gap junction has no delay: leave it out of the edges")
            if self.source == self.target:
                weights = weights.both_ways()
        object.__setattr__(self, "weights", weights)


def _see_ends(synapse: Synapse | GapJunction) -> None:
    """See that source and target are names, if they are given."""
    for end in ("source", "target"):
        name = getattr(synapse, end)
        if name is not None and not isinstance(name, str):
            raise TypeError(f"{end} must be the name of a population or None, got {shown(name)}")


_DESTEXHE = (
    "Destexhe, Mainen & Sejnowski 1994, Neural Comput. 6, 14, doi:10.1162/neco.1994.6.1.14; "
    "transmitter T = 1/(1 + exp(-(V - 2)/5)) mM"
)

_AMPA = Synapse(
    name="AMPA",
    weights=0.0,
    alpha=Sigmoid(rate=1.1, mid=2.0, scale=5.0),
    beta=Constant(0.19),
    E=0.0,
    reference=_DESTEXHE,
)
_GABA_A = Synapse(
    name="GABA_A",
    weights=0.0,
    alpha=Sigmoid(rate=5.0, mid=2.0, scale=5.0),
    beta=Constant(0.18),
    E=-80.0,
    reference=_DESTEXHE,
)
_WANG_BUZSAKI = Synapse(
    name="wang_buzsaki",
    weights=0.0,
    alpha=Sigmoid(rate=12.0, mid=0.0, scale=2.0),
    beta=Constant(0.1),
    E=-75.0,
    reference="Wang & Buzsaki 1996, J. Neurosci. 16, 6402, doi:10.1523/JNEUROSCI.16-20-06402.1996",
)


def _entry(name: str, entry: Any) -> Callable[..., Synapse | GapJunction]:
    """An entry of SYNAPSES: a function of the weights, a Synapse being made one."""
    if isinstance(entry, Synapse):
        if entry.name != name:
            raise ValueError(
                f"SYNAPSES[{name!r}] takes a synapse of that name, and this one is called "
                f"{entry.name!r}: give it .replace(name={name!r})"
            )
        return _with_weights(entry)
    if not callable(entry) or "weights" not in inspect.signature(entry).parameters:
        raise TypeError(
            f"SYNAPSES[{name!r}] takes a Synapse, whose weights are then given anew, or a class or "
            f"function that makes one and has an argument weights; got {shown(entry)}"
        )
    return entry


def _with_weights(synapse: Synapse) -> Callable[..., Synapse]:
    """A function that makes this synapse with other weights, and says what it takes."""

    def make(weights: Weights, **changes: Any) -> Synapse:
        return synapse.replace(weights=weights, **changes)

    names = ("E", "alpha", "beta", "voltage_block", "name", "source", "target")
    keyword = inspect.Parameter.KEYWORD_ONLY
    make.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("weights", inspect.Parameter.POSITIONAL_OR_KEYWORD),
            *(inspect.Parameter(one, keyword, default=getattr(synapse, one)) for one in names),
        ]
    )
    make.__name__ = make.__qualname__ = synapse.name
    reference = textwrap.fill(synapse.reference or "None given.", 90, subsequent_indent="    ")
    make.__doc__ = _DOCSTRING.format(synapse=synapse, reference=reference)
    make.units = Synapse.units  # type: ignore[attr-defined]
    return make


_DOCSTRING = """A chemical synapse, ds/dt = alpha (1 - s) - beta s, I = w s (V - E).

    Its weights are given, and what is to be other than in {synapse.name}.

    Parameters
    ----------
    weights : float, matrix, table of edges, graph or Topology
        Conductance w[i, j] from neuron j to neuron i, mS/cm^2; one number: between every two
        different neurons.
    E : float or (n_neurons,) array
        Reversal potential, mV.
    alpha, beta : Rate
        Rise and decay of the gate, 1/ms, as functions of the presynaptic potential.
    voltage_block : Rate, optional
        Factor on w, as a function of the postsynaptic potential.
    name : str
        Another name, where a network has two of them.
    source, target : str, optional
        Names of populations. Default: all neurons.

    Returns
    -------
    Synapse

    References
    ----------
    {reference}
    """


#: Synapses by name: each a function of the weights (and of fields to change).
SYNAPSES = Table(
    "SYNAPSES",
    "synapse",
    check=_entry,
    describe=description_of,
    entries={
        "sigmoidal": Synapse.sigmoidal,
        "AMPA": _AMPA,
        "GABA_A": _GABA_A,
        "wang_buzsaki": _WANG_BUZSAKI,
        "gap_junction": GapJunction,
    },
)
