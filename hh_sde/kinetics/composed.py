"""Rates that are made of others: their sum, product, minimum, power."""

from __future__ import annotations

from functools import reduce
from typing import ClassVar

import numpy as np

from hh_sde.kinetics.rates import ONE, WORKING_RANGE, Parameter, Rate
from hh_sde.records import parameter, record, several, shown


class _Composed(Rate):
    """Base: what is not known of the whole is told from the bounds of the parts."""

    monotone: ClassVar[bool] = False

    def above_one(self) -> np.ndarray:
        """The least of the working range, unless the parts' bounds tell that it is nowhere."""
        return np.where(self.bound > ONE, WORKING_RANGE[0], np.nan)


class _OfSeveral(_Composed):
    of: tuple[Rate, ...]
    operation: ClassVar[np.ufunc]

    def __post_init__(self) -> None:
        name = type(self).__name__
        object.__setattr__(self, "of", several(self.of, Rate, f"{name}.of"))
        if len(self.of) < 2:
            raise ValueError(f"{name}.of must be two rates or more, got {shown(self.of)}")

    @property
    def pools(self) -> frozenset[str]:
        return frozenset().union(*(rate.pools for rate in self.of))

    @property
    def vanishes(self) -> bool:
        return any(rate.vanishes for rate in self.of)

    @property
    def bound(self) -> np.ndarray:
        return np.asarray(reduce(self.operation, [rate.bound for rate in self.of]))

    def shifted(self, V: Parameter) -> Rate:
        return self.replace(of=tuple(rate.shifted(V) for rate in self.of))

    def scaled(self, factor: Parameter) -> Rate:
        return self.replace(of=tuple(rate.scaled(factor) for rate in self.of))


@record
class Sum(_OfSeveral):
    r"""The sum of rates, all in the unit of its slot.

    Parameters
    ----------
    of : tuple of Rate

    Examples
    --------
    >>> from hh_sde import Constant, Sigmoid
    >>> Sum((Constant(0.12), Sigmoid(2.52, -120.0, -25.0))).latex()
    '0.12 + \\frac{2.52}{1 + e^{(V + 120)/25}}'
    """

    of: tuple[Rate, ...]
    operation = np.add

    @property
    def vanishes(self) -> bool:
        return all(rate.vanishes for rate in self.of)

    def latex(self) -> str:
        return " + ".join(rate.latex() for rate in self.of)


@record
class Product(_OfSeveral):
    """The product of rates: the first in the unit of its slot, the others numbers.

    Parameters
    ----------
    of : tuple of Rate

    Examples
    --------
    >>> from hh_sde import Hill, Sigmoid
    >>> sorted(Product((Sigmoid(1.0, -28.3, 12.6), Hill("Ca", 1.0, 3e-3))).pools)
    ['Ca']
    """

    of: tuple[Rate, ...]
    operation = np.multiply

    def scaled(self, factor: Parameter) -> Rate:
        return Product((self.of[0].scaled(factor), *self.of[1:]))

    def latex(self) -> str:
        return r" \, ".join(rf"\left({rate.latex()}\right)" for rate in self.of)


@record
class Minimum(_OfSeveral):
    """The least of rates, as of one that saturates.

    Parameters
    ----------
    of : tuple of Rate

    Examples
    --------
    >>> from hh_sde import Constant, Proportional
    >>> Minimum((Proportional("Ca", 0.02), Constant(0.01))).vanishes
    False
    """

    of: tuple[Rate, ...]
    operation = np.minimum

    def latex(self) -> str:
        return rf"\min\left({', '.join(rate.latex() for rate in self.of)}\right)"


@record
class Power(_Composed):
    r"""A rate, as a number above 0, raised to an exponent.

    Parameters
    ----------
    of : Rate
    exponent : float or (n_neurons,) array
        Positive.

    Examples
    --------
    >>> from hh_sde import Sigmoid
    >>> Power(Sigmoid(1.0, -53.3, -14.5), 4.0).latex()
    '\\left(\\frac{1}{1 + e^{(V + 53.3)/14.5}}\\right)^{4}'
    """

    units = {"exponent": "1"}

    of: Rate
    exponent: Parameter

    def __post_init__(self) -> None:
        if not isinstance(self.of, Rate):
            raise TypeError(f"Power.of must be a Rate, got {shown(self.of)}")
        exponent = parameter(self.exponent, "Power.exponent", positive=True)
        object.__setattr__(self, "exponent", exponent)

    @property
    def vanishes(self) -> bool:
        return self.of.vanishes

    @property
    def pools(self) -> frozenset[str]:
        return self.of.pools

    @property
    def bound(self) -> np.ndarray:
        return np.asarray(self.of.bound**self.exponent)

    def scaled(self, factor: Parameter) -> Rate:
        return self.replace(of=self.of.scaled(factor ** (1.0 / self.exponent)))

    def shifted(self, V: Parameter) -> Rate:
        return self.replace(of=self.of.shifted(V))

    def latex(self) -> str:
        exponent = self.exponent
        text = f"{exponent:.4g}" if isinstance(exponent, float) else "n"
        return rf"\left({self.of.latex()}\right)^{{{text}}}"
