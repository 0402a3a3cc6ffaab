"""A pacemaker of the crab's and lobster's pyloric rhythm: eight currents and calcium."""

from __future__ import annotations

from hh_sde.cells.cell import Cell
from hh_sde.kinetics import (
    Channel,
    Constant,
    Exponential,
    Gate,
    Hill,
    Nernst,
    Pool,
    Product,
    Rate,
    Sigmoid,
    Sum,
    TimeConstant,
)


def _gate(name: str, power: int, mid: float, slope: float, tau: Rate) -> Gate:
    """The steady state is 1/(1 + exp((V + mid)/slope)), with the paper's signs."""
    return Gate(name, power, x_inf=Sigmoid(rate=1.0, mid=-mid, scale=-slope), tau=tau)


def _falling(at_rest: float, fall: float, mid: float, slope: float) -> Rate:
    """The paper's at_rest - fall/(1 + exp((V + mid)/slope)), as a sum of what is positive."""
    return Sum((Constant(round(at_rest - fall, 9)), Sigmoid(rate=fall, mid=-mid, scale=slope)))


def _bell(base: float, height: float, m1: float, s1: float, m2: float, s2: float) -> Rate:
    """base + height/(exp((V + m1)/s1) + exp((V + m2)/s2))"""
    bell = TimeConstant(
        alpha=Exponential(rate=1 / height, mid=-m1, scale=s1),
        beta=Exponential(rate=1 / height, mid=-m2, scale=s2),
    )
    return Sum((Constant(base), bell)) if base else bell


_E_Ca = Nernst("Ca", outside=3.0, valence=2)
_AREA = 0.628e-3  # cm^2

PRINZ_ABPD = Cell(
    name="prinz_abpd",
    channels=(
        Channel(
            name="Na",
            g=400.0,
            E=50.0,
            gates=(
                _gate("mNa", 3, 25.5, -5.29, _falling(2.64, 2.52, 120.0, -25.0)),
                _gate(
                    "hNa",
                    1,
                    48.9,
                    5.18,
                    Product(
                        (
                            Sigmoid(rate=1.34, mid=-62.9, scale=10.0),
                            Sum((Constant(1.5), Sigmoid(rate=1.0, mid=-34.9, scale=-3.6))),
                        )
                    ),
                ),
            ),
        ),
        Channel(
            name="CaT",
            g=2.5,
            E=_E_Ca,
            gates=(
                _gate("mCaT", 3, 27.1, -7.2, _falling(43.4, 42.6, 68.1, -20.5)),
                _gate("hCaT", 1, 32.1, 5.5, _falling(210.0, 179.6, 55.0, -16.9)),
            ),
        ),
        Channel(
            name="CaS",
            g=6.0,
            E=_E_Ca,
            gates=(
                _gate("mCaS", 3, 33.0, -8.1, _bell(2.8, 14.0, 27.0, 10.0, 70.0, -13.0)),
                _gate("hCaS", 1, 60.0, 6.2, _bell(120.0, 300.0, 55.0, 9.0, 65.0, -16.0)),
            ),
        ),
        Channel(
            name="A",
            g=50.0,
            E=-80.0,
            gates=(
                _gate("mA", 3, 27.2, -8.7, _falling(23.2, 20.8, 32.9, -15.2)),
                _gate("hA", 1, 56.9, 4.9, _falling(77.2, 58.4, 38.9, -26.5)),
            ),
        ),
        Channel(
            name="KCa",
            g=10.0,
            E=-80.0,
            gates=(
                Gate(
                    name="mKCa",
                    power=4,
                    x_inf=Product(
                        (
                            Sigmoid(rate=1.0, mid=-28.3, scale=12.6),
                            Hill("Ca", rate=1.0, half=3e-3),
                        )
                    ),
                    tau=_falling(180.6, 150.2, 46.0, -22.7),
                ),
            ),
        ),
        Channel(
            name="Kd",
            g=100.0,
            E=-80.0,
            gates=(_gate("mKd", 4, 12.3, -11.8, _falling(14.4, 12.8, 28.3, -19.2)),),
        ),
        Channel(
            name="H",
            g=0.01,
            E=-20.0,
            gates=(_gate("mH", 1, 75.0, 5.5, _bell(0.0, 2.0, 169.7, -11.6, -26.7, 14.3)),),
        ),
        Channel(name="L", g=0.0, E=-50.0),
    ),
    C=1.0,
    V0=-50.0,
    temperature=10.0,
    pools=(
        # 14.96 uM/nA
        Pool("Ca", channels=("CaT", "CaS"), k=14.96 * _AREA / 200.0, rest=5e-5, tau=200.0),
    ),
    reference=(
        "Prinz, Billimoria & Marder 2003, J. Neurophysiol. 90, 3998, doi:10.1152/jn.00641.2003, "
        "with the conductances of AB/PD 1 of Prinz, Bucher & Marder 2004, Nat. Neurosci. 7, 1345, "
        "doi:10.1038/nn1352; 0.628e-3 cm^2"
    ),
)
