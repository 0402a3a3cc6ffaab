"""The barnacle muscle fibre: two variables."""

from __future__ import annotations

from hh_sde.cells.cell import Cell
from hh_sde.kinetics import Channel, Exponential, Gate, Sigmoid, TimeConstant

_PHI_W = 0.04  # 1/ms

MORRIS_LECAR = Cell(
    name="morris_lecar",
    channels=(
        Channel(
            name="Ca",
            g=4.4,
            E=120.0,
            # (1 + tanh((V - V1)/V2))/2 is a sigmoid of scale V2/2
            gates=(Gate(name="m", power=1, x_inf=Sigmoid(rate=1.0, mid=-1.2, scale=9.0)),),
        ),
        Channel(
            name="K",
            g=8.0,
            E=-84.0,
            gates=(
                Gate(
                    name="w",
                    power=1,
                    x_inf=Sigmoid(rate=1.0, mid=2.0, scale=15.0),
                    tau=TimeConstant(  # 1/(phi cosh((V - V3)/(2 V4)))
                        alpha=Exponential(rate=_PHI_W / 2, mid=2.0, scale=60.0),
                        beta=Exponential(rate=_PHI_W / 2, mid=2.0, scale=-60.0),
                    ),
                ),
            ),
        ),
        Channel(name="L", g=2.0, E=-60.0),
    ),
    C=20.0,
    V0=-60.0,
    reference=(
        "Morris & Lecar 1981, Biophys. J. 35, 193, doi:10.1016/S0006-3495(81)84782-0, barnacle "
        "muscle fibre, with the parameters of Rinzel & Ermentrout 1998 (in Methods in Neuronal "
        "Modeling, 2nd ed.) for the Hopf bifurcation, as in Ermentrout & Terman 2010, Mathematical "
        "Foundations of Neuroscience, table 3.1; m follows V at once"
    ),
)
