"""The noise of a page: its kinds, as NOISES calls them, and their numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hh_sde.cells import Cell
from hh_sde.noise import (
    ChannelNoise,
    ConductanceNoise,
    CurrentNoise,
    Noise,
    OrnsteinUhlenbeckCurrent,
    SubunitNoise,
)

WHITE, COLOURED = "current", "ornstein_uhlenbeck_current"
#: Noise of channels, whose numbers follow from the area.
CHANNELS: dict[str, type[SubunitNoise] | type[ConductanceNoise]] = {
    "subunit": SubunitNoise,
    "conductance": ConductanceNoise,
}


@dataclass(frozen=True)
class NoiseShown:
    """The kind that a page begins with, and the numbers of all kinds.

    `eta` is the name of the coloured current.
    """

    kind: str = "none"
    sigma: float = 1.0
    correlation: float = 0.0
    mean: float = 0.0
    sd: float = 1.0
    tau: float = 5.0
    eta: str = "eta"
    area: float = 100.0


def noise_shown(given: tuple[Noise, ...]) -> NoiseShown | None:
    """A network's noise, or None if a page has none of that form."""
    if not given:
        return NoiseShown()
    noise, *others = given
    numbers = [value for value in vars(noise).values() if isinstance(value, np.ndarray)]
    if others or numbers:
        return None
    if isinstance(noise, CurrentNoise):
        correlation = noise.correlation or 0.0
        if correlation < 0:
            return None
        return NoiseShown(WHITE, sigma=_number(noise.sigma), correlation=correlation)
    if isinstance(noise, OrnsteinUhlenbeckCurrent):
        mean, sd, tau = _number(noise.mean), _number(noise.sigma), _number(noise.tau)
        return NoiseShown(COLOURED, mean=mean, sd=sd, tau=tau, eta=noise.name)
    for kind, make in CHANNELS.items():
        if isinstance(noise, ChannelNoise) and noise.area and noise == make(area=noise.area):
            return NoiseShown(kind, area=_number(noise.area))
    return None


def noise_of(kind: str, numbers: NoiseShown) -> Noise | None:
    """The noise of a kind as a network takes it; white noise is not in the equations."""
    if kind == COLOURED:
        one = numbers
        return OrnsteinUhlenbeckCurrent(one.mean, one.sd, one.tau, name=one.eta)
    return CHANNELS[kind](area=numbers.area) if kind in CHANNELS else None


def densities(cell: Cell) -> list[float]:
    """Channels per um^2 of those that may be noisy; none if that is not known of all."""
    found = [channel.density for channel in cell.channels if channel.variable_gates]
    if any(density is None or np.ndim(density) for density in found):
        return []
    return sorted({_number(density) for density in found})


def _number(value: float | np.ndarray | None) -> float:
    assert value is not None
    return float(value)
