"""Networks of Hodgkin-Huxley neurons as stochastic differential equations.

The network is a drift f(x, t) and a diffusion G(x, t) over one flat state vector; sdeint, scipy and
a compiled engine integrate it; every result is a labelled `xarray.Dataset`.
"""

from hh_sde import accessor  # noqa: F401  (registers Dataset.hh)
from hh_sde.brownian import BrownianPath
from hh_sde.cells import CELLS, Cell
from hh_sde.dataset import validate
from hh_sde.kinetics import Channel, Constant, Exponential, Gate, Linoid, Sigmoid, Tabulated
from hh_sde.measures import SpikeRule
from hh_sde.methods import METHODS
from hh_sde.network import Network
from hh_sde.noise import NOISES, CurrentNoise
from hh_sde.sde import SDE
from hh_sde.solve import IntegrationError, solve
from hh_sde.stimuli import (
    STIMULI,
    ConstantCurrent,
    PulseTrain,
    SampledCurrent,
    SineCurrent,
    StepCurrent,
)
from hh_sde.synapses import SYNAPSES, GapJunction, Synapse

__all__ = [
    "CELLS",
    "METHODS",
    "NOISES",
    "SDE",
    "STIMULI",
    "SYNAPSES",
    "BrownianPath",
    "Cell",
    "Channel",
    "Constant",
    "ConstantCurrent",
    "CurrentNoise",
    "Exponential",
    "GapJunction",
    "Gate",
    "IntegrationError",
    "Linoid",
    "Network",
    "PulseTrain",
    "SampledCurrent",
    "Sigmoid",
    "SineCurrent",
    "SpikeRule",
    "StepCurrent",
    "Synapse",
    "Tabulated",
    "solve",
    "validate",
]
