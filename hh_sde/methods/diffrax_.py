"""diffrax's solvers on our paths, all trials at once, in double precision.

A solver's own step is taken again and again; the increments, and the space-time Levy areas that
some take, are those of the problem's path. What is compiled is kept for each equation and solver.
Reference: P. Kidger, On neural differential equations, thesis 2021, arXiv:2202.02435; diffrax.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from hh_sde.brownian import BrownianPath
from hh_sde.equations.jax_ import double
from hh_sde.methods.method import Problem
from hh_sde.methods.native import native_functions, noise_of, over_windows

#: Steps of a window, for which a program is compiled, and numbers in its arrays, at most.
_LONGEST, _NUMBERS = 2**8, 2**21
#: Steps are equal to the grid's if they are to this part.
_SAME = 1e-6


class OnGrid(diffrax.AbstractBrownianPath):
    """A path of this library as one of diffrax: its increments over steps of its grid.

    Over anything else than one step of the grid it is NaN: take constant steps of the path's dt,
    which ``path.coarsen(k)`` makes longer.

    Parameters
    ----------
    dt : float
        ms.
    first : int
        The grid step that the increments begin with.
    dW : (steps, m) array
        ms^0.5.
    H : (steps, m) array
        Space-time Levy areas, I_(1,0)/dt - dW/2, ms^0.5.

    Examples
    --------
    >>> from hh_sde import BrownianPath
    >>> path = BrownianPath(1, m=2, dt=0.01)
    >>> with double():
    ...     noise = OnGrid.of(path, 0, 100)
    ...     dW = np.asarray(noise.evaluate(0.07, 0.08))
    >>> bool(np.all(dW == path.increments(7, 8)[0]))
    True
    """

    dt: Any
    first: Any
    dW: Any
    H: Any
    levy_area = diffrax.SpaceTimeLevyArea

    @classmethod
    def of(cls, path: BrownianPath, start: int, stop: int) -> OnGrid:
        """The steps start ... stop - 1 of a path; where JAX has double precision."""
        dW, I_10 = path.with_time_integrals(start, stop, [path.trial])
        return cls(path.dt, start, *map(jnp.asarray, (dW, I_10 / path.dt - 0.5 * dW)))

    @property
    def t0(self) -> Any:
        """Where it begins, ms."""
        return self.first * self.dt

    @property
    def t1(self) -> Any:
        """Where it ends, ms."""
        return (self.first + self.dW.shape[0]) * self.dt

    def evaluate(self, t0: Any, t1: Any = None, left: bool = True, use_levy: bool = False) -> Any:
        """The increment from t0 to t1, one step of the grid; with its area if that is wanted."""
        if t1 is None:
            raise ValueError("only increments are known: evaluate(t0, t1)")
        k = jnp.round(t0 / self.dt).astype(int) - self.first
        off = jnp.maximum(jnp.abs(t1 - t0 - self.dt), jnp.abs(t0 - (self.first + k) * self.dt))
        known = (off <= _SAME * self.dt) & (k >= 0) & (k < self.dW.shape[0])
        dW = jnp.where(known, self.dW[k], jnp.nan)
        if not use_levy:
            return dW
        return diffrax.SpaceTimeLevyArea(dt=t1 - t0, W=dW, H=self.H[k])


def run_of(name: str) -> Callable[[Problem], Iterator[np.ndarray]]:
    """The `run` of a solver of diffrax, by its name there."""

    def run(problem: Problem) -> Iterator[np.ndarray]:
        sde, trials = problem.sde, len(problem.trials)
        found = native_functions(sde, "jax", lambda sde: False)
        advance = _compiled(name, found.f, found.G)
        noise = noise_of(problem, integrals=name in _WITH_AREAS)
        longest = max(1, min(_LONGEST, _NUMBERS // (trials * (sde.d + 2 * sde.m))))

        def of_window(x: np.ndarray, start: int, stop: int) -> np.ndarray:
            steps = stop - start
            dW, *integrals = noise(start, stop)
            H = integrals[0] / problem.dt - 0.5 * dW if integrals else np.zeros((steps, 0, trials))
            # of one length, that one program serves: what is made beyond the end is left out
            padded = [(0, longest - steps), (0, 0), (0, 0)]
            with double():
                given = [np.pad(values, padded) for values in (dW, H)]
                states = advance(x, problem.first_step + start, problem.dt, *given)
                return np.asarray(states)[:steps]

        yield from over_windows(problem, of_window, longest)

    return run


#: Solvers that ask for space-time Levy areas.
_WITH_AREAS = ("SRA1", "ShARK", "SPaRK", "SlowRK")


@lru_cache(maxsize=64)
def _compiled(name: str, f: Callable[..., Any], G: Callable[..., Any]) -> Callable[..., Any]:
    """advance(x, first, dt, dW, H): states (steps, trials, d) from x (trials, d) on."""
    solver = getattr(diffrax, name)()

    def one(x: Any, first: Any, dt: Any, dW: Any, H: Any) -> Any:
        terms = diffrax.MultiTerm(
            diffrax.ODETerm(lambda t, y, args: f(y, t)),
            diffrax.ControlTerm(lambda t, y, args: G(y, t), OnGrid(dt, first, dW, H)),
        )

        def step(carry: Any, k: Any) -> Any:
            y, state = carry
            y, _, _, state, _ = solver.step(
                terms, k * dt, (k + 1) * dt, y, None, state, made_jump=False
            )
            return (y, state), y

        state = solver.init(terms, first * dt, (first + 1) * dt, x, None)
        _, states = jax.lax.scan(step, (x, state), first + jnp.arange(dW.shape[0]))
        return states

    return jax.jit(jax.vmap(one, in_axes=(0, None, None, 2, 2), out_axes=1))
