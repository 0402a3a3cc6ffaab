"""SDEs stated as expressions: their functions against ones written by hand, the engine against
other libraries and steps in NumPy, what is refused."""

import dataclasses

import numpy as np
import pytest
from shared import TIMED, slow_ones

import hh_sde as hh
from hh_sde.equations.expressions import evaluate, names
from hh_sde.equations.parsing import parsed
from hh_sde.methods import weak
from hh_sde.problems import PROBLEMS

METHODS = hh.METHODS
RNG = np.random.default_rng(7)


def spread(A, B, m):
    """Of dx = A x dt + sum_k B x dW_k: f, G, correction."""
    return (
        lambda x, t: A @ x,
        lambda x, t: np.repeat((B @ x)[:, None], m, axis=1),
        lambda x, t: 0.5 * m * (B @ B @ x),
    )


def square(diagonal, beside, d):
    return np.full((d, d), beside) + np.diag(np.full(d, diagonal - beside))


# f, G and 1/2 sum_k (dg_k) g_k of the problems, written out: independent of any expression
BY_HAND = {
    "linear": (lambda x, t: 1.01 * x, lambda x, t: 0.87 * x[:, None],
               lambda x, t: 0.5 * 0.87**2 * x),
    "additive": (lambda x, t: 0.05 / np.sqrt(1 + t) - x / (2 * (1 + t)),
                 lambda x, t: np.array([[0.005 / np.sqrt(1 + t)]]), None),
    "cubic": (lambda x, t: -0.25 * x * (1 - x**2), lambda x, t: 0.5 * (1 - x**2)[:, None],
              lambda x, t: -0.25 * x * (1 - x**2)),
    "commutative": spread(square(-1.5, 1 / 20, 4), square(1 / 5, 1 / 100, 4), 10),
    "stiff": spread(25.0 * np.array([[-1.0, 1.0], [1.0, -1.0]]), np.eye(2), 1),
    "hyperbolic": (lambda x, t: 0.5 * x + np.sqrt(x**2 + 1),
                   lambda x, t: np.sqrt(x**2 + 1)[:, None], lambda x, t: 0.5 * x),
    "rotation": (lambda x, t: -0.5 * x[0] ** 2 * np.array([0.0, x[1], x[2]]),
                 lambda x, t: np.array([[1.0, 0.0], [0.0, -x[0] * x[2]], [0.0, x[0] * x[1]]]),
                 lambda x, t: -0.5 * x[0] ** 2 * np.array([0.0, x[1], x[2]])),
    "ornstein_uhlenbeck": (lambda x, t: -2.0 * x, lambda x, t: np.array([[0.5]]), None),
    "oscillator": (lambda x, t: np.array([x[1], -4.0 * x[0]]),
                   lambda x, t: np.array([[0.0], [0.5]]), None),
    "geometric_stratonovich": (lambda x, t: -0.5 * x, lambda x, t: 0.4 * x[:, None],
                               lambda x, t: 0.08 * x),
    "fitzhugh_nagumo": (
        lambda x, t: np.array([x[0] - x[0] ** 3 / 3 - x[1] + 0.5,
                               0.08 * (x[0] + 0.7 - 0.8 * x[1])]),
        lambda x, t: np.array([[0.3], [0.0]]), None),
    "van_der_pol": (lambda x, t: np.array([x[1], (1 - x[0] ** 2) * x[1] - x[0]]),
                    lambda x, t: np.array([[0.0], [0.5 * (x[0] + x[1])]]),
                    lambda x, t: np.array([0.0, 0.125 * (x[0] + x[1])])),
}  # fmt: skip
NOISE = {
    "linear": "diagonal", "additive": "additive", "cubic": "diagonal", "stiff": "commutative",
    "commutative": "commutative", "hyperbolic": "diagonal", "rotation": "general",
    "ornstein_uhlenbeck": "additive", "oscillator": "additive", "van_der_pol": "commutative",
    "geometric_stratonovich": "diagonal", "fitzhugh_nagumo": "additive",
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_functions_are_those_written_by_hand(name):
    """Of a state and of a batch. A wrong sign or entry, or rows for columns, would be seen."""
    sde, (f, G, correction) = PROBLEMS[name].sde, BY_HAND[name]
    assert sde.noise_type == NOISE[name]
    assert (sde.correction is None) == (correction is None)
    x = sde.x0[:, None] + 0.3 * RNG.normal(size=(sde.d, 5))
    wanted = [
        (sde.f, f),
        (sde.G, G),
        *([] if correction is None else [(sde.correction, correction)]),
    ]
    for ours, theirs in wanted:
        batch = np.stack([theirs(one, 0.3) for one in x.T], axis=-1)
        np.testing.assert_allclose(ours(x, 0.3), batch, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(ours(x[:, 0], 0.3), batch[..., 0], rtol=1e-13, atol=1e-15)
    columns = np.stack([g(x, 0.3) for g in sde.columns], axis=1)
    np.testing.assert_array_equal(columns, sde.G(x, 0.3))


@pytest.mark.parametrize("name", BY_HAND)
def test_the_jacobian_is_the_derivative_of_the_drift(name):
    """By differences of f; and the equation of implicit steps, for several states at once."""
    sde = PROBLEMS[name].sde
    for one in (sde, sde.to_stratonovich()):
        x, h = one.x0 + 0.3 * RNG.normal(size=one.d), 1e-6
        differences = np.stack(
            [(one.f(x + h * e, 0.3) - one.f(x - h * e, 0.3)) / (2 * h) for e in np.eye(one.d)],
            axis=1,
        )
        np.testing.assert_allclose(one.jac(x, 0.3), differences, rtol=1e-7, atol=1e-7)
    states, r = np.stack([x, 2 * x], axis=1), RNG.normal(size=(one.d, 2))
    v = one.jac.solve(states, 0.3, 0.1, r)
    back = v[:, 1] - 0.1 * one.jac(states[:, 1], 0.3) @ v[:, 1]
    np.testing.assert_allclose(back, r[:, 1], rtol=1e-9, atol=1e-12)


# -- in the engine --------------------------------------------------------------------------------


def product(G, dW):
    return np.einsum("dmk,mk->dk", G, dW)


@hh.integrator(strong_order={"additive": 1.5}, needs="time integrals")
def my_sra1(f, G, x, t, h, dW, I):
    """SRA1 with G at both ends of the step."""
    slope, now, later = f(x, t), G(x, t), G(x, t + h)
    stage = x + 0.75 * h * slope + 1.5 * product(later, I) / h
    drift = (slope + 2 * f(stage, t + 0.75 * h)) / 3
    return x + h * drift + product(later, dW) + product(now - later, I) / h


@hh.integrator(strong_order={"commutative": 1.0})
def my_milstein(f, G, x, t, h, dW, extra):
    """Milstein's scheme, by differences."""
    g, m = G(x, t), len(dW)
    step = x + f(x, t) * h + product(g, dW)
    for l in range(m):
        slope = hh.derivative_along(G, x, t, g[:, l])
        step += product(slope, 0.5 * (dW[l] * dW - h * (np.arange(m) == l)[:, None]))
    return step


@hh.integrator(strong_order={"general": 0.5})
def my_tamed_euler(f, G, x, t, h, dW, extra):
    """Euler's step, the drift held below 1/h."""
    drift = f(x, t)
    return x + h * drift / (1 + h * np.linalg.norm(drift, axis=0)) + product(G(x, t), dW)


dri1 = dataclasses.replace(
    METHODS["dri1"], run=weak.dri1, own=None, compiled=False, name="dri1_outside"
)
#: A problem, a method of the engine, and what makes the same steps elsewhere.
SAME_STEPS = [
    ("timed", "euler_maruyama", "sdeint.itoEuler"),
    ("timed", "sri2", "sdeint.itoSRI2"),  # areas, entries that share a process, and the time
    ("timed", "dri1", dri1),
    ("additive", "sra1", my_sra1),  # noise that follows the time
    ("additive", "heun", "sdeint.stratHeun"),
    ("van_der_pol", "milstein", my_milstein),
    ("van_der_pol", "tamed_euler", my_tamed_euler),
    ("rotation", "sri2", "sdeint.itoSRI2"),
    ("rotation", "dri1", dri1),
    ("commutative", "milstein", my_milstein),
    ("commutative", "sri2", "sdeint.itoSRI2"),
    ("commutative", "dri1", dri1),
    ("additive", "dri1", dri1),
    ("additive", "sri2", "sdeint.itoSRI2"),
    ("cubic", "dri1", dri1),
    ("van_der_pol", "heun", "sdeint.stratHeun"),
    ("geometric_stratonovich", "heun", "sdeint.stratHeun"),
    ("geometric_stratonovich", "euler_maruyama", "sdeint.itoEuler"),
    ("hyperbolic", "sri2", "sdeint.itoSRI2"),
]


@pytest.mark.parametrize(("name", "method", "other"), slow_ones(SAME_STEPS, *SAME_STEPS[7:]))
def test_the_engine_makes_the_steps_of_other_code(name, method, other):
    """Along one path, to rounding: a wrong amplitude, correction, area, node in time is seen."""
    sde, dt = TIMED if name == "timed" else PROBLEMS[name].sde, 2.0**-7
    path = sde.path(5, dt)
    path = path.in_law() if METHODS[method].weak else path
    ours = hh.solve(sde, 1.0, dt=dt, method=method, path=path, trials=9)
    theirs = hh.solve(sde, 1.0, dt=dt, method=other, path=path, trials=9)
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-11, atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["additive", "cubic", "commutative", "rotation", "hyperbolic"])
def test_orders_in_the_engine_against_the_exact_solution(name):
    methods = [
        key for key, one in METHODS.items()
        if one.compiled and not one.keeps_gates and NOISE[name] in one.strong_order
    ]  # fmt: skip
    found = hh.studies.measured_orders(methods, [name])
    assert found.agrees.values.all(), found.order


def test_runs_are_the_same_bits_whatever_the_threads_trials_saves_and_pieces():
    """The time of a step is that of the grid: where a run goes on, and in any window."""
    assert TIMED.noise_type == "general"
    for method in ("euler_maruyama", "sri2"):
        options = {"dt": 2.0**-5, "method": method, "rng": 3}
        whole = hh.solve(TIMED, 2.0, trials=7, **options)
        threaded = hh.solve(TIMED, 2.0, trials=7, threads=3, **options)
        np.testing.assert_array_equal(threaded.x, whole.x)
        one = hh.solve(TIMED, 2.0, trials=[4], save_dt=1.0, **options)
        np.testing.assert_array_equal(one.x[0], whole.x.sel(trial=4)[::32])
        first = hh.solve(TIMED, 0.75, trials=7, **options)
        rest = hh.solve(TIMED, 2.0, trials=7, x0=first, **options)
        np.testing.assert_array_equal(rest.x[:, -1], whole.x[:, -1])


def test_names_that_written_code_uses_do_not_get_in_the_way():
    """Variables in rows that are no potential, parameters called like arrays of the loops."""
    known = ["V", "state", "out", "row", "lane", "dx", "x", "np", "p", "I"]
    drift = {name: f"-{name} + 0.1*{known[i - 1]}*q" for i, name in enumerate(known)}
    noise = {name: f"dW*{name}" for name in known}
    sde = hh.SDE.from_expressions(
        drift, noise, x0=np.arange(1.0, 11.0), parameters={"dW": 0.3, "q": 2.0}, time="h"
    )
    path = sde.path(1, 0.125)
    ours = hh.solve(sde, 1.0, dt=0.125, path=path)
    theirs = hh.solve(sde, 1.0, dt=0.125, path=path, method="sdeint.itoEuler")
    assert ours.attrs["method"] == "euler_maruyama"
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-12)
    assert ours.component.values.tolist() == known


