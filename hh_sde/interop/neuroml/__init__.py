"""NeuroML 2: networks of single-compartment cells, read and written (extra `neuroml`).

References
----------
Cannon et al. 2014, Front. Neuroinform. 8, 79, doi:10.3389/fninf.2014.00079 (LEMS and NeuroML 2).
"""

from hh_sde.errors import keyword_hints
from hh_sde.interop.neuroml import reading, writing
from hh_sde.interop.neuroml.files import NeuroMLError
from hh_sde.interop.neuroml.reading import Parts

read = keyword_hints(reading.read)
read_parts = keyword_hints(reading.read_parts)
write = keyword_hints(writing.write)

__all__ = ["NeuroMLError", "Parts", "read", "read_parts", "write"]
