"""References of the problems without a solution in closed form: python benchmarks/references.py.

It writes hh_sde/problems/references.json: the state at the problem's time along its paths, by the
method of highest order, on grids that are halved from the paths' own as often as `HALVINGS` says.
Levy areas cannot be refined, so that noise which does not commute has its reference on the finest
grid itself. The error beside it is the distance from the same on a grid of twice the step.
"""

import json
from pathlib import Path

import numpy as np

import hh_sde as hh
from hh_sde.problems import PROBLEMS, ReferencedProblem
from hh_sde.problems.referenced import TRIALS

TO = Path(hh.__file__).parent / "problems" / "references.json"
HALVINGS = {"additive": 3, "diagonal": 3, "commutative": 3, "general": 0}


@hh.integrator(strong_order={"additive": 1.5}, deterministic_order=2, needs="time integrals")
def sra1_for_sdes(f, G, x, t, h, dW, I_10):
    """SRA1 (Roessler 2010), which sdeint does not have."""
    at_end, change = G(x, t + h), G(x, t) - G(x, t + h)
    slope = f(x, t)
    stage = x + 0.75 * h * slope + 1.5 * times(at_end, I_10) / h
    drift = (slope + 2 * f(stage, t + 0.75 * h)) / 3
    return x + h * drift + times(at_end, dW) + times(change, I_10) / h


def times(G, dW):
    """G dW in each trial."""
    return np.einsum("dmk,mk->dk", G, dW)


def last_states(problem, path):
    """States (trials, d) at the problem's time."""
    network = isinstance(problem.model, hh.Network)
    additive = problem.sde.noise_type == "additive"
    best = sra1_for_sdes if additive else "sri2" if network else "sdeint.itoSRI2"
    ds = hh.solve(
        problem.model, problem.t_end, dt=path.dt, method=best, path=path, trials=TRIALS,
        save_dt=problem.t_end, progress=False,
    )  # fmt: skip
    if not network:
        return ds.x.values[:, -1]
    return np.concatenate([ds[name].values[:, -1] for name in problem.model.variables], axis=-1)


def reference(problem):
    """What stands in the file of a problem."""
    path = problem.path()
    for _ in range(HALVINGS[problem.sde.noise_type]):
        path = path.refine()
    x = last_states(problem, path)
    error = np.sqrt(((x - last_states(problem, path.coarsen(2))) ** 2).mean(axis=0))
    return {"x": x.tolist(), "error": error.tolist()}


if __name__ == "__main__":
    found = {}
    for name, problem in PROBLEMS.items():
        if isinstance(problem, ReferencedProblem):
            found[name] = reference(problem)
            print(name, max(found[name]["error"]))
    TO.write_text(json.dumps(found) + "\n", encoding="utf-8")