def test_other_numbers_need_no_other_code():
    """The module is that of the shape; the number of a parameter is an argument."""
    made = [hh.problems.ornstein_uhlenbeck(k=k).sde for k in (1.0, 2.0)]
    assert made[0].program.compiled.module is made[1].program.compiled.module
    x = [hh.solve(sde, 1.0, dt=0.5, rng=1).x[-1, 0] for sde in made]
    assert x[0] != x[1]


def test_without_noise_it_is_the_drift_in_its_own_calculus():
    """x' = mu x of the Stratonovich equation; Ito's has sigma^2/2 more."""
    sde = PROBLEMS["geometric_stratonovich"].sde
    wanted = np.exp(-0.5)
    for method in ("heun", "scipy.DOP853"):
        ds = hh.solve(sde, 1.0, dt=2.0**-10, method=method, noise="ignore")
        assert float(ds.x[-1, 0]) == pytest.approx(wanted, abs=1e-6)
    back = sde.to_ito().to_stratonovich()
    x = np.array([0.7])
    np.testing.assert_allclose(back.f(x, 0.0), sde.f(x, 0.0), rtol=1e-15)
    np.testing.assert_allclose(sde.to_ito().f(x, 0.0), (-0.5 + 0.08) * x, rtol=1e-15)
    for one in (sde.to_ito(), back):  # both still run in the engine
        assert hh.solve(one, 0.5, dt=0.25, rng=1).attrs["method"] == "euler_maruyama"


