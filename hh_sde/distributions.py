"""Distributions of initial values and of weights as data, and the table DISTRIBUTIONS.

Numbers have the units of the variable that a distribution is given for, and may be arrays with one
value per neuron.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from hh_sde.kinetics import Parameter
from hh_sde.records import Record, fields_of, parameter, record, shown
from hh_sde.tables import Table, description_of, of_kind


class Distribution(Record):
    """Base of the distributions.

    Examples
    --------
    >>> Uniform(0.0, 4.0).at(np.array([-40.0, 0.0, 40.0]))
    array([0., 2., 4.])
    """

    def at(self, z: np.ndarray) -> np.ndarray:
        """The value that is to this distribution what `z` is to the standard normal one.

        Both are the same quantile, so that standard normal numbers become numbers of this
        distribution.

        Parameters
        ----------
        z : (..., n_neurons) array

        Returns
        -------
        (..., n_neurons) array
        """
        raise NotImplementedError

    def scaled(self, factor: float) -> Self:
        """The distribution of `factor` times such a number, all of whose parameters scale with it.

        Examples
        --------
        >>> Uniform(1.0, 2.0).scaled(3.0)
        Uniform(low=3.0, high=6.0)
        """
        return self.replace(**{name: factor * value for name, value in fields_of(self).items()})


@record
class Normal(Distribution):
    """The normal distribution.

    Parameters
    ----------
    mean, sd : float or (n_neurons,) array
        Mean and standard deviation, in the units of the variable.

    Raises
    ------
    TypeError, ValueError
        If one is not a finite number, or sd is negative.

    Examples
    --------
    >>> Normal(-65.0, 5.0).at(np.array([0.0, 1.0]))
    array([-65., -60.])
    """

    mean: Parameter
    sd: Parameter

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", parameter(self.mean, "Normal.mean"))
        object.__setattr__(self, "sd", parameter(self.sd, "Normal.sd", nonnegative=True))

    def at(self, z: np.ndarray) -> np.ndarray:
        return self.mean + self.sd * z


@record
class Uniform(Distribution):
    """The uniform distribution from `low` to `high`.

    Parameters
    ----------
    low, high : float or (n_neurons,) array
        In the units of the variable.

    Raises
    ------
    TypeError, ValueError
        If one is not a finite number, or high lies below low.

    Examples
    --------
    >>> Uniform(-80.0, -50.0).at(np.array([0.0]))
    array([-65.])
    """

    low: Parameter
    high: Parameter

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, parameter(getattr(self, name), f"Uniform.{name}"))
        if np.any(np.asarray(self.high) < np.asarray(self.low)):
            raise ValueError(
                f"Uniform: high must not lie below low ({shown(self.low)}), got {shown(self.high)}"
            )

    def at(self, z: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr  # not loaded by those who only describe things

        return self.low + (self.high - self.low) * ndtr(z)


#: Distributions by name.
DISTRIBUTIONS = Table(
    "DISTRIBUTIONS",
    "distribution",
    check=of_kind(Distribution, "DISTRIBUTIONS"),
    describe=description_of,
    entries={"normal": Normal, "uniform": Uniform},
)
