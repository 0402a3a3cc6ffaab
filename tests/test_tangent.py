"""The tangent flow: against the schemes in 60 digits, against sde.jac, and known exponents."""

import itertools
from decimal import Decimal, localcontext

import numpy as np
import pytest
from exact import exact_drift
from shared import PASSIVE, quick_ones

import hh_sde as hh
from hh_sde.equations import numba_
from hh_sde.equations.jacobian import Derivatives
from hh_sde.methods.method import Diverged, Failed
from hh_sde.methods.tangent import SCHEMES, tangent_flow

DT, STEPS, SEED = 0.02, 6, 3
GAP = [[0.0, 0.3], [0.2, 0.0]]
WHITE = hh.CurrentNoise([1.0, 2.0], correlation=0.5)
COUPLED = hh.Network(
    2,
    cell=hh.CELLS["hodgkin_huxley"].replace(g_Na=[110.0, 120.0]),
    stimulus=hh.SineCurrent(5.0, frequency=100.0),
    synapses=[
        hh.SYNAPSES["AMPA"]([[0.0, 0.1], [0.2, 0.05]], voltage_block=hh.Sigmoid(1.0, -20.0, 16.0)),
        hh.GapJunction(GAP),
    ],
    noise=[WHITE, hh.OrnsteinUhlenbeckConductance(mean=0.2, sigma=0.1, tau=2.0, E=0.0, name="g_e")],
)
NETWORKS = {
    "coupled": COUPLED,
    "wang_buzsaki": hh.Network(
        2,
        cell="wang_buzsaki",
        stimulus=hh.SineCurrent(1.0, frequency=50.0),
        synapses=[hh.SYNAPSES["wang_buzsaki"]([[0.0, 0.1], [0.1, 0.0]]), hh.GapJunction(GAP)],
        noise=WHITE,
    ),
    "GABA_B": hh.Network(
        2,
        stimulus=8.0,
        synapses=[
            hh.SYNAPSES["GABA_B"]([[0.1, 0.2], [0.3, 0.0]]).replace(
                messenger=hh.SecondMessenger(K3=0.5, K4=0.2, Kd=0.1, power=3)
            ),
            hh.SYNAPSES["AMPA"]([[0.0, 0.1], [0.2, 0.05]]),
        ],
        noise=WHITE,
    ),
    "morris_lecar": hh.Network(
        2,
        cell="morris_lecar",
        stimulus=90.0,
        noise=hh.OrnsteinUhlenbeckCurrent(mean=0.0, sigma=5.0, tau=3.0),
    ),
}
#: Both schemes where there is most, and each where there is less.
CASES = quick_ones(
    list(itertools.product(NETWORKS, SCHEMES)),
    [
        ("coupled", "euler_maruyama"), ("coupled", "heun"), ("wang_buzsaki", "euler_maruyama"),
        ("morris_lecar", "heun"),
    ],
)  # fmt: skip


def start(net, seed=0):
    x = np.random.default_rng(seed).uniform(0.1, 0.9, len(net.variables) * net.n_neurons)
    x[: net.n_neurons] = (-42.0, -31.0)[: net.n_neurons]
    return x


def vectors(net, n, seed=1):
    return np.random.default_rng(seed).normal(size=(n, len(net.variables) * net.n_neurons))


def weighted(*terms):
    """sum_k c_k x_k of lists of Decimals."""
    factors = [c for c, _ in terms]
    together = zip(*(values for _, values in terms), strict=True)
    return [sum(c * x for c, x in zip(factors, one, strict=True)) for one in together]


def exact_steps(net, method, x):
    """The state after STEPS steps of the scheme, all in Decimal but for the given increments."""
    sde = net.sde()
    G, dW = sde.G(sde.x0, 0.0), sde.path(SEED, DT).increments(0, STEPS)
    h = Decimal(DT)
    for k in range(STEPS):
        kick = [Decimal(v) for v in (G @ dW[k]).tolist()]
        nodes = np.array([k * DT, (k + 1) * DT - 2e-9])
        before, after = (sde.program.current(nodes)[[0, -1], 0]).tolist()
        f = exact_drift(net, x, before)
        ahead = weighted((1, x), (h, f), (1, kick))
        if method == "heun":
            ahead = weighted((1, x), (h / 2, f), (h / 2, exact_drift(net, ahead, after)), (1, kick))
        x = ahead
    return x


def exact_displacement(net, method, x, v):
    """The derivative of these steps by a central difference; its error is about 1e-30."""
    with localcontext() as context:
        context.prec = 60
        eps = Decimal("1e-15")
        at, along = ([Decimal(float(value)) for value in array] for array in (x, v))
        ahead, behind = (
            exact_steps(net, method, weighted((1, at), (sign * eps, along))) for sign in (1, -1)
        )
        return np.array([float(d / (2 * eps)) for d in weighted((1, ahead), (-1, behind))])


def flow(net, x0, v0, method="euler_maruyama", n_steps=STEPS, **options):
    return tangent_flow(
        net.sde(), x0, v0, dt=DT, n_steps=n_steps, method=method, rng=SEED, **options
    )


