"""Weak order 2: the scheme against the equation's generator, and in law."""

import dataclasses
import itertools

import numpy as np
import pytest
from shared import PASSIVE, SMALL, TIMED, of_functions, quick_ones

import hh_sde as hh
from hh_sde import studies
from hh_sde.methods import weak
from hh_sde.methods.batches import over_trials
from hh_sde.methods.weak import DRI1, Tableau, step_of
from hh_sde.problems import PROBLEMS, geometric
from hh_sde.studies import every_path, intervals, order_weak

#: RI5 of Roessler 2009, another member of the class.
RI5 = Tableau(
    alpha=(1 / 10, 3 / 14, 24 / 35),
    A0=(1.0, 25 / 144, 35 / 144),
    B0=(1 / 3, -5 / 6),
    A1=1 / 4,
    B1=1 / 2,
    B2=(1.0, 0.0),
    beta1=(1.0, -1.0),
    beta2=1.0,
    beta3=-1 / 4,
    beta4=1 / 2,
)


# -- exactly: increments have few values ----------------------------------------------------------


def values_of_increments(m):
    """I and S (m, values) of a step h = 1, and their probabilities."""
    parts = [[(-(3**0.5), 1 / 6), (0.0, 2 / 3), (3**0.5, 1 / 6)]] * m
    parts += [[(-1.0, 1 / 2), (1.0, 1 / 2)]] * (m if m > 1 else 0)  # for pairs of columns
    found = list(itertools.product(*parts))
    values = np.array([[value for value, _ in one] for one in found]).T
    S = values[m:] if m > 1 else np.ones((1, len(found)))
    return values[:m], S, np.array([np.prod([p for _, p in one]) for one in found])


def expectation(step, f, G, x0, t, h, steps, functional):
    """Its exact mean after some steps, over all values that the increments can have."""
    x, weights = np.array(x0, dtype=float)[:, None], np.ones(1)
    I, S, p = values_of_increments(G(x, t).shape[1])
    for k in range(steps):
        n = len(weights)
        x, weights = np.repeat(x, len(p), axis=1), np.repeat(weights, len(p)) * np.tile(p, n)
        x = step(f, G, x, t + k * h, h, np.tile(I, n) * h**0.5, np.tile(S, n) * h**0.5)
    return functional(x) @ weights


# -- the order conditions, by the generator -------------------------------------------------------


class Polynomial(dict):
    """In x, y and t: a coefficient for each triple of powers."""

    def __add__(self, other):
        return Polynomial({k: self.get(k, 0.0) + other.get(k, 0.0) for k in {*self, *other}})

    def __mul__(self, other):
        found = Polynomial()
        for (a, u), (b, v) in itertools.product(self.items(), other.items()):
            found += Polynomial({tuple(np.add(a, b).tolist()): u * v})
        return found

    def d(self, variable):
        """Its derivative."""
        down = np.eye(3, dtype=int)[variable]
        return Polynomial(
            {tuple((k - down).tolist()): c * k[variable] for k, c in self.items() if k[variable]}
        )

    def __call__(self, x, y, t):
        return sum(c * x**i * y**j * t**k for (i, j, k), c in self.items()) + 0.0 * x


def of(**coefficients):
    """of(xxy=2.0, one=1.0) is 2 x^2 y + 1."""
    return Polynomial(
        {tuple(name.replace("one", "").count(v) for v in "xyt"): c
         for name, c in coefficients.items()}
    )  # fmt: skip


# any polynomials do: two components, three columns that commute with no other, all with time
DRIFT = [of(one=1.0, x=-0.5, xy=0.33, yt=-0.5), of(y=0.25, xx=-0.2, t=0.33)]
COLUMNS = [
    [of(one=1.0, x=0.33, yy=-0.2), of(x=0.25, t=0.5)],
    [of(y=0.5, x=-0.33, xt=0.25), of(one=1.0, xx=-0.17)],
    [of(xy=0.25, one=-1.0), of(y=0.33, x=0.2, t=-0.33)],
]
START = (0.3, -0.2, 0.1)
TEST_FUNCTIONS = [
    of(**{name: 1.0}) for name in ("x", "y", "xx", "xy", "yyy", "xxy", "xxxx", "xyyyyy")
]


