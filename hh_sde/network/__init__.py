"""Networks: neurons, synapses, stimulus and noise as one SDE."""

from hh_sde.network.derived import Derived
from hh_sde.network.network import Network
from hh_sde.network.populations import Population

__all__ = ["Derived", "Network", "Population"]