def test_the_step_that_diverges_is_found_in_every_row():
    """y is infinite from the 11th step on, and moves no other variable."""
    sde = hh.SDE.from_expressions({"x": "-x", "y": "y"}, x0={"x": 1.0, "y": 1e300})
    with pytest.raises(hh.DivergenceError, match=r"^y .* at t = 11 ms") as error:
        hh.solve(
            sde, 40.0, dt=1.0, method="euler_maruyama", x0=[1.0, np.finfo(float).max / 2**10.5]
        )
    assert error.value.dataset.x.shape == (11, 2)


# -- text, numbers and SymPy -----------------------------------------------------------------------

AT = {"x": 0.7, "y": 1.3, "k": 2.5, "t": 0.4}
TEXTS = [
    ("x + 2*y - k/3", lambda x, y, k, t: x + 2 * y - k / 3),
    ("-x**2", lambda x, y, k, t: -(x**2)),
    ("(-x)**3", lambda x, y, k, t: (-x) ** 3),
    ("2**-x", lambda x, y, k, t: 2.0**-x),
    ("x**k + x**-2 + y**0.5 + y**-0.5", lambda x, y, k, t: x**k + x**-2 + y**0.5 + y**-0.5),
    ("x**y", lambda x, y, k, t: x**y),
    ("1 - (1 - x)/y/k", lambda x, y, k, t: 1 - (1 - x) / y / k),
    ("exp(-x)*log(y) + sqrt(k*t)", lambda x, y, k, t: np.exp(-x) * np.log(y) + np.sqrt(k * t)),
    ("sin(x) + cos(x)*tan(x)", lambda x, y, k, t: 2 * np.sin(x)),
    ("sinh(x)/cosh(x) - tanh(y)", lambda x, y, k, t: np.tanh(x) - np.tanh(y)),
    ("arcsin(x) + arccos(x)", lambda x, y, k, t: np.pi / 2),
    ("asin(x) + acos(x) + atan(y)", lambda x, y, k, t: np.pi / 2 + np.arctan(y)),
    ("asinh(x) + acosh(y) + atanh(x)",
     lambda x, y, k, t: np.arcsinh(x) + np.arccosh(y) + np.arctanh(x)),
    ("+x", lambda x, y, k, t: x),
    ("1e-3*x", lambda x, y, k, t: 1e-3 * x),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), TEXTS)