def generated(u):
    """du/dt + f . grad u + 1/2 sum_k g_k g_k^T : hessian of u"""
    found = u.d(2)
    for i in range(2):
        found += DRIFT[i] * u.d(i)
        for j in range(2):
            for g in COLUMNS:
                found += of(one=0.5) * g[i] * g[j] * u.d(i).d(j)
    return found


GENERATED = [(u, generated(u), generated(generated(u))) for u in TEST_FUNCTIONS]


def f(x, t):
    return np.array([component(*x, t) for component in DRIFT])


def G(x, t):
    return np.array([[g[i](*x, t) for g in COLUMNS] for i in range(2)])


def error(step):
    """Of the terms 1, h and h^2 of E u after one step, which are to be u, L u and L^2 u/2.

    That mean is a polynomial in h, since f, G and u are, of which odd moments drop out.
    """
    sizes = np.arange(1, 9) / 256
    *x0, t = START
    worst = 0.0
    for u, first, second in GENERATED:
        means = [
            expectation(step, f, G, x0, t, h, 1, lambda x, u=u, h=h: u(*x, t + h)) for h in sizes
        ]
        found = np.polynomial.Polynomial.fit(sizes, means, 7).convert().coef[:3]
        wanted = [u(*START), first(*START), second(*START) / 2]
        worst = max(worst, np.abs(found - wanted).max())
    return worst


@pytest.mark.parametrize("tableau", [DRI1, RI5], ids=["DRI1", "RI5"])
def test_one_step_is_right_up_to_h_squared(tableau):
    assert error(step_of(tableau)) < 1e-6


def places(tableau):
    """(field, index) of each coefficient."""
    for field, value in tableau._asdict().items():
        for i in range(len(value)) if isinstance(value, tuple) else [None]:
            yield field, i


@pytest.mark.parametrize(("field", "i"), list(places(DRI1)))
def test_with_one_coefficient_wrong_it_is_not(field, i):
    old = getattr(DRI1, field)
    new = 1.02 * old if i is None else (*old[:i], 1.02 * old[i], *old[i + 1 :])
    assert error(step_of(DRI1._replace(**{field: new}))) > 1e-3


def test_with_areas_that_are_correlated_it_is_not(monkeypatch):
    """One sign for all pairs of a column: enough for two columns, and not for three."""

    def correlated(k, h, I, S):
        found = 0.5 * I[k] * I
        found[:k] += 0.5 * h**0.5 * S[:k]
        found[k + 1 :] -= 0.5 * h**0.5 * S[k]
        found[k] = 0.0
        return found

    monkeypatch.setattr(weak, "_integrals", correlated)
    assert error(step_of(DRI1)) > 1e-2


def test_what_is_left_out_for_special_noise_is_zero():
    """Of additive and diagonal noise."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3, 5))
    dW, S = rng.choice([-1.0, 0.0, 1.0], (3, 5)), rng.choice([-1.0, 1.0], (3, 5))

    def drift(x, t):
        return np.sin(x[::-1]) + t

    def additive_G(x, t):
        return np.broadcast_to(np.exp(-t) * np.arange(9.0).reshape(3, 3, 1), (3, 3, x.shape[1]))

    def diagonal_G(x, t):
        return np.eye(3)[:, :, None] * np.cos(x + t)[:, None]

    for name, diffusion in {"additive": additive_G, "diagonal": diagonal_G}.items():
        special, general = (
            step_of(DRI1, kind)(drift, diffusion, x, 0.2, 0.3, dW, S) for kind in (name, "general")
        )
        np.testing.assert_allclose(special, general, rtol=1e-13, atol=1e-13)


# -- whole runs -----------------------------------------------------------------------------------

SMOOTH = ["linear", "cubic", "hyperbolic", "geometric", "geometric_stratonovich", "stiff",
          "ornstein_uhlenbeck", "oscillator", "additive", "rotation"]  # fmt: skip


def euler(f, G, x, t, h, dW, extra):
    """Euler-Maruyama with increments of three values."""
    return x + h * f(x, t) + np.einsum("dmk,mk->dk", G(x, t), dW)


def scheme(step, order):
    return hh.integrator(weak_order={"general": order}, needs="weak")(step)


def named(step, name):
    step.__name__ = name
    return step


def test_weak_order_two_on_problems_with_exact_moments():
    """Without sampling, in the method of METHODS and in one of one's own, where noise is smooth."""
    found = studies.measured_orders(["dri1"], {one: of_functions(one) for one in SMOOTH}, "weak")
    assert (found.declared_order == 2.0).all()
    assert found.agrees.values.all(), found.order
    plain = ["linear", "cubic", "hyperbolic", "geometric"]  # no other error is the larger part
    np.testing.assert_allclose(found.order.sel(problem=plain), 2.0, atol=0.12)
    ours = studies.measured_orders([scheme(named(step_of(RI5), "ri5"), 2.0)], plain, "weak")
    np.testing.assert_allclose(ours.order, 2.0, atol=0.12)


