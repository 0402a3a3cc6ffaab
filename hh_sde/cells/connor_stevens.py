"""A walking-leg axon with an A current, which lets it fire slowly."""

from __future__ import annotations

from hh_sde.cells.cell import Cell
from hh_sde.kinetics import (
    Channel,
    Constant,
    Exponential,
    Gate,
    Linoid,
    Minimum,
    Power,
    Product,
    Sigmoid,
    Sum,
)

CONNOR_STEVENS = Cell(
    name="connor_stevens",
    channels=(
        Channel(
            name="Na",
            g=120.0,
            E=55.0,
            gates=(
                Gate(
                    name="m",
                    power=3,
                    alpha=Linoid(rate=0.38 * 10, mid=-29.7, scale=10.0),
                    beta=Exponential(rate=15.2, mid=-54.7, scale=-1 / 0.0556),
                ),
                Gate(
                    name="h",
                    power=1,
                    alpha=Exponential(rate=0.266, mid=-48.0, scale=-20.0),
                    beta=Sigmoid(rate=3.8, mid=-18.0, scale=10.0),
                ),
            ),
        ),
        Channel(
            name="K",
            g=20.0,
            E=-72.0,
            gates=(
                Gate(
                    name="n",
                    power=4,
                    alpha=Linoid(rate=0.02 * 10, mid=-45.7, scale=10.0),
                    beta=Exponential(rate=0.25, mid=-55.7, scale=-80.0),
                ),
            ),
        ),
        Channel(
            name="A",
            g=47.7,
            E=-75.0,
            gates=(
                Gate(
                    name="a",
                    power=3,
                    x_inf=Minimum(
                        (
                            Power(
                                Product(
                                    (
                                        Exponential(rate=0.0761, mid=-94.22, scale=1 / 0.0314),
                                        Sigmoid(rate=1.0, mid=-1.17, scale=-1 / 0.0346),
                                    )
                                ),
                                exponent=1 / 3,
                            ),
                            Constant(1.0),  # the paper's formula reaches 1.01 above 40 mV
                        )
                    ),
                    tau=Sum((Constant(0.3632), Sigmoid(rate=1.158, mid=-55.96, scale=-1 / 0.0497))),
                ),
                Gate(
                    name="b",
                    power=1,
                    x_inf=Power(Sigmoid(rate=1.0, mid=-53.3, scale=-1 / 0.0688), exponent=4.0),
                    tau=Sum((Constant(1.24), Sigmoid(rate=2.678, mid=-50.0, scale=-1 / 0.0624))),
                ),
            ),
        ),
        Channel(name="L", g=0.3, E=-17.0),
    ),
    C=1.0,
    V0=-68.0,
    reference=(
        "Connor & Stevens 1971, J. Physiol. 213, 31, doi:10.1113/jphysiol.1971.sp009366, with the "
        "numbers of Connor, Walter & McKown 1977, Biophys. J. 18, 81, "
        "doi:10.1016/S0006-3495(77)85598-7, as Dayan & Abbott 2001, Theoretical Neuroscience, "
        "chapter 6, have them; the steady state of a is held at 1 where it would exceed it"
    ),
)
