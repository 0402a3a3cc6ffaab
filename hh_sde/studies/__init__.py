"""Studies: functions of a network that answer one question with a labelled Dataset.

Every study gives a confidence interval for each estimate, and can be run from a TOML file (`hh-sde
study`). `hh_sde.rerun` repeats it from its Dataset. A user-defined study is a function with the
decorator `study`, entered in `STUDIES`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xarray as xr

from hh_sde.attributes import public
from hh_sde.records import shown
from hh_sde.studies.common import study
from hh_sde.studies.compare import compare_methods
from hh_sde.studies.convergence import strong_convergence
from hh_sde.studies.lyapunov_exponents import lyapunov
from hh_sde.studies.mean_return import mean_return_phase
from hh_sde.studies.multilevel import mlmc
from hh_sde.studies.network_synchrony import synchrony
from hh_sde.studies.noise_levels import noise_sweep
from hh_sde.studies.observed import OBSERVABLES, smoothed_distribution
from hh_sde.studies.order_table import measured_orders
from hh_sde.studies.phase import phase_reduction
from hh_sde.studies.precision import recommend, work_precision
from hh_sde.studies.rates import rate_curve
from hh_sde.studies.sensitivities import sensitivity
from hh_sde.studies.spike_reliability import reliability
from hh_sde.studies.weak import weak_convergence
from hh_sde.tables import Table, description_of

__all__ = [
    "OBSERVABLES",
    "STUDIES",
    "compare_methods",
    "lyapunov",
    "mean_return_phase",
    "measured_orders",
    "mlmc",
    "noise_sweep",
    "phase_reduction",
    "rate_curve",
    "recommend",
    "reliability",
    "sensitivity",
    "smoothed_distribution",
    "strong_convergence",
    "study",
    "synchrony",
    "weak_convergence",
    "work_precision",
]


def _entry(name: str, function: Any) -> Callable[..., xr.Dataset]:
    if not getattr(function, "is_study", False):
        raise TypeError(
            f"STUDIES[{name!r}] takes a function under @hh_sde.studies.study, got {shown(function)}"
        )
    if function.__name__ != name:
        raise ValueError(
            f"STUDIES[{name!r}] takes a study of that name, by which rerun finds it, and this one "
            f"is called {function.__name__!r}"
        )
    return function


#: Studies by name.
STUDIES = Table(
    "STUDIES",
    "study",
    check=_entry,
    describe=description_of,
    entries={
        "compare_methods": compare_methods,
        "strong_convergence": strong_convergence,
        "weak_convergence": weak_convergence,
        "work_precision": work_precision,
        "recommend": recommend,
        "rate_curve": rate_curve,
        "noise_sweep": noise_sweep,
        "reliability": reliability,
        "synchrony": synchrony,
        "mlmc": mlmc,
        "lyapunov": lyapunov,
        "phase_reduction": phase_reduction,
        "mean_return_phase": mean_return_phase,
        "sensitivity": sensitivity,
    },
)
__dir__, __getattr__ = public(__name__, __all__)