def test_a_scheme_of_order_one_is_told_from_them():
    found = studies.measured_orders([scheme(euler, 2.0)], ["linear", "geometric"], "weak")
    assert not found.agrees.values.any()
    np.testing.assert_allclose(found.order, 1.0, atol=0.15)
    wrong = named(step_of(DRI1._replace(beta2=0.9 * DRI1.beta2)), "wrong")
    found = studies.measured_orders([scheme(wrong, 2.0)], ["linear", "geometric"], "weak")
    assert not found.agrees.values.any()


#: One that runs in the engine, and one that does not.
IN_LAW = {"general": TIMED, "geometric": of_functions("geometric").sde}


def sampled(sde, dt, trials):
    """|x|^2 at 1 ms in each trial, with the numbers of a seed."""
    ds = hh.solve(sde, 1.0, dt=dt, method="dri1", rng=1, trials=trials, save_dt=1.0)
    return (ds.x.values[:, -1] ** 2).sum(axis=1)


@pytest.mark.parametrize("name", IN_LAW)
def test_sampled_runs_have_the_law_of_the_scheme(name):
    """As it is over all values, for diagonal noise, and for columns that do not commute."""
    sde = IN_LAW[name]
    found, path = sampled(sde, 0.5, 20_000), every_path.EveryPath(m=sde.m, dt=0.5)
    ds = hh.solve(sde, 1.0, dt=0.5, method="dri1", path=path, trials=path.base**2, save_dt=1.0)
    wanted = path.weights(2) @ (ds.x.values[:, -1] ** 2).sum(axis=1)
    assert abs(found.mean() - wanted) < 4.0 * found.std() / np.sqrt(found.size)


@pytest.mark.slow
def test_weak_order_two_of_sampled_runs():
    dts = [0.125, 0.25, 0.5]
    mean, covariance = PROBLEMS["ornstein_uhlenbeck"].moments(1.0)
    errors = np.array([sampled(PROBLEMS["ornstein_uhlenbeck"].sde, dt, 1_000_000) for dt in dts])
    errors -= covariance[0, 0] + mean[0] ** 2
    slope, low, high = order_weak.mean_slope(np.log(dts), errors, 0.99)
    assert 1.7 < low < slope < high < 2.6, (slope, low, high)


# -- the increments -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "grid", ["first", "coarsened by 4", "coarsened by 3", "halved", "halved, coarsened by 3"]
)
def test_increments_of_few_values(grid):
    path = hh.BrownianPath(1, m=2, dt=0.01)
    path = path.refine() if "halved" in grid else path
    path = path.coarsen(int(grid[-1])) if "coarsened" in grid else path
    found = path.weak_increments(0, 20_000, [0, 1, 2]) / np.sqrt(path.dt)
    three, two = found[:, 0], found[:, 1]
    np.testing.assert_allclose(np.unique(three.round(9)), [-(3**0.5), 0.0, 3**0.5], rtol=1e-8)
    np.testing.assert_array_equal(np.unique(two.round(9)), [-1.0, 1.0])
    for power, wanted in enumerate([0.0, 1.0, 0.0, 3.0, 0.0], start=1):
        error = 4.5 * (three**power).std() / np.sqrt(three.size)
        assert abs((three**power).mean() - wanted) < error
    spurious = [two.mean(), (three * two).mean(), (two[1:] * two[:-1]).mean(),
                (two[:, 0] * two[:, 3]).mean(), (three[1:] * two[:-1]).mean()]  # fmt: skip
    assert np.abs(spurious).max() < 4.5 / np.sqrt(60_000)
    # the first ones are those of the path, rounded
    assert np.corrcoef(path.lanes(0, 20_000, [0, 1, 2]).ravel(), three.ravel())[0, 1] > 0.85
    again = path.weak_increments(7, 19, [1])
    np.testing.assert_array_equal(again, np.sqrt(path.dt) * found[7:19, :, [1, 4]])


