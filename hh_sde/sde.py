"""SDE: dx = f(x, t) dt + G(x, t) dW over one flat state vector. Knows no neurons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

import numpy as np

from hh_sde.brownian import BrownianPath, Rng
from hh_sde.equations.functions import LANGUAGES, language
from hh_sde.equations.module import program_of
from hh_sde.equations.shown import StatedEquations
from hh_sde.equations.stated import Stated
from hh_sde.equations.stated_functions import StatedFunctions, kind_of_noise
from hh_sde.equations.stating import statement
from hh_sde.errors import keyword_hints
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
        found = self._called(self.native, x, t)
        if found.dtype.kind == "f" and found.dtype != float:
            raise ValueError(
                f"f, G, correction and jac give float64, as x is, and one of them gave "
                f"{found.dtype}: make constants with dtype=x.dtype"
            )
        return found


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
        # those of a network need no look, for which the engine would be compiled
        unseen = self._stated is None and self.program is not None and _is_own(self.program, self)
        if not unseen:
            drift = _value("f", self.f, x0).shape
            if drift != x0.shape:
                raise ValueError(f"f(x0, 0) must have shape {x0.shape} like x0, got {drift}")
        m = self.m
        if isinstance(m, bool) or not isinstance(m, int | np.integer) or m < -1:
            raise ValueError(f"m must be 0, 1, 2, ..., got {shown(m)}")
        if m < 0 or self._stated is not None:
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

    @classmethod
    @keyword_hints
    def from_expressions(
        cls,
        drift: Mapping[Any, Any],
        diffusion: Any = None,
        *,
        x0: Any,
        parameters: Mapping[Any, float] | None = None,
        where: Mapping[Any, Any] | None = None,
        interpretation: str = "ito",
        time: Any = "t",
        units: Mapping[Any, str] | None = None,
    ) -> SDE:
        """An SDE stated once, as expressions, which the methods of the engine take too.

        f, G, the derivatives of f, the Ito correction and the type of the noise are worked out.
        f and G take the states of several trials at once. An expression is text, a number, or one
        of SymPy. Text is arithmetic of numbers and names, with ``**`` for powers and the functions
        exp, log, sqrt, sin, cos, tan, sinh, cosh, tanh, their inverses asin, ..., and pi; it is
        taken to pieces and never executed.

        Parameters
        ----------
        drift : mapping of variable to expression
            dx/dt without noise. Its order is that of the state.
        diffusion : mapping or matrix, optional
            For each Wiener process what it moves and by how much: ``{"W1": {"x": "sigma", "y":
            "a*y"}, "W2": ...}``. Where each variable has a process of its own, ``{"x": "sigma"}``.
            Or a matrix (d, m) of expressions, as nested lists or of SymPy. Default: no noise.
        x0 : mapping of variable to float, or (d,) array
            Initial state.
        parameters : mapping of name to float, optional
            Numbers by name. Other values need no compilation anew.
        where : mapping of name to expression, optional
            Quantities that others read, each after those that it reads itself.
        interpretation : {"ito", "stratonovich"}
        time : str
            The name of the time, ms, in expressions.
        units : mapping of name to str, optional
            Of variables, parameters and quantities, as `equations` shows them. Default: "1".

        Returns
        -------
        SDE

        Raises
        ------
        TypeError, ValueError
            If an expression is none, reads a name that there is not, or has a corner or a jump
            (abs, max, Piecewise), at which it has no derivative; if a name stands for two things;
            or if something is not finite at x0.

        Notes
        -----
        Whether columns of G commute is decided by their values at random states around x0.

        Examples
        --------
        >>> sde = SDE.from_expressions(
        ...     {"v": "v - v**3/3 - w + I", "w": "eps*(v + a - b*w)"},
        ...     {"W1": {"v": "sigma*v"}},
        ...     x0={"v": -1.0, "w": -0.5},
        ...     parameters={"I": 0.5, "eps": 0.08, "a": 0.7, "b": 0.8, "sigma": 0.1},
        ... )
        >>> sde
        SDE dx = f dt + G dW with d = 2 (v, w), m = 1: commutative noise, ito
        >>> sde.jac(sde.x0, 0.0)
        array([[ 0.   , -1.   ],
               [ 0.08 , -0.064]])
        """
        see_choice(interpretation, INTERPRETATIONS, "interpretation")
        try:
            stated, start = statement(
                drift, diffusion, x0, parameters, where, interpretation, time, units
            )
            functions = StatedFunctions(stated)
            noise_type, groups = kind_of_noise(stated, start)
            program = program_of(stated, functions, start, noise_type, groups)
            return cls(
                f=program.f,
                G=program.G,
                x0=start,
                noise_type=noise_type,
                interpretation=interpretation,
                names=[variable.name for variable in stated.variables],
                correction=None if noise_type == "additive" else functions.correction,
                area_groups=groups,
                columns=functions.columns,
                program=program,
                m=functions.m,
                jac=functions.jac(interpretation),
                vectorized=True,
            )
        except RecursionError:
            raise ValueError(
                "an expression is nested too deeply, or a sum or a product has too many terms: "
                "give names to parts of it (where=...)"
            ) from None

    def equations(self) -> StatedEquations:
        """The expressions that it was stated as: text, in a notebook LaTeX; and f and G in arrays
        of JAX and PyTorch.

        Raises
        ------
        ValueError
            If f and G are functions and nothing else.

        Examples
        --------
        >>> sde = SDE.from_expressions(
        ...     {"x": "-k*x"}, {"W": {"x": "s"}}, x0=[1.0], parameters={"k": 2.0, "s": 0.5}
        ... )
        >>> print(sde.equations())
        equations, dx for dx/dt
          dx  = -k * x  1/ms
        <BLANKLINE>
        noise, the factor of dW
          x  s  process W
        <BLANKLINE>
        parameters
          k  = 2    1
          s  = 0.5  1
        """
        stated = self._stated
        if stated is None:
            raise ValueError(
                "f and G of this SDE are functions, which nobody can look into; "
                "SDE.from_expressions makes one of expressions, and Network.equations has those of "
                "a network"
            )
        return StatedEquations(stated, self.m > 0, self.program.in_arrays)

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
        restated = self.interpretation != "ito" and self.noise_type != "additive"

        def G(x: np.ndarray, t: float) -> np.ndarray:
            return none if np.ndim(x) == 1 else np.zeros((self.d, 0, np.shape(x)[1]))

        return replace(
            self,
            G=G,
            m=0,
            area_groups=None,
            columns=None,
            correction=None,
            program=self.program and self.program.without_noise(G, restated),
        )

    @property
    def _stated(self) -> Stated | None:
        """The expressions that f and G were made of, if they still are."""
        own = self.program is not None and _is_own(self.program, self)
        return self.program.stated if own else None

    def _with_drift(self, sign: float, interpretation: str) -> SDE:
        if self.noise_type == "additive" or self.m == 0:
            program = self.program and self.program.restated(self.f, interpretation)
            return replace(self, interpretation=interpretation, program=program)
        stated = self._stated
        if stated is not None:
            functions = StatedFunctions(stated)
            f = functions.drift(interpretation)
            return replace(
                self,
                f=f,
                interpretation=interpretation,
                program=self.program.restated(f, interpretation),
                jac=functions.jac(interpretation),
            )
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
    with np.errstate(all="ignore"):
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
