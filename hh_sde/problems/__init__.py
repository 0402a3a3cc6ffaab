"""Equations whose solution is known, for tests of methods, one's own among them.

Of some the solution is known in closed form, along the path or in mean and covariance; of others a
reference was made once, to tight error, along given paths. `hh_sde.studies.strong_convergence` and
its like take them as they are; or solve `problem.model` on a path, and compare with
`problem.exact(path, t)`.
"""

from __future__ import annotations

from typing import Any

from hh_sde.problems.referenced import (
    ReferencedProblem,
    active_membrane,
    fitzhugh_nagumo,
    noisy_gate,
    noisy_gate_and_current,
    passive_membrane,
    question_pair,
    van_der_pol,
)
from hh_sde.problems.solved import (
    SolvedProblem,
    additive,
    commutative,
    cubic,
    geometric,
    hyperbolic,
    ornstein_uhlenbeck,
    oscillator,
    rotation,
    stiff,
)
from hh_sde.records import shown
from hh_sde.tables import Description, Table

__all__ = [
    "PROBLEMS",
    "Problem",
    "ReferencedProblem",
    "SolvedProblem",
    "additive",
    "commutative",
    "cubic",
    "geometric",
    "hyperbolic",
    "ornstein_uhlenbeck",
    "oscillator",
    "rotation",
    "stiff",
]

Problem = SolvedProblem | ReferencedProblem


def _checked(name: str, entry: Any) -> Problem:
    if not isinstance(entry, Problem):
        raise TypeError(f"PROBLEMS[{name!r}] takes a SolvedProblem, got {shown(entry)}")
    return entry


def _description(entry: Problem) -> Description:
    return entry.description()


#: Problems by name.
PROBLEMS: Table[Problem] = Table(
    "PROBLEMS",
    "problem",
    check=_checked,
    describe=_description,
    entries={
        "linear": geometric(),
        "additive": additive(),
        "cubic": cubic(),
        "commutative": commutative(),
        "stiff": stiff(),
        "hyperbolic": hyperbolic(),
        "rotation": rotation(),
        "ornstein_uhlenbeck": ornstein_uhlenbeck(),
        "oscillator": oscillator(),
        "geometric": geometric(mu=-0.5, sigma=0.4, x0=1.0),
        "geometric_stratonovich": geometric(-0.5, 0.4, 1.0, interpretation="stratonovich"),
        "fitzhugh_nagumo": fitzhugh_nagumo(),
        "van_der_pol": van_der_pol(),
        "passive_membrane": passive_membrane(),
        "active_membrane": active_membrane(),
        "question_pair": question_pair(),
        "noisy_gate": noisy_gate(),
        "noisy_gate_and_current": noisy_gate_and_current(),
    },
)