def test_text_means_what_python_means(text, value):
    e = parsed(text, "it", {"k"})
    assert set(names(e)) <= set(AT)
    assert evaluate(e, AT) == pytest.approx(value(**AT), rel=1e-14)


@pytest.mark.parametrize("text", [text for text, _ in TEXTS if "arc" not in text])
def test_sympy_means_the_same_and_its_derivatives_are_ours(text):
    """The value, and that of the derivative by x: a function with a wrong derivative is seen."""
    sympy = pytest.importorskip("sympy")
    from hh_sde.equations.expressions import ONE, derivative

    theirs = sympy.sympify(text)
    ours, read = parsed(text, "it", {"k"}), parsed(theirs, "it", {"k"})
    assert evaluate(read, AT) == pytest.approx(evaluate(ours, AT), rel=1e-13)
    at = {sympy.Symbol(name): value for name, value in AT.items()}
    slope = float(sympy.diff(theirs, "x").subs(at))
    assert evaluate(derivative(ours, {"x": ONE}), AT) == pytest.approx(slope, rel=1e-12, abs=1e-13)


def test_an_sde_of_sympy_is_that_of_text():
    sympy = pytest.importorskip("sympy")
    x, y, mu, s = sympy.symbols("x y mu s", real=True)
    lam = sympy.Symbol("lambda")  # no name in text
    noise = sympy.Matrix([[s * x, 0], [0, sympy.sqrt(1 + y**2) * lam / 3]])
    ours = hh.SDE.from_expressions(
        {x: mu * (x - x**3 / 3) - y, y: sympy.Rational(1, 3) * x * sympy.exp(-y)},
        noise,
        x0={x: 1.0, "y": 0.5},
        parameters={mu: 2.0, "s": 0.1, lam: 0.3},
    )
    text = hh.SDE.from_expressions(
        {"x": "mu*(x - x**3/3) - y", "y": "x*exp(-y)/3"},
        {"W1": {"x": "s*x"}, "W2": {"y": "sqrt(1 + y**2)*l/3"}},
        x0=[1.0, 0.5],
        parameters={"mu": 2.0, "s": 0.1, "l": 0.3},
    )
    assert (ours.noise_type, ours.names) == ("diagonal", ("x", "y"))
    z = RNG.normal(size=(2, 4))
    for name in ("f", "G", "jac", "correction"):
        ours_, theirs = getattr(ours, name)(z, 0.0), getattr(text, name)(z, 0.0)
        np.testing.assert_allclose(ours_, theirs, rtol=1e-13, atol=1e-16)


