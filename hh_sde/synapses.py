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

import numpy as np
import scipy.sparse

from hh_sde.errors import keyword_hints
from hh_sde.kinetics import Constant, Parameter, Rate, Sigmoid
from hh_sde.records import (
    Record,
    check_name,
    numbers,
    parameter,
    record,
    shown,
    single,
    sparse_numbers,
)
from hh_sde.tables import Described, Description, Table, description_of, parameters_of

#: A number (the same between every two different neurons) or a matrix [to, from].
Weights = Any


@record
class Synapse(Record):
    """A chemical synapse between the neurons of a network.

    Parameters
    ----------
    name : str
    weights : float, (n_neurons, n_neurons) array or scipy.sparse matrix
        Conductance w[i, j] from neuron j to neuron i, mS/cm^2. One number stands for that weight
        between every two different neurons, so that the network can grow.
    alpha, beta : Rate
        Rise and decay of the gate, 1/ms, as functions of the presynaptic potential.
    E : float or (n_neurons,) array
        Reversal potential, mV.
    voltage_block : Rate, optional
        Factor on the conductance as a function of the postsynaptic potential.
    reference : str
        The paper.

    Raises
    ------
    TypeError, ValueError
        If the weights are not finite, not square or negative.

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

    def __post_init__(self) -> None:
        check_name(self.name, "a synapse")
        object.__setattr__(self, "weights", _checked_weights(self.weights, self.name))
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
        cls, weights: Weights, *, E: Parameter = 20.0, w: float = 1.0, rate: float = 5.0
    ) -> Synapse:
        """The synapse of the question: ds/dt = rate (1 - s)/(1 + exp(-(V + 3)/8)) - s.

        Its current is (E - V_i)/w sum_j e_ij s_j: the weights e_ij are divided by `w`.

        Parameters
        ----------
        weights : float, array or scipy.sparse matrix
            e[i, j] from neuron j to neuron i.
        E : float
            Reversal potential (V_r in the question), mV.
        w : float
            Divisor of all weights, positive.
        rate : float
            Rise rate, 1/ms.

        References
        ----------
        The two-neuron network that this library grew from.
        """
        divisor = single(w, "w", positive=True)
        checked = _checked_weights(weights, "sigmoidal")
        return cls(
            name="sigmoidal",
            weights=checked / divisor if divisor != 1 else checked,
            alpha=Sigmoid(rate=rate, mid=-3.0, scale=8.0),
            beta=Constant(1.0),
            E=E,
            reference="the two-neuron network that this library grew from",
        )


Synapse.sigmoidal.__func__.units = {  # type: ignore[attr-defined]
    **Synapse.units, "rate": "1/ms"
}  # fmt: skip


@record
class GapJunction(Record):
    """An electrical synapse: neuron i receives sum_j w_ij (V_j - V_i).

    Parameters
    ----------
    weights : float, (n_neurons, n_neurons) array or scipy.sparse matrix
        Conductance w[i, j], mS/cm^2; symmetric for a real gap junction, which is not enforced.

    Examples
    --------
    >>> GapJunction(weights=0.02).weights
    0.02
    """

    units = {"weights": "mS/cm^2"}

    weights: Weights

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", _checked_weights(self.weights, "GapJunction"))


def weight_matrix(weights: Weights, n_neurons: int, name: str) -> scipy.sparse.csr_array:
    """The weights [to, from] as a sparse matrix of shape (n_neurons, n_neurons).

    Raises
    ------
    ValueError
        If a matrix of another shape is given.
    """
    if isinstance(weights, float):
        full = np.full((n_neurons, n_neurons), weights)
        np.fill_diagonal(full, 0.0)
        weights = full
    if weights.shape != (n_neurons, n_neurons):
        raise ValueError(
            f"weights of {name} have shape {weights.shape}; a network of {n_neurons} neurons "
            f"takes shape ({n_neurons}, {n_neurons}), [to, from], or one number"
        )
    matrix = scipy.sparse.csr_array(weights, dtype=float, copy=True)
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix


def _checked_weights(weights: Weights, name: str) -> Any:
    what = f"weights of {name}"
    if scipy.sparse.issparse(weights):
        values = sparse_numbers(weights, what)
        conductances = values.data
    else:
        wanted = "a number, a square matrix or a scipy.sparse matrix"
        values = conductances = numbers(weights, what, wanted)
    if not np.all(np.isfinite(conductances)) or np.any(conductances < 0):
        raise ValueError(
            f"{what} are conductances (mS/cm^2): finite and not negative; "
            "an inhibitory synapse has a low reversal potential E instead"
        )
    if values.ndim == 0:
        return float(values)
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise ValueError(f"{what} must be a square matrix, got shape {values.shape}")
    return values


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
        names = ("E", "alpha", "beta", "voltage_block", "name")
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
    weights : float, (n_neurons, n_neurons) array or scipy.sparse matrix
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
