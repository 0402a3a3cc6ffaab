"""Networks: neurons, synapses, stimulus and noise as one SDE."""

from hh_sde.network.derived import Derived
from hh_sde.network.network import Network

__all__ = ["Derived", "Network"]
