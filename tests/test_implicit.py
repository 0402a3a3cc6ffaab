"""Drift-implicit schemes: what they solve, at which steps, and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest

import hh_sde as hh
from hh_sde.methods import implicit, newton
from hh_sde.network import resolvent
from hh_sde.problems import PROBLEMS

SCHEMES = {"drift_implicit_euler": 1.0, "drift_implicit_trapezoidal": 0.5}
NOISE = hh.CurrentNoise(2.0)
NETWORKS = {
    "no synapses": lambda: hh.Network(3, noise=NOISE),
    "synapses, gap junctions": lambda: hh.Network(
        3,
        stimulus=10.0,
        synapses=[
            hh.Synapse.sigmoidal(weights=[[0, 0.1, 0], [0.2, 0, 0.3], [0, 0.1, 0]]),
            hh.GapJunction(0.3),
        ],
        noise=NOISE,
    ),
    "what is sent is no variable": lambda: hh.Network(3, synapses=hh.SYNAPSES["GABA_B"](0.1)),
    "populations, states, pools": lambda: hh.Network(
        {
            "E": hh.Population(3, noise=hh.ConductanceNoise(area=100.0)),
            "I": hh.Population(2, cell=hh.CELLS["prinz_abpd"]),
        },
        synapses=[hh.SYNAPSES["AMPA"](source="E", target="I", weights=0.1)],
    ),
}


def states(sde, trials=4):
    rng = np.random.default_rng(1)
    x = sde.x0[:, None] * (1 + 0.1 * rng.normal(size=(sde.d, trials)))
    return x, rng.normal(size=x.shape)


# -- (1 - h J)^-1 of networks ----------------------------------------------------------------------


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_neuron_by_neuron_is_the_inverse_of_the_whole_matrix(name, dense, monkeypatch):
    monkeypatch.setattr(resolvent, "_DENSE", 1000 if dense else 0)
    sde = NETWORKS[name]().sde()
    x, r = states(sde)
    v = sde.jac.solve(x, 0.0, 0.3, r)
    held = sde.jac.solve(x, 0.0, 0.3, r, holding_V=True)
    V = sde.jac.potentials
    for k in range(x.shape[1]):
        matrix = np.eye(sde.d) - 0.3 * sde.jac(x[:, k], 0.0)
        np.testing.assert_allclose(v[:, k], np.linalg.solve(matrix, r[:, k]), rtol=1e-10)
        rest = np.setdiff1d(np.arange(sde.d), V)
        expected = np.linalg.solve(matrix[np.ix_(rest, rest)], r[rest, k])
        np.testing.assert_allclose(held[rest, k], expected, rtol=1e-10)
    assert np.all(held[V] == 0.0)
    assert np.array_equal(sde.jac.solve(x[:, :2], 0.0, 0.3, r[:, :2]), v[:, :2])


def test_what_neurons_feel_of_each_other_has_its_part():
    sde = NETWORKS["synapses, gap junctions"]().sde()
    alone = hh.Network(3, stimulus=10.0).sde()
    x, r = states(sde)
    v = sde.jac.solve(x, 0.0, 0.3, r)
    own = alone.jac.solve(x[: alone.d], 0.0, 0.3, r[: alone.d])
    assert np.abs(v[: alone.d] - own).max() > 0.01


# -- the scheme ------------------------------------------------------------------------------------


def ornstein_uhlenbeck(k, sigma, **options):
    return hh.SDE(
        f=lambda x, t: -k * x,
        G=lambda x, t: np.array([[sigma]]),
        x0=[1.0],
        noise_type="additive",
        **options,
    )


@pytest.mark.parametrize(("method", "theta"), SCHEMES.items())
@pytest.mark.parametrize("jac", [None, lambda x, t: np.array([[-50.0]])], ids=["none", "given"])
def test_a_linear_equation_is_solved_by_hand(method, theta, jac):
    """At h = 20 time constants; explicitly x would grow 19-fold a step."""
    sde, h = ornstein_uhlenbeck(50.0, 0.3, jac=jac), 0.4
    ds = hh.solve(sde, 20 * h, dt=h, method=method, rng=1, trials=3)
    dW = sde.path(1, h).lanes(0, 20, [0, 1, 2])
    x = np.ones(3)
    for k in range(20):
        x = (x * (1 - (1 - theta) * 50.0 * h) + 0.3 * dW[k]) / (1 + theta * 50.0 * h)
        np.testing.assert_allclose(ds.x[:, k + 1, 0], x, rtol=1e-6, atol=1e-9)


def test_the_trapezoidal_scheme_has_the_exact_variance_at_any_step():
    """sigma^2/(2 k); the implicit Euler scheme has sigma^2 h/((1 + k h)^2 - 1), 2 % of it here."""
    k, sigma, h, exact = 50.0, 0.3, 0.4, 0.3**2 / 100.0
    found = {}
    for method in SCHEMES:
        sde = ornstein_uhlenbeck(k, sigma, vectorized=False)
        ds = hh.solve(sde, 300 * h, dt=h, method=method, rng=1, trials=20, discard=100 * h)
        each = ds.x.var(("time", "component")).values
        found[method] = each.mean(), each.std() / np.sqrt(20)
    mean, error = found["drift_implicit_trapezoidal"]
    assert abs(mean - exact) < 4 * error < exact
    mean, error = found["drift_implicit_euler"]
    assert abs(mean - sigma**2 * h / ((1 + k * h) ** 2 - 1)) < 4 * error


def test_stiff_problems_are_solved_at_long_steps():
    """x_1 and x_2 meet at 2e4; explicit methods would need dt below 1e-4."""
    problem = hh.problems.stiff(rate=1e4, sigma=0.1)
    path = problem.sde.path(1, 2.0**-6)
    exact = problem.exact(path, 1.0)
    for method in SCHEMES:
        ds = hh.solve(problem.sde, 1.0, dt=path.dt, method=method, path=path)
        np.testing.assert_allclose(ds.x[-1].mean(), exact.mean(), atol=0.02)
    euler = hh.solve(problem.sde, 1.0, dt=path.dt, method="drift_implicit_euler", path=path)
    assert abs(euler.x[-1, 0] - euler.x[-1, 1]) < 1e-6  # damped, not only bounded
    with pytest.raises(hh.DivergenceError):
        hh.solve(problem.sde, 4.0, dt=path.dt, method="sdeint.itoEuler", rng=1)


def test_the_jacobian_moves_the_speed_alone():
    """Given, by differences, or by differences of an SDE which takes one state at a time."""
    problem = PROBLEMS["fitzhugh_nagumo"].sde
    runs = [
        hh.solve(sde, 2.0, dt=0.1, method="drift_implicit_trapezoidal", rng=1, trials=3).x.values
        for sde in (problem, replace(problem, vectorized=False))
    ]
    np.testing.assert_allclose(runs[0], runs[1], rtol=1e-7)
    network = hh.Network(2, stimulus=10.0, noise=NOISE).sde()
    own = hh.SDE(f=network.f, G=network.G, x0=network.x0, noise_type="additive", vectorized=True)
    options = {"dt": 0.1, "method": "drift_implicit_euler", "rng": 1, "trials": 2}
    np.testing.assert_allclose(
        hh.solve(own, 5.0, **options).x, hh.solve(network, 5.0, **options).x, rtol=1e-7, atol=1e-9
    )


def test_a_jacobian_of_another_shape_is_refused():
    sde = ornstein_uhlenbeck(1.0, 0.3, jac=lambda x, t: np.array([-1.0]))
    with pytest.raises(ValueError, match=r"jac\(x, t\) must have shape \(1, 1\), got \(1,\)"):
        hh.solve(sde, 1.0, dt=0.1, method="drift_implicit_euler", rng=1)


# -- the classic cell, at steps where explicit methods blow up -------------------------------------


@pytest.fixture(scope="module")
def period():
    net = hh.Network(1, stimulus=10.0)
    ds = hh.solve(net, 150.0, dt=0.1, method="scipy.DOP853", record=["V"])
    return float(ds.hh.intervals().interval_length[-5:].mean())


@pytest.mark.parametrize(
    ("method", "dt", "error"),
    [
        ("drift_implicit_trapezoidal", 0.1, 0.001),
        ("drift_implicit_trapezoidal", 0.25, 0.007),
        ("drift_implicit_euler", 0.1, 0.003),
        ("drift_implicit_euler", 0.25, 0.015),
        ("drift_implicit_euler", 0.5, 0.015),
    ],
)
def test_periods_at_long_steps(method, dt, error, period):
    net = hh.Network(1, stimulus=10.0)
    ds = hh.solve(net, 150.0, dt=dt, method=method, record=("V", "m", "h", "n", "spikes"))
    found = float(ds.hh.intervals().interval_length[-5:].mean())
    assert abs(found / period - 1) < error
    if method == "drift_implicit_euler":  # each is a mean of its old value and of x_inf
        for gate in ("m", "h", "n"):
            assert 0.0 < ds[gate].min() < ds[gate].max() < 1.0
    with pytest.raises(hh.DivergenceError):
        hh.solve(net, 150.0, dt=dt, method="heun")


COUPLED = NETWORKS["synapses, gap junctions"]()
HARD = {"dt": 0.5, "method": "drift_implicit_euler", "rng": 1, "record": ["V"]}


def test_a_trial_does_not_depend_on_those_beside_it():
    """Also where Newton's method needs brackets in one of them and not in the other."""
    all_of_them = hh.solve(COUPLED, 40.0, trials=6, **HARD)
    alone = hh.solve(COUPLED, 40.0, trials=[4], **HARD)
    assert np.array_equal(all_of_them.V[4], alone.V[0])
    first = hh.solve(COUPLED, 20.0, trials=6, **HARD)
    rest = hh.solve(COUPLED, 40.0, **HARD, x0=first)
    assert np.array_equal(rest.V, all_of_them.V[:, 40:])


