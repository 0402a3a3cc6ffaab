"""Sweeps: a parameter is a dimension, its points run in tasks, and a store keeps what is done."""

from hh_sde.sweeps.plan import Plan
from hh_sde.sweeps.status import Status, failures, status

__all__ = ["Plan", "Status", "failures", "status"]
