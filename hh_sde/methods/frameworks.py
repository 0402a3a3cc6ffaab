"""Entries of METHODS that other frameworks make, each imported when it is first run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from hh_sde.errors import optional
from hh_sde.methods.method import (
    EVERY_NOISE_1,
    HALF_UNLESS_ADDITIVE,
    TWO_IF_ADDITIVE,
    Method,
    Problem,
    Run,
)

_COMMUTATIVE_1 = {"additive": 1.0, "diagonal": 1.0, "commutative": 1.0}
_ROESSLER = "Roessler 2010, SIAM J. Numer. Anal. 48, 922, doi:10.1137/09076636X"
_MARUYAMA = "Maruyama 1955, doi:10.1007/BF02846028"
_MILSTEIN = "Milstein 1975, Theory Probab. Appl. 19, 557, doi:10.1137/1119062"
_RUEMELIN = "Ruemelin 1982, SIAM J. Numer. Anal. 19, 604, doi:10.1137/0719041"
_FOSTER = "Foster, dos Reis & Strange 2023, arXiv:2210.17543"
#: Schemes that several have.
_EULER = {
    "summary": "Euler-Maruyama",
    "interpretation": "ito",
    "strong_order": HALF_UNLESS_ADDITIVE,
    "deterministic_order": 1.0,
    "weak_order": EVERY_NOISE_1,
    "reference": _MARUYAMA,
}
_HEUN = {
    "summary": "stochastic Heun",
    "interpretation": "stratonovich",
    "strong_order": {**EVERY_NOISE_1, "general": 0.5},
    "deterministic_order": 2.0,
    "weak_order": TWO_IF_ADDITIVE,
    "reference": _RUEMELIN,
}


def _of(framework: str, scheme: str) -> Run:
    """The `run` of a scheme of a framework, which need not be there before."""

    def run(problem: Problem) -> Iterator[np.ndarray]:
        optional(framework)
        module = import_module(f"hh_sde.methods.{framework}_")
        yield from module.run_of(scheme)(problem)

    return run


def _schemes(framework: str, arrays: str, **schemes: Mapping[str, Any]) -> dict[str, Method]:
    return {
        f"{framework}.{name}": Method(
            run=_of(framework, name),
            library=framework,
            arrays=arrays,
            **{**given, "reference": f"{framework}.{name}; {given['reference']}"},
        )
        for name, given in schemes.items()
    }


#: Entries of `hh_sde.METHODS`.
SCHEMES = {
    **_schemes(
        "diffrax",
        "jax",
        Euler=_EULER,
        Heun=_HEUN,
        ItoMilstein={
            "summary": "Milstein, for noise whose columns commute",
            "interpretation": "ito",
            "strong_order": _COMMUTATIVE_1,
            "deterministic_order": 1.0,
            "weak_order": _COMMUTATIVE_1,
            "reference": _MILSTEIN,
        },
        SRA1={
            "summary": "stochastic Runge-Kutta SRA1 for additive noise",
            "interpretation": "ito",
            "strong_order": {"additive": 1.5},
            "deterministic_order": 2.0,
            "weak_order": {"additive": 2.0},
            "reference": _ROESSLER,
        },
        ShARK={
            "summary": "shifted Runge-Kutta for additive noise",
            "interpretation": "ito",
            "strong_order": {"additive": 1.5},
            "deterministic_order": 2.0,
            "reference": _FOSTER,
        },
        SPaRK={
            "summary": "splitting-path Runge-Kutta, for any noise",
            "interpretation": "stratonovich",
            "strong_order": {**EVERY_NOISE_1, "additive": 1.5, "general": 0.5},
            "deterministic_order": 2.0,
            "reference": "Foster & Jelincic 2023, arXiv:2311.14201",
        },
        SlowRK={
            "summary": "stochastic Runge-Kutta of order 1.5 for noise whose columns commute",
            "interpretation": "stratonovich",
            "strong_order": {**dict.fromkeys(_COMMUTATIVE_1, 1.5), "general": 0.5},
            "deterministic_order": 2.0,
            "reference": _FOSTER,
        },
    ),
    "jitcsde": Method(
        run=_of("jitcsde", ""),
        summary="stochastic Runge-Kutta, steps follow the error; noise of its own, no common path",
        interpretation="ito",
        strong_order={"additive": 1.5, "diagonal": 1.5},
        deterministic_order=None,
        tolerances=("rtol", "atol"),
        tolerance=1e-3,
        library="jitcsde",
        arrays="symengine",
        own_noise=True,
        reference=(
            "jitcsde; Ansmann 2018, Chaos 28, 043116, doi:10.1063/1.5019320; Rackauckas & Nie 2017"
        ),
    ),
    **_schemes(
        "torchsde",
        "torch",
        euler=_EULER,
        milstein={
            "summary": "Milstein, for additive and diagonal noise",
            "interpretation": "ito",
            "strong_order": {"additive": 1.0, "diagonal": 1.0},
            "deterministic_order": 1.0,
            "weak_order": {"additive": 1.0, "diagonal": 1.0},
            "reference": _MILSTEIN,
        },
        srk={
            "summary": "stochastic Runge-Kutta SRA1 and SRID2",
            "interpretation": "ito",
            "strong_order": {"additive": 1.5, "diagonal": 1.5},
            "deterministic_order": 2.0,
            "reference": _ROESSLER,
        },
        heun=_HEUN,
        reversible_heun={
            "summary": "reversible Heun: it grows where variables decay, as gates do",
            "interpretation": "stratonovich",
            "strong_order": HALF_UNLESS_ADDITIVE,
            "deterministic_order": 2.0,
            "steps": 2,
            "reference": "Kidger, Foster, Li & Lyons 2021, arXiv:2105.13493",
        },
    ),
}
