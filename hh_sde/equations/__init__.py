"""The physics, stated once: tables of a model become named expressions, and those become loops.

    tables       what a network tells of its neurons: kinds of rates, gates, channels, and numbers
    expressions  sums, products and functions of named symbols, with their derivatives
    rates, gates, states, fluctuations, colored
                 what each kind of table stands for: drift, noise, exact flow, steady state
    population   all equations of a population of neurons, in order, with units
    evaluated    their values at given states, with numpy
    sharing      few exponentials that serve all rates
    loops        what an integrator asks for: each loop's outputs as expressions
    numba_       the loops as text that numba compiles
    module       that text loaded, and the numbers that it takes

Nothing else states an equation of a neuron.

An SDE of one's own goes the same way. Both are a `system`.

    stating      what people state of it, which `parsing` takes to pieces
    stated       its symbols, drifts, columns and type of noise, and its loops
    stated_functions
                 f, G and what follows from them in arrays of any library
"""
