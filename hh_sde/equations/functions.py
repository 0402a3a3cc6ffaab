"""f and G of an equation in the arrays of another library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from hh_sde.equations.whole_arrays import Language
from hh_sde.errors import unknown

#: Libraries whose arrays equations take, as they are called in words. What is done with the arrays
#: of each stands in a module of its name.
LANGUAGES = {"jax": "JAX", "torch": "PyTorch"}


def language(library: str) -> Language:
    """A library's way with arrays.

    Raises
    ------
    ImportError
        If the library is not there, with what to install.
    """
    module = import_module(f"hh_sde.equations.{library}_")
    return module.language()


@dataclass(frozen=True, eq=False, repr=False)
class Functions:
    """dx = f(x, t) dt + G(x, t) dW in the arrays of JAX or PyTorch: batched, and differentiable.

    `Network.equations` and `SDE.equations` make it: ``net.equations().jax()``. x is one state,
    (d,), or those of several trials, (d, trials), in double precision; t is in ms. All three take
    numbers in place of those of the model as a third argument, of which some may be given:
    ``{"gbar_Na": 100.0}``, each one number, or one for every neuron. Derivatives by these, by x,
    and of any function of both are the library's own. Of the injected current there is no
    derivative by t; the noise on V has the amplitudes of the model.

    Attributes
    ----------
    library : str
        "jax" or "torch".
    f : callable
        f(x, t, parameters=None) -> (d,), or (d, trials): Ito's drift.
    G : callable
        G(x, t, parameters=None) -> (d, m), or (d, m, trials).
    correction : callable
        c(x, t, parameters=None), as f: f - c is Stratonovich's drift.
    x0 : numpy.ndarray
        (d,)
    m : int
    noise_type : str
    parameters : dict
        What the third argument is where it is not given. With populations, one for each by its
        name.
    text : str
        The lines that are run.

    Examples
    --------
    >>> from hh_sde import Network
    >>> made = Network(1).equations().jax()  # doctest: +SKIP
    >>> with jax.enable_x64(True):  # doctest: +SKIP
    ...     J = jax.jacobian(made.f)(made.x0, 0.0)
    """

    library: str
    f: Callable[..., Any]
    G: Callable[..., Any]
    correction: Callable[..., Any]
    x0: Any
    m: int
    noise_type: str
    parameters: Mapping[str, Any]
    text: str

    def __repr__(self) -> str:
        return (
            f"Functions f, G and correction of arrays of {LANGUAGES[self.library]}, "
            f"d = {len(self.x0)}, m = {self.m}, {self.noise_type} noise"
        )

    def __str__(self) -> str:
        return self.text


def merged(
    known: Mapping[str, Any], given: Mapping[str, Any] | None, what: str = "parameter"
) -> dict[str, Any]:
    """Numbers by name, some of which are given anew.

    Raises
    ------
    TypeError, ValueError
        If what is given is no mapping, or there is none of that name.
    """
    if given is None:
        return dict(known)
    if not isinstance(given, Mapping):
        raise TypeError(f"{what}s are given by their names, as {{'C': 1.0}}, got {given!r}")
    for name in given:
        if name not in known:
            raise ValueError(unknown(what, name, known))
    return {**known, **given}
