"""Networks: neurons, synapses, stimulus and noise as one SDE."""

from hh_sde.network.network import Network

__all__ = ["Network"]