# -- in the engine --------------------------------------------------------------------------------

GATES = hh.SubunitNoise(numbers={"A": 10})
STATES = hh.ConductanceNoise(numbers={"A": 20})
COUPLED = [hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.2, 0]]), hh.GapJunction(0.05)]
NETWORKS = {
    "gates and correlated currents": hh.Network(
        2, cell=SMALL, stimulus=3.0, synapses=COUPLED,
        noise=[GATES, hh.CurrentNoise(1.0, correlation=0.3)],
    ),
    "states and current": hh.Network(2, cell=SMALL, noise=[STATES, hh.CurrentNoise(1.0)]),
    "states": hh.Network(1, cell=SMALL, noise=STATES),
    "current": hh.Network(2, cell=SMALL, noise=hh.CurrentNoise(1.0)),
    "coloured": hh.Network(
        1, cell=SMALL, noise=[GATES, hh.OrnsteinUhlenbeckCurrent(mean=1.0, sigma=1.0, tau=3.0)]
    ),
    "two populations": hh.Network(
        {"a": hh.Population(2, cell=SMALL, noise=[STATES, hh.CurrentNoise(1.0)]),
         "b": hh.Population(1, cell=PASSIVE, noise=hh.CurrentNoise(2.0))},
        synapses=[hh.SYNAPSES["AMPA"](source="a", target="b", weights=0.1)],
    ),
}  # fmt: skip
QUICK = ("gates and correlated currents", "states and current")
DRI1_OUTSIDE = dataclasses.replace(
    hh.METHODS["dri1"], run=weak.dri1, own=None, compiled=False, name="dri1_outside"
)


@pytest.mark.parametrize("name", quick_ones(list(NETWORKS), QUICK))
def test_the_engine_makes_the_same_steps(name):
    net = NETWORKS[name]
    options = {"dt": 0.05, "rng": 3, "trials": 3}
    ours = hh.solve(net, 2.0, method="dri1", **options)
    theirs = hh.solve(net, 2.0, method=DRI1_OUTSIDE, **options)
    for variable in ours.data_vars:
        if "time" in ours[variable].dims:
            np.testing.assert_allclose(ours[variable], theirs[variable], rtol=1e-10, atol=1e-12)
    assert ours.V[:, -1].std() > 0.01


@pytest.fixture(scope="module")
def noisy():
    return NETWORKS["states and current"]


def test_results_do_not_depend_on_how_they_are_made(noisy):
    options = {"dt": 0.05, "method": "dri1", "rng": 3}
    whole = hh.solve(noisy, 2.0, trials=5, **options)
    assert whole.V.identical(hh.solve(noisy, 2.0, trials=5, threads=2, **options).V)
    assert np.array_equal(hh.solve(noisy, 2.0, trials=[3], **options).V, whole.V[3:4])
    begun = hh.solve(noisy, 0.7, trials=5, **options)
    rest = hh.solve(noisy, 2.0, x0=begun, **options)
    assert np.array_equal(rest.V, whole.V.sel(time=rest.time, method="nearest"))
    assert hh.rerun(whole).identical(whole)
    # a path whose increments the engine does not draw itself
    path = noisy.sde().path(3, dt=0.05)
    given = hh.solve(noisy, 2.0, dt=0.05, method="dri1", path=path.in_law(), trials=5)
    assert np.array_equal(given.V, whole.V)
    coarse = path.refine().coarsen(2).in_law()
    on_path = hh.solve(noisy, 2.0, dt=0.05, method="dri1", path=coarse, trials=5)
    assert np.isfinite(on_path.V).all()
    assert hh.rerun(on_path).identical(on_path)


