"""SDE: dx = f(x, t) dt + G(x, t) dW over one flat state vector. Knows no neurons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import Any

import numpy as np

from hh_sde.brownian import BrownianPath, Rng
from hh_sde.equations.functions import LANGUAGES, language
from hh_sde.records import numbers, record, see_choice, shown

#: From the most special to the most general.
NOISE_TYPES = ("additive", "diagonal", "commutative", "general")
INTERPRETATIONS = ("ito", "stratonovich")
#: In whose arrays f and G may be.
ARRAYS = ("numpy", *LANGUAGES)

Function = Callable[[np.ndarray, float], np.ndarray]


class InOtherArrays:
    """A function of x and t in the arrays of another library, as one of numpy's.

    Attributes
    ----------
    native : callable
        The function itself.
    """

    def __init__(self, function: Callable[..., Any], library: str) -> None:
        self.native = function
        self._called = language(library).called

    def __call__(self, x: np.ndarray, t: float) -> np.ndarray:
        return self._called(self.native, x, t)


def native(function: Any) -> Any:
    """The function itself, in whatever arrays it is written."""
    return function.native if isinstance(function, InOtherArrays) else function


@record
class SDE:
    """A stochastic differential equation that any framework can take.

    Parameters
    ----------
    f : callable
        Drift, f(x, t) -> (d,), with x of shape (d,) and t in ms.
    G : callable
        Diffusion, G(x, t) -> (d, m).
    x0 : (d,) array
        Initial state.
    noise_type : {"additive", "diagonal", "commutative", "general"}
        Additive: G depends on t alone. Diagonal: d = m and G[i, j] = 0 off the diagonal, G[i, i] a
        function of x[i] alone. Commutative: (dg_j) g_k = (dg_k) g_j for all columns. What is
        stated here is relied upon, not checked.
    interpretation : {"ito", "stratonovich"}
    names : sequence of str, optional
        A name for each component of x.
    correction : callable, optional
        c(x, t) -> (d,), c = 1/2 sum_k (dg_k) g_k: the Ito drift is the Stratonovich drift plus c.
        Not needed for additive noise, where it is 0.
    area_groups : (m,) array of int, optional
        The group of each Wiener process. Columns of different groups commute, so Levy areas are
        drawn inside groups only. Default: one group. See `path`.
    columns : sequence of callables, optional
        G as m functions g_k(x, t) -> (d,), where that is cheaper than all of G: sdeint.itoSRI2
        evaluates each three times a step, but a single G 2 m + 1 times.
    breakpoints : callable, optional
        breakpoints(start, stop) -> times in between at which f is not smooth in t.
    program : optional
        What the compiled engine needs; `Network.sde` makes it, for this equation alone.
    m : int, optional
        Number of Wiener processes. Default: the number of columns of G(x0, 0).
    jac : callable, optional
        jac(x, t) -> (d, d), the derivatives of f: entry [i, j] is df_i/dx_j. Implicit methods take
        it. That of a Network also takes sparse=True, which gives a scipy.sparse CSR array, and has
        `times`, J v for a vector v, and `solve`, (1 - h J)^-1 r for several states.
    arrays : {"numpy", "jax", "torch"}
        In whose arrays, of float64, f, G, correction and jac are written. Methods of a library,
        ``diffrax.*`` and ``torchsde.*``, take them as they stand; to all others, and whoever calls
        ``sde.f``, they are functions of numpy's arrays.
    vectorized : bool, optional
        Whether f, G and correction also take the states of several trials at once: x (d, trials)
        to (d, trials) and (d, m, trials). Default: found by comparing batches with single states,
        where a method asks. Those of a Network do.

    Attributes
    ----------
    d : int
        Number of components.

    Raises
    ------
    TypeError, ValueError
        If x0, f(x0, 0) and G(x0, 0) are not finite real numbers of shapes that fit, a word is not
        one of the above, or the program is that of another equation.

    Examples
    --------
    >>> sde = SDE(f=lambda x, t: -x, G=lambda x, t: np.array([[0.5]]), x0=[1.0],
    ...           noise_type="additive")
    >>> sde.d, sde.m
    (1, 1)
    """

    f: Function
    G: Function
    x0: np.ndarray
    noise_type: str = "general"
    interpretation: str = "ito"
    names: Sequence[str] = ()
    correction: Function | None = None
    area_groups: np.ndarray | None = None
    columns: Sequence[Function] | None = None
    breakpoints: Callable[[float, float], np.ndarray] | None = None
    program: Any = None
    m: int = -1
    jac: Callable[..., Any] | None = None
    vectorized: bool | None = None
    arrays: str = "numpy"
    d: int = field(init=False)

    def __post_init__(self) -> None:
        self._take_arrays()
        x0 = np.atleast_1d(np.array(numbers(self.x0, "x0", "numbers of shape (d,)")))
        if x0.ndim != 1 or not x0.size or not np.all(np.isfinite(x0)):
            raise ValueError(f"x0 must be finite, of shape (d,), got {shown(self.x0)}")
        if self.program is None or not _is_own(self.program, self):
            drift = _value("f", self.f, x0).shape
            if drift != x0.shape:
                raise ValueError(f"f(x0, 0) must have shape {x0.shape} like x0, got {drift}")
        m = self.m
        if isinstance(m, bool) or not isinstance(m, int | np.integer) or m < -1:
            raise ValueError(f"m must be 0, 1, 2, ..., got {shown(m)}")
        if m < 0:
            m = _number_of_columns(_value("G", self.G, x0).shape, x0.size)
        see_choice(self.noise_type, NOISE_TYPES, "noise_type")
        see_choice(self.interpretation, INTERPRETATIONS, "interpretation")
        if self.noise_type == "diagonal" and m not in (0, x0.size):
            raise ValueError(f"diagonal noise has m = d = {x0.size} columns, got {m}")
        names = tuple(self.names) or tuple(f"x[{i}]" for i in range(x0.size))
        if not all(isinstance(name, str) for name in names):
            raise TypeError(f"names must be text, got {shown(names)}")
        if len(names) != x0.size or len(set(names)) != len(names):
            raise ValueError(f"names must be {x0.size} different names, got {shown(names)}")
        groups = np.zeros(m, int) if self.area_groups is None else np.array(self.area_groups)
        if groups.shape != (m,) or (m and groups.dtype.kind not in "iu"):
            raise ValueError(
                f"area_groups must have shape ({m},), one whole number per process: {shown(groups)}"
            )
        groups = groups.astype(int)
        if self.columns is not None and len(self.columns) != m:
            raise ValueError(f"columns must be {m} functions, one per process: {len(self.columns)}")
        if self.jac is not None and not callable(self.jac):
            raise TypeError(f"jac must be a function jac(x, t), got {shown(self.jac)}")
        if self.vectorized not in (None, True, False):
            raise TypeError(f"vectorized must be True, False or None, got {shown(self.vectorized)}")
        if self.program is not None:
            _see_program(self.program, x0.size, groups)
        values = {"x0": x0, "names": names, "area_groups": groups, "d": x0.size, "m": m}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _take_arrays(self) -> None:
        """Make functions of other arrays functions of numpy's, which remember what they were."""
        see_choice(self.arrays, ARRAYS, "arrays")
        if self.arrays == "numpy":
            return
        if self.columns is not None:
            raise ValueError(f"columns are numpy's functions; leave them away with {self.arrays}")
        for name in ("f", "G", "correction", "jac"):
            given = getattr(self, name)
            if callable(given) and not isinstance(given, InOtherArrays):
                object.__setattr__(self, name, InOtherArrays(given, self.arrays))

    def __repr__(self) -> str:
        names = ", ".join(self.names[:4]) + (", ..." if self.d > 4 else "")
        noise = f"{self.noise_type} noise, {self.interpretation}" if self.m else "no noise"
        return f"SDE dx = f dt + G dW with d = {self.d} ({names}), m = {self.m}: {noise}"

    def path(self, rng: Rng, dt: float, trial: int = 0) -> BrownianPath:
        """A Brownian path for this equation on a grid of step dt, ms: with its m and area groups.

        Raises
        ------
        ValueError, TypeError
            If an argument is out of range: see `BrownianPath`.

        Examples
        --------
        >>> sde = SDE(f=lambda x, t: -x, G=lambda x, t: np.array([[0.5]]), x0=[1.0])
        >>> sde.path(1, dt=0.01).coarsen(10).increments(0, 3).shape
        (3, 1)
        """
        return BrownianPath(rng, m=self.m, dt=dt, trial=trial, area_groups=self.area_groups)

    def to_stratonovich(self) -> SDE:
        """The Stratonovich equation with the same solutions: drift f - 1/2 sum_k (dg_k) g_k.

        Raises
        ------
        ValueError
            If the noise is not additive and no `correction` was given.
        """
        if self.interpretation == "stratonovich":
            return self
        return self._with_drift(-1.0, "stratonovich")

    def to_ito(self) -> SDE:
        """The Ito equation with the same solutions: drift f + 1/2 sum_k (dg_k) g_k.

        Raises
        ------
        ValueError
            If the noise is not additive and no `correction` was given.
        """
        if self.interpretation == "ito":
            return self
        return self._with_drift(+1.0, "ito")

    def without_noise(self) -> SDE:
        """The same drift, no noise: m = 0. The drift is taken as it stands, Ito or Stratonovich."""
        none = np.zeros((self.d, 0))
        # the engine has the Ito drift alone
        restated = self.interpretation != "ito" and self.noise_type != "additive"
        program = None if restated else self.program

        def G(x: np.ndarray, t: float) -> np.ndarray:
            return none if np.ndim(x) == 1 else np.zeros((self.d, 0, np.shape(x)[1]))

        return replace(
            self,
            G=G,
            m=0,
            area_groups=None,
            columns=None,
            correction=None,
            program=program and program.without_noise(G),
        )

    def _with_drift(self, sign: float, interpretation: str) -> SDE:
        if self.noise_type == "additive" or self.m == 0:
            program = self.program and self.program.restated(self.f, interpretation)
            return replace(self, interpretation=interpretation, program=program)
        f, correction = native(self.f), native(self.correction)
        if correction is None:
            raise ValueError(
                f"this SDE is {self.interpretation}, with {self.noise_type} noise, and has no "
                f"drift correction to become {interpretation}; give SDE(correction=c) with "
                "c(x, t) = 1/2 sum_k (dg_k) g_k, or use a method for "
                f"{self.interpretation} equations (see hh_sde.METHODS)"
            )

        def other(x: np.ndarray, t: float) -> np.ndarray:
            return f(x, t) + sign * correction(x, t)

        return replace(
            self,
            f=other,
            interpretation=interpretation,
            program=self.program and self.program.restated(other, interpretation),
            jac=None,  # the correction's derivatives are not known
        )


