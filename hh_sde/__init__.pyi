from . import dataset, interop, measures, plot, problems, studies, sweeps, topology
from .brownian import BrownianPath
from .cells import CELLS, Cell
from .clamp import voltage_clamp
from .dataset import upgrade, validate
from .distributions import DISTRIBUTIONS, Normal, Uniform
from .errors import DivergenceError, IntegrationError, Interrupted, StoreError
from .explorer import explore
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
from .methods import METHODS, Method, derivative_along, integrator
from .network import Network, Population
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
from .spike_rule import SpikeRule
from .spike_sources import PoissonInput, SpikeTimes
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
from .studies import sensitivity
from .sweeps import SUMMARIES, resume, simulator, sweep
from .synapses import (
    SYNAPSES,
    EventSynapse,
    GapJunction,
    SecondMessenger,
    ShortTermPlasticity,
    Synapse,
)
from .topology import TOPOLOGIES

__version__: str

__all__ = [
    "CELLS",
    "DISTRIBUTIONS",
    "METHODS",
    "NOISES",
    "SDE",
    "STIMULI",
    "SUMMARIES",
    "SYNAPSES",
    "TOPOLOGIES",
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
    "EventSynapse",
    "Exponential",
    "GapJunction",
    "Gate",
    "Hill",
    "IntegrationError",
    "Interrupted",
    "Linoid",
    "Method",
    "Minimum",
    "Nernst",
    "Network",
    "Noise",
    "Normal",
    "OrnsteinUhlenbeckConductance",
    "OrnsteinUhlenbeckCurrent",
    "PoissonInput",
    "Pool",
    "Population",
    "Power",
    "Product",
    "Proportional",
    "PulseTrain",
    "RampCurrent",
    "Rate",
    "SampledCurrent",
    "SecondMessenger",
    "ShieldedNoise",
    "ShortTermPlasticity",
    "Sigmoid",
    "SineCurrent",
    "SpikeRule",
    "SpikeTimes",
    "SteadyState",
    "StepCurrent",
    "Stimulus",
    "StoreError",
    "SubunitNoise",
    "Sum",
    "Synapse",
    "Tabulated",
    "Threshold",
    "TimeConstant",
    "Uniform",
    "dataset",
    "derivative_along",
    "explore",
    "integrator",
    "interop",
    "measures",
    "plot",
    "problems",
    "rerun",
    "resume",
    "sensitivity",
    "simulator",
    "solve",
    "studies",
    "sweep",
    "sweeps",
    "topology",
    "upgrade",
    "validate",
    "voltage_clamp",
]
