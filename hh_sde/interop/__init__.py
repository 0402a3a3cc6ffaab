"""Results and networks in the formats and objects of other libraries, one file for each.

Each library is an optional extra and is imported when it is asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
