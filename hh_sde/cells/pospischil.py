"""Four classes of cortical neurons of few currents: what each has besides Na, K and a leak.

The numbers are those of the authors' own NEURON code, ModelDB 123623, save that E_Ca stands at
120 mV: there it is Nernst's, 120.3 mV at 2 mM outside and 0.24 uM inside, and that of the T current
follows calcium.
"""

from __future__ import annotations

from hh_sde.cells.cell import Cell
from hh_sde.cells.traub_miles import fast_channels
from hh_sde.kinetics import (
    Channel,
    Constant,
    Exponential,
    Gate,
    Linoid,
    Product,
    Sigmoid,
    Sum,
    TimeConstant,
)

_PAPER = (
    "Pospischil et al. 2008, Biol. Cybern. 99, 427, doi:10.1007/s00422-008-0263-8, numbers of the "
    "authors' code (ModelDB 123623), at 36 degC"
)
_TAU_MAX = 1000.0  # ms


def _slow_potassium(g: float) -> Channel:
    """The M current."""
    gate = Gate(
        name="p",
        power=1,
        x_inf=Sigmoid(rate=1.0, mid=-35.0, scale=10.0),
        tau=TimeConstant(
            alpha=Exponential(rate=3.3 / _TAU_MAX, mid=-35.0, scale=20.0),
            beta=Exponential(rate=1.0 / _TAU_MAX, mid=-35.0, scale=-20.0),
        ),
        q10=2.3,
        reference_temperature=36.0,
    )
    return Channel(name="M", g=g, E=-100.0, gates=(gate,))


_L_CURRENT = Channel(  # Reuveni, Friedman, Amitai & Gutnick 1993, as the authors' code says
    name="CaL",
    g=0.17,
    E=120.0,
    gates=(
        Gate(
            name="q",
            power=2,
            alpha=Linoid(rate=0.055 * 3.8, mid=-27.0, scale=3.8),
            beta=Exponential(rate=0.94, mid=-75.0, scale=-17.0),
        ),
        Gate(
            name="r",
            power=1,
            alpha=Exponential(rate=0.000457, mid=-13.0, scale=-50.0),
            beta=Sigmoid(rate=0.0065, mid=-15.0, scale=28.0),
        ),
    ),
)

_V_X = 2.0  # mV, a shift for the calcium outside

_T_CURRENT = Channel(  # Huguenard & McCormick 1992, as the authors' code says
    name="CaT",
    g=0.4,
    E=120.0,
    gates=(
        Gate(name="s", power=2, x_inf=Sigmoid(rate=1.0, mid=-57.0 - _V_X, scale=6.2)),
        Gate(
            name="u",
            power=1,
            x_inf=Sigmoid(rate=1.0, mid=-81.0 - _V_X, scale=-4.0),
            tau=Sum(
                (
                    Constant(30.8),
                    Product(
                        (
                            Sum((Constant(211.4), Exponential(1.0, mid=-113.2 - _V_X, scale=5.0))),
                            Sigmoid(rate=1.0, mid=-84.0 - _V_X, scale=-3.2),
                        )
                    ),
                )
            ),
            q10=3.0,
            reference_temperature=24.0,
        ),
    ),
)


def _cell(name: str, what: str, *others: Channel, g_K: float, g_L: float, E_L: float) -> Cell:
    return Cell(
        name=name,
        channels=(
            *fast_channels(
                g_Na=50.0, E_Na=50.0, g_K=g_K, E_K=-100.0, q10=3.0, reference_temperature=36.0
            ),
            *others,
            Channel(name="L", g=g_L, E=E_L),
        ),
        C=1.0,
        V0=E_L,
        temperature=36.0,
        V_T=-55.0,
        reference=f"{_PAPER}; {what}",
    )


POSPISCHIL_RS = _cell(
    "pospischil_RS", "a regular-spiking pyramidal cell of 29,000 um^2, with an M current",
    _slow_potassium(0.07), g_K=5.0, g_L=0.1, E_L=-70.0,
)  # fmt: skip
POSPISCHIL_FS = _cell(
    "pospischil_FS", "a fast-spiking interneuron of 14,000 um^2",
    g_K=10.0, g_L=0.15, E_L=-70.0,
)  # fmt: skip
POSPISCHIL_IB = _cell(
    "pospischil_IB",
    "an intrinsically bursting pyramidal cell of 29,000 um^2, with an L current; E_Ca is fixed",
    _slow_potassium(0.03), _L_CURRENT, g_K=5.0, g_L=0.01, E_L=-85.0,
)  # fmt: skip
POSPISCHIL_LTS = _cell(
    "pospischil_LTS",
    "a pyramidal cell of 29,000 um^2 with low-threshold spikes, by a T current; E_Ca is fixed",
    _slow_potassium(0.03), _T_CURRENT, g_K=5.0, g_L=0.01, E_L=-85.0,
)  # fmt: skip
