"""Channel noise: channels that open and close at random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from hh_sde.errors import did_you_mean
from hh_sde.kinetics import Channel, Parameter
from hh_sde.markov import Scheme, scheme
from hh_sde.noise.base import Noise
from hh_sde.records import parameter, per_neuron, record, see_choice, shown

#: What becomes of noisy gates and states that leave [0, 1].
BOUNDS = ("none", "absolute", "steady", "clip", "reflect", "project")


class ChannelNoise(Noise):
    """Base of the noise that comes from channels which open and close at random.

    Its fields: `area`, `numbers`, `bounds`.
    """

    #: What becomes of a noisy channel: see `hh_sde.equations.tables.ChannelTable`.
    form: ClassVar[str]

    area: Parameter | None
    numbers: Any
    bounds: str

    def __post_init__(self) -> None:
        kind = type(self).__name__
        if (self.area is None) == (self.numbers is None):
            raise ValueError(
                f"{kind}: give area (um^2; numbers then follow from the channels' densities) or "
                "numbers, as numbers={'Na': 6000, 'K': 1800}"
            )
        see_choice(self.bounds, BOUNDS, f"{kind}.bounds")
        for switch in ("each_subunit", "paired"):
            if not isinstance(getattr(self, switch, False), bool):
                raise TypeError(
                    f"{kind}.{switch} must be True or False, got {shown(getattr(self, switch))}"
                )
        if self.area is not None:
            object.__setattr__(self, "area", parameter(self.area, f"{kind}.area", positive=True))
            return
        object.__setattr__(self, "numbers", _checked_numbers(self.numbers, kind))

    def number(self, channel: Channel, n_neurons: int) -> np.ndarray | None:
        """How many of these channels each neuron has, (n_neurons,); None: not noisy.

        Raises
        ------
        ValueError
            If they do not follow from the area, or are fewer than one.
        """
        if not channel.variable_gates:
            return None
        if self.area is None:
            named = dict(self.numbers)
            if channel.name not in named:
                return None
            exact = per_neuron(named[channel.name], n_neurons, f"number of {channel.name}")
        else:
            if channel.density is None:
                raise ValueError(
                    f"channel {channel.name} has no density (channels per um^2), so that its "
                    "number does not follow from the area; give it one, or give numbers"
                )
            exact = per_neuron(channel.density, n_neurons, f"density of {channel.name}")
            exact = exact * per_neuron(self.area, n_neurons, "area")
        rounded = np.round(exact)
        if np.any(rounded < 1):
            raise ValueError(f"there must be at least one {channel.name} channel, got {exact}")
        return rounded

    def check_names(self, channels: tuple[Channel, ...]) -> None:
        """See that what is named is there.

        Raises
        ------
        ValueError
            If a channel with a number is not one of the cell's, or has no gates.
        """
        gated = [channel.name for channel in channels if channel.variable_gates]
        for name, _ in self.numbers or ():
            if name not in gated:
                raise ValueError(
                    f"numbers: {name!r} is not a channel with gates; there are {', '.join(gated)}"
                    + did_you_mean(name, gated)
                )

    def noisy(self, scheme: Scheme) -> tuple[str, ...]:
        """Names of the transitions of a channel that are noisy."""
        return scheme.names


@record
class SubunitNoise(ChannelNoise):
    """Noise on the gates: dx = (alpha (1-x) - beta x) dt + sqrt((alpha (1-x) + beta x)/N) dW.

    Cheap, and statistically wrong: the open fraction m^3 h of a cell with noisy gates fluctuates
    less than that of channels, and in other ways. For comparison with published work.

    Parameters
    ----------
    area : float or (n_neurons,) array, optional
        Membrane area, um^2: the number of channels of a kind is area times `Channel.density`,
        rounded; the classic cell has 60 Na and 18 K channels per um^2.
    numbers : mapping of str to float or (n_neurons,) array, optional
        Numbers of channels by name, instead; channels not named have no noise.
    each_subunit : bool
        N is the number of channels (Fox 1997), or with True that of the gate's subunits in all of
        them, power times as many.
    bounds : {"none", "absolute", "steady", "clip", "reflect", "project"}
        What is done about gates outside [0, 1]: nothing but that a negative diffusion coefficient
        counts as 0, or is taken without its sign, or is that of the gates' steady state at V, which
        is never negative; or they are clipped to the interval, reflected, or moved to the nearest
        point (which for gates is to clip them) after each step, by the engine's methods alone.

    References
    ----------
    Fox & Lu (1994), Phys. Rev. E 49, 3421, doi:10.1103/PhysRevE.49.3421; Fox (1997), Biophys. J.
    72, 2068, doi:10.1016/S0006-3495(97)78850-7; Goldwyn & Shea-Brown (2011), PLoS Comput. Biol. 7,
    e1002247, doi:10.1371/journal.pcbi.1002247 (what is wrong with it).

    Examples
    --------
    >>> from hh_sde import Network
    >>> Network(1, noise=SubunitNoise(area=100.0)).sde().noise_type
    'commutative'
    """

    form = "gates"
    units = {"area": "um^2"}

    area: Parameter | None = None
    numbers: Any = None
    each_subunit: bool = False
    bounds: str = "none"


@record
class ConductanceNoise(ChannelNoise):
    """Noise on every transition between channel states: the diffusion limit of the Markov chain.

    The occupancies of a channel's states take the place of its gates as variables: 8 for Na and 5
    for K of the classic cell, with 20 and 8 transitions. A transition from i to j at the rate r
    moves r y_i dt + sqrt(r y_i/N) dW from y_i to y_j, so that occupancies keep their sum.

    Parameters
    ----------
    area : float or (n_neurons,) array, optional
        Membrane area, um^2: the number of channels of a kind is area times `Channel.density`,
        rounded; the classic cell has 60 Na and 18 K channels per um^2.
    numbers : mapping of str to float or (n_neurons,) array, optional
        Numbers of channels by name, instead; channels not named have no noise.
    bounds : {"none", "absolute", "steady", "clip", "reflect", "project"}
        As for `SubunitNoise`; "clip" and "reflect" scale a channel's occupancies to the sum 1,
        "project" moves them to the nearest point of the simplex (Dangerfield, Kay & Burrage).
        "steady" is the diffusion of Goldwyn et al.
    paired : bool
        One Wiener process for a transition and its reverse together (Orio & Soudry), half as many
        processes, the same in law; False: one for each (Pu & Thomas).
    transitions : sequence of (channel, transition), optional
        Which transitions are noisy, as ``[("Na", "m0h1->m1h1"), ("K", "n1->n2")]``: so that what
        each contributes can be seen alone. Default: all.

    References
    ----------
    Fox & Lu (1994), doi:10.1103/PhysRevE.49.3421; Orio & Soudry (2012), PLoS ONE 7, e36670,
    doi:10.1371/journal.pone.0036670; Dangerfield, Kay & Burrage (2012), Phys. Rev. E 85, 051907,
    doi:10.1103/PhysRevE.85.051907; Goldwyn, Imennov, Famulare & Shea-Brown (2011), Phys. Rev. E 83,
    041908, doi:10.1103/PhysRevE.83.041908; Pu & Thomas (2020), Neural Comput. 32, 1775,
    doi:10.1162/neco_a_01312.

    Examples
    --------
    >>> from hh_sde import Network
    >>> sde = Network(1, noise=ConductanceNoise(area=100.0)).sde()
    >>> sde.d, sde.m
    (14, 28)
    """

    form = "states"
    units = {"area": "um^2"}

    area: Parameter | None = None
    numbers: Any = None
    paired: bool = False
    transitions: Any = None
    bounds: str = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transitions is not None:
            object.__setattr__(self, "transitions", _checked_transitions(self.transitions))

    def check_names(self, channels: tuple[Channel, ...]) -> None:
        super().check_names(channels)
        known = {
            (channel.name, name)
            for channel in channels
            if channel.variable_gates
            for name in scheme(channel).names
        }
        for transition in self.transitions or ():
            if transition not in known:
                of_channel = [name for owner, name in sorted(known) if owner == transition[0]]
                raise ValueError(
                    f"transitions: there is no {transition!r}; "
                    + (f"{transition[0]} has {', '.join(of_channel)}" if of_channel else
                       f"channels are {', '.join(sorted({owner for owner, _ in known}))}")
                    + did_you_mean(transition[1], of_channel)
                )  # fmt: skip

    def noisy(self, scheme: Scheme) -> tuple[str, ...]:
        if self.transitions is None:
            return scheme.names
        return tuple(name for channel, name in self.transitions if channel == scheme.channel)


@record
class ShieldedNoise(ChannelNoise):
    """Stochastic shielding: noise on the transitions alone that change a channel's conductance.

    Transitions into and out of the open state, 4 of Na and 2 of K in the classic cell, give most
    of the open fraction's variance; `Network.shielding` tells how much is missing.

    Parameters
    ----------
    area, numbers, paired, bounds
        As for `ConductanceNoise`.

    References
    ----------
    Schmandt & Galan (2012), Phys. Rev. Lett. 109, 118101, doi:10.1103/PhysRevLett.109.118101;
    Schmidt & Thomas (2014), J. Math. Neurosci. 4, 6, doi:10.1186/2190-8567-4-6.

    Examples
    --------
    >>> from hh_sde import Network
    >>> Network(1, noise=ShieldedNoise(area=100.0)).sde().m
    6
    """

    form = "states"
    units = {"area": "um^2"}

    area: Parameter | None = None
    numbers: Any = None
    paired: bool = False
    bounds: str = "none"

    def noisy(self, scheme: Scheme) -> tuple[str, ...]:
        return scheme.touching_open()


@record
class EffectiveConductanceNoise(ChannelNoise):
    """Gates without noise, and coloured noise added to the open fractions.

    The open fraction of a channel in its steady state has a covariance that is a sum of
    exponentials; each becomes an Ornstein-Uhlenbeck process whose variance and time constant
    follow V: 7 for Na and 4 for K of the classic cell.

    Parameters
    ----------
    area, numbers
        As for `SubunitNoise`.

    References
    ----------
    Linaro, Storace & Giugliano (2011), PLoS Comput. Biol. 7, e1001102,
    doi:10.1371/journal.pcbi.1001102.

    Examples
    --------
    >>> from hh_sde import Network
    >>> Network(1, noise=EffectiveConductanceNoise(area=100.0)).sde().m
    11
    """

    form = "fluctuations"
    units = {"area": "um^2"}
    bounds: ClassVar[str] = "none"  # type: ignore[misc]

    area: Parameter | None = None
    numbers: Any = None


def _checked_numbers(given: Any, kind: str) -> tuple[tuple[str, Parameter], ...]:
    """Numbers of channels by name, as pairs."""
    pairs = tuple(given.items()) if isinstance(given, Mapping) else given
    if not _are_pairs(pairs) or not all(isinstance(name, str) for name, _ in pairs):
        raise TypeError(
            f"{kind}.numbers must give a number to names of channels, as {{'Na': 6000}}, "
            f"got {shown(given)}"
        )
    if not pairs:
        raise ValueError(
            f"{kind}.numbers names no channel, which is no noise: give numbers={{'Na': 6000, "
            "'K': 1800}, or leave the noise away"
        )
    return tuple(
        (name, parameter(value, f"number of {name} channels", positive=True))
        for name, value in pairs
    )


def _checked_transitions(given: Any) -> tuple[tuple[str, str], ...]:
    """Transitions, as pairs of channel and name."""
    if not _are_pairs(given) or not all(isinstance(part, str) for pair in given for part in pair):
        raise TypeError(
            'transitions must be pairs of channel and transition, as [("K", "n1->n2")], '
            f"got {shown(given)}"
        )
    if not given:
        raise ValueError(
            "transitions is empty, which is no noise: leave the noise away, or name some as "
            '[("K", "n1->n2")]'
        )
    return tuple((channel, name) for channel, name in given)


def _are_pairs(given: Any) -> bool:
    return isinstance(given, tuple | list) and all(
        isinstance(pair, tuple | list) and len(pair) == 2 for pair in given
    )
