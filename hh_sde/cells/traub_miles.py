"""The fast sodium and potassium channels of Traub & Miles, as one cell and for others."""

from __future__ import annotations

from typing import Any

from hh_sde.cells.cell import Cell
from hh_sde.kinetics import Channel, Exponential, Gate, Linoid, Sigmoid


def fast_channels(
    *, g_Na: float, E_Na: float, g_K: float, E_K: float, **follows: Any
) -> tuple[Channel, Channel]:
    """Na and K of Traub & Miles (1991), V counted from V_T; what gates take besides rates."""
    return (
        Channel(
            name="Na",
            g=g_Na,
            E=E_Na,
            from_V_T=True,
            gates=(
                Gate(
                    name="m",
                    power=3,
                    alpha=Linoid(rate=0.32 * 4, mid=13.0, scale=4.0),
                    beta=Linoid(rate=0.28 * 5, mid=40.0, scale=-5.0),
                    **follows,
                ),
                Gate(
                    name="h",
                    power=1,
                    alpha=Exponential(rate=0.128, mid=17.0, scale=-18.0),
                    beta=Sigmoid(rate=4.0, mid=40.0, scale=5.0),
                    **follows,
                ),
            ),
        ),
        Channel(
            name="K",
            g=g_K,
            E=E_K,
            from_V_T=True,
            gates=(
                Gate(
                    name="n",
                    power=4,
                    alpha=Linoid(rate=0.032 * 5, mid=15.0, scale=5.0),
                    beta=Exponential(rate=0.5, mid=10.0, scale=-40.0),
                    **follows,
                ),
            ),
        ),
    )


TRAUB_MILES = Cell(
    name="traub_miles",
    channels=(
        *fast_channels(g_Na=100.0, E_Na=50.0, g_K=30.0, E_K=-90.0),
        Channel(name="L", g=0.05, E=-60.0),
    ),
    C=1.0,
    V0=-60.0,
    V_T=-63.0,
    reference=(
        "Traub & Miles 1991, Neuronal Networks of the Hippocampus, doi:10.1017/CBO9780511895401, "
        "in the form and with the numbers of benchmark 3 (COBAHH) of Brette et al. 2007, J. "
        "Comput. Neurosci. 23, 349, doi:10.1007/s10827-007-0038-6, appendix 2"
    ),
)
