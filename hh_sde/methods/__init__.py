"""Integrators: the table METHODS, one module for each library that provides them."""

from __future__ import annotations

from typing import Any

import scipy.integrate

from hh_sde.errors import unknown
from hh_sde.methods import adaptive, chain, compiled, frameworks, implicit, scipy_, sdeint_, weak
from hh_sde.methods.method import (
    EVERY_NOISE_1,
    HALF_UNLESS_ADDITIVE,
    TWO_IF_ADDITIVE,
    Detection,
    Diverged,
    Failed,
    Method,
    Problem,
    Reached,
    each_trial,
)
from hh_sde.methods.own import derivative_along, integrator
from hh_sde.records import shown
from hh_sde.tables import Table, instance_of

__all__ = [
    "METHODS",
    "Detection",
    "Diverged",
    "Failed",
    "Method",
    "Problem",
    "Reached",
    "derivative_along",
    "each_trial",
    "integrator",
    "method_of",
    "name_of",
]

_ROESSLER = "Roessler 2010, SIAM J. Numer. Anal. 48, 922, doi:10.1137/09076636X"
_SPLITTING = (
    "Chen, Raman & Stern 2020, SIAM J. Sci. Comput. 42, doi:10.1137/18M123390X; "
    "Buckwar, Samson, Tamborrino & Tubikanec 2022, arXiv:2101.01027"
)


