"""Noise models as data, and the table NOISES.

Noise on V is stated by its amplitudes, coloured noise by the Ornstein-Uhlenbeck process that it is,
and channel noise by what it makes of a channel (`form`), how many channels there are, and which of
their transitions are noisy. The equations are derived from the channels' tables.
"""

from hh_sde.noise.base import Noise
from hh_sde.noise.channels import (
    ChannelNoise,
    ConductanceNoise,
    EffectiveConductanceNoise,
    ShieldedNoise,
    SubunitNoise,
)
from hh_sde.noise.colored import OrnsteinUhlenbeckConductance, OrnsteinUhlenbeckCurrent
from hh_sde.noise.current import CurrentNoise
from hh_sde.tables import Table, description_of, of_kind

__all__ = [
    "NOISES",
    "ChannelNoise",
    "ConductanceNoise",
    "CurrentNoise",
    "EffectiveConductanceNoise",
    "Noise",
    "OrnsteinUhlenbeckConductance",
    "OrnsteinUhlenbeckCurrent",
    "ShieldedNoise",
    "SubunitNoise",
]

#: Noise models by name.
NOISES = Table(
    "NOISES",
    "noise",
    check=of_kind(Noise, "NOISES"),
    describe=description_of,
    entries={
        "current": CurrentNoise,
        "ornstein_uhlenbeck_current": OrnsteinUhlenbeckCurrent,
        "ornstein_uhlenbeck_conductance": OrnsteinUhlenbeckConductance,
        "subunit": SubunitNoise,
        "conductance": ConductanceNoise,
        "shielded": ShieldedNoise,
        "effective_conductance": EffectiveConductanceNoise,
    },
)