# the diffusion of x, y and its type; processes in one group do not commute
KINDS = [
    ({"x": "t", "y": "2"}, "additive", [0, 1]),
    ({"x": "x*t", "y": "y**2"}, "diagonal", [0, 1]),
    ({"x": "x", "y": "x"}, "general", [0, 0]),
    ({"W": {"x": "y", "y": "x"}}, "commutative", [0]),
    ({"A": {"x": "x"}, "B": {"x": "2*x"}}, "commutative", [0, 1]),
    ({"A": {"x": "x"}, "B": {"x": "1"}}, "general", [0, 0]),
    ({"A": {"x": "(x + 1)**2"}, "B": {"x": "x**2 + 2*x + 1"}}, "commutative", [0, 1]),
    ({"A": {"x": "sqrt(x)"}, "B": {"x": "sqrt(x)*y"}, "C": {"y": "1"}}, "general", [0, 1, 1]),
    ({"A": {"x": "cos(y)"}, "B": {"y": "0*x + 3"}, "C": {"y": "1"}}, "general", [0, 0, 0]),
    ({"A": {"x": "sin(x)"}, "B": {"y": "y"}, "C": {"y": "1"}}, "general", [0, 1, 1]),
    (None, "additive", []),
]


@pytest.mark.parametrize(("diffusion", "kind", "groups"), KINDS)
def test_the_kind_of_noise_is_worked_out(diffusion, kind, groups):
    """A kind too special would send a method of order 1 where it has 1/2; one too general costs."""
    sde = hh.SDE.from_expressions({"x": "-x", "y": "-y"}, diffusion, x0={"x": 0.1, "y": 2.0})
    assert (sde.noise_type, sde.area_groups.tolist()) == (kind, groups)
    assert sde.m == len(groups)


