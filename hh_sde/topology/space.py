"""Rules over neurons that lie in space."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from hh_sde.records import frozen, numbers, record, see_choice, shown, single
from hh_sde.topology.base import EDGES, Edges, Topology, probability, uniforms
from hh_sde.topology.pairs import without_loops

PROFILES = ("exponential", "gaussian")


@record
class Distance(Topology):
    """Each pair with a probability that falls with its distance.

    ``p * exp(-d/scale)``, or of a Gaussian profile ``p * exp(-(d/scale)^2/2)``.

    Parameters
    ----------
    scale : float
        um.
    positions : (n,) or (n, dimensions) array
        Of the target's neurons, and of the source's if it is the same population, um.
    source_positions : (n_source,) or (n_source, dimensions) array, optional
        Of the source's neurons, where it is another population.
    p : float
        Probability at distance 0.
    profile : "exponential" or "gaussian"
    period : float, optional
        Side of the space where it is closed to a ring or a torus, um.
    weight : float or Distribution
        mS/cm^2.
    rng : int, Generator, SeedSequence or None
        Seed.
    symmetric : bool
        Whether, inside one population, both directions are one edge.

    Raises
    ------
    TypeError, ValueError
        If positions are not finite numbers of such a shape, or another parameter is out of range.

    References
    ----------
    Waxman 1988, IEEE J. Sel. Areas Commun. 6, 1617, doi:10.1109/49.12889 (exponential); Hellwig
    2000, Biol. Cybern. 82, 111, doi:10.1007/PL00007964 (cortex: Gaussian).

    Examples
    --------
    >>> x = np.linspace(0.0, 1000.0, 200)
    >>> graph = Distance(scale=50.0, positions=x, rng=1).matrix(200, 200, same=True).tocoo()
    >>> bool(abs(x[graph.row] - x[graph.col]).mean() < 60.0)
    True
    """

    drawn = True
    units = {
        "weight": "mS/cm^2", "scale": "um", "positions": "um", "source_positions": "um",
        "period": "um",
    }  # fmt: skip

    scale: float
    positions: Any
    source_positions: Any = None
    p: float = 1.0
    profile: Literal["exponential", "gaussian"] = "exponential"
    period: float | None = None
    weight: Any = 1.0
    rng: Any = None
    symmetric: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        see_choice(self.profile, PROFILES, "Distance.profile")
        checked: dict[str, Any] = {
            "scale": single(self.scale, "Distance.scale", positive=True),
            "p": probability(self.p, "Distance.p"),
            "positions": _places(self.positions, "Distance.positions"),
        }
        if self.period is not None:
            checked["period"] = single(self.period, "Distance.period", positive=True)
        if self.source_positions is not None:
            given = _places(self.source_positions, "Distance.source_positions")
            if given.shape[1] != checked["positions"].shape[1]:
                raise ValueError(
                    f"Distance.source_positions has {given.shape[1]} dimensions, and positions has "
                    f"{checked['positions'].shape[1]}"
                )
            checked["source_positions"] = given
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def probability(self, distance: Any) -> Any:
        """The probability of an edge over a distance, um."""
        return self._probability((np.asarray(distance) / self.scale) ** 2)

    def _probability(self, square: np.ndarray) -> np.ndarray:
        """The same over the square of distance/scale."""
        return self.p * np.exp(-np.sqrt(square) if self.profile == "exponential" else -0.5 * square)

    def edges(self, n_target: int, n_source: int, same: bool) -> Edges:
        source_positions = self._of_source(same)
        for what, places, n in (
            ("positions", self.positions, n_target),
            ("source_positions", source_positions, n_source),
        ):
            if len(places) != n:
                raise ValueError(
                    f"distance: {what} has {len(places)} places, the population has {n} neurons"
                )
        of_source = np.ascontiguousarray(source_positions.T / self.scale)
        sources = []
        for row, place in enumerate(self.positions / self.scale):  # pair by pair: time is n^2
            u = uniforms(self.rng, EDGES, row, 1, n_source)[0]
            sources.append(np.flatnonzero(u < self._probability(self._square(of_source, place))))
        target = np.repeat(np.arange(n_target), [one.size for one in sources])
        source = np.concatenate([np.empty(0, dtype=np.int64), *sources])
        return without_loops(target, source) if same else (target, source)

    def _square(self, places: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Squares of the distances of places (dimensions, n) from one, in units of `scale`."""
        square = np.zeros(places.shape[1])
        for x, at in zip(places, place, strict=True):
            apart = x - at
            if self.period is not None:
                apart -= np.rint(apart * (self.scale / self.period)) * (self.period / self.scale)
            apart *= apart
            square += apart
        return square

    def _of_source(self, same: bool) -> np.ndarray:
        if same:
            return self.positions
        if self.source_positions is None:
            raise ValueError(
                "distance between two populations takes source_positions= beside positions=, which "
                "are the target's"
            )
        return self.source_positions


def _places(values: Any, name: str) -> np.ndarray:
    array = numbers(values, name, "numbers (n,) or (n, dimensions), um")
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not np.all(np.isfinite(array)) or not array.shape[1]:
        raise ValueError(
            f"{name} must be finite numbers (n,) or (n, dimensions), um, got {shown(values)}"
        )
    return frozen(array)
