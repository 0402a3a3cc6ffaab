"""Networks of Hodgkin-Huxley neurons as stochastic differential equations.

The network is a drift f(x, t) and a diffusion G(x, t) over one flat state vector; sdeint, scipy and
a compiled engine integrate it; every result is a labelled `xarray.Dataset`.

The public names stand in ``__init__.pyi``; each is loaded when it is first used.
"""

from importlib import metadata

import lazy_loader

from hh_sde import accessor as _accessor  # noqa: F401  (registers Dataset.hh)

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = metadata.version("hh_sde")