@pytest.mark.slow
def test_in_single_precision(noisy):
    options = {"dt": 0.05, "method": "dri1", "rng": 3, "trials": 5}
    single = hh.solve(noisy, 2.0, dtype="float32", **options)
    np.testing.assert_allclose(single.V, hh.solve(noisy, 2.0, **options).V, atol=2e-3)


def test_on_a_path_of_another_grid_it_takes_those_increments(noisy):
    path = noisy.sde().path(3, dt=0.025).coarsen(2).in_law()
    options = {"dt": 0.05, "path": path, "trials": 3}
    ours = hh.solve(noisy, 1.0, method="dri1", **options)
    theirs = hh.solve(noisy, 1.0, method=DRI1_OUTSIDE, **options)
    np.testing.assert_allclose(ours.V, theirs.V, rtol=1e-10)


def test_own_equations_are_bitwise_the_same_too():
    sde = PROBLEMS["rotation"].sde
    options = {"dt": 0.1, "method": "dri1", "rng": 3}
    whole = hh.solve(sde, 1.0, trials=5, **options)
    assert np.array_equal(hh.solve(sde, 1.0, trials=[4], **options).x, whole.x[4:])
    rest = hh.solve(sde, 1.0, x0=hh.solve(sde, 0.4, trials=5, **options), **options)
    assert np.array_equal(rest.x, whole.x[:, -rest.sizes["time"] :])
    assert whole.attrs["method"] == "dri1"
    assert "numpy" in str(whole.attrs)


def test_without_noise_it_is_of_order_three():
    found = studies.measured_orders(
        ["dri1"], {one: of_functions(one) for one in ("oscillator", "linear")}, "without noise"
    )
    np.testing.assert_allclose(found.order, 3.0, atol=0.1)


# -- what it is not for ---------------------------------------------------------------------------


def test_there_is_no_error_along_a_path(noisy):
    sde = of_functions("geometric").sde
    for model, dt in ((noisy, 0.05), (sde, 0.25)):
        path = (model if model is sde else model.sde()).path(1, dt)
        with pytest.raises(ValueError, match="approximates the law of the solution alone"):
            hh.solve(model, 1.0, dt=dt, method="dri1", path=path)
    assert not hh.METHODS["dri1"].strong_order
    assert hh.METHODS["dri1"].noise_types == ("additive", "diagonal", "commutative", "general")
    for study in (studies.strong_convergence, studies.work_precision):
        with pytest.raises(ValueError, match=r"dri1 approximates .* weak_convergence takes it"):
            study(noisy, ["dri1"], [0.01, 0.02])
    with pytest.raises(ValueError, match=r"dri1 approximates .* weak_convergence takes it"):
        studies.compare_methods(noisy, ["dri1"], 0.02)
    with pytest.raises(ValueError, match=r"dri1 approximates .* weak_convergence takes it"):
        studies.strong_convergence(sde, ["sdeint.itoEuler"], [0.25, 0.5], 1.0, 4, reference="dri1")
    found = studies.measured_orders(["dri1", "sra1"], ["geometric"])
    assert np.isnan(found.order).all()
    law, network = found.not_measured.values[:, 0].tolist()
    assert "the law alone" in law
    assert "sra1" in network
    with pytest.raises(ValueError, match="runs on one thread"):
        hh.solve(sde, 1.0, dt=0.25, method="dri1", rng=1, threads=2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"strong_order": {"general": 0.5}, "weak_order": {"general": 1.0}}, ValueError,
         "has no strong order"),
        ({}, TypeError, "weak_order says which noise it takes"),
        ({"weak_order": 2.0}, TypeError, "weak_order says which noise it takes"),
        ({"weak_order": {"white": 2.0}}, ValueError, "weak_order: noise type must be one of"),
    ],
)  # fmt: skip
def test_what_is_no_weak_scheme(arguments, error, message):
    with pytest.raises(error, match=message):
        hh.integrator(needs="weak", **arguments)(euler)


# -- extrapolation --------------------------------------------------------------------------------


