"""Long runs that are written out while they run, a segment of time after the other."""

from hh_sde.streams.plan import is_store, seed_of_store
from hh_sde.streams.store import open_store
from hh_sde.streams.stream import streamed

__all__ = ["is_store", "open_store", "seed_of_store", "streamed"]