def test_a_spike_within_a_step_takes_brackets(monkeypatch):
    monkeypatch.setattr(
        implicit, "bracketed_newton", lambda r, s, held, V, y: (y, np.zeros(y.shape[1], bool))
    )
    with pytest.raises(hh.IntegrationError, match=r"Newton's method did not .* \(trial [0-5]\)"):
        hh.solve(COUPLED, 40.0, trials=6, **HARD)


# -- what cannot be solved -------------------------------------------------------------------------


def test_an_equation_without_solution_is_refused_by_name():
    """y = x + h y^2 has no real root for x = 3, h = 0.1; for x = 1 it has two."""
    sde = hh.SDE(f=lambda x, t: x**2, G=lambda x, t: np.zeros((1, 0)), x0=[1.0], m=0)
    options = {"dt": 0.1, "method": "drift_implicit_euler", "trials": 2, "noise": "ignore"}
    with pytest.raises(hh.IntegrationError, match=r"from t = 0\.\d to 0\.\d ms \(trial 1\): take"):
        hh.solve(sde, 0.2, x0=np.array([[1.0], [2.4]]), **options)
    with pytest.raises(hh.IntegrationError, match=r"take a smaller dt than 0\.1 ms") as found:
        hh.solve(sde, 2.0, x0=np.array([[1.0], [0.5]]), **options)
    assert found.value.dataset.sizes["time"] > 3
    assert np.all(np.isfinite(found.value.dataset.x))