# -- as it is shown, and elsewhere ----------------------------------------------------------------


def test_it_shows_what_was_stated():
    sde = hh.SDE.from_expressions(
        {"V": "(I - g*(V - E))/C*q"},
        {"W": {"V": "sigma/C"}},
        x0={"V": -65.0},
        parameters={"I": 1.0, "g": 0.1, "E": -70.0, "C": 1.0, "sigma": 2.0},
        where={"q": "1 + t"},
        units={"V": "mV", "g": "mS/cm^2"},
    )
    shown = sde.equations()
    assert str(shown).split("\n\n")[:3] == [
        "equations, dx for dx/dt\n"
        "  q   = 1.0 + t                    1\n"
        "  dV  = (I - g * (V - E)) / C * q  mV/ms",
        "noise, the factor of dW\n  V  sigma / C  process W",
        "inputs\n  t  ms  time",
    ]
    assert r"\frac{dV}{dt} &= \frac{I - g\,\left(V - E\right)}{C}\,q" in shown.latex()
    assert r"\left(V + 70\right)" in shown.latex(values=True)
    assert [one.name for one in shown.equations] == ["q", "dV"]
    with pytest.raises(ValueError, match="f and G of this SDE are functions"):
        dataclasses.replace(sde, program=None).equations()


@pytest.mark.parametrize("library", ["jax", "torch"])
@pytest.mark.parametrize("name", ["additive", "commutative", "rotation", "geometric_stratonovich"])
def test_functions_of_other_libraries_are_ours(library, name):
    """Ito's drift, G and the correction, of one state and of a batch."""
    arrays = pytest.importorskip(library)
    sde = PROBLEMS[name].sde
    if library == "jax":
        with arrays.enable_x64(True):
            check_functions(sde, sde.equations().jax(), arrays.numpy.asarray)
    else:
        check_functions(sde, sde.equations().torch(), arrays.tensor)


def check_functions(sde, made, array):
    for x in (RNG.normal(size=sde.d), RNG.normal(size=(sde.d, 3))):
        for ours, theirs in ((sde.to_ito().f, made.f), (sde.G, made.G)):
            np.testing.assert_allclose(
                np.asarray(theirs(array(x), 0.3)), ours(x, 0.3), rtol=1e-12, atol=1e-14
            )
        if sde.correction is not None:
            found = np.asarray(made.correction(array(x), 0.3))
            np.testing.assert_allclose(found, sde.correction(x, 0.3), rtol=1e-12, atol=1e-14)
    assert (made.m, made.noise_type) == (sde.m, sde.noise_type)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("diffrax.Euler", "euler_maruyama"), ("torchsde.euler", "euler_maruyama"),
     ("diffrax.Heun", "heun"), ("torchsde.heun", "heun")],
)  # fmt: skip
def test_other_frameworks_make_the_steps_of_the_engine(theirs, ours):
    """With noise that follows the time, and does not commute; and the drift of its own calculus."""
    pytest.importorskip(theirs.partition(".")[0])
    path = TIMED.path(2, 2.0**-6)
    runs = [
        hh.solve(TIMED, 1.0, dt=2.0**-6, method=method, path=path, trials=3)
        for method in (theirs, ours)
    ]
    np.testing.assert_allclose(runs[0].x, runs[1].x, rtol=1e-10, atol=1e-10)
    sde = PROBLEMS["geometric_stratonovich"].sde
    ds = hh.solve(sde, 1.0, dt=2.0**-10, method=theirs, noise="ignore")
    assert float(ds.x[-1, 0]) == pytest.approx(np.exp(-0.5), abs=2e-4)


