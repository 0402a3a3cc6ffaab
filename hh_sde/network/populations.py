"""Populations: neurons of one kind in a network, with their cell, stimulus and noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from hh_sde import display
from hh_sde.cells import Cell
from hh_sde.network.checked import checked_cell, checked_count, checked_noise
from hh_sde.noise import ChannelNoise, CurrentNoise, Noise
from hh_sde.records import Record, check_name, record, shown
from hh_sde.stimuli import Stimulus, as_stimulus


@record
class Population(Record):
    """A population: neurons of one kind in a network.

    Parameters
    ----------
    n : int
        Number of neurons.
    cell : str or Cell
        A name of CELLS, or a cell; its parameters may be arrays with one value per neuron.
    stimulus : Stimulus, float or (n,) array
        Injected current, uA/cm^2.
    noise : Noise or a sequence of them, optional
        Entries of NOISES, at most one of channel noise.

    Raises
    ------
    TypeError, ValueError
        If a part has the wrong type.

    Examples
    --------
    >>> from hh_sde import Network
    >>> net = Network({"E": Population(4, stimulus=8.0), "I": Population(1, "wang_buzsaki")})
    >>> net.n_neurons, list(net.populations)
    (5, ['E', 'I'])
    """

    units = {"stimulus": "uA/cm^2"}

    n: int
    cell: Cell
    stimulus: Stimulus
    noise: tuple[Noise, ...]

    def __init__(
        self,
        n: int,
        cell: str | Cell = "hodgkin_huxley",
        stimulus: Any = 0.0,
        noise: Noise | Sequence[Noise] | None = None,
    ) -> None:
        parts = {
            "n": checked_count(n, "n"),
            "cell": checked_cell(cell),
            "stimulus": as_stimulus(stimulus),
            "noise": checked_noise(noise),
        }
        for name, value in parts.items():
            object.__setattr__(self, name, value)

    def repeated(self, times: int) -> Population:
        parts = (one.repeated(times) for one in (self.cell, self.stimulus, *self.noise))
        cell, stimulus, *noise = parts
        return self.replace(n=self.n * times, cell=cell, stimulus=stimulus, noise=noise)

    def __repr__(self) -> str:
        return display.population_text(self)


class Group(NamedTuple):
    """A population and where it stands among the neurons of its network; its name may be ""."""

    name: str
    first: int
    population: Population

    @property
    def n(self) -> int:
        """How many neurons."""
        return self.population.n

    @property
    def neurons(self) -> slice:
        """Which neurons."""
        return slice(self.first, self.first + self.n)

    @contextmanager
    def naming(self) -> Iterator[None]:
        """What is found wrong inside is said of this population."""
        try:
            yield
        except ValueError as error:
            if not self.name:
                raise
            raise ValueError(f"population {self.name}: {error}") from None

    @property
    def channel_noise(self) -> ChannelNoise | None:
        """Its channel noise."""
        return next((one for one in self.population.noise if isinstance(one, ChannelNoise)), None)

    @property
    def current_noise(self) -> list[CurrentNoise]:
        """Its white noise on V."""
        return [one for one in self.population.noise if isinstance(one, CurrentNoise)]


def groups(populations: Mapping[str, Population]) -> tuple[Group, ...]:
    """Populations one after another."""
    found, first = [], 0
    for name, one in populations.items():
        found.append(Group(name, first, one))
        first += one.n
    return tuple(found)


def checked_populations(given: Mapping[Any, Any]) -> dict[str, Population]:
    """Populations by name.

    Raises
    ------
    TypeError, ValueError
        If there are none, or a name or a population is not what it must be.
    """
    if not given:
        raise ValueError('there is no population: give some, as {"E": hh_sde.Population(100)}')
    for name, one in given.items():
        check_name(name, "a population")
        if name == "type":
            raise ValueError("a population cannot be called 'type': give it another name")
        if not isinstance(one, Population):
            raise TypeError(
                f"population {name} must be a Population, as hh_sde.Population(100, cell='...'), "
                f"got {shown(one)}"
            )
    return dict(given)


def see_common_noise(noise: tuple[Noise, ...]) -> None:
    """See that the noise of a whole network of populations is such.

    Raises
    ------
    TypeError
        If it is not.
    """
    for one in noise:
        if not isinstance(one, CurrentNoise):
            raise TypeError(
                "noise= of a network of populations is white noise on V for all of them, "
                f"CurrentNoise; {type(one).__name__} belongs to a population, "
                "hh_sde.Population(..., noise=...)"
            )
