"""Second messengers: what is between the receptors of a synapse and the channels that open."""

from __future__ import annotations

import numpy as np

from hh_sde.kinetics import Parameter
from hh_sde.kinetics.channels import MOST_POWER
from hh_sde.records import Record, parameter, record, shown


@record
class SecondMessenger(Record):
    """What metabotropic receptors activate, and how it opens channels: dG/dt = K3 s - K4 G.

    G is the concentration of the messenger, the G protein of GABA_B. Of the channels it opens
    G^power/(G^power + Kd), so that few spikes open next to none, and many a large part.

    Parameters
    ----------
    K3 : float or (n_neurons,) array
        Rate at which receptors that are all activated make it, uM/ms.
    K4 : float or (n_neurons,) array
        Rate of its decay, 1/ms.
    Kd : float or (n_neurons,) array
        Dissociation constant of its binding to the channel, uM^power.
    power : int
        How many of it a channel binds to open.

    Raises
    ------
    TypeError, ValueError
        If a number is not positive and finite, or the power is not a whole one.

    References
    ----------
    Destexhe & Sejnowski 1995, Proc. Natl. Acad. Sci. USA 92, 9515, doi:10.1073/pnas.92.21.9515.

    Examples
    --------
    >>> SecondMessenger(K3=0.18, K4=0.034, Kd=100.0).power
    4
    """

    units = {"K3": "uM/ms", "K4": "1/ms", "Kd": "uM^power"}

    K3: Parameter
    K4: Parameter
    Kd: Parameter
    power: int = 4

    def __post_init__(self) -> None:
        for name in ("K3", "K4", "Kd"):
            what = f"SecondMessenger.{name}"
            object.__setattr__(self, name, parameter(getattr(self, name), what, positive=True))
        if isinstance(self.power, np.integer):
            object.__setattr__(self, "power", int(self.power))
        whole = isinstance(self.power, int) and not isinstance(self.power, bool)
        if not whole or not 1 <= self.power <= MOST_POWER:
            raise ValueError(
                f"SecondMessenger.power must be 1, 2, ... {MOST_POWER}, got {shown(self.power)}"
            )
