"""Rates as functions of a concentration: of one of the cell's pools."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from hh_sde.kinetics.rates import Parameter, Rate, number_text
from hh_sde.records import OF_SLOT, check_name, parameter, record, shown


class _OfPool(Rate):
    """Base: it does not depend on V."""

    monotone: ClassVar[bool] = False
    pool: str
    rate: Parameter

    def __post_init__(self) -> None:
        name = type(self).__name__
        check_name(self.pool, "a pool")
        object.__setattr__(self, "rate", parameter(self.rate, f"{name}.rate", nonnegative=True))

    @property
    def pools(self) -> frozenset[str]:
        return frozenset({self.pool})

    @property
    def vanishes(self) -> bool:
        """Concentrations are above 0."""
        return not np.all(np.asarray(self.rate) > 0)

    def scaled(self, factor: Parameter) -> Rate:
        return self.replace(rate=self.rate * factor)

    def shifted(self, V: Parameter) -> Rate:
        return self


@record
class Proportional(_OfPool):
    r"""rate * c.

    Parameters
    ----------
    pool : str
        Whose concentration c is.
    rate : float or (n_neurons,) array
        Of its slot's unit per mM.

    Examples
    --------
    >>> Proportional("Ca", rate=0.02).latex()
    '0.02 \\, [\\mathrm{Ca}]'
    """

    units = {"rate": f"{OF_SLOT}/mM"}

    pool: str
    rate: Parameter

    @property
    def bound(self) -> np.ndarray:
        return np.where(np.asarray(self.rate) > 0, np.inf, 0.0)

    def latex(self) -> str:
        return rf"{number_text(self.rate)} \, [\mathrm{{{self.pool}}}]"


@record
class Hill(_OfPool):
    """rate * c^n/(c^n + half^n) (Hill 1910).

    Parameters
    ----------
    pool : str
        Whose concentration c is.
    rate : float or (n_neurons,) array
        What it tends to at large concentrations.
    half : float or (n_neurons,) array
        Concentration of half the rate, mM.
    power : int
        n.

    Examples
    --------
    >>> Hill("Ca", rate=1.0, half=3e-3).power
    1
    """

    units = {"rate": OF_SLOT, "half": "mM"}

    pool: str
    rate: Parameter
    half: Parameter
    power: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "half", parameter(self.half, "Hill.half (mM)", positive=True))
        if isinstance(self.power, np.integer):
            object.__setattr__(self, "power", int(self.power))
        if not isinstance(self.power, int) or isinstance(self.power, bool) or self.power < 1:
            raise ValueError(f"Hill.power must be 1, 2, 3, ..., got {shown(self.power)}")

    @property
    def bound(self) -> np.ndarray:
        return np.asarray(self.rate)

    def latex(self) -> str:
        n = "" if self.power == 1 else f"^{self.power}"
        c, half = rf"[\mathrm{{{self.pool}}}]{n}", f"{number_text(self.half)}{n}"
        return rf"{number_text(self.rate)} \, \frac{{{c}}}{{{c} + {half}}}"
