"""What a run raises that cannot be finished, with what was computed before; unknown names.

Wrong arguments are a TypeError or ValueError before anything runs. An error that comes out of the
user's own f or G, or of the machine (MemoryError), passes through as it is, with a note and with
what was computed in its attribute `dataset`.
"""

from __future__ import annotations

import copyreg
import importlib
import inspect
import reprlib
import sys
import warnings
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import xarray as xr

T = TypeVar("T")

#: What other libraries or earlier versions call a thing, and what it is called here.
SYNONYMS = {
    **dict.fromkeys(("seed", "random_seed", "random_state", "generator"), "rng"),
    **dict.fromkeys(("n_trials", "num_trials", "ntrials", "n_runs", "repeats"), "trials"),
    **dict.fromkeys(("duration", "t_max", "tmax", "t_stop", "tstop", "t_final"), "t_end"),
    **dict.fromkeys(("timestep", "time_step", "step", "delta_t"), "dt"),
    **dict.fromkeys(("scheme", "solver", "integrator"), "method"),
    **dict.fromkeys(("y0", "init", "initial", "initial_state"), "x0"),
    **dict.fromkeys(("n_jobs", "n_threads", "num_threads", "workers"), "threads"),
    **dict.fromkeys(("vars", "variables"), "record"),
    **dict.fromkeys(("n", "size", "n_cells", "neurons", "num_neurons"), "n_neurons"),
    **dict.fromkeys(("i", "i_ext", "i_app", "current", "input"), "stimulus"),
    **dict.fromkeys(("e_rev", "erev", "reversal"), "E"),
    "blocks": "area_groups",
    **dict.fromkeys(("burn_in", "burnin", "transient", "warmup"), "discard"),
    **dict.fromkeys(("firing_rates", "firing_rate", "mean_rate", "frequency"), "rates"),
    **dict.fromkeys(("spike_times", "spike_trains", "trains"), "spikes"),
    **dict.fromkeys(("isi", "isis", "interspike_intervals"), "intervals"),
    **dict.fromkeys(("isi_histogram", "isi_hist", "histogram"), "interval_histogram"),
    **dict.fromkeys(("cv", "cv2", "lv"), "interval_statistics"),
    **dict.fromkeys(("psd", "power"), "power_spectrum"),
    **dict.fromkeys(("kuramoto", "order_parameter"), "phase_locking"),
    **dict.fromkeys(("fi_curve", "f_i_curve", "gain_curve"), "rate_curve"),
    **dict.fromkeys(("binsize", "bin_size", "bin_width", "binwidth"), "bin"),
}
#: What is meant where the above is not known.
OTHER_SYNONYMS = {"dt": "spacing", "isi": "interval_histogram", "nbins": "bins", "n_bins": "bins"}


class _WithDataset(BaseException):
    """What was computed goes with the error, also when it is pickled."""

    def __init__(self, message: str, dataset: xr.Dataset) -> None:
        super().__init__(message)
        self.dataset = dataset

    def __reduce__(self) -> tuple[Any, ...]:
        # made again without `__init__`: from its message and attributes
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class IntegrationError(_WithDataset, RuntimeError):
    """A run that its integrator could not finish.

    Attributes
    ----------
    dataset : xarray.Dataset
        All that was computed before.
    """


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


class Interrupted(_WithDataset, KeyboardInterrupt):
    """Ctrl-C during a run.

    Attributes
    ----------
    dataset : xarray.Dataset
        All that was computed before.
    """


class StoreError(RuntimeError):
    """A sweep or a run that its store, or the cluster, lets go no further; what is done is kept.

    Another process writes to the store, its disk is full, it is damaged, workers do not reach it,
    or the scheduler is gone.
    """


def optional(module: str, extra: str = "") -> Any:
    """A module of another library, which need not be installed.

    Parameters
    ----------
    module : str
    extra : str
        The extra of this library that brings it. Default: of the same name.

    Raises
    ------
    ImportError
        If it is not there, with what to install.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise missing(module.partition(".")[0], extra) from error


def missing(package: str, extra: str = "") -> ImportError:
    """The error where a package is not there, with the extra that brings it."""
    return ImportError(
        f"this needs the package {package}: pip install 'hh_sde[{extra or package}]'"
    )


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called the library."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "hh_sde":
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


class UnknownName(KeyError):
    """A name that a table does not have."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would show it in quotes


def unknown(what: str, name: Any, known: Iterable[Any]) -> str:
    """What to say of a name that is not among the known ones: the nearest, and all.

    Examples
    --------
    >>> unknown("method", "euler", ["euler_maruyama", "heun"])
    "there is no method 'euler'; did you mean euler_maruyama? choose from euler_maruyama, heun"
    """
    names = [str(one) for one in known]
    hint = nearest(name, names)
    return (
        f"there is no {what} {name!r}; {hint + ' ' if hint else ''}choose from {', '.join(names)}"
    )