#: Methods by the name that `solve(method=...)` takes. Orders of convergence stand here alone.
#: Strong order 1 for general noise is that against the true path: the number of terms in the areas
#: of `hh_sde.levy` follows the step of the path's finest grid.
METHODS = Table(
    "METHODS",
    "method",
    check=instance_of(Method, "METHODS"),
    describe=Method.description,
    entries={
        "euler_maruyama": Method(
            run=compiled.engine("euler_maruyama"),
            summary="Euler-Maruyama",
            interpretation="ito",
            strong_order=HALF_UNLESS_ADDITIVE,
            deterministic_order=1.0,
            weak_order=EVERY_NOISE_1,
            compiled=True,
            library="numba",
            reference="Maruyama 1955, Rend. Circ. Mat. Palermo 4, 48, doi:10.1007/BF02846028",
        ),
        "tamed_euler": Method(
            run=compiled.engine("tamed_euler"),
            summary="Euler-Maruyama with each neuron's drift held below 1/dt",
            interpretation="ito",
            strong_order=HALF_UNLESS_ADDITIVE,
            deterministic_order=1.0,
            weak_order=EVERY_NOISE_1,
            compiled=True,
            library="numba",
            reference=(
                "Hutzenthaler, Jentzen & Kloeden 2012, Ann. Appl. Probab. 22, 1611, "
                "doi:10.1214/11-AAP803"
            ),
        ),
        "milstein": Method(
            run=compiled.engine("milstein"),
            summary="Milstein, for noise whose columns commute",
            interpretation="ito",
            strong_order={"additive": 1.0, "diagonal": 1.0, "commutative": 1.0},
            deterministic_order=1.0,
            weak_order={"additive": 1.0, "diagonal": 1.0, "commutative": 1.0},
            compiled=True,
            library="numba",
            reference="Milstein 1975, Theory Probab. Appl. 19, 557, doi:10.1137/1119062",
        ),
        "heun": Method(
            run=compiled.engine("heun", nodes=(0.0, 1.0)),
            summary="stochastic Heun",
            interpretation="stratonovich",
            strong_order={**EVERY_NOISE_1, "general": 0.5},
            deterministic_order=2.0,
            weak_order=TWO_IF_ADDITIVE,
            compiled=True,
            library="numba",
            reference="Ruemelin 1982, SIAM J. Numer. Anal. 19, 604, doi:10.1137/0719041",
        ),
        "sra1": Method(
            run=compiled.engine("sra1", nodes=(0.0, 0.75), needs="time integrals"),
            summary="stochastic Runge-Kutta SRA1 for additive noise",
            interpretation="ito",
            strong_order={"additive": 1.5},
            deterministic_order=2.0,
            weak_order={"additive": 2.0},
            compiled=True,
            library="numba",
            reference=_ROESSLER,
        ),
        "sri2": Method(
            run=compiled.engine("sri2", nodes=(0.0, 1.0), needs="areas"),
            summary="stochastic Runge-Kutta SRI2, for any noise",
            interpretation="ito",
            strong_order=EVERY_NOISE_1,
            deterministic_order=2.0,
            weak_order=EVERY_NOISE_1,
            compiled=True,
            library="numba",
            reference=_ROESSLER,
        ),
        "exponential_euler": Method(
            run=compiled.engine("exponential_euler", keeps_gates=True),
            summary="gates by their exact flow, V by Euler (Rush-Larsen)",
            interpretation="ito",
            strong_order=HALF_UNLESS_ADDITIVE,
            deterministic_order=1.0,
            weak_order=EVERY_NOISE_1,
            keeps_gates=True,
            compiled=True,
            library="numba",
            reference=(
                "Rush & Larsen 1978, IEEE Trans. Biomed. Eng. 25, 389, doi:10.1109/TBME.1978.326270"
            ),
        ),
        "lie_trotter": Method(
            run=compiled.engine("lie_trotter", keeps_gates=True),
            summary="splitting: gates by their exact flow, then V by its own",
            interpretation="ito",
            strong_order=HALF_UNLESS_ADDITIVE,
            deterministic_order=1.0,
            weak_order=EVERY_NOISE_1,
            keeps_gates=True,
            compiled=True,
            library="numba",
            reference=_SPLITTING,
        ),
        "strang": Method(
            run=compiled.engine(
                "strang", nodes=(0.5,), needs="halves", keeps_gates=True, opened="strang_open"
            ),
            summary="splitting: half a step of the gates, V, half a step of the gates",
            interpretation="ito",
            strong_order=HALF_UNLESS_ADDITIVE,
            deterministic_order=2.0,
            weak_order=TWO_IF_ADDITIVE,
            keeps_gates=True,
            compiled=True,
            library="numba",
            reference=_SPLITTING,
        ),
        "shifted_strang": Method(
            run=compiled.engine(
                "shifted_strang", nodes=(0.5,), needs="time integrals", keeps_gates=True
            ),
            summary="Strang's splitting along a path of straight pieces, for additive noise",
            interpretation="ito",
            strong_order={"additive": 1.5},
            deterministic_order=2.0,
            weak_order={"additive": 2.0},
            keeps_gates=True,
            compiled=True,
            library="numba",
            reference="Foster, dos Reis & Strange 2023, arXiv:2210.17543",
        ),
        **implicit.SCHEMES,
        **adaptive.SCHEMES,
        "dri1": Method(
            run=compiled.engine("dri1", nodes=(0.0, 0.5, 1.0), needs="weak"),
            own=weak.dri1,
            summary="stochastic Runge-Kutta DRI1, for means and distributions alone",
            interpretation="ito",
            deterministic_order=3.0,
            weak_order=dict.fromkeys(EVERY_NOISE_1, 2.0),
            compiled=True,
            library="numba",
            reference=(
                "Debrabant & Roessler 2009, Appl. Numer. Math. 59, 582, "
                "doi:10.1016/j.apnum.2008.03.012"
            ),
        ),
        "gillespie": Method(
            run=chain.gillespie,
            summary="exact: channels one by one and V between their transitions, by thinning",
            interpretation="chain",
            deterministic_order=None,
            exact=True,
            keeps_gates=True,
            compiled=True,
            library="numba",
            reference=(
                "Anderson, Ermentrout & Thomas 2015, J. Comput. Neurosci. 38, 67, "
                "doi:10.1007/s10827-014-0528-2; Lewis & Shedler 1979, doi:10.1002/nav.3800260304"
            ),
        ),
        "tau_leap": Method(
            run=compiled.engine("tau_leap"),
            summary="splitting: whole channels by binomial exchanges, then V by its exact flow",
            interpretation="chain",
            deterministic_order=1.0,
            keeps_gates=True,
            compiled=True,
            library="numba",
            reference="Tian & Burrage 2004, J. Chem. Phys. 121, 10356, doi:10.1063/1.1810475",
        ),
        "sdeint.itoEuler": Method(
            run=each_trial(sdeint_.ito_euler),
            summary="Euler-Maruyama",
            interpretation="ito",
            strong_order=HALF_UNLESS_ADDITIVE,
            deterministic_order=1.0,
            weak_order=EVERY_NOISE_1,
            library="sdeint",
            reference="sdeint.itoEuler; Maruyama 1955, doi:10.1007/BF02846028",
        ),
        "sdeint.itoSRI2": Method(
            run=each_trial(sdeint_.ito_sri2),
            summary="stochastic Runge-Kutta SRI2",
            interpretation="ito",
            strong_order=EVERY_NOISE_1,
            deterministic_order=2.0,
            weak_order=EVERY_NOISE_1,
            library="sdeint",
            reference=f"sdeint.itoSRI2; {_ROESSLER}",
        ),
        "sdeint.stratHeun": Method(
            run=each_trial(sdeint_.strat_heun),
            summary="stochastic Heun",
            interpretation="stratonovich",
            strong_order={**EVERY_NOISE_1, "general": 0.5},
            deterministic_order=2.0,
            weak_order=TWO_IF_ADDITIVE,
            library="sdeint",
            reference=(
                "sdeint.stratHeun; Ruemelin 1982, SIAM J. Numer. Anal. 19, 604, doi:10.1137/0719041"
            ),
        ),
        "sdeint.stratSRS2": Method(
            run=each_trial(sdeint_.strat_srs2),
            summary="stochastic Runge-Kutta SRS2",
            interpretation="stratonovich",
            strong_order=EVERY_NOISE_1,
            deterministic_order=2.0,
            weak_order=EVERY_NOISE_1,
            library="sdeint",
            reference=f"sdeint.stratSRS2; {_ROESSLER}",
        ),
        "sdeint.stratKP2iS": Method(
            run=each_trial(sdeint_.strat_kp2is),
            summary="two-step, semi-implicit",
            interpretation="stratonovich",
            # Order 1.0 in name. Its supporting value Y + f h + g sqrt(h) leaves the terms
            # ((dg) f + (d^2 g)(g, g)/2) sqrt(h) J_kk, whose mean does not vanish: order 0.5 unless
            # g is constant, or both are 0.
            strong_order=HALF_UNLESS_ADDITIVE,
            deterministic_order=2.0,
            weak_order={"additive": 2.0},
            steps=2,
            tolerances=("rtol",),
            library="sdeint",
            reference=(
                "sdeint.stratKP2iS; Kloeden & Platen 1999, section 12.4, "
                "doi:10.1007/978-3-662-12616-5"
            ),
        ),
        "scipy.odeint": Method(
            run=each_trial(scipy_.odeint),
            summary="LSODA of ODEPACK, switches between Adams and BDF",
            interpretation="ode",
            deterministic_order=None,
            tolerances=("rtol", "atol"),
            library="scipy",
            reference="scipy.integrate.odeint; Petzold 1983, doi:10.1137/0904010",
        ),
        "scipy.DOP853": Method(
            run=each_trial(scipy_.adaptive(scipy.integrate.DOP853)),
            summary="explicit Runge-Kutta of order 8",
            interpretation="ode",
            deterministic_order=None,
            tolerances=("rtol", "atol"),
            library="scipy",
            reference=(
                "scipy.integrate.DOP853; Hairer, Norsett & Wanner 1993, "
                "doi:10.1007/978-3-540-78862-1"
            ),
        ),
        "scipy.LSODA": Method(
            run=each_trial(scipy_.adaptive(scipy.integrate.LSODA)),
            summary="LSODA, switches between Adams and BDF",
            interpretation="ode",
            deterministic_order=None,
            tolerances=("rtol", "atol"),
            library="scipy",
            reference="scipy.integrate.LSODA; Petzold 1983, doi:10.1137/0904010",
        ),
        "scipy.Radau": Method(
            run=each_trial(scipy_.adaptive(scipy.integrate.Radau)),
            summary="implicit Runge-Kutta Radau IIA of order 5, for stiff problems",
            interpretation="ode",
            deterministic_order=None,
            tolerances=("rtol", "atol"),
            library="scipy",
            reference="scipy.integrate.Radau; Hairer & Wanner 1996, doi:10.1007/978-3-642-05221-7",
        ),
        **frameworks.SCHEMES,
    },
)


def method_of(given: Any, argument: str = "method") -> Method:
    """The method that is given by its name in METHODS, or as an object.

    Raises
    ------
    TypeError, ValueError
        If there is none of that name, or it is neither; or if it is called as another one is.
    """
    if isinstance(given, Method):
        name = name_of(given)
        if name in METHODS and METHODS[name] is not given:
            raise ValueError(f"{argument}: a method of METHODS is called {name!r}; name yours anew")
        return given
    if not isinstance(given, str):
        raise TypeError(
            f"{argument} must be the name of a method or a hh_sde.Method, as hh_sde.integrator "
            f"makes it of a function; got {shown(given)}"
        )
    if given not in METHODS:
        raise ValueError(f"{argument}: {unknown('method', given, METHODS)}")
    return METHODS[given]


def name_of(method: str | Method) -> str:
    """What results call a method: by its name in METHODS, or its own.

    Raises
    ------
    ValueError
        If it has none.
    """
    if isinstance(method, str):
        return method
    found = next((name for name, entry in METHODS.items() if entry is method), method.name)
    if not found:
        raise ValueError("a method outside of METHODS must have a name: Method(name=..., ...)")
    return found
