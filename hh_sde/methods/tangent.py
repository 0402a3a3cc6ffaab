"""The tangent flow: how small displacements of the state move beside it, in the engine.

What Lyapunov exponents and sensitivities are made of. The state makes the very steps of `solve`;
displacements are moved by the derivative of the scheme's step, see `hh_sde.kernels.tangent`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from hh_sde.brownian import Rng
from hh_sde.equations.module import LaneNumbers, compiled_derivatives
from hh_sde.errors import unknown
from hh_sde.kernels.coupling import Lanes, Tangent
from hh_sde.kernels.jit import address_of
from hh_sde.methods.compiled import Block, Scheme
from hh_sde.methods.method import Failed, Problem
from hh_sde.sde import SDE

#: Methods whose step is differentiated: those of METHODS, with the nodes that stand there.
SCHEMES = {
    "euler_maruyama": Scheme("euler_maruyama", (0.0,), "", keeps_gates=False, opened=""),
    "heun": Scheme("heun", (0.0, 1.0), "", keeps_gates=False, opened=""),
}
#: What is left of a vector of length 1 without its parts along others, if it is to have digits.
_PARALLEL = 1e-10


class Displaced(NamedTuple):
    """Where displacements are after a run, and how they grew."""

    x: np.ndarray  # (trials, d): the state, that of `solve`
    v: np.ndarray  # (trials, vectors, d): the displacements
    growth: np.ndarray  # (renormalisations, trials, vectors): log of the factor since the last one


def tangent_flow(
    sde: SDE,
    x0: np.ndarray,
    v0: np.ndarray,
    *,
    dt: float,
    n_steps: int,
    method: str = "euler_maruyama",
    rng: Rng = None,
    trials: Sequence[int] = (0,),
    first_step: int = 0,
    every: int | None = None,
    threads: int = 1,
) -> Displaced:
    """The state and small displacements of it, n_steps later.

    A displacement moves by the derivative of the scheme's own step, v + h J(x) v for
    Euler-Maruyama, along the path that `solve` gives for these arguments, to the last bit.

    Parameters
    ----------
    sde : SDE
        Of a Network, with noise that does not depend on the state, or none.
    x0 : (d,) or (trials, d) array
    v0 : (vectors, d) or (trials, vectors, d) array
        At most d vectors. Each costs up to twice as much as the state.
    dt : float
        Step of the grid t_k = k dt, ms.
    n_steps : int
    method : {"euler_maruyama", "heun"}
    rng
        Seed, as of `solve`.
    trials : sequence of int
        The trials' numbers, which address their noise.
    first_step : int
        The run begins at t = first_step dt.
    every : int, optional
        After every so many steps, which divide n_steps, the vectors of each trial are made
        orthonormal in their order (Benettin et al. 1980, doi:10.1007/BF02128236), in the units of
        the state. All d vectors of the classic cell need that every 0.2 ms. Default: never.
    threads : int

    Returns
    -------
    Displaced
        growth[k, i, j] is the logarithm of the length of vector j of trial i, less its parts along
        those before it, before the renormalisation k. The mean over k, divided by every * dt,
        tends to Lyapunov exponent j, 1/ms.

    Raises
    ------
    ValueError
        If the noise depends on the state, sde is not a Network's, or an argument does not fit.
    Diverged
        If the state became NaN or infinite.
    Failed
        If vectors became infinite, 0 or linearly dependent before a renormalisation.

    Examples
    --------
    >>> from hh_sde import Network
    >>> sde = Network(1, stimulus=10.0).sde()
    >>> found = tangent_flow(sde, sde.x0, np.eye(4)[:1], dt=0.01, n_steps=5000, every=500)
    >>> found.v.shape, found.growth.shape
    ((1, 1, 4), (10, 1, 1))
    """
    if method not in SCHEMES:
        raise ValueError(unknown("method of tangent_flow", method, SCHEMES))
    _see_equations(sde)
    states = _of_trials("x0", x0, (sde.d,), len(trials))
    n_vectors = np.shape(v0)[-2] if np.ndim(v0) > 1 else 1
    vectors = _of_trials("v0", v0, (n_vectors, sde.d), len(trials))
    if not 1 <= n_vectors <= sde.d:
        raise ValueError(f"v0 must have 1 to d = {sde.d} vectors, got {n_vectors}")
    if every is not None and (every < 1 or n_steps % every):
        raise ValueError(f"every must divide n_steps = {n_steps}, got {every}")
    problem = Problem(
        sde=sde,
        dt=dt,
        first_step=first_step,
        n_steps=n_steps,
        save_every=n_steps if every is None else every,
        x0=states,
        keep=np.zeros(0, int),
        path=sde.path(rng, dt) if sde.m else None,
        trials=np.array(trials),
    )
    groups = np.array_split(np.arange(len(trials)), min(threads, len(trials)))
    blocks = [DisplacedBlock(problem, members, SCHEMES[method], vectors) for members in groups]
    with ThreadPoolExecutor(max_workers=len(blocks)) as pool:
        parts = list(pool.map(lambda block: block.run(renormalised=every is not None), blocks))
    failures = [block.failure for block in blocks if block.failure is not None]
    if failures:
        raise min(failures, key=lambda failure: failure.step)
    x, v, growth = zip(*parts, strict=True)
    return Displaced(np.concatenate(x), np.concatenate(v), np.concatenate(growth, axis=1))


class DisplacedBlock(Block):
    """Some trials of a problem, with displacements (trials, vectors, d) of each."""

    def __init__(
        self, problem: Problem, members: np.ndarray, scheme: Scheme, v0: np.ndarray
    ) -> None:
        self._v0 = v0
        super().__init__(problem, members, scheme)
        models = [one.model for one in self.program.compiled.populations]
        compiled = compiled_derivatives(models)
        numbers = compiled.of_lanes(len(members), self.m.x.shape[1])
        tangent = self._tangent._replace(step=self.address, **numbers._asdict())
        self.m = self.m._replace(tangent=tangent)
        advance = getattr(compiled.module, f"{scheme.step}_tangent")
        self.address = address_of(advance, self.m, self.kept, 0.0, 0, 0, 0)

    def _lanes(self) -> Lanes:
        m = super()._lanes()
        v = np.stack([self._by_lane(self._v0[:, j]) for j in range(self._v0.shape[1])])
        room = {"v": v, "ahead": np.empty_like(v), "slopes": np.empty_like(v)}
        # the network's own numbers in place of those of its Jacobian, which are not there yet
        numbers = {name: getattr(m, name) for name in LaneNumbers._fields}
        return m._replace(tangent=Tangent(step=0, sums=np.zeros_like(m.sums), **room, **numbers))

    @property
    def _tangent(self) -> Tangent:
        assert self.m.tangent is not None
        return self.m.tangent

    def run(self, renormalised: bool) -> Displaced:
        """All steps of the problem; nothing is known of the rest if `failure` is set."""
        problem, growth = self.problem, []
        for start, stop in problem.windows(min(self.inputs.largest, problem.save_every)):
            self.advance(start, stop)
            if self.failure is not None:
                break
            if renormalised and stop % problem.save_every == 0:
                growth.append(self._renormalise(stop))
        v = self._v
        return Displaced(
            self.by_trial(self.m.x), v, np.array(growth).reshape(len(growth), *v.shape[:2])
        )

    @property
    def _v(self) -> np.ndarray:
        return np.stack([self.by_trial(one) for one in self._tangent.v], axis=1)

    def _renormalise(self, step: int) -> np.ndarray:
        """Make each trial's vectors orthonormal; the logs (trials, vectors) of their lengths."""
        v, lengths = orthonormal(self._v, step)
        for j, one in enumerate(self._tangent.v):
            one[:] = self._in_lanes(self.layout.by_row(v[:, j]))
        return lengths