@pytest.mark.slow
def test_jitcsde_reads_the_time():
    """By mean and variance of 400 trials; five standard errors."""
    pytest.importorskip("jitcsde")
    problem = hh.problems.additive(a=10.0)
    x = hh.solve(problem.sde, 1.0, dt=0.05, method="jitcsde", rng=1, trials=400).x[:, -1, 0]
    mean, covariance = problem.moments(1.0)
    assert abs(float(x.mean()) - mean[0]) < 5 * float(x.std()) / 20
    assert abs(float(x.var()) / covariance[0, 0] - 1) < 5 * (2 / 400) ** 0.5


# -- refusals -------------------------------------------------------------------------------------


def stated(drift="-x", diffusion=None, **options):
    options = {"x0": [1.0], "parameters": {"k": 1.0}} | options
    return hh.SDE.from_expressions({"x": drift}, diffusion, **options)


REFUSED = [
    (lambda: stated("-kk*x"), "drift of x reads kk, which is no variable.*did you mean k"),
    (lambda: stated("-k*y"), "reads y, .*there are t, k, x|reads y, .*there are t, x, k"),
    (lambda: stated(diffusion={"W": {"y": "1"}}), "process W moves y, which has no drift"),
    (lambda: stated(diffusion={"W": {"x": "s"}}), "the diffusion of x by W reads s"),
    (lambda: stated(diffusion={"W": {"x": 0}}), "process W moves nothing"),
    (lambda: stated(diffusion=[["k", "0"], ["k", "1"]]), "a row for each of the 1 variables"),
    (lambda: stated(diffusion={"W": {"x": "k"}, "V": "k"}), "diffusion says what each Wiener"),
    (lambda: stated(diffusion="k"), "diffusion says what each Wiener process moves"),
    (lambda: stated("2j*x"), "expressions are of real numbers"),
    (lambda: stated(1j), "expressions are of real numbers"),
    (lambda: stated("x if x > 0 else 0"), "has a corner or a jump .* write it smooth"),
    (lambda: stated("abs(x)"), r"has abs\(x\), and what has a corner"),
    (lambda: stated("max(x, 0)"), "has a corner or a jump"),
    (lambda: stated("x > 0"), "has a corner or a jump"),
    (lambda: stated("x^2"), "a power is written"),
    (lambda: stated("x*"), "drift of x is no expression: 'x\\*'"),
    (lambda: stated("2x"), "is no expression"),
    (lambda: stated("x # y"), "holds a #"),
    (lambda: stated("**".join(["x"] * 200)), "nested too deeply"),
    (
        lambda: hh.SDE.from_expressions({"x": "-x"}, {}, x0={"x": 1.0}, parameters={"lambda": 1.0}),
        "a word of Python's own",
    ),
    (lambda: stated("x.real"), "has 'x.real', which is no arithmetic"),
    (lambda: stated("x[0]"), "which is no arithmetic"),
    (lambda: stated("__import__('os').remove('a')"), "which is no arithmetic"),
    (lambda: stated("(lambda: x)()"), "which is no arithmetic"),
    (lambda: stated("open('a')"), "is no number|no function 'open'"),
    (lambda: stated("erf(x)"), "there is no function 'erf'; .*choose from exp, log"),
    (lambda: stated("sin(x, x)"), "sin takes one argument, got 2"),
    (lambda: stated("sin*x"), "sin is a function"),
    (lambda: stated("'x'"), "is no number"),
    (lambda: stated("x/0"), "a division by 0"),
    (lambda: stated("1e400*x"), "no finite number"),
    (lambda: stated("x**(1e300*1e300)"), "the power inf, which is no finite number"),
    (lambda: stated("..."), "which is no arithmetic"),
    (lambda: stated("x**200"), "the power 200; 64 is the most"),
    (lambda: stated("1+" * 9000 + "x"), "nested too deeply|is no expression"),
    (lambda: stated("x" + " " * 30_000), "a text of 30001 characters"),
    (lambda: stated("sqrt(x - 2)"), r"f\(x0, 0\)\[0\] is nan: f must be finite at"),
    (lambda: stated(None), "must be text, a number or an expression of SymPy"),
    (lambda: stated(True), "must be an expression"),
    (lambda: stated(x0=[1.0, 2.0]), "x0 gives each variable its value, x; got"),
    (lambda: stated(x0={"y": 1.0}), "x0 gives each variable its value, x; got y"),
    (lambda: stated(x0={"x": np.nan}), "x0: x"),
    (lambda: stated(parameters={"x": 1.0}), "x is the name of a variable and a parameter"),
    (lambda: stated(parameters={"k": [1.0, 2.0]}), "parameters: k must be one number"),
    (lambda: stated(parameters={"k": "2"}), "parameters: k must be a number, got '2'"),
    (lambda: stated(x0=["a"]), "x0: x must be a number, got 'a'"),
    (lambda: stated(start=[1.0]), "from_expressions has no parameter 'start'; it has drift"),
    (lambda: stated(parameters={"sin": 1.0}), "sin is a function"),
    (lambda: stated(parameters={"a b": 1.0}), "'a b' is no name for a parameter"),
    (lambda: stated(where={"q": "r", "r": "1"}), "where: q reads r"),
    (lambda: stated(units={"q": "mV"}), "units: there is no q"),
    (lambda: stated(time="x"), "x is the name of the time and a variable"),
    (lambda: stated(interpretation="Ito"), "interpretation must be"),
    (lambda: hh.SDE.from_expressions({}, x0=[]), "drift is empty"),
    (lambda: hh.SDE.from_expressions("-x", x0=[1.0]), "drift must be a mapping"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_is_no_equation_is_refused(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_what_of_sympy_is_refused():
    sympy = pytest.importorskip("sympy")
    x = sympy.Symbol("x")
    for e, message in [
        (sympy.I * x, "expressions are of real numbers"),
        (sympy.Piecewise((x, x > 0), (0, True)), "has a corner or a jump"),
        (sympy.Abs(x), "has a corner or a jump"),
        (sympy.Max(x, 0), "has a corner or a jump"),
        (
            sympy.Function("x")(sympy.Symbol("t")),
            r"write variables as symbols, sympy.Symbol\('x'\)",
        ),
        (sympy.erf(x), "there is no function 'erf'"),
        (sympy.Derivative(sympy.sin(x), x), "there is no function 'Derivative'"),
        (sympy.oo * sympy.Symbol("x"), "finite number|real numbers"),
        (x > 0, "has a corner or a jump"),
        (sympy.Matrix([x]), "must be an expression, got"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message):
            hh.SDE.from_expressions({"x": e}, x0=[1.0])


def test_methods_of_neurons_refuse_it():
    sde = PROBLEMS["ornstein_uhlenbeck"].sde
    for method in ("lie_trotter", "strang", "shifted_strang", "exponential_euler"):
        with pytest.raises(ValueError, match=rf"{method} moves gates by their exact flow"):
            hh.solve(sde, 1.0, method=method, rng=1)
    with pytest.raises(ValueError, match="does not take additive noise; choose from") as refusal:
        hh.solve(sde, 1.0, method="scipy.DOP853", rng=1)
    assert "sra1" in str(refusal.value)
    assert "lie_trotter" not in str(refusal.value)  # which would refuse it too
    for method in ("gillespie", "tau_leap"):
        with pytest.raises(ValueError, match="counts the channels of a Network"):
            hh.solve(sde, 1.0, method=method, rng=1)
    with pytest.raises(ValueError, match="expressions of your own are computed in float64"):
        hh.solve(sde, 1.0, rng=1, dtype="float32")
    other = dataclasses.replace(sde, f=lambda x, t: -x)
    with pytest.raises(ValueError, match="this SDE has another f, G or interpretation"):
        hh.solve(other, 1.0, method="euler_maruyama", rng=1)