def _value(name: str, function: Any, x0: np.ndarray) -> np.ndarray:
    """function(x0, 0), seen to be finite real numbers."""
    if not callable(function):
        raise TypeError(f"{name} must be a function {name}(x, t), got {shown(function)}")
    value = numbers(function(x0.copy(), 0.0), f"{name}(x0, 0)", "real numbers")
    if not np.all(np.isfinite(value)):
        where = ", ".join(map(str, np.argwhere(~np.isfinite(value))[0]))
        raise ValueError(
            f"{name}(x0, 0)[{where}] is {value[~np.isfinite(value)][0]}: {name} must be finite at "
            f"x0 = {shown(x0)}; correct it, or start elsewhere"
        )
    return value


def _is_own(program: Any, sde: SDE) -> bool:
    """Whether f is the program's own, which need not be compiled to be seen: the engine may do."""
    stands_for = getattr(program, "stands_for", None)
    return stands_for is not None and stands_for(sde.f, sde.G, sde.interpretation)


def _see_program(program: Any, d: int, groups: np.ndarray) -> None:
    """See that a program is one, of an equation with this state and these processes."""
    if not hasattr(program, "stands_for"):
        raise TypeError(
            "program is what Network(...).sde() makes for the compiled engine, got "
            f"{shown(program)}; leave it away for an SDE of your own"
        )
    if program.d != d or not np.array_equal(program.area_groups, groups):
        raise ValueError(
            f"program belongs to an equation with {program.d} components and "
            f"{len(program.area_groups)} Wiener processes; this one has {d} and {len(groups)}, or "
            "other area groups. Leave it away (program=None) for a changed equation"
        )


def _number_of_columns(shape: tuple[int, ...], d: int) -> int:
    if len(shape) != 2 or shape[0] != d:
        raise ValueError(f"G(x0, 0) must have shape ({d}, m), got {shape}")
    return shape[1]
