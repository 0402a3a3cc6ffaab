"""A pyramidal cell of the hippocampal region CA3, with potassium currents that read calcium."""

from __future__ import annotations

from hh_sde.cells.cell import Cell
from hh_sde.kinetics import (
    Channel,
    Constant,
    Exponential,
    Gate,
    Linoid,
    Minimum,
    Pool,
    Proportional,
    Sigmoid,
    SteadyState,
)

#: Half of the membrane is soma in the paper's reduction, half dendrite: conductances count by half.
_HALF = 0.5
#: mM: the papers give calcium in units of no dimension, of which 250 are taken for 10 uM. Nothing
#: but the numbers of Ca depends on it.
_UNIT = 0.01 / 250

TRAUB_CA3 = Cell(
    name="traub_ca3",
    channels=(
        Channel(
            name="Na",
            g=_HALF * 30.0,
            E=60.0,
            gates=(
                Gate(
                    name="m",
                    power=2,
                    x_inf=SteadyState(
                        alpha=Linoid(rate=0.32 * 4, mid=-46.9, scale=4.0),
                        beta=Linoid(rate=0.28 * 5, mid=-19.9, scale=-5.0),
                    ),
                ),
                Gate(
                    name="h",
                    power=1,
                    alpha=Exponential(rate=0.128, mid=-43.0, scale=-18.0),
                    beta=Sigmoid(rate=4.0, mid=-20.0, scale=5.0),
                ),
            ),
        ),
        Channel(
            name="KDR",
            g=_HALF * 15.0,
            E=-75.0,
            gates=(
                Gate(
                    name="n",
                    power=1,
                    alpha=Linoid(rate=0.016 * 5, mid=-24.9, scale=5.0),
                    beta=Exponential(rate=0.25, mid=-40.0, scale=-40.0),
                ),
            ),
        ),
        Channel(
            name="Ca",
            g=_HALF * 10.0,
            E=80.0,
            gates=(
                Gate(
                    name="s",
                    power=2,
                    alpha=Sigmoid(rate=1.6, mid=5.0, scale=1 / 0.072),
                    beta=Linoid(rate=0.02 * 5, mid=-8.9, scale=-5.0),
                ),
            ),
        ),
        Channel(
            name="KC",
            g=_HALF * 15.0,
            E=-75.0,
            gates=(
                # alpha + beta of the paper is one exponential on both sides of V = -10 mV
                Gate(
                    name="c",
                    power=1,
                    x_inf=Minimum((Exponential(1 / 37.95, mid=-50.0, scale=11.0), Constant(1.0))),
                    tau=Exponential(rate=0.5, mid=-53.5, scale=27.0),
                ),
                Gate(
                    name="chi",
                    power=1,
                    x_inf=Minimum((Proportional("Ca", rate=1 / (250 * _UNIT)), Constant(1.0))),
                ),
            ),
        ),
        Channel(
            name="KAHP",
            g=_HALF * 0.8,
            E=-75.0,
            gates=(
                Gate(
                    name="q",
                    power=1,
                    alpha=Minimum((Proportional("Ca", rate=0.00002 / _UNIT), Constant(0.01))),
                    beta=Constant(0.001),
                ),
            ),
        ),
        Channel(name="L", g=0.1, E=-60.0),
    ),
    C=3.0,
    V0=-64.6,
    pools=(Pool("Ca", channels=("Ca",), k=0.13 * _UNIT / _HALF, rest=0.0, tau=1 / 0.075),),
    reference=(
        "Traub, Wong, Miles & Michelson 1991, J. Neurophysiol. 66, 635, "
        "doi:10.1152/jn.1991.66.2.635, in the reduction of Pinsky & Rinzel 1994, J. Comput. "
        "Neurosci. 1, 39, doi:10.1007/BF00962717 (erratum 2, 275), whose two compartments are one "
        "here, as a large conductance between them makes them; 250 of its units of calcium are "
        "taken for 10 uM; m and chi follow at once"
    ),
)
