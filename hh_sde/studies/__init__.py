"""Studies: functions of a network that answer one question with a labelled Dataset.

Every study has an interval beside each estimate, can be run from a TOML file (`hh-sde study`), and
`hh_sde.rerun` makes its Dataset again.
"""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

from hh_sde.studies.compare import compare_methods
from hh_sde.studies.convergence import strong_convergence
from hh_sde.studies.precision import recommend, work_precision
from hh_sde.studies.rates import rate_curve
from hh_sde.studies.sweeps import noise_sweep, reliability, synchrony
from hh_sde.studies.weak import weak_convergence

__all__ = [
    "STUDIES",
    "compare_methods",
    "noise_sweep",
    "rate_curve",
    "recommend",
    "reliability",
    "strong_convergence",
    "synchrony",
    "weak_convergence",
    "work_precision",
]


#: Studies by name.
STUDIES: dict[str, Callable[..., xr.Dataset]] = {
    "compare_methods": compare_methods,
    "strong_convergence": strong_convergence,
    "weak_convergence": weak_convergence,
    "work_precision": work_precision,
    "recommend": recommend,
    "rate_curve": rate_curve,
    "noise_sweep": noise_sweep,
    "reliability": reliability,
    "synchrony": synchrony,
}
