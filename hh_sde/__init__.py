"""Networks of Hodgkin-Huxley neurons as stochastic differential equations.

The network is a drift f(x, t) and a diffusion G(x, t) over one flat state vector; sdeint, scipy and
a compiled engine integrate it; every result is a labelled `xarray.Dataset`.

The public names stand in ``__init__.pyi``; each is loaded when it is first used.
"""

from importlib import metadata
from typing import Any

import lazy_loader

from hh_sde import accessor as _accessor  # noqa: F401  (registers Dataset.hh)

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = metadata.version("hh_sde")


def __getattr__(name: str) -> Any:
    if name in __all__:
        return _load(name)
    from hh_sde.errors import did_you_mean

    message = f"module {__name__!r} has no attribute {name!r}{did_you_mean(name, __all__)}"
    # obj=None: Python would add what is nearest in the module it stands for
    raise AttributeError(message, name=name, obj=None)
