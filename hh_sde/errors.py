"""What a run raises that cannot be finished, with what was computed before; unknown names.

Wrong arguments are a TypeError or ValueError before anything runs. An error that comes out of the
user's own f or G, or of the machine (MemoryError), passes through as it is, with a note and with
what was computed in its attribute `dataset`.
"""

from __future__ import annotations

import copyreg
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr


class IntegrationError(RuntimeError):
    """A run that its integrator could not finish.

    Attributes
    ----------
    dataset : xarray.Dataset
        All that was computed before.
    """

    def __init__(self, message: str, dataset: xr.Dataset) -> None:
        super().__init__(message)
        self.dataset = dataset

    def __reduce__(self) -> tuple[Any, ...]:
        return _pickled(self)


class DivergenceError(IntegrationError):
    """A run whose state became NaN or infinite.

    Attributes
    ----------
    dataset : xarray.Dataset
        All that was computed before, which is finite.
    time : float
        When the state became non-finite, ms.
    trial : int
        The number of the trial in which it did.
    neuron : int or None
        None for an SDE of one's own.
    variable : str
        The variable, or the component of an SDE.
    """

    def __init__(
        self,
        message: str,
        dataset: xr.Dataset,
        *,
        time: float,
        trial: int,
        neuron: int | None,
        variable: str,
    ) -> None:
        super().__init__(message, dataset)
        self.time = time
        self.trial = trial
        self.neuron = neuron
        self.variable = variable


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a run.

    Attributes
    ----------
    dataset : xarray.Dataset
        All that was computed before.
    """

    def __init__(self, message: str, dataset: xr.Dataset) -> None:
        super().__init__(message)
        self.dataset = dataset

    def __reduce__(self) -> tuple[Any, ...]:
        return _pickled(self)


def _pickled(error: BaseException) -> tuple[Any, ...]:
    """How to make an error again without its `__init__`: from its message and attributes."""
    return copyreg.__newobj__, (type(error), *error.args), error.__dict__  # type: ignore[attr-defined]


def unknown(what: str, name: Any, known: Iterable[Any]) -> str:
    """What to say of a name that is not among the known ones: the nearest, and all.

    Examples
    --------
    >>> unknown("method", "euler", ["euler_maruyama", "heun"])
    "there is no method 'euler'; did you mean euler_maruyama? choose from euler_maruyama, heun"
    """
    names, given = [str(one) for one in known], str(name).lower()
    begun = [one for one in names if given and one.lower().startswith(given)]
    lower = {one.lower(): one for one in reversed(names)}
    near = begun or [lower[one] for one in get_close_matches(given, lower, n=2, cutoff=0.5)]
    hint = f"did you mean {' or '.join(near[:3])}? " if near else ""
    return f"there is no {what} {name!r}; {hint}choose from {', '.join(names)}"
