"""A fast-spiking interneuron of the hippocampus."""

from __future__ import annotations

from hh_sde.cells.cell import Cell
from hh_sde.kinetics import Channel, Exponential, Gate, Linoid, Sigmoid, SteadyState

_PHI = 5.0  # the factor on the rates of h and n

WANG_BUZSAKI = Cell(
    name="wang_buzsaki",
    channels=(
        Channel(
            name="Na",
            g=35.0,
            E=55.0,
            gates=(
                Gate(
                    name="m",
                    power=3,
                    x_inf=SteadyState(
                        alpha=Linoid(rate=1.0, mid=-35.0, scale=10.0),
                        beta=Exponential(rate=4.0, mid=-60.0, scale=-18.0),
                    ),
                ),
                Gate(
                    name="h",
                    power=1,
                    alpha=Exponential(rate=0.07 * _PHI, mid=-58.0, scale=-20.0),
                    beta=Sigmoid(rate=_PHI, mid=-28.0, scale=10.0),
                ),
            ),
        ),
        Channel(
            name="K",
            g=9.0,
            E=-90.0,
            gates=(
                Gate(
                    name="n",
                    power=4,
                    alpha=Linoid(rate=0.1 * _PHI, mid=-34.0, scale=10.0),
                    beta=Exponential(rate=0.125 * _PHI, mid=-44.0, scale=-80.0),
                ),
            ),
        ),
        Channel(name="L", g=0.1, E=-65.0),
    ),
    C=1.0,
    V0=-64.0,
    reference=(
        "Wang & Buzsaki 1996, J. Neurosci. 16, 6402, doi:10.1523/JNEUROSCI.16-20-06402.1996, "
        "fast-spiking interneuron; m follows V at once"
    ),
)
