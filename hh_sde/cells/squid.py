"""The squid giant axon, which the equations were found with."""

from __future__ import annotations

from typing import Any

from hh_sde.cells.cell import Cell
from hh_sde.kinetics import Channel, Exponential, Gate, Linoid, Sigmoid

#: The paper's rates are those at 6.3 degC; at others they are multiplied by 3^((T - 6.3)/10).
_AT_6_3: dict[str, Any] = {"q10": 3.0, "reference_temperature": 6.3}

HODGKIN_HUXLEY = Cell(
    name="hodgkin_huxley",
    channels=(
        Channel(
            name="Na",
            g=120.0,
            E=50.0,
            density=60.0,
            gates=(
                Gate(
                    name="m",
                    power=3,
                    alpha=Linoid(rate=1.0, mid=-40.0, scale=10.0),
                    beta=Exponential(rate=4.0, mid=-65.0, scale=-18.0),
                    **_AT_6_3,
                ),
                Gate(
                    name="h",
                    power=1,
                    alpha=Exponential(rate=0.07, mid=-65.0, scale=-20.0),
                    beta=Sigmoid(rate=1.0, mid=-35.0, scale=10.0),
                    **_AT_6_3,
                ),
            ),
        ),
        Channel(
            name="K",
            g=36.0,
            E=-77.0,
            density=18.0,
            gates=(
                Gate(
                    name="n",
                    power=4,
                    alpha=Linoid(rate=0.1, mid=-55.0, scale=10.0),
                    beta=Exponential(rate=0.125, mid=-65.0, scale=-80.0),
                    **_AT_6_3,
                ),
            ),
        ),
        Channel(name="L", g=0.3, E=-54.387),
    ),
    C=1.0,
    V0=-65.0,
    temperature=6.3,
    reference=(
        "Hodgkin & Huxley 1952, J. Physiol. 117, 500, doi:10.1113/jphysiol.1952.sp004764, "
        "squid axon at 6.3 degC, potentials shifted so that rest is near -65 mV"
    ),
)

#: Potentials are counted from rest. The paper counts them so too, but hyperpolarisation as positive
#: (its V_Na is -115 mV): its V is the negative of this one.
HODGKIN_HUXLEY_1952 = Cell(
    name="hodgkin_huxley_1952",
    channels=tuple(
        channel.replace(E=E, gates=tuple(gate.at(None, V_T=65.0) for gate in channel.gates))
        for channel, E in zip(HODGKIN_HUXLEY.channels, (115.0, -12.0, 10.613), strict=True)
    ),
    C=1.0,
    V0=0.0,
    temperature=6.3,
    reference=(
        "Hodgkin & Huxley 1952, J. Physiol. 117, 500, doi:10.1113/jphysiol.1952.sp004764, squid "
        "axon at 6.3 degC; V is counted from rest as in the paper, depolarisation positive, which "
        "there is negative. Spikes: SpikeRule(threshold=50, rearm=10)"
    ),
)
