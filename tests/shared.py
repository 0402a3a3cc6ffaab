"""What several tests share. Most of their time goes into compiling: a shape of model that another
test has compiled costs nothing, and a small one little."""

import dataclasses

import pytest

import hh_sde as hh

#: Integrators of the engine that take white noise.
ENGINE = [name for name, method in hh.METHODS.items() if method.compiled and method.strong_order]
#: One of each kind of them: of one stage, of several, splitting.
KINDS = ("euler_maruyama", "sri2", "strang")

# One channel, one gate of power 2: three states. A potential at which both rates matter, with
# currents so weak that V hardly moves.
GATE = hh.Gate("a", 2, alpha=hh.Sigmoid(1.0, -60.0, 5.0), beta=hh.Constant(0.7))
SMALL = hh.Cell(
    "small",
    (hh.Channel("L", g=0.5, E=-60.0), hh.Channel("A", g=1.0, E=-80.0, gates=(GATE,), density=10.0)),
    V0=-61.0,
)
PASSIVE = hh.Cell("passive", (hh.Channel("L", g=0.5, E=-60.0),), C=2.0, V0=-60.0)


#: In the engine, with noise that does not commute, and follows the time.
TIMED = hh.SDE.from_expressions(
    {"x": "-x + cos(t)", "y": "x - y"},
    {"W1": {"x": "s*sin(t)", "y": "0.2"}, "W2": {"y": "s*x"}},
    x0={"x": 1.0, "y": 0.0},
    parameters={"s": 0.5},
)


def of_functions(name):
    """A problem with nothing but functions f and G, which the engine has nothing to compile of."""
    problem = hh.problems.PROBLEMS[name]
    return dataclasses.replace(problem, sde=dataclasses.replace(problem.sde, program=None))


#: Where variables decay fast its steps grow: stable are oscillations alone (Kidger, Foster, Li &
#: Lyons 2021, arXiv:2105.13493, appendix D).
GROWS = "torchsde.reversible_heun"


def of_neurons(methods, slow=()):
    """Those that run neurons for long; the ones of other frameworks are marked slow.

    So are those whose names begin with what is in `slow`.
    """
    return [
        pytest.param(name, marks=pytest.mark.slow)
        if hh.METHODS[name].arrays != "numpy" or name.startswith(tuple(slow))
        else name
        for name in methods
        if name != GROWS
    ]


def slow_ones(cases, *slow):
    """The cases, of which some are marked slow."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=[pytest.mark.slow] if case in slow else [],
        )
        for case in cases
    ]


def quick_ones(cases, quick):
    """The cases, of which all but these are marked slow."""
    return slow_ones(cases, *(case for case in cases if case not in quick))
