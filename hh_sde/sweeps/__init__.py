"""Sweeps: each swept parameter is a dimension of one result, in memory or in a store."""

from hh_sde.sweeps.form import ATTRIBUTE
from hh_sde.sweeps.plan import Plan
from hh_sde.sweeps.reductions import REDUCTIONS
from hh_sde.sweeps.simulator import Simulator, simulator
from hh_sde.sweeps.status import Status, failures, status
from hh_sde.sweeps.store import is_store
from hh_sde.sweeps.summaries import SUMMARIES
from hh_sde.sweeps.sweep import network_of, open_store, rerun_part, resume, sweep

__all__ = [
    "ATTRIBUTE",
    "REDUCTIONS",
    "SUMMARIES",
    "Plan",
    "Simulator",
    "Status",
    "failures",
    "is_store",
    "network_of",
    "open_store",
    "rerun_part",
    "resume",
    "simulator",
    "status",
    "sweep",
]
