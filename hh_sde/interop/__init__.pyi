from . import neuroml
from .neo import to_neo
from .nwb import to_nwb
from .pynapple import to_pynapple

__all__ = ["neuroml", "to_neo", "to_nwb", "to_pynapple"]
