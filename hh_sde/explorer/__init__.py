"""A network to play with in a browser: one HTML file, which needs neither a server nor a network.

    subject      what of a network a page can show, and what it refuses
    controls     what can be set there, and the numbers of the equations that this is
    page         all of it in one file
    engine.js    random numbers, steps, spikes: what `hh_sde.kernels` is to numba
    settings.js  checks of what is set; the same run in Python and TOML
    worker.js    runs beside the page
    page.js, page.html, page.css, and the plots: shown.js, rates.js, plots.js

The equations are printed from the expressions of `hh_sde.equations`, as the loops for numba are.
`vendor` holds uPlot (MIT), which draws.
"""

from hh_sde.explorer.page import explore, page

__all__ = ["explore", "page"]
