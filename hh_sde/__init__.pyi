from . import dataset, measures, plot, problems, studies
from .brownian import BrownianPath
from .cells import CELLS, Cell
from .clamp import voltage_clamp
from .dataset import upgrade, validate
from .distributions import DISTRIBUTIONS, Normal, Uniform
from .errors import DivergenceError, IntegrationError, Interrupted
from .kinetics import (
    Channel,
    Constant,
    Exponential,
    Gate,
    Hill,
    Linoid,
    Minimum,
    Nernst,
    Pool,
    Power,
    Product,
    Proportional,
    Rate,
    Sigmoid,
    SteadyState,
    Sum,
    Tabulated,
    TimeConstant,
)
from .measures import SpikeRule
from .methods import METHODS
from .network import Network
from .noise import (
    NOISES,
    ConductanceNoise,
    CurrentNoise,
    EffectiveConductanceNoise,
    Noise,
    OrnsteinUhlenbeckConductance,
    OrnsteinUhlenbeckCurrent,
    ShieldedNoise,
    SubunitNoise,
)
from .reruns import rerun
from .sde import SDE
from .solver import solve
from .stimuli import (
    STIMULI,
    AlphaCurrent,
    ConstantCurrent,
    PulseTrain,
    RampCurrent,
    SampledCurrent,
    SineCurrent,
    StepCurrent,
    Stimulus,
)
from .stopping import Threshold
from .synapses import SYNAPSES, GapJunction, Synapse

__version__: str

__all__ = [
    "CELLS",
    "DISTRIBUTIONS",
    "METHODS",
    "NOISES",
    "SDE",
    "STIMULI",
    "SYNAPSES",
    "AlphaCurrent",
    "BrownianPath",
    "Cell",
    "Channel",
    "ConductanceNoise",
    "Constant",
    "ConstantCurrent",
    "CurrentNoise",
    "DivergenceError",
    "EffectiveConductanceNoise",
    "Exponential",
    "GapJunction",
    "Gate",
    "Hill",
    "IntegrationError",
    "Interrupted",
    "Linoid",
    "Minimum",
    "Nernst",
    "Network",
    "Noise",
    "Normal",
    "OrnsteinUhlenbeckConductance",
    "OrnsteinUhlenbeckCurrent",
    "Pool",
    "Power",
    "Product",
    "Proportional",
    "PulseTrain",
    "RampCurrent",
    "Rate",
    "SampledCurrent",
    "ShieldedNoise",
    "Sigmoid",
    "SineCurrent",
    "SpikeRule",
    "SteadyState",
    "StepCurrent",
    "Stimulus",
    "SubunitNoise",
    "Sum",
    "Synapse",
    "Tabulated",
    "Threshold",
    "TimeConstant",
    "Uniform",
    "dataset",
    "measures",
    "plot",
    "problems",
    "rerun",
    "solve",
    "studies",
    "upgrade",
    "validate",
    "voltage_clamp",
]