def test_steps_of_newtons_method_are_shortened_where_they_overshoot():
    """From far on the flat of tanh, where the derivative of the whole is about 1."""
    sde = hh.SDE(f=lambda x, t: -1e3 * np.tanh(10 * x), G=lambda x, t: np.zeros((1, 0)),
                 x0=[2.0], m=0)  # fmt: skip
    ds = hh.solve(sde, 1.0, dt=0.5, method="drift_implicit_euler", noise="ignore")
    y = float(ds.x[1, 0])
    assert y + 500 * np.tanh(10 * y) == pytest.approx(2.0)
    start = np.array([[2.0]])

    def residual(y):
        return 2.0 - 500 * np.tanh(10 * y) - y

    def step(y, r):
        return r / (1 + 5e3 * (1 - np.tanh(10 * y) ** 2))

    assert not newton.newton(residual, step, start)[1].any()
    assert newton.shortened_newton(residual, step, start)[1].all()


# -- tests of tests --------------------------------------------------------------------------------


def test_one_wrong_coefficient_is_seen():
    """Order 2 without noise is that of theta = 1/2 alone, and the measured one says so."""
    right = hh.METHODS["drift_implicit_trapezoidal"]
    wrong = replace(right, run=implicit.drift_implicit(0.6), name="wrong")
    found = hh.studies.measured_orders([right, wrong], ["fitzhugh_nagumo"], kind="without noise")
    assert found.agrees.values.tolist() == [[1], [0]]


def test_noise_at_the_wrong_place_is_seen():
    """With the noise left out of what the drift at the end sees, order 1 falls to 1/2."""

    class Late(implicit._ThetaStep):
        def __call__(self, f, G, x, t, h, dW, extra):
            y = super().__call__(f, G, x, t, h, np.zeros((0, 1)), extra)
            return y + np.einsum("dmk,mk->dk", G(y, t), dW)

    late = replace(
        hh.METHODS["drift_implicit_euler"],
        run=implicit.stepping(lambda problem: Late(problem, 1.0)),
        strong_order={"commutative": 1.0},
        name="late",
    )
    found = hh.studies.measured_orders([late], ["commutative"])
    assert found.agrees.values.tolist() == [[0]]
