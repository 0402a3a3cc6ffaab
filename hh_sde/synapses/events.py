"""Event-driven synapses: a spike of the presynaptic neuron makes a conductance jump.

Between spikes dg/dt = -g/tau (exponential), or dh/dt = -h/tau_rise and dg/dt = -g/tau_decay + h
(biexponential). A weight is the height of the jump, and of the biexponential course the height of
its peak after one spike.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde.errors import keyword_hints
from hh_sde.kinetics import Parameter, Rate
from hh_sde.records import Record, check_name, parameter, record, shown, single
from hh_sde.spike_rule import SpikeRule
from hh_sde.spike_sources import PoissonInput, SpikeTimes
from hh_sde.synapses.ends import checked_delay
from hh_sde.weights import Weights, checked_weights


@record
class ShortTermPlasticity(Record):
    """Depression and facilitation of an event-driven synapse (Tsodyks & Markram).

    At each spike the part u of the available resources x is used: a jump is u x times the weight.
    Between spikes dx/dt = (1 - x)/tau_rec and du/dt = -u/tau_facil; at a spike u grows by U (1 - u)
    first, then x loses u x.

    Parameters
    ----------
    U : float
        Utilisation of a spike after a long rest, from 0 to 1.
    tau_rec : float
        Time constant of recovery, ms; 0: no depression.
    tau_facil : float
        Time constant of facilitation, ms; 0: none, u is U at each spike.

    Raises
    ------
    TypeError, ValueError
        If a number is out of range.

    References
    ----------
    Tsodyks, Pawelzik & Markram (1998), Neural Comput. 10, 821, doi:10.1162/089976698300017502.

    Examples
    --------
    >>> ShortTermPlasticity(U=0.5, tau_rec=800.0).tau_facil
    0.0
    """

    units = {"tau_rec": "ms", "tau_facil": "ms"}

    U: float
    tau_rec: float = 0.0
    tau_facil: float = 0.0

    def __post_init__(self) -> None:
        for name in ("U", "tau_rec", "tau_facil"):
            value = single(getattr(self, name), f"ShortTermPlasticity.{name}")
            if value < 0 or (name == "U" and value > 1):
                accepted = "from 0 to 1" if name == "U" else "not negative (ms)"
                raise ValueError(f"ShortTermPlasticity.{name} must be {accepted}, got {value:g}")
            object.__setattr__(self, name, value)


@record
class EventSynapse(Record):
    """A synapse whose conductance jumps when a presynaptic spike arrives.

    `SYNAPSES["exponential"]` and `SYNAPSES["biexponential"]` make it. Its conductance is a variable
    of the neurons that receive it, g_<name> (mS/cm^2). Without a reversal potential it is a
    current, i_<name> (uA/cm^2, inward), and weights may be negative.

    Parameters
    ----------
    name : str
    weights : float, matrix, table of edges, graph or Topology
        As of `Synapse`: the jump, mS/cm^2, or uA/cm^2 of a current.
    tau : float or array
        Time constant of the decay, ms.
    tau_rise : float or array, optional
        Time constant of the rise, ms. Default: it jumps.
    E : float or array, optional
        Reversal potential, mV. Default: a current.
    source : str, PoissonInput or SpikeTimes, optional
        The population that sends spikes, or where else they come from. Default: all neurons.
    target : str, optional
        Default: all neurons.
    delay : float
        From a spike to its arrival, ms: a multiple of dt. Delays of the edges of a table come on
        top of it. A spike acts at the end of the step in which it is found, or so much later.
    spike_rule : SpikeRule
        What counts as a spike; its `lockout` is a refractory time.
    plasticity : ShortTermPlasticity, optional
    voltage_block : Rate, optional
        Factor on the conductance as a function of the postsynaptic potential.
    reference : str

    Raises
    ------
    TypeError, ValueError
        If a part is not of its kind, or a number out of range.

    Examples
    --------
    >>> from hh_sde import SYNAPSES
    >>> synapse = SYNAPSES["exponential"](0.02, tau=5.0, E=0.0, source="E", delay=1.5)
    >>> synapse.tau, synapse.delay
    (5.0, 1.5)
    """

    units = {
        "weights": "mS/cm^2", "tau": "ms", "tau_rise": "ms", "tau_decay": "ms", "E": "mV",
        "delay": "ms", "voltage_block": "1",
    }  # fmt: skip

    name: str
    weights: Weights
    tau: Parameter
    tau_rise: Parameter | None = None
    E: Parameter | None = None
    source: Any = None
    target: str | None = None
    delay: float = 0.0
    spike_rule: SpikeRule | None = None
    plasticity: ShortTermPlasticity | None = None
    voltage_block: Rate | None = None
    reference: str = ""

    def __post_init__(self) -> None:
        check_name(self.name, "a synapse")
        name = self.name
        checked: dict[str, Any] = {
            "weights": checked_weights(self.weights, name, signed=self.is_current),
            "tau": parameter(self.tau, f"tau of synapse {name}", positive=True),
            "delay": checked_delay(self.delay, name),
            "spike_rule": SpikeRule() if self.spike_rule is None else self.spike_rule,
        }
        if self.tau_rise is not None:
            what = f"tau_rise of synapse {name}"
            checked["tau_rise"] = parameter(self.tau_rise, what, positive=True)
        if self.E is not None:
            checked["E"] = parameter(self.E, f"E of synapse {name}")
        for field, value in checked.items():
            object.__setattr__(self, field, value)
        self._see_parts()

    def _see_parts(self) -> None:
        accepted: dict[str, tuple[Any, str]] = {
            "source": (
                str | PoissonInput | SpikeTimes | None,
                "the name of a population, hh_sde.PoissonInput(rate), hh_sde.SpikeTimes(...) or "
                "None",
            ),
            "target": (str | None, "the name of a population or None"),
            "spike_rule": (SpikeRule, "a SpikeRule"),
            "plasticity": (ShortTermPlasticity | None, "a ShortTermPlasticity or None"),
            "voltage_block": (Rate | None, "a Rate or None"),
        }
        for field, (kind, words) in accepted.items():
            value = getattr(self, field)
            if not isinstance(value, kind):
                raise TypeError(f"synapse {self.name}: {field} must be {words}, got {shown(value)}")
        if self.E is None and self.voltage_block is not None:
            raise ValueError(f"synapse {self.name}: a current has no voltage_block; give it E")
        merged = isinstance(self.source, PoissonInput) and not self.source.shared
        if merged and self.source.n > 1 and self.plasticity is not None:
            raise ValueError(
                f"synapse {self.name}: the {self.source.n} trains to each neuron are drawn as one, "
                "and with plasticity each would use resources of its own: take n=1, or shared "
                "trains with a matrix of weights, PoissonInput(rate, n=..., shared=True)"
            )

    @property
    def is_current(self) -> bool:
        """Whether it is a current, whose weights may be negative, and no conductance."""
        return self.E is None

    @property
    def rise_factor(self) -> Any:
        """The jump of h for which the peak of g is 1, 1/ms; 1 where g itself jumps."""
        if self.tau_rise is None:
            return 1.0
        rise, decay = np.asarray(self.tau_rise), np.asarray(self.tau)
        # the peak is at t = log(decay/rise)/(1/rise - 1/decay), which is tau where both are
        x = decay / rise - 1.0
        near = np.abs(x) < 1e-8
        ratio = np.where(near, 1.0, np.log1p(x) / np.where(near, 1.0, x))
        return np.exp(decay * ratio / rise) / decay

    @classmethod
    @keyword_hints
    def exponential(
        cls,
        weights: Weights,
        *,
        tau: Parameter,
        E: Parameter | None = None,
        source: Any = None,
        target: str | None = None,
        delay: float = 0.0,
        spike_rule: SpikeRule | None = None,
        plasticity: ShortTermPlasticity | None = None,
        voltage_block: Rate | None = None,
        name: str = "exponential",
    ) -> EventSynapse:
        """A conductance that jumps at each spike and decays: dg/dt = -g/tau.

        Parameters
        ----------
        weights : float, matrix, table of edges, graph or Topology
            The jump, mS/cm^2 (uA/cm^2 of a current).
        tau : float or array
            ms.
        E : float or array, optional
            Reversal potential, mV. Default: a current, inward.
        source : str, PoissonInput or SpikeTimes, optional
        target : str, optional
            Default of both: all neurons.
        delay : float
            ms, a multiple of dt.
        spike_rule : SpikeRule, optional
        plasticity : ShortTermPlasticity, optional
        voltage_block : Rate, optional
            Factor on the conductance, of the postsynaptic potential.
        name : str
            Another name, where a network has two of them.
        """
        return cls(
            name, weights, tau, None, E, source, target, delay, spike_rule,
            plasticity, voltage_block,
        )  # fmt: skip

    @classmethod
    @keyword_hints
    def biexponential(
        cls,
        weights: Weights,
        *,
        tau_rise: Parameter,
        tau_decay: Parameter,
        E: Parameter | None = None,
        source: Any = None,
        target: str | None = None,
        delay: float = 0.0,
        spike_rule: SpikeRule | None = None,
        plasticity: ShortTermPlasticity | None = None,
        voltage_block: Rate | None = None,
        name: str = "biexponential",
    ) -> EventSynapse:
        """A conductance that rises and decays after each spike, to a peak that is its weight.

        With equal time constants it is an alpha function.

        Parameters
        ----------
        weights : float, matrix, table of edges, graph or Topology
            The peak after one spike, mS/cm^2 (uA/cm^2 of a current).
        tau_rise, tau_decay : float or array
            ms.
        E : float or array, optional
            Reversal potential, mV. Default: a current, inward.
        source : str, PoissonInput or SpikeTimes, optional
        target : str, optional
            Default of both: all neurons.
        delay : float
            ms, a multiple of dt.
        spike_rule : SpikeRule, optional
        plasticity : ShortTermPlasticity, optional
        voltage_block : Rate, optional
            Factor on the conductance, of the postsynaptic potential.
        name : str
            Another name, where a network has two of them.
        """
        return cls(
            name, weights, tau_decay, tau_rise, E, source, target, delay,
            spike_rule, plasticity, voltage_block,
        )  # fmt: skip


for _name in ("exponential", "biexponential"):
    vars(EventSynapse)[_name].__func__.units = EventSynapse.units
