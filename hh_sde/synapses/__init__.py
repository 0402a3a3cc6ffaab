"""Synapses and gap junctions as data, and the table SYNAPSES."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from hh_sde.kinetics import Constant, Exponential, Sigmoid
from hh_sde.records import shown
from hh_sde.synapses.events import EventSynapse, ShortTermPlasticity
from hh_sde.synapses.gap import GapJunction
from hh_sde.synapses.graded import DESTEXHE, Synapse
from hh_sde.synapses.messenger import SecondMessenger
from hh_sde.tables import Described, Description, Table, description_of, parameters_of
from hh_sde.weights import Weights

__all__ = [
    "SYNAPSES",
    "EventSynapse",
    "GapJunction",
    "SecondMessenger",
    "ShortTermPlasticity",
    "Synapse",
]

#: What connects neurons.
AnySynapse = Synapse | EventSynapse | GapJunction

_AMPA = Synapse(
    name="AMPA",
    weights=0.0,
    alpha=Sigmoid(rate=1.1, mid=2.0, scale=5.0),
    beta=Constant(0.19),
    E=0.0,
    reference=DESTEXHE,
)
_GABA_A = Synapse(
    name="GABA_A",
    weights=0.0,
    alpha=Sigmoid(rate=5.0, mid=2.0, scale=5.0),
    beta=Constant(0.18),
    E=-80.0,
    reference=DESTEXHE,
)
# as stated in the chapter; gabab.mod (ModelDB 18198) has those of a fit to longer, weaker pulses:
# K1 = 0.52, K2 = 0.0013, K3 = 0.098 and K4 = 0.033 per ms
_GABA_B = Synapse(
    name="GABA_B",
    weights=0.0,
    alpha=Sigmoid(rate=0.09, mid=2.0, scale=5.0),
    beta=Constant(0.0012),
    messenger=SecondMessenger(K3=0.18, K4=0.034, Kd=100.0, power=4),
    E=-95.0,
    reference="Destexhe, Mainen & Sejnowski 1998, in Methods in Neuronal Modeling, 2nd ed., MIT "
    "Press, of the scheme of Destexhe & Sejnowski 1995, Proc. Natl. Acad. Sci. USA 92, 9515, "
    "doi:10.1073/pnas.92.21.9515: K1 = 0.09/(mM ms), K2 = 0.0012/ms; the transmitter, a pulse "
    "there, is T = 1/(1 + exp(-(V - 2)/5)) mM",
)
_WANG_BUZSAKI = Synapse(
    name="wang_buzsaki",
    weights=0.0,
    alpha=Sigmoid(rate=12.0, mid=0.0, scale=2.0),
    beta=Constant(0.1),
    E=-75.0,
    reference="Wang & Buzsaki 1996, J. Neurosci. 16, 6402, doi:10.1523/JNEUROSCI.16-20-06402.1996",
)
# alpha is 1500/ms at 20 mV: exact flows (strang, lie_trotter) take it, explicit schemes do not
_PRINZ = (
    "Prinz, Bucher & Marder 2004, Nat. Neurosci. 7, 1345, doi:10.1038/nn1352: s_inf = "
    "1/(1 + exp(-(V + 35)/5)) and a time constant (1 - s_inf)/k, for which alpha = "
    "k exp((V + 35)/5) and beta = k"
)
_GLUTAMATERGIC = Synapse(
    name="glutamatergic",
    weights=0.0,
    alpha=Exponential(rate=1 / 40.0, mid=-35.0, scale=5.0),
    beta=Constant(1 / 40.0),
    E=-70.0,
    reference=_PRINZ,
)
_CHOLINERGIC = Synapse(
    name="cholinergic",
    weights=0.0,
    alpha=Exponential(rate=1 / 100.0, mid=-35.0, scale=5.0),
    beta=Constant(1 / 100.0),
    E=-80.0,
    reference=_PRINZ,
)


def _entry(name: str, entry: Any) -> Callable[..., Synapse | GapJunction]:
    """An entry of SYNAPSES: a function of the weights, a Synapse being made one."""
    if isinstance(entry, Synapse):
        if entry.name != name:
            raise ValueError(
                f"SYNAPSES[{name!r}] takes a synapse of that name, and this one is called "
                f"{entry.name!r}: give it .replace(name={name!r})"
            )
        return SynapseOfTable(entry)
    if not callable(entry) or "weights" not in inspect.signature(entry).parameters:
        raise TypeError(
            f"SYNAPSES[{name!r}] takes a Synapse, whose weights are then given anew, or a class or "
            f"function that makes one and has an argument weights; got {shown(entry)}"
        )
    return entry


class SynapseOfTable(Described):
    """An entry of SYNAPSES: called with weights, and what else is to be other, it is a Synapse."""

    def __init__(self, synapse: Synapse) -> None:
        self.synapse = synapse
        self.units = Synapse.units
        names = (
            "E", "alpha", "beta", "voltage_block", "messenger", "name", "source", "target", "delay",
        )  # fmt: skip
        keyword = inspect.Parameter.KEYWORD_ONLY
        self.__signature__ = inspect.Signature(
            [
                inspect.Parameter("weights", inspect.Parameter.POSITIONAL_OR_KEYWORD),
                *(inspect.Parameter(one, keyword, default=getattr(synapse, one)) for one in names),
            ]
        )
        reference = textwrap.fill(synapse.reference or "None given.", 90, subsequent_indent="    ")
        text = _DOCSTRING.format(synapse=synapse, reference=reference)
        self.__doc__ = f"{synapse.name}{self.__signature__}\n\n    {text}"

    def __call__(self, weights: Weights, **changes: Any) -> Synapse:
        return self.synapse.replace(weights=weights, **changes)

    def description(self) -> Description:
        text = _DOCSTRING.format(synapse=self.synapse, reference=self.synapse.reference)
        return Description(
            summary=" ".join(text.partition("\n\n")[0].split()),
            parameters=parameters_of(self),
            reference=self.synapse.reference,
        )

    def __repr__(self) -> str:
        return "\n".join(self.description().lines(f'SYNAPSES["{self.synapse.name}"]'))


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
    messenger : SecondMessenger, optional
        What opens the channels where s are receptors: the share of them takes the place of s.
    name : str
        Another name, where a network has two of them.
    source, target : str, optional
        Names of populations. Default: all neurons.
    delay : float
        ms, a multiple of dt.

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
        "NMDA": Synapse.NMDA,
        "GABA_A": _GABA_A,
        "GABA_B": _GABA_B,
        "wang_buzsaki": _WANG_BUZSAKI,
        "glutamatergic": _GLUTAMATERGIC,
        "cholinergic": _CHOLINERGIC,
        "exponential": EventSynapse.exponential,
        "biexponential": EventSynapse.biexponential,
        "gap_junction": GapJunction,
    },
)