def orthonormal(v: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (trials, vectors, d) made orthonormal in their order; the logs of their lengths.

    Raises
    ------
    Failed
        If they are infinite, 0 or linearly dependent.
    """
    if not np.all(np.isfinite(v)):
        raise Failed(_too_long("are no longer finite", step))
    Q, R = np.linalg.qr(v.swapaxes(1, 2))
    lengths = np.diagonal(R, axis1=1, axis2=2)
    if np.any(np.abs(lengths) <= _PARALLEL * np.linalg.norm(R, axis=1)):
        raise Failed(_too_long("are 0 or no longer linearly independent", step))
    Q *= np.sign(lengths)[:, None]
    return Q.swapaxes(1, 2), np.log(np.abs(lengths))


def _too_long(what: str, step: int) -> str:
    return f"displacements {what} after {step} steps: renormalise more often (smaller `every`)"


def _see_equations(sde: SDE) -> None:
    """See that the engine has the equations, and that the noise has no part in the derivative."""
    program = sde.program
    of_network = program is not None and program.stated is None
    if not of_network or not program.stands_for(sde.f, sde.G, sde.interpretation):
        raise ValueError("tangent_flow differentiates a network's equations: give Network.sde()")
    if program.remembers:
        raise ValueError(
            "tangent_flow differentiates a step of the state alone, and this network has "
            "event-driven synapses or delays"
        )
    if sde.m and sde.noise_type != "additive":
        raise ValueError(
            f"this noise ({sde.noise_type}) depends on the state, so that it moves displacements "
            "too, which tangent_flow does not do; it takes noise of constant amplitude "
            "(CurrentNoise, OrnsteinUhlenbeckCurrent, OrnsteinUhlenbeckConductance), or none: "
            "sde.without_noise()"
        )
    if program.bounded:
        raise ValueError(
            "states are brought back into [0, 1] after each step of this network, which has no "
            "derivative; make it with bounds='none', or without noise"
        )


def _of_trials(name: str, values: np.ndarray, shape: tuple[int, ...], trials: int) -> np.ndarray:
    """`values` (trials, *shape), if they are that or the same for all trials."""
    found = np.array(values, dtype=float)
    if found.shape not in (shape, (trials, *shape)):
        raise ValueError(f"{name} must have shape {shape} or {(trials, *shape)}, got {found.shape}")
    return np.broadcast_to(found, (trials, *shape)).copy()
