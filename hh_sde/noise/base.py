"""What all noise models have in common."""

from hh_sde.records import Record


class Noise(Record):
    """A part of a network's noise."""