@pytest.mark.parametrize(("name", "method"), CASES)
def test_it_is_the_derivative_of_the_scheme(name, method):
    net = NETWORKS[name]
    x0, (v0,) = start(net), vectors(net, 1)
    found = flow(net, x0, v0[None], method).v[0, 0]
    np.testing.assert_allclose(
        found, exact_displacement(net, method, x0, v0), rtol=1e-11, atol=1e-12
    )


@pytest.mark.parametrize("broken", ["I_Na", "I_gap", "dV"])
def test_a_jacobian_that_is_a_millionth_wrong_is_seen(monkeypatch, broken):
    """By the test above: the derivative of one named quantity is a millionth too large."""
    derivatives = Derivatives._derivatives

    def wrong(self, along, suffix):
        begin = len(self.assignments)
        found = derivatives(self, along, suffix)
        for k in range(begin, len(self.assignments)):
            one = self.assignments[k]
            if one.target.name == f"{broken}_{suffix}":
                self.assignments[k] = one._replace(value=one.value * (1.0 + 1e-6))
        return found

    x0, (v0,) = start(COUPLED), vectors(COUPLED, 1)
    right = flow(COUPLED, x0, v0[None]).v[0, 0]
    monkeypatch.setattr(numba_, "_WRITTEN", {})
    monkeypatch.setattr(Derivatives, "_derivatives", wrong)
    found = flow(COUPLED, x0, v0[None]).v[0, 0]
    assert abs(found / right - 1.0).max() > 1e-9  # a hundred times what the test above lets pass


@pytest.mark.parametrize(("name", "method"), CASES)
def test_against_the_jacobian_stepped_in_numpy(name, method):
    """Several vectors of several trials, over a spike of the coupled cells."""
    net, n_steps, trials = NETWORKS[name], 400, [0, 5]
    sde, v0 = net.sde(), vectors(net, 3)
    x0 = np.stack([start(net), start(net, seed=2)])
    found = flow(net, x0, v0, method, n_steps, trials=trials)
    ds = hh.solve(
        sde, n_steps * DT, dt=DT, method=method, rng=SEED, trials=trials, x0=x0, save_dt=DT
    )
    assert np.array_equal(ds.x.values[:, -1], found.x)
    for i, trial in enumerate(trials):
        v, dW = v0.T, sde.path(SEED, DT, trial=trial).increments(0, n_steps)
        for k in range(n_steps):
            x, t = ds.x.values[i, k], k * DT
            slope = sde.jac(x, t) @ v
            if method == "heun":
                ahead = x + DT * sde.f(x, t) + sde.G(x, t) @ dW[k]
                slope = 0.5 * (slope + sde.jac(ahead, t + DT) @ (v + DT * slope))
            v = v + DT * slope
        np.testing.assert_allclose(found.v[i], v.T, rtol=1e-9, atol=1e-9 * abs(v).max())


@pytest.mark.parametrize("method", SCHEMES)
def test_windows_threads_and_trials_change_no_bit(method):
    x0, v0 = start(COUPLED), vectors(COUPLED, 2)
    trials = list(range(5))
    whole = flow(COUPLED, x0, v0, method, 300, trials=trials)
    shared = flow(COUPLED, x0, v0, method, 300, trials=trials, threads=3)
    one = flow(COUPLED, x0, v0, method, 300, trials=[3])
    first = flow(COUPLED, x0, v0, method, 130, trials=trials)
    rest = flow(COUPLED, first.x, first.v, method, 170, trials=trials, first_step=130)
    for name in ("x", "v"):
        assert np.array_equal(getattr(whole, name), getattr(shared, name))
        assert np.array_equal(getattr(whole, name)[3:4], getattr(one, name))
        assert np.array_equal(getattr(whole, name), getattr(rest, name))
    cut = flow(COUPLED, x0, v0, method, 300, trials=trials, every=10)
    assert np.array_equal(whole.x, cut.x)
    split = flow(COUPLED, x0, v0, method, 300, trials=trials, every=10, threads=2)
    assert np.array_equal(cut.growth, split.growth)


