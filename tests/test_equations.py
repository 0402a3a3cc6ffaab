"""The layer of equations: derivatives, names, what a written module looks like."""

import ast
import re

import numpy as np
import pytest

import hh_sde as hh
from hh_sde.equations import template
from hh_sde.equations.differentiation import dependencies, directional_derivative
from hh_sde.equations.expressions import (
    ONE,
    ZERO,
    Choice,
    Number,
    Symbol,
    call,
    derivative,
    evaluate,
    names,
    total,
)
from hh_sde.equations.numba_ import code, written

NOISES = {
    "none": (),
    "subunits": hh.SubunitNoise(area=100.0),
    "transitions": hh.ConductanceNoise(area=100.0),
    "pairs": hh.ConductanceNoise(area=100.0, paired=True, bounds="reflect"),
    "fluctuations": (
        hh.EffectiveConductanceNoise(area=100.0),
        hh.OrnsteinUhlenbeckConductance(0.035, 0.009, 2.728, E=0.0, name="g_e"),
    ),
}


def population(noise="none", **options):
    synapses = (hh.Synapse.sigmoidal(weights=0.1), hh.GapJunction(0.2))
    net = hh.Network(2, synapses=synapses, noise=NOISES[noise], **options)
    return net._made.equations[0]


def values_at(equations, state):
    """The values of all symbols at a state, by the equations in their order."""
    known = {name: p.values[0] for name, p in equations.parameters.table.items()}
    known |= {"I_stim": 3.0, **{symbol.name: 0.7 for symbol in equations.coupled}, **state}
    for target, value, *_ in equations.assignments:
        known[target.name] = evaluate(value, known)
    return known


# -- differentiation ------------------------------------------------------------------------------

x, y, u = Symbol("x"), Symbol("y"), Symbol("u")


@pytest.mark.parametrize(
    "e",
    [
        x * y - y / x,
        -(x**3) * (y - 2.0 * x),
        call("exp", -x * y) / (1.0 + call("exp", x)),
        call("sqrt", x * x + y * y),
        Choice(x, y, x**2, y**2),
        Choice(y, x, x**2, y**2),
        total([x, -y, -(x * y)]),
    ],
)
def test_derivatives_against_differences(e):
    at, h = {"x": 1.3, "y": 0.7}, 1e-5
    for name in at:
        ahead, behind = ({**at, name: at[name] + sign * h} for sign in (1, -1))
        expected = (evaluate(e, ahead) - evaluate(e, behind)) / (2 * h)
        assert evaluate(derivative(e, {name: ONE}), at) == pytest.approx(expected, rel=1e-9)
    assert derivative(e, {"z": ONE}) == ZERO


def test_a_derivative_leaves_out_what_is_zero_or_one():
    alpha, beta = Symbol("alpha"), Symbol("beta")
    assert code(derivative(alpha * (1.0 - x) + beta * x, {"x": ONE})) == "beta - alpha"
    assert code(derivative(alpha * x, {"x": Number(-1.0)})) == "alpha * -1.0"
    assert derivative(x - x, {"y": ONE}) == ZERO


@pytest.mark.parametrize("noise", NOISES)
def test_the_drift_changes_as_its_derivative_says(noise):
    """Through all the equations that a drift depends on, for each variable; from differences, whose
    error is about 1e-9 of the largest value."""
    equations = population(noise)
    rng = np.random.default_rng(1)
    state = {v.symbol.name: rng.uniform(0.1, 0.4) for v in equations.variables} | {"V": -50.0}
    at = values_at(equations, state)
    reads = dependencies(equations.assignments)
    for variable in equations.variables:
        name, h = variable.symbol.name, 1e-5
        ahead, behind = (
            values_at(equations, {**state, name: state[name] + sign * h}) for sign in (1, -1)
        )
        for f in equations.drift:
            change = directional_derivative(f, {name: ONE}, equations.assignments, reads)
            expected = (ahead[f.name] - behind[f.name]) / (2 * h)
            assert evaluate(change, at) == pytest.approx(expected, rel=1e-6, abs=1e-6)


# -- text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("e", "text"),
    [
        (x - (y - u), "x - (y - u)"),
        (x - y - u, "x - y - u"),
        (x + (y + u), "x + (y + u)"),
        (x / (y * u), "x / (y * u)"),
        (x * y / u, "x * y / u"),
        (-(x + y) * u, "-(x + y) * u"),
        (x - -y, "x - -y"),
        (x * y**3 * u, "x * y * y * y * u"),
        (x / y**3, "x / (y * y * y)"),
        (x * (y + u) ** 4, "x * (((y + u) * (y + u)) * ((y + u) * (y + u)))"),
        (Choice(x, y, u, ZERO) * 2.0, "(u if x > y else 0.0) * 2.0"),
        (call("min", call("abs", x), 1.0), "min(abs(x), 1.0)"),
    ],
)
def test_an_expression_is_printed_as_it_is_rounded(e, text):
    assert code(e) == text
    at = {"x": 1.1, "y": 0.3, "u": 0.7}
    assert eval(text, {}, dict(at)) == pytest.approx(_value(e, at), rel=1e-15)


def _value(e, at):
    return min(abs(at["x"]), 1.0) if getattr(e, "function", "") == "min" else evaluate(e, at)


