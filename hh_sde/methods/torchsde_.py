"""torchsde's integrators on our paths, all trials as one batch, in double precision.

torchsde adds up its times. Given the number of a step for the time, f dt for f, and G sqrt(dt) with
increments of variance 1, they are exact, and a run in windows is that in one call.
Reference: X. Li, T.-K. L. Wong, R. T. Q. Chen & D. Duvenaud 2020, arXiv:2001.01328; torchsde.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torchsde

from hh_sde.brownian import BrownianPath
from hh_sde.methods.batches import takes_batches
from hh_sde.methods.method import Problem
from hh_sde.methods.native import Native, native_functions, noise_of, over_windows
from hh_sde.sde import SDE

#: Steps of a window, and numbers in its arrays of states and noise, at most.
_LONGEST, _NUMBERS = 2**10, 2**21
#: Steps are equal to the grid's if they are to this part.
_SAME = 1e-6


class OnGrid(torchsde.BaseBrownian):
    """Paths of this library as a Brownian motion of torchsde: increments over steps of the grid.

    Parameters
    ----------
    dt : float
        ms.
    first : int
        The grid step that the increments begin with.
    dW : (steps, trials, m) tensor
        ms^0.5.
    I_10 : (steps, trials, m) tensor
        The time integrals of W - W(t) over the steps, ms^1.5.

    Examples
    --------
    >>> from hh_sde import BrownianPath
    >>> path = BrownianPath(1, m=2, dt=0.01)
    >>> noise = OnGrid.of(path, 0, 100, trials=[0, 1, 2])
    >>> noise(0.07, 0.08).shape
    torch.Size([3, 2])
    """

    def __init__(self, dt: float, first: int, dW: torch.Tensor, I_10: torch.Tensor | None) -> None:
        self._dt, self._first, self._dW, self._I_10 = dt, first, dW, I_10

    @classmethod
    def of(cls, path: BrownianPath, start: int, stop: int, trials: Any) -> OnGrid:
        """The steps start ... stop - 1 of some trials' paths."""
        shape = (stop - start, path.m, len(trials))
        dW, I_10 = (
            torch.as_tensor(values.reshape(shape)).transpose(1, 2)
            for values in path.with_time_integrals(start, stop, trials)
        )
        return cls(path.dt, start, dW, I_10)

    def __call__(
        self, ta: Any, tb: Any = None, return_U: bool = False, return_A: bool = False
    ) -> Any:
        """The increment from ta to tb, one step of the grid, and its time integral."""
        if tb is None or return_A:
            raise ValueError("only increments are known, and their time integrals: noise(ta, tb)")
        ta, tb = float(ta), float(tb)
        k = round(ta / self._dt)
        if max(abs(tb - ta - self._dt), abs(ta - k * self._dt)) > _SAME * self._dt:
            raise ValueError(
                f"this path is known over steps of {self._dt:g} ms from a point of its grid to the "
                f"next, and was asked for that from {ta:g} to {tb:g} ms; take fixed steps of its "
                "dt, which path.coarsen(k) makes longer"
            )
        dW = self._dW[k - self._first]
        if not return_U:
            return dW
        if self._I_10 is None:
            raise ValueError("the time integrals were not given")
        return dW, self._I_10[k - self._first]

    def __repr__(self) -> str:
        return f"OnGrid of {len(self._dW)} steps of {self._dt:g} ms"

    @property
    def dtype(self) -> torch.dtype:
        """float64"""
        return self._dW.dtype

    @property
    def device(self) -> torch.device:
        """Where the increments are."""
        return self._dW.device

    @property
    def shape(self) -> torch.Size:
        """(trials, m)"""
        return self._dW.shape[1:]

    @property
    def levy_area_approximation(self) -> str:
        """What of areas it has: those between time and noise."""
        return "none" if self._I_10 is None else "space-time"


class _Equation:
    """f and G of states (trials, d) with the number of a step for the time, as torchsde takes them.

    Diagonal noise has the diagonal of G alone.
    """

    def __init__(self, sde: SDE, found: Native, dt: float) -> None:
        self.sde_type = sde.interpretation
        of_ours = sde.noise_type if sde.m else "additive"
        self.noise_type = "general" if of_ours == "commutative" else of_ours
        self._found, self._dt = found, dt

    def f(self, k: Any, y: torch.Tensor) -> torch.Tensor:
        return self._over_trials(self._found.f, y, k).transpose(0, 1) * self._dt

    def g(self, k: Any, y: torch.Tensor) -> torch.Tensor:
        G = self._over_trials(self._found.G, y, k)
        G = G.expand(*G.shape[:2], len(y)).permute(2, 0, 1) * self._dt**0.5
        return G.diagonal(dim1=1, dim2=2) if self.noise_type == "diagonal" else G

    def _over_trials(self, function: Callable[..., Any], y: torch.Tensor, k: Any) -> torch.Tensor:
        t, x = float(k) * self._dt, y.transpose(0, 1)
        if self._found.batches:
            return function(x, t)
        # what does not depend on x cannot be put in a last place counted from the end
        return torch.vmap(lambda x: function(x, t), in_dims=1)(x).movedim(0, -1)


def run_of(name: str) -> Callable[[Problem], Iterator[np.ndarray]]:
    """The `run` of an integrator of torchsde, by its name there."""

    def run(problem: Problem) -> Iterator[np.ndarray]:
        sde, trials = problem.sde, len(problem.trials)
        equation = _Equation(sde, native_functions(sde, "torch", _takes_batches), problem.dt)
        noise = noise_of(problem, integrals=name == "srk")
        kept: list[Any] = [None]  # what an integrator goes on from besides the state

        def of_window(x: np.ndarray, start: int, stop: int) -> np.ndarray:
            first = problem.first_step + start
            dW, *integrals = (torch.as_tensor(v).transpose(1, 2) for v in noise(start, stop))
            root = problem.dt**0.5
            U = integrals[0] / (root * problem.dt) if integrals else None
            with torch.no_grad():
                states, kept[0] = torchsde.sdeint(
                    equation,
                    torch.as_tensor(np.ascontiguousarray(x)),
                    torch.arange(first, first + stop - start + 1, dtype=torch.float64),
                    bm=OnGrid(1.0, first, dW / root, U),
                    method=name,
                    dt=1.0,
                    extra=True,
                    extra_solver_state=kept[0],
                )
            return states[1:].numpy()

        numbers = trials * (sde.d + 2 * sde.m)
        yield from over_windows(problem, of_window, max(1, min(_LONGEST, _NUMBERS // numbers)))

    return run


def _takes_batches(sde: SDE) -> bool:
    return all(takes_batches(name, sde) for name in ("f", "G"))
