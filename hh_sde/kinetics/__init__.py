"""Ion channels as data: rates, gates, channels, in the vocabulary of NeuroML 2.

A gate x with opening rate alpha(V) and closing rate beta(V) obeys dx/dt = alpha (1 - x) - beta x;
a channel carries g x1^p1 x2^p2 ... (V - E) (Hodgkin & Huxley 1952, J. Physiol. 117, 500,
doi:10.1113/jphysiol.1952.sp004764). Nothing is computed here: the compiled kernels read these
tables, and so do the equations page, the labels and the units.
"""

from hh_sde.kinetics.channels import Channel, Gate
from hh_sde.kinetics.composed import Minimum, Power, Product, Sum
from hh_sde.kinetics.concentrations import Hill, Proportional
from hh_sde.kinetics.pools import Nernst, Pool
from hh_sde.kinetics.rates import (
    Constant,
    Exponential,
    Linoid,
    Parameter,
    Rate,
    Sigmoid,
    SteadyState,
    TimeConstant,
)
from hh_sde.kinetics.tabulated import Tabulated

__all__ = [
    "Channel",
    "Constant",
    "Exponential",
    "Gate",
    "Hill",
    "Linoid",
    "Minimum",
    "Nernst",
    "Parameter",
    "Pool",
    "Power",
    "Product",
    "Proportional",
    "Rate",
    "Sigmoid",
    "SteadyState",
    "Sum",
    "Tabulated",
    "TimeConstant",
]