def test_growth_is_that_of_volumes():
    """Growths of the first vectors add up to that of what they span, whatever renormalises them."""
    net, n_steps = COUPLED, 100
    v0 = np.linalg.qr(vectors(net, 3).T)[0].T
    whole = flow(net, start(net), v0, n_steps=n_steps)
    assert whole.growth.shape == (0, 1, 3)
    R = np.linalg.qr(whole.v[0].T)[1]
    expected = np.cumsum(np.log(abs(np.diag(R))))
    for every in (1, 20, n_steps):
        found = flow(net, start(net), v0, n_steps=n_steps, every=every)
        assert found.growth.shape == (n_steps // every, 1, 3)
        np.testing.assert_allclose(np.cumsum(found.growth.sum((0, 1))), expected, atol=1e-9)
        np.testing.assert_allclose(found.v[0] @ found.v[0].T, np.eye(3), atol=1e-12)


@pytest.mark.parametrize("method", SCHEMES)
def test_several_populations(method):
    """Whose variables, and what they send besides, do not fill the same rows."""
    net = hh.Network(
        {"A": hh.Population(2, stimulus=8.0), "B": hh.Population(3, "morris_lecar", stimulus=95.0)},
        synapses=[hh.SYNAPSES["GABA_B"](0.2, source="A"), hh.SYNAPSES["AMPA"](0.1, source="B")],
        noise=hh.CurrentNoise(1.0),
    )
    x0 = net.sde().x0 + np.random.default_rng(2).uniform(0.0, 0.1, net.sde().d)
    v0 = np.linalg.qr(np.random.default_rng(1).normal(size=(x0.size, 3)))[0].T
    whole = flow(net, x0, v0, method, n_steps=60, trials=[0, 3])
    cut = flow(net, x0, v0, method, n_steps=60, trials=[0, 3], every=20)
    assert np.array_equal(whole.x, cut.x)
    for v, kept, growth in zip(whole.v, cut.v, cut.growth.swapaxes(0, 1), strict=True):
        np.testing.assert_allclose(kept @ kept.T, np.eye(3), atol=1e-12)
        R = np.linalg.qr(v.T)[1]
        np.testing.assert_allclose(growth.sum(0), np.log(abs(np.diag(R))), atol=1e-9)


def test_exponents_of_a_linear_equation():
    """V relaxes at g/C = 1/4, its coloured current at 1/tau = 1/3: log(1 - h rate)/h each."""
    noise = hh.OrnsteinUhlenbeckCurrent(mean=0.0, sigma=1.0, tau=3.0)
    net = hh.Network(1, cell=PASSIVE, noise=[noise, hh.CurrentNoise(1.0)])
    found = flow(net, net.sde().x0, np.eye(2), n_steps=10_000, every=100, trials=[0, 1])
    exponents = found.growth[50:].mean(0) / (100 * DT)
    expected = np.log1p(-DT * np.array([1 / 4, 1 / 3])) / DT
    np.testing.assert_allclose(exponents, [expected, expected], rtol=1e-6)


def test_along_a_limit_cycle_nothing_grows():
    net = hh.Network(1, stimulus=10.0)
    sde = net.sde()
    x0 = hh.solve(sde, 100.0, dt=DT).x.values[-1]
    f = sde.f(x0, 0.0)
    found = tangent_flow(sde, x0, f[None], dt=DT, n_steps=50_000, every=100)
    growth = found.growth.sum()
    expected = np.log(np.linalg.norm(sde.f(found.x[0], 0.0)))  # v stays along f
    assert abs(growth - expected) / (50_000 * DT) < 5e-4  # 1/ms; other directions fade at 0.1


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (hh.SubunitNoise(area=100.0), r"this noise \(\w+\) depends on the state"),
        (hh.ConductanceNoise(area=100.0), r"this noise \(general\) depends on the state"),
    ],
)
def test_noise_that_depends_on_the_state_is_refused(noise, message):
    net = hh.Network(1, noise=noise)
    with pytest.raises(ValueError, match=message):
        flow(net, net.sde().x0, np.eye(net.sde().d)[:1])
    sde = net.sde().without_noise()
    found = tangent_flow(sde, sde.x0, np.eye(sde.d)[:1], dt=DT, n_steps=50)
    assert np.isfinite(found.v).all()


def test_what_does_not_fit_is_refused():
    sde = hh.Network(1, stimulus=10.0).sde()
    good = {"x0": sde.x0, "v0": np.eye(4)[:1], "dt": DT, "n_steps": 100}

    def refused(message, error=ValueError, sde=sde, **changed):
        with pytest.raises(error, match=message):
            tangent_flow(sde, **{**good, **changed})

    refused("method of tangent_flow.*'huen'.*heun", method="huen")
    refused("must divide n_steps = 100, got 30", every=30)
    refused("must divide n_steps = 100, got 0", every=0)
    refused(r"x0 must have shape \(4,\) or \(1, 4\), got \(5,\)", x0=np.zeros(5))
    refused(r"v0 must have shape \(1, 4\) or \(1, 1, 4\), got \(1, 5\)", v0=np.zeros((1, 5)))
    refused("v0 must have 1 to d = 4 vectors, got 5", v0=np.ones((5, 4)))
    refused("give Network.sde", sde=hh.SDE(f=lambda x, t: -x, G=lambda x, t: np.zeros((4, 0)),
                                           x0=np.zeros(4)))  # fmt: skip
    refused("give Network.sde", sde=hh.SDE(f=lambda x, t: -x, G=sde.G, x0=sde.x0))
    clipped = hh.Network(1, noise=hh.SubunitNoise(area=100.0, bounds="clip")).sde().without_noise()
    refused("has no derivative", sde=clipped)
    refused("after 50 steps: renormalise more often", Failed, v0=np.ones((2, 4)), every=50)
    refused("after 50 steps: renormalise more often", Failed, v0=np.zeros((1, 4)), every=50)
    refused("trial 0", Diverged, dt=1.0)