def no_parameter(owner: str, name: Any, known: Iterable[str], hint: str = "") -> str:
    """What to say of a parameter that something has not; a `hint` in place of the nearest names.

    Examples
    --------
    >>> no_parameter("hodgkin_huxley", "gNa", ["C", "g_Na", "g_K"])
    "hodgkin_huxley has no parameter 'gNa'; it has C, g_Na, g_K; did you mean g_Na?"
    """
    names = list(known)
    parts = [f"{owner} has no parameter {name!r}", f"it has {', '.join(names)}"]
    return "; ".join(filter(None, [*parts, hint or nearest(name, names)]))


def nearest(name: Any, known: Iterable[str]) -> str:
    """A question that offers the nearest names, or nothing.

    Examples
    --------
    >>> nearest("gNa", ["C", "g_Na", "g_K"])
    'did you mean g_Na?'
    >>> nearest("seed", ["t_end", "rng"])
    'did you mean rng?'
    """
    given = name[:100].lower() if isinstance(name, str) else ""
    names = list(known)
    for synonyms in (SYNONYMS, OTHER_SYNONYMS):
        if synonyms.get(given) in names:
            return f"did you mean {synonyms[given]}?"
    lower = {one.lower(): one for one in reversed(names)}
    begun = [one for key, one in reversed(lower.items()) if given and key.startswith(given)]
    near = begun or [lower[key] for key in get_close_matches(given, lower, n=2, cutoff=0.6)]
    return f"did you mean {' or '.join(near[:3])}?" if near else ""


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """What an error adds about the known names nearest to `name`, or nothing if none is near.

    Examples
    --------
    >>> did_you_mean("gNa", ["C", "g_Na", "g_K"])
    '; did you mean g_Na?'
    """
    hint = nearest(name, known)
    return f"; {hint}" if hint else ""


def keyword_hints(callable_: T) -> T:
    """Make a function or a class name its parameters, and the nearest, where a keyword is unknown.

    A function that takes any keyword is left as it is. Of a class it is `__init__` that is changed,
    in place.

    Examples
    --------
    >>> @keyword_hints
    ... def run(model, t_end, rng=None): ...
    >>> run(1, t_end=2.0, seed=3)
    Traceback (most recent call last):
    TypeError: run has no parameter 'seed'; it has model, t_end, rng; did you mean rng?
    >>> run(1)
    Traceback (most recent call last):
    TypeError: run() missing 1 required positional argument: 't_end'; call it as run(model, t_end)
    """
    if isinstance(callable_, type):
        own: Any = callable_
        own.__init__ = _hinted(own.__init__)
        return callable_
    return _hinted(callable_)


def _hinted(function: Any) -> Any:
    parameters = inspect.signature(function).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return function
    owner = function.__qualname__.removesuffix(".__init__").rpartition("<locals>.")[2]
    known = [name for name in parameters if name not in ("self", "cls")]
    of_class = function.__name__ == "__init__"

    @wraps(function)
    def hinted(*args: Any, **keywords: Any) -> Any:
        for name in keywords:
            if name not in known:
                elsewhere = getattr(args[0], "_elsewhere", None) if of_class else None
                hint = elsewhere(name, keywords) if elsewhere else ""
                raise TypeError(no_parameter(owner, name, known, hint))
        if not of_class:  # of which configurations take up Python's own words
            _see_positions(owner, parameters, args, keywords)
        return function(*args, **keywords)

    return hinted


def _see_positions(
    owner: str,
    parameters: Mapping[str, inspect.Parameter],
    args: tuple[Any, ...],
    keywords: Mapping[str, Any],
) -> None:
    """See that no argument is missing, and none by position that goes by its name."""
    placed = [name for name, one in parameters.items() if one.kind is not one.KEYWORD_ONLY]
    free = [name for name in parameters if name not in placed and name not in keywords]
    if len(args) > len(placed) and free:
        example = f"{free[0]}={reprlib.repr(args[len(placed)])}"
        named = ", ".join(name for name in placed if name not in ("self", "cls"))
        raise TypeError(
            f"{owner} takes {named or 'nothing'} by position, and the rest by keyword: {example}"
        )
    required = [name for name in placed if parameters[name].default is inspect.Parameter.empty]
    missing = [name for name in required[len(args) :] if name not in keywords]
    if len(missing) == 1:
        named = ", ".join(name for name in required if name not in ("self", "cls"))
        raise TypeError(
            f"{owner}() missing 1 required positional argument: {missing[0]!r}; call it as "
            f"{owner}({named})"
        )
