"""Models without a solution in closed form, with a reference made once along given paths.

`benchmarks/references.py` makes them, on the path's own grid or on finer ones; they stand in
references.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

import numpy as np

from hh_sde.brownian import BrownianPath
from hh_sde.cells import CELLS, Cell
from hh_sde.kinetics import Channel, Constant, Gate, Sigmoid
from hh_sde.network import Network
from hh_sde.noise import CurrentNoise, Noise, SubunitNoise
from hh_sde.records import see_kind, single
from hh_sde.sde import SDE
from hh_sde.synapses import Synapse
from hh_sde.tables import Described, Description

#: The seed of the paths along which the references were made, and how many trials there are.
SEED, TRIALS = 1, 40


@dataclass(frozen=True, eq=False, repr=False)
class ReferencedProblem(Described):
    """A model, and its state at one time along the paths of one seed, to tight error.

    Parameters
    ----------
    name : str
        What the reference is called in references.json.
    make : callable
        Makes the model: a Network or an SDE.
    summary : str
    t_end : float
        When the reference is, ms.
    dt : float
        Step of the finest grid of its paths, ms.
    reference : str
        Where the model is from.
    variable : str or None
        Which variable is compared, where it is another than V or, of an SDE, than all.

    Examples
    --------
    >>> import hh_sde as hh
    >>> from hh_sde.problems import PROBLEMS
    >>> problem = PROBLEMS["fitzhugh_nagumo"]
    >>> path = problem.path().coarsen(8)
    >>> ds = hh.solve(problem.model, problem.t_end, dt=path.dt, path=path)
    >>> bool(abs(ds.x[-1] - problem.exact(path, problem.t_end)).max() < 0.01)
    True
    """

    name: str
    make: Callable[[], Network | SDE]
    summary: str
    t_end: float
    dt: float
    reference: str = ""
    variable: str | None = None

    #: What a `SolvedProblem` may have besides.
    moments = functional = expectation = None

    @cached_property
    def model(self) -> Network | SDE:
        """What `hh_sde.solve` takes."""
        return self.make()

    @cached_property
    def sde(self) -> SDE:
        """Its equation."""
        return self.model.sde() if isinstance(self.model, Network) else self.model

    def description(self) -> Description:
        """What it is, when its reference is, and along which paths."""
        known = f"reference at {self.t_end:g} ms along {TRIALS} paths of rng = {SEED}"
        return Description(
            self.summary, f"{known}, finest dt = {self.dt:g} ms (problem.path())", self.reference
        )

    @property
    def pathwise(self) -> bool:
        """Whether the solution along a path is known."""
        return self.name in _references()

    @property
    def error(self) -> np.ndarray:
        """Root mean square error of the reference, (d,)."""
        return np.array(_references()[self.name]["error"])

    def path(self, trial: int = 0) -> BrownianPath:
        """A path along which the solution is known; `coarsen` gives its coarser grids."""
        return self.sde.path(SEED, self.dt, trial)

    def knows(self, path: BrownianPath, t: float, trials: int) -> bool:
        """Whether the solution at time t is known along the path of so many trials."""
        same = path.grid.startswith(f"first step {self.dt!r} ms, halved 0 times")
        seed = (path.seed.entropy, path.seed.spawn_key) == (SEED, ())
        return self.pathwise and same and seed and trials <= TRIALS and bool(
            abs(t - self.t_end) <= 1e-9 * t
        )  # fmt: skip

    def exact(self, path: BrownianPath, t: float) -> np.ndarray:
        """The solution x (d,) at time t along a path.

        Raises
        ------
        ValueError
            If there is no reference then, or along that path.
        """
        see_kind(path, BrownianPath, "path")
        t = single(t, "t")
        if not self.knows(path, t, path.trial + 1):
            raise ValueError(
                f"the reference of {self.name} is that at t = {self.t_end:g} ms along "
                f"problem.path(trial), trial < {TRIALS}, or problem.path(trial).coarsen(k)"
            )
        return np.array(_references()[self.name]["x"][path.trial])


@cache
def _references() -> dict[str, Any]:
    found = resources.files("hh_sde.problems") / "references.json"
    return dict(json.loads(found.read_text(encoding="utf-8")))


def fitzhugh_nagumo(I: float = 0.5, sigma: float = 0.3) -> ReferencedProblem:
    """dv = (v - v^3/3 - w + I) dt + sigma dW, dw = 0.08 (v + 0.7 - 0.8 w) dt."""

    def make() -> SDE:
        return SDE.from_expressions(
            {"v": "v - v**3/3 - w + I", "w": "0.08*(v + 0.7 - 0.8*w)"},
            {"W": {"v": "sigma"}},
            x0={"v": -1.0, "w": -0.5},
            parameters={"I": I, "sigma": sigma},
        )

    return ReferencedProblem(
        "fitzhugh_nagumo",
        make,
        "FitzHugh-Nagumo: dv = (v - v^3/3 - w + I) dt + sigma dW, dw = 0.08 (v + 0.7 - 0.8 w) dt",
        t_end=2.0,
        dt=2.0**-9,
        reference="FitzHugh 1961, Biophys. J. 1, 445, doi:10.1016/S0006-3495(61)86902-6",
    )


def van_der_pol(mu: float = 1.0, sigma: float = 0.5) -> ReferencedProblem:
    """dx = y dt, dy = (mu (1 - x^2) y - x) dt + sigma (x + y) dW."""

    def make() -> SDE:
        return SDE.from_expressions(
            {"x": "y", "y": "mu*(1 - x**2)*y - x"},
            {"W": {"y": "sigma*(x + y)"}},
            x0={"x": 1.0, "y": 0.0},
            parameters={"mu": mu, "sigma": sigma},
        )

    return ReferencedProblem(
        "van_der_pol",
        make,
        "stochastic van der Pol: dx = y dt, dy = (mu (1 - x^2) y - x) dt + sigma (x + y) dW",
        t_end=1.0,
        dt=2.0**-10,
        reference="van der Pol 1926, Phil. Mag. 2, 978, doi:10.1080/14786442608564127",
    )


def passive_membrane() -> ReferencedProblem:
    """A leaky membrane with white noise."""

    def make() -> Network:
        leaky = Cell("leaky", (Channel("L", g=0.3, E=-54.4),), V0=-65.0)
        return Network(1, cell=leaky, stimulus=2.0, noise=CurrentNoise(2.0))

    return ReferencedProblem(
        "passive_membrane", make, "a leaky membrane with white noise on V", t_end=2.0, dt=2.0**-9
    )


def active_membrane() -> ReferencedProblem:
    """The classic cell with white noise."""

    def make() -> Network:
        cell = CELLS["hodgkin_huxley"]
        return Network(1, cell=cell, stimulus=10.0, noise=CurrentNoise(2.0))

    return ReferencedProblem(
        "active_membrane",
        make,
        "the classic cell of Hodgkin and Huxley with white noise on V",
        t_end=1.0,
        dt=2.0**-11,
        reference=CELLS["hodgkin_huxley"].reference,
    )


def question_pair() -> ReferencedProblem:
    """Two classic cells that excite each other, with white noise."""

    def make() -> Network:
        synapse = Synapse.sigmoidal(weights=[[0.0, 0.1], [0.1, 0.0]])
        return Network(2, stimulus=10.0, synapses=synapse, noise=CurrentNoise(2.0))

    return ReferencedProblem(
        "question_pair",
        make,
        "two classic cells that excite each other, with white noise on V",
        t_end=1.0,
        dt=2.0**-11,
        reference=CELLS["hodgkin_huxley"].reference,
    )


def noisy_gate() -> ReferencedProblem:
    """A slow gate of few channels, whose noise is the larger part of a step's error."""
    return ReferencedProblem(
        "noisy_gate",
        lambda: _slow([SubunitNoise(numbers={"A": 4})]),
        "a membrane with one slow gate of 4 channels, its noise that of subunits",
        t_end=0.5,
        dt=2.0**-12,
        variable="a",
        reference="Fox 1997, Biophys. J. 72, 2068, doi:10.1016/S0006-3495(97)78850-7",
    )


def noisy_gate_and_current() -> ReferencedProblem:
    """The same with white noise on V, with which that of the gate does not commute."""
    return ReferencedProblem(
        "noisy_gate_and_current",
        lambda: _slow([SubunitNoise(numbers={"A": 4}), CurrentNoise(4.0)]),
        "the membrane of noisy_gate with white noise on V, which does not commute with the gate's",
        t_end=0.5,
        dt=2.0**-12,
        variable="a",
        reference="Fox 1997, Biophys. J. 72, 2068, doi:10.1016/S0006-3495(97)78850-7",
    )


def _slow(noise: list[Noise]) -> Network:
    """A gate that opens steeply with V. It rests at 0.2, and its noise is 0 below -1/3 alone."""
    gate = Gate("a", 1, alpha=Sigmoid(0.2, -60.0, 1.0), beta=Constant(0.4))
    channels = (Channel("L", g=0.05, E=-60.0), Channel("A", g=0.05, E=-80.0, gates=(gate,)))
    return Network(1, cell=Cell("slow", channels, V0=-60.0), noise=noise)