@hh.integrator(strong_order={"general": 0.5}, weak_order={"general": 1.0})
def my_euler(f, G, x, t, h, dW, extra):
    """Euler-Maruyama."""
    return euler(f, G, x, t, h, dW, extra)


STEPS = [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2]


@pytest.mark.filterwarnings("ignore::hh_sde.studies.common.OrderWarning")  # of var_x
def test_extrapolation_takes_off_the_first_order():
    """On geometric Brownian motion, whose mean Euler's scheme has as (1 + mu h)^(t/h)."""
    problem = geometric(mu=-0.5, sigma=0.1, x0=1.0)
    ds = studies.weak_convergence(
        problem, [my_euler], STEPS, 1.0, 1500, extrapolate=True, rng=2
    ).sel(observable="mean_x")
    assert ds.scheme.values.tolist() == ["my_euler", "my_euler, extrapolated"]
    assert ds.declared_order.values.tolist() == [1.0, 2.0]
    means = np.array([(1 - 0.5 * h) ** (1 / h) for h in STEPS])
    both = np.array([means[:-1], 2 * means[:-1] - means[1:]]) - np.exp(-0.5)
    half = 0.5 * (ds.error_high - ds.error_low).values[:, :-1]
    assert (np.abs(ds.error.values[:, :-1] - both) < 1.5 * half).all()
    assert np.isnan(ds.error.values[1, -1])
    np.testing.assert_allclose(ds.order, [1.0, 2.0], atol=0.25)
    assert (abs(ds.error[1]) < 0.3 * abs(ds.error[0]))[:-1].all()


def test_its_interval_is_that_of_estimates_on_one_path():
    """Not of independent ones: the spread over seeds tells."""
    problem = PROBLEMS["geometric"]
    found = [
        studies.weak_convergence(
            problem, [my_euler], [0.25, 0.5], 1.0, 100, extrapolate=True, rng=seed
        ).sel(observable="var_x")
        for seed in range(100)
    ]
    error, low, high = (
        np.array([ds[name].values for ds in found]) for name in ("error", "error_low", "error_high")
    )
    spread = error[:, 1, 0].std()
    stated = np.sqrt(np.mean(((high - low)[:, 1, 0] / (2 * intervals.students_t(0.95, 100))) ** 2))
    assert 0.75 < stated / spread < 1.3
    alone = error[:, 0].std(axis=0)
    independent = np.hypot(2 * alone[0], alone[1])
    assert not 0.75 < independent / spread < 1.3


def test_extrapolation_from_order_two():
    """(4 E_h - E_2h)/3 of means without sampling: order 3."""
    problem = PROBLEMS["geometric"]
    f, G = over_trials(problem.sde, 10**9)
    mean, covariance = problem.moments(1.0)
    E = np.array(
        [
            expectation(step_of(DRI1, "diagonal"), f, G, problem.sde.x0, 0.0, 1 / n, n,
                        lambda x: x[0] ** 2)
            for n in (2, 4, 8)
        ]
    ) - covariance[0, 0] - mean[0] ** 2  # fmt: skip
    errors = (4 * E[1:] - E[:-1]) / 3
    assert (np.abs(errors) < 0.2 * np.abs(E[1:])).all()
    assert np.log2(errors[0] / errors[1]) > 2.6


def test_what_cannot_be_extrapolated():
    problem = PROBLEMS["geometric"]
    with pytest.raises(ValueError, match="extrapolate takes a step and twice that step; dts are"):
        studies.weak_convergence(problem, [my_euler], [0.1, 0.3], 1.0, 4, extrapolate=True)

    @hh.integrator(strong_order={"general": 0.5})
    def claims_nothing(f, G, x, t, h, dW, extra):
        """Euler-Maruyama."""
        return x

    with pytest.raises(ValueError, match="none declared of claims_nothing"):
        studies.weak_convergence(problem, [claims_nothing], [0.125, 0.25], 1.0, 4, extrapolate=True)
    with pytest.raises(TypeError, match="extrapolate must be True or False, got 2"):
        studies.weak_convergence(problem, [my_euler], [0.125, 0.25], 1.0, 4, extrapolate=2)