@pytest.mark.parametrize("noise", NOISES)
def test_a_written_module_can_be_read(noise):
    (text, ((scalars, rows),)), kinds = written([population(noise)])
    assert kinds == (0,)
    lines = text.splitlines()
    assert max(map(len, lines)) < 120
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert len(functions) > 20
    assert all(ast.get_docstring(function) for function in functions)
    legend = ast.get_docstring(ast.parse(text))
    for k, name in enumerate(scalars):
        assert re.search(rf"^ *p\[{k}\] +{name} +\S+ +\w+", legend, re.MULTILINE)
    assert not rows


def test_a_loop_works_out_what_it_gives_and_no_more():
    text = written([population()])[0].text
    flow = text.partition("def V_flow_0(")[2].partition("@shared")[0]
    assert "I_Na = g_Na * (V - E_Na)" in flow
    assert "expV" not in flow
    assert flow.count("exp(") == 1
    rates = text.partition("def gate_rates_0(")[2].partition("@shared")[0]
    assert "alpha_m = " in rates
    assert "g_Na" not in rates


def test_the_same_shape_is_written_once():
    cell = hh.CELLS["hodgkin_huxley"]
    first, _ = written([population()])
    assert written([population(cell=cell.replace(g_Na=100.0))])[0] is first
    apart, _ = written([population(cell=cell.replace(g_Na=[100.0, 110.0]))])
    assert apart.text != first.text
    assert apart.numbers[0].rows == ("gbar_Na",)


def test_loops_that_do_the_same_are_one():
    """Where the exchanges' order makes no difference, and only with the same arguments."""
    passive = hh.Cell("passive", (hh.Channel("L", g=0.1, E=-70.0),))
    net = hh.Network(2, cell=passive)
    text = written(net._made.equations)[0].text
    assert "\ngates_flow_reversed = gates_flow\n" in text
    assert "\ndef gates_flow_reversed_0(" not in text
    assert "\ndef add_noise(" in text
    assert hh.solve(net, 0.1, method="heun").V.shape == (11, 2)


ODD = ["h", "dt", "exp", "p", "lambda", "expV0", "state_V", "I_stim", "dm", "µ", "np", "total", "C"]


def test_no_name_of_a_gate_means_something_else_in_the_loops():
    """The drift of gates with names that a module might use, against those of plain names."""
    drifts = []
    for given in (ODD, [f"x{k}" for k in range(len(ODD))]):
        gates = tuple(
            hh.Gate(name, 1 + k % 3, hh.Exponential(0.1 + k, -50.0, 20.0), hh.Constant(0.5))
            for k, name in enumerate(given)
        )
        cell = hh.Cell("odd", (hh.Channel("dW", 1.0, 40.0, gates), hh.Channel("m", 0.1, -60.0)))
        net = hh.Network(1, cell=cell)
        assert net.variables == ("V", *given)
        state = np.array([-55.0, *np.linspace(0.2, 0.8, len(given))])
        drifts.append(net.sde().f(state, 0.0))
    assert np.array_equal(*drifts)


# -- the text that all modules share --------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 2])
def test_a_lost_mark_is_an_error(count):
    with pytest.raises(
        ValueError, match=f"steps.py must have 'MARK' once, it has it {count} times"
    ):
        template._split("text MARK"[: 5 * (count == 0)] + "MARK " * count, "MARK", "steps.py")
    with pytest.raises(ValueError, match="no integrator"):
        template._steps(f"x = 1\n{template.ADVANCE}x):\n{template.STEP}")
    with pytest.raises(ValueError, match="must have 'close"):
        template._advance("euler", template.STEP, "")


# -- for people -----------------------------------------------------------------------------------


def test_the_equations_of_a_network_are_shown():
    net = hh.Network(
        2, noise=[hh.SubunitNoise(area=100.0), hh.CurrentNoise(1.0)], synapses=hh.GapJunction(0.2)
    )
    text = str(net.equations())
    for line in (
        r"alpha_m  += alpha_m_rate \* linoid\(\(V - alpha_m_mid\) / alpha_m_scale\)  +1/ms",
        r"g_Na  += gbar_Na \* m\*\*3 \* h  +mS/cm\^2",
        r"dV  += I_total / C  +mV/ms",
        r"h  +sqrt\(\(alpha_h \* \(1.0 - h\) \+ beta_h \* h\) / N_h\)",
        r"WV_gap +uA/cm\^2  sum over neurons j",
        r"N_n  += 1800  +1 +number of gates n",
        r"gbar_Na  += 120  +mS/cm\^2  +maximal conductance of the channels Na; g_Na of the cell",
    ):
        assert re.search(rf"^  {line}", text, re.MULTILINE), line
    assert repr(net.equations()) == text
    shown = net.equations()._repr_markdown_()
    assert r"$\frac{dm}{dt}$" in shown
    assert r"$\displaystyle \bar g_{\mathrm{Na}}\,m^{3}\,h$" in shown
    with_numbers = net.equations().markdown(values=True)
    assert r"$\displaystyle 4\,e^{-\frac{V + 65}{18}}$" in with_numbers
    assert "alpha_{m\\_rate}" not in with_numbers
    assert net.equations().latex().count(r"\\") == len(net.equations().equations) - 1


def test_every_equation_that_is_shown_has_units_and_names_alone():
    """Whatever stands in an expression is a variable, an input, a parameter or given before."""
    for noise in NOISES.values():
        net = hh.Network(2, noise=noise, synapses=hh.SYNAPSES["AMPA"](0.1))
        shown = net.equations()
        known = {*net.variables, *(name for name, *_ in shown.inputs)}
        known |= {parameter.symbol.name for parameter in shown.parameters}
        for equation in shown.equations:
            assert set(names(equation.expression)) <= known, equation.name
            assert equation.units
            known.add(equation.name)
