"""Channel and coloured noise: types, laws at a clamped potential, orders, bounds.

Statistical tests: every one has a fixed seed and a false-alarm rate of at most ALARM.
"""

import itertools
import math
import tracemalloc

import numba as nb
import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from shared import SMALL, slow_ones

import hh_sde as hh
from hh_sde.markov import scheme
from hh_sde.methods.compiled import Block

ALARM = 1e-4
AREA = 100.0

#: No current flows, so that V stays.
CLAMPED = hh.CELLS["hodgkin_huxley"].replace(g_Na=0.0, g_K=0.0, E_L=-45.0, V0=-45.0)

CHANNEL_NOISES = {
    "subunit": hh.SubunitNoise(AREA),
    "conductance": hh.ConductanceNoise(AREA),
    "paired": hh.ConductanceNoise(AREA, paired=True),
    "shielded": hh.ShieldedNoise(AREA),
    "effective": hh.EffectiveConductanceNoise(AREA),
}
CURRENT = hh.CurrentNoise(1.0)
EXPECTED_TYPES = {
    "current": (CURRENT, "additive"),
    "coloured": (hh.OrnsteinUhlenbeckCurrent(0.0, 1.0, 2.0), "additive"),
    "coloured conductance": (hh.OrnsteinUhlenbeckConductance(0.1, 0.02, 2.0, E=0.0), "additive"),
    "subunit": (CHANNEL_NOISES["subunit"], "commutative"),
    "effective": (CHANNEL_NOISES["effective"], "commutative"),
    "subunit, coloured": (
        [CHANNEL_NOISES["subunit"], hh.OrnsteinUhlenbeckCurrent(0.0, 1.0, 2.0)],
        "commutative",
    ),
    "conductance": (CHANNEL_NOISES["conductance"], "general"),
    "shielded": (CHANNEL_NOISES["shielded"], "general"),
    "one pair": (
        hh.ConductanceNoise(AREA, paired=True, transitions=[("A", "a0->a1")]),
        "commutative",
    ),
    "subunit, current": ([CURRENT, CHANNEL_NOISES["subunit"]], "general"),
    "effective, current": ([CHANNEL_NOISES["effective"], CURRENT], "general"),
}


def commutator(sde, x):
    """Largest entry of (dg_j) g_k - (dg_k) g_j by central differences, over all pairs."""
    step = 1e-5
    G = sde.G(x, 0.0)
    moved = [
        (sde.G(x + step * G[:, k], 0.0) - sde.G(x - step * G[:, k], 0.0)) / (2 * step)
        for k in range(sde.m)
    ]
    return max(
        (np.abs(moved[k][:, j] - moved[j][:, k]).max()
         for j, k in itertools.combinations(range(sde.m), 2)),
        default=0.0,
    )  # fmt: skip


@pytest.mark.parametrize("case", EXPECTED_TYPES)
def test_noise_type_is_what_the_columns_say(case):
    noise, expected = EXPECTED_TYPES[case]
    sde = hh.Network(2, cell=SMALL, noise=noise).sde()
    assert sde.noise_type == expected
    x = sde.x0.copy()
    brackets = commutator(sde, x)
    assert (brackets > 1e-4) == (expected == "general"), brackets
    constant = np.allclose(sde.G(x + 0.01, 0.0), sde.G(x, 0.0), rtol=0, atol=1e-14)
    assert constant == (expected == "additive")


@pytest.mark.parametrize("case", EXPECTED_TYPES)
def test_columns_and_blocks_belong_to_G(case):
    noise, _ = EXPECTED_TYPES[case]
    sde = hh.Network(2, cell=SMALL, noise=noise).sde()
    x = sde.x0 * 1.01
    G = sde.G(x, 0.0)
    assert G.shape == (sde.d, sde.m)
    for k, column in enumerate(sde.columns):
        assert np.array_equal(column(x, 0.0), G[:, k])
    # processes of different groups touch different neurons
    neuron = np.arange(sde.d) % 2
    touches = [set(neuron[G[:, k] != 0]) for k in range(sde.m)]
    for j, k in itertools.combinations(range(sde.m), 2):
        assert sde.area_groups[j] == sde.area_groups[k] or not touches[j] & touches[k] or (
            sde.noise_type != "general"
        )  # fmt: skip


@pytest.mark.parametrize("case", ["subunit", "conductance", "effective", "subunit, current"])
def test_correction_is_half_the_sum_of_dg_g(case):
    sde = hh.Network(2, cell=SMALL, noise=EXPECTED_TYPES[case][0]).sde()
    x, step = sde.x0 * 1.01, 1e-5
    G = sde.G(x, 0.0)
    expected = sum(
        (sde.G(x + step * G[:, k], 0.0) - sde.G(x - step * G[:, k], 0.0))[:, k] / (4 * step)
        for k in range(sde.m)
    )
    np.testing.assert_allclose(sde.correction(x, 0.0), expected, rtol=1e-6, atol=1e-9)


def test_shared_current_noise_joins_the_neurons():
    shared = hh.CurrentNoise([1.0, 1.0, 2.0], correlation=[[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    sde = hh.Network(3, cell=SMALL, noise=[shared, hh.SubunitNoise(AREA)]).sde()
    gates = sde.area_groups[3:]
    assert gates[0] == gates[1] != gates[2]


@pytest.mark.parametrize("bounds", ["none", "absolute"])
def test_correction_where_a_variance_is_negative(bounds):
    """Noise that is 0 there asks for none, noise by the absolute value for the opposite one."""
    noise = hh.ConductanceNoise(AREA, bounds=bounds)
    sde = hh.Network(1, cell=SMALL, noise=noise).sde()
    x, step = sde.x0.copy(), 1e-6
    x[1:] = -0.1, 0.6, 0.5
    G = sde.G(x, 0.0)
    assert (abs(G[1, 0]) > 0) == (bounds == "absolute")
    expected = sum(
        (sde.G(x + step * G[:, k], 0.0) - sde.G(x - step * G[:, k], 0.0))[:, k] / (4 * step)
        for k in range(sde.m)
    )
    np.testing.assert_allclose(sde.correction(x, 0.0), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("transitions", [("a0->a1", "a1->a2"), ("a1->a0", "a2->a1")])
def test_one_way_is_enough_not_to_commute(transitions):
    noise = hh.ConductanceNoise(AREA, transitions=[("A", name) for name in transitions])
    assert hh.Network(1, cell=SMALL, noise=noise).sde().noise_type == "general"


# tamed_euler ignores noise as euler_maruyama does, sri2 and strang of gates as those of states
@pytest.mark.parametrize(
    ("noise", "method"),
    slow_ones(
        [
            (noise, method)
            for noise in ("subunit", "conductance")
            for method in ("milstein", "heun", "sri2", "euler_maruyama", "tamed_euler", "strang")
            if EXPECTED_TYPES[noise][1] in hh.METHODS[method].strong_order
        ],
        ("subunit", "tamed_euler"),
        ("conductance", "tamed_euler"),
        ("subunit", "sri2"),
        ("subunit", "strang"),
    ),
)
def test_ignored_noise_leaves_no_correction(noise, method):
    """Against the network that has no noise."""
    net = hh.Network(1, cell=SMALL, stimulus=1.0, noise=CHANNEL_NOISES[noise].replace(area=1.0))
    ignored = hh.solve(net, 5.0, dt=0.01, method=method, noise="ignore")
    quiet = hh.solve(hh.Network(1, cell=SMALL, stimulus=1.0), 5.0, dt=0.01, method=method)
    # a step of the states is not that of the gates' powers, to its order
    assert float(abs(ignored.V - quiet.V).max()) < (1e-11 if noise == "subunit" else 0.02)


def test_ignored_noise_is_zeros_for_every_term(monkeypatch):
    """The loops read the increments of all terms, looking at no index."""
    seen, lanes = [], Block._lanes
    monkeypatch.setattr(Block, "_lanes", lambda block: seen.append(lanes(block)) or seen[-1])
    net = hh.Network(2, cell=SMALL, noise=CHANNEL_NOISES["conductance"])
    hh.solve(net, 1.0, dt=0.01, method="sri2", noise="ignore")
    terms = net.sde().m // 2
    assert seen[0].dW.shape[1:] == (1, terms, 8)
    assert seen[0].columns.shape == (2, terms, 8)
    assert not seen[0].dW.any()


# shielded: the loops of conductance with fewer terms
@pytest.mark.parametrize("noise", slow_ones(CHANNEL_NOISES, "shielded"))
def test_pathwise_the_engine_is_sdeint(noise):
    net = hh.Network(2, cell=SMALL, noise=[CHANNEL_NOISES[noise], CURRENT])
    sde = net.sde()
    path = sde.path(3, 0.02)
    twins = {"euler_maruyama": "itoEuler", "sri2": "itoSRI2", "heun": "stratHeun"}
    for ours, theirs in twins.items():
        a, b = (
            hh.solve(net, 2.0, dt=0.02, method=m, path=path) for m in (ours, f"sdeint.{theirs}")
        )
        for name in net.variables:
            np.testing.assert_allclose(a[name], b[name], rtol=1e-9, atol=1e-11, err_msg=ours)


def test_areas_take_memory_by_neurons_not_by_their_square():
    """Two steps of 400 neurons of five processes: all pairs would take 64 MB, those inside the
    neurons 160 kB; a step is of 64 of the finest grid."""
    net = hh.Network(400, cell=SMALL, noise=[CHANNEL_NOISES["conductance"], CURRENT])
    sde = net.sde()
    path = sde.path(1, 0.01 / 64).coarsen(64)
    hh.solve(net, 0.01, dt=0.01, method="sri2", path=path)  # compiled before memory is watched
    tracemalloc.start()
    hh.solve(net, 0.02, dt=0.01, method="sri2", path=path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sde.m == 2000
    assert peak < 40e6


def test_larger_blocks_of_a_path_do_no_harm():
    """One group for two neurons: the same equation with areas of another draw."""
    net = hh.Network(2, cell=SMALL, noise=[CHANNEL_NOISES["subunit"], CURRENT])
    path = hh.BrownianPath(1, m=net.sde().m, dt=0.01)
    ours = hh.solve(net, 0.5, dt=0.01, method="sri2", path=path)
    theirs = hh.solve(net, 0.5, dt=0.01, method="sdeint.itoSRI2", path=path)
    np.testing.assert_allclose(ours.a, theirs.a, atol=1e-5)
    apart = hh.BrownianPath(1, m=path.m, dt=0.01, area_groups=np.arange(path.m))
    with pytest.raises(ValueError, match="its area_groups part what the model's join"):
        hh.solve(net, 0.5, dt=0.01, path=apart)


# -- the law at a clamped potential ---------------------------------------------------------------


def clamped_rates():
    rates = hh.Network(1, cell=CLAMPED).kinetics([-45.0]).isel(V=0)
    return {gate: (float(rates.alpha.sel(gate=gate)), float(rates.beta.sel(gate=gate)))
            for gate in ("m", "h", "n")}  # fmt: skip


def open_fraction(ds, channel):
    name = "m3h1" if channel == "Na" else "n4"
    if name in ds:
        return ds[name]
    gates = ds.m**3 * ds.h if channel == "Na" else ds.n**4
    parts = [v for v in ds.data_vars if v.startswith("z_") and (v[2] == "n") == (channel == "K")]
    return gates + sum(ds[v] for v in parts)


# Of the open fraction's variance, what the published models have at a clamped potential: all of
# it, or for the subunit model that of a product of independent gates, and for shielding what the
# stationary covariance says.
#: The others' loops are these, or are held to them by the tests of pathwise equality, of the
#: moments of the engine's exchanges and of their orders.
CLAMPED_BY_DEFAULT = {
    ("euler_maruyama", noise) for noise in ("subunit", "conductance", "effective", "shielded")
} | {("strang", noise) for noise in ("subunit", "effective")}


@pytest.mark.parametrize(
    ("method", "noise"),
    [
        pytest.param(*case, marks=[] if case in CLAMPED_BY_DEFAULT else [pytest.mark.slow])
        for case in itertools.product(("euler_maruyama", "lie_trotter", "strang"), CHANNEL_NOISES)
    ],
)
def test_clamped_open_fractions(method, noise):
    """Mean and variance of the open fraction in the steady state against the exact law.

    Sees: a wrong number of channels, a missing or doubled transition, noise that is not scaled
    with the half steps of strang.
    """
    trials, dt = 8000, 0.01 if method == "euler_maruyama" else 0.05
    big = CHANNEL_NOISES[noise].replace(area=2000.0)  # so that bounds do not matter
    net = hh.Network(1, cell=CLAMPED, noise=big)
    start = hh.solve(net, 40.0, dt=dt, method=method, rng=5, trials=trials, save_dt=40.0)
    rates = clamped_rates()
    last = start.isel(time=-1, neuron=0)
    for channel in ("Na", "K"):
        sample = open_fraction(last, channel).values
        mean, variance = expected_moments(net, channel, rates, noise)
        z = (sample.mean() - mean) / (sample.std() / np.sqrt(trials))
        assert abs(z) < scipy.stats.norm.isf(ALARM / 2), (channel, z)
        # the ratio of variances of a near-normal sample: chi-square with trials - 1 degrees
        ratio = sample.var(ddof=1) / variance
        low, high = scipy.stats.chi2.ppf([ALARM / 2, 1 - ALARM / 2], trials - 1) / (trials - 1)
        bias = 0.03 if method == "euler_maruyama" else 0.005  # of the scheme at this step
        assert low - bias < ratio < high + bias, (channel, ratio)


def expected_moments(net, channel, rates, noise):
    table = next(c for c in net.cell.channels if c.name == channel)
    states = scheme(table)
    alpha, beta = np.array([rates[gate.name] for gate in table.gates]).T
    x = alpha / (alpha + beta)
    N = net._groups[0].channel_noise.number(table, 1)[0]
    if noise == "subunit":
        means, squares = 1.0, 1.0
        for gate, x_inf in zip(table.gates, x, strict=True):
            law = scipy.stats.norm(x_inf, math.sqrt(x_inf * (1 - x_inf) / N))
            means *= law.moment(gate.power)
            squares *= law.moment(2 * gate.power)
        return means, squares - means**2
    noisy = states.touching_open() if noise == "shielded" else None
    covariance = states.covariance(alpha, beta, noisy) / N
    return states.equilibrium(x)[-1], covariance[-1, -1]


def test_covariance_of_all_transitions_is_multinomial():
    states = scheme(CLAMPED.channels[0])
    alpha, beta = np.array([0.3, 0.1]), np.array([1.0, 0.4])
    p = states.equilibrium(alpha / (alpha + beta))
    np.testing.assert_allclose(
        states.covariance(alpha, beta), np.diag(p) - np.outer(p, p), atol=1e-14
    )
    np.testing.assert_allclose(states.generator(alpha, beta) @ p, 0.0, atol=1e-15)


# conductance: the exchanges' moments and orders are tested one by one below
@pytest.mark.parametrize("noise", slow_ones(["conductance", "effective"], "conductance"))
def test_autocovariance_of_the_open_fraction(noise):
    """Against the matrix exponential of the chain's generator, at four lags.

    Sees: coloured processes with wrong time constants, rates with wrong multiplicities.
    """
    trials, lags = 8000, (0.25, 0.5, 1.0, 2.0)
    net = hh.Network(1, cell=CLAMPED, noise=CHANNEL_NOISES[noise].replace(area=2000.0))
    options = {"dt": 0.05, "method": "strang", "rng": 6, "trials": trials}
    steady = hh.solve(net, 30.0, save_dt=30.0, **options)
    ds = hh.solve(net, 32.0, x0=steady, save_dt=0.25, **options).isel(neuron=0)
    rates = clamped_rates()
    for channel in ("Na", "K"):
        table = next(c for c in net.cell.channels if c.name == channel)
        states = scheme(table)
        alpha, beta = np.array([rates[gate.name] for gate in table.gates]).T
        fraction = open_fraction(ds, channel)
        x = fraction - fraction.mean("trial")
        first = x.isel(time=0).values
        Q = states.generator(alpha, beta)
        covariance = (
            states.covariance(alpha, beta) / net._groups[0].channel_noise.number(table, 1)[0]
        )
        for lag in lags:
            later = x.isel(time=round(lag / 0.25)).values
            expected = (scipy.linalg.expm(Q * lag) @ covariance)[-1, -1]
            products = first * later
            z = (products.mean() - expected) / (products.std() / np.sqrt(trials))
            assert abs(z) < scipy.stats.norm.isf(ALARM / 2), (channel, lag, z)


@pytest.mark.parametrize("name", slow_ones(CHANNEL_NOISES, "paired", "shielded"))
def test_more_channels_less_noise(name):
    """Every model tends to the deterministic path, its distance as 1/sqrt(number)."""
    noise = CHANNEL_NOISES[name]
    quiet = hh.solve(hh.Network(1, cell=SMALL), 3.0, dt=0.01, method="strang", record=["V"])
    distances = []
    for area in (1e3, 1e5, 1e7):
        net = hh.Network(1, cell=SMALL, noise=noise.replace(area=area))
        ds = hh.solve(net, 3.0, dt=0.01, method="strang", rng=1, trials=200, record=["V"])
        distances.append(float(np.sqrt(((ds.V - quiet.V) ** 2).mean())))
    slope = np.polyfit(np.log([1e3, 1e5, 1e7]), np.log(distances), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.01)


# -- coloured noise -------------------------------------------------------------------------------


@pytest.mark.parametrize("E", [None, -20.0])
def test_coloured_noise_as_written(E):
    if E is None:
        noise = hh.OrnsteinUhlenbeckCurrent(3.0, 2.0, 4.0, name="c")
    else:
        noise = hh.OrnsteinUhlenbeckConductance(3.0, 2.0, 4.0, E=E, name="c")
    net = hh.Network(1, cell=SMALL, noise=noise)
    sde, row = net.sde(), net.variables.index("c")
    x, without = sde.x0.copy(), sde.x0.copy()
    x[row], without[row] = 5.0, 0.0
    assert sde.f(x, 0.0)[row] == pytest.approx((3.0 - 5.0) / 4.0)
    assert sde.G(x, 0.0)[row, 0] == pytest.approx(2.0 * np.sqrt(2 / 4.0))
    drive = 5.0 if E is None else 5.0 * (E - x[0])
    assert sde.f(x, 0.0)[0] - sde.f(without, 0.0)[0] == pytest.approx(drive / net.cell.C)


@pytest.mark.parametrize("method", ["lie_trotter", "strang"])
@pytest.mark.parametrize("dt", [0.1, 2.0])
def test_splitting_has_the_exact_law_of_ornstein_uhlenbeck(method, dt):
    """Mean, variance and lag covariance at any step, by the response to single increments."""
    noise = hh.OrnsteinUhlenbeckCurrent(mean=3.0, sigma=2.0, tau=4.0)
    passive = hh.Cell("passive", (hh.Channel("L", g=0.5, E=-60.0),), V0=-60.0)
    net = hh.Network(1, cell=passive, noise=noise)
    trials = 20_000
    ds = hh.solve(net, 8 * dt, dt=dt, method=method, rng=2, trials=trials, record=["eta"])
    eta = ds.eta.isel(neuron=0).values - 3.0
    a = np.exp(-dt / 4.0)
    residuals = (eta[:, 1:] - a * eta[:, :-1]) / (2.0 * np.sqrt(1 - a * a))
    assert np.all(eta[:, 0] == 0.0)
    assert scipy.stats.kstest(residuals.ravel(), "norm").pvalue > ALARM
    assert scipy.stats.pearsonr(residuals[:, 0], residuals[:, 1]).pvalue > ALARM


def test_short_coloured_noise_tends_to_white():
    """Variance of V of a passive membrane: s^2 tau / ((1 + k tau) k) for d V = -k V + eta."""
    passive = hh.Cell("passive", (hh.Channel("L", g=0.5, E=-60.0),), V0=-60.0)
    for tau in (0.2, 5.0):
        net = hh.Network(1, cell=passive, noise=hh.OrnsteinUhlenbeckCurrent(0.0, 2.0, tau))
        ds = hh.solve(net, 40.0, dt=0.02, method="strang", rng=3, trials=6000, save_dt=40.0)
        k = 0.5
        expected = 2.0**2 * tau / ((1 + k * tau) * k)
        ratio = float(ds.V.isel(time=-1).var(ddof=1)) / expected
        low, high = scipy.stats.chi2.ppf([ALARM / 2, 1 - ALARM / 2], 5999) / 5999
        assert low - 0.005 < ratio < high + 0.005


# -- the exchange of channel states ---------------------------------------------------------------


NUMBERS = {"Na": 6000, "K": 1800}


class _Impulses(hh.BrownianPath):
    """Trial 0 has no noise; the others one normal number each, which is one: of a process, and of
    the whole step or (with `split`) of its first or its second half."""

    split = False

    def drawing(self, needs):
        """None of its numbers is drawn."""
        return None

    def halves(self, start, stop, trials):
        out = np.zeros((stop - start, 2, self.m, len(trials)))
        for k, trial in enumerate(trials):
            half, process = divmod(int(trial) % self.impulses - 1, self.m)
            if int(trial) % self.impulses:
                shape = [[1.0, 1.0], [1.0, 0.0]][half] if self.split else [np.sqrt(2.0), 0.0]
                out[:, :, process, k] = np.multiply(shape, np.sqrt(self.dt / 2))
        return out.reshape(stop - start, 2, -1)

    @property
    def impulses(self):
        return 1 + self.m * (2 if self.split else 1)

    def lanes(self, start, stop, trials):
        return self.halves(start, stop, trials)[:, 0]


def scheme_moments(method, dt, t_end, start, paired=False):
    """Mean and covariance of a clamped cell's occupancies after t_end, from the engine's steps.

    Given V an exchange is linear in the occupancies, and the variance of its noise is. So one step
    from each state of full occupancy, without noise and with each normal number alone, tells what
    a step does to mean and covariance, and it is iterated.
    """
    net = hh.Network(1, cell=CLAMPED, noise=hh.ConductanceNoise(numbers=NUMBERS, paired=paired))
    path = _Impulses(1, m=net.sde().m, dt=dt)
    path.split = method == "strang"
    n = start.size
    states = np.repeat(np.eye(n), path.impulses, axis=0)
    x0 = np.concatenate([np.full((len(states), 1), -45.0), states], axis=1)  # V is clamped
    ds = hh.solve(net, dt, dt=dt, method=method, path=path, trials=len(states), x0=x0)
    after = np.stack([ds[name].values[:, -1, 0] for name in net.variables[1:]], axis=1)
    after = after.reshape(n, path.impulses, n)
    A = after[:, 0].T
    responses = after[:, 1:] - after[:, :1]
    spread = np.einsum("ski,skj->sij", responses, responses)
    mean, covariance = start, np.zeros((n, n))
    for _ in range(round(t_end / dt)):
        covariance = A @ covariance @ A.T + np.einsum("s,sij->ij", mean, spread)
        mean = A @ mean
    return mean, covariance


def exact_moments(t_end, start):
    """Of independent channels that begin in the states `start`: a multinomial for each state."""
    rates, means, blocks = clamped_rates(), [], []
    for channel, x in zip(CLAMPED.channels, (start[:8], start[8:]), strict=False):
        alpha, beta = np.array([rates[gate.name] for gate in channel.gates]).T
        P = scipy.linalg.expm(scheme(channel).generator(alpha, beta) * t_end)
        means.append(P @ x)
        multinomial = np.diag(P @ x) - (P * x) @ P.T
        blocks.append(multinomial / NUMBERS[channel.name])
    return np.concatenate(means), scipy.linalg.block_diag(*blocks)


SHUT = np.eye(8)[0], np.eye(5)[0]
EVEN = np.full(8, 1 / 8), np.full(5, 1 / 5)


# strang has the exchanges of lie_trotter, forth and back
@pytest.mark.parametrize(
    ("method", "order", "paired"),
    slow_ones(
        [("lie_trotter", 1.0, False), ("strang", 2.0, False), ("lie_trotter", 1.0, True),
         ("strang", 2.0, True)],
        ("lie_trotter", 1.0, True),
    ),
)  # fmt: skip
def test_weak_order_of_the_exchanges(method, order, paired):
    """Errors of mean and covariance of the occupancies, without sampling; all channels begin shut.

    Exact within a pair, so that what is left is the error of going through them in turn.
    """
    start = np.concatenate(SHUT)
    exact = exact_moments(1.0, start)
    errors = []
    for dt in (0.025, 0.0125):
        found = scheme_moments(method, dt, 1.0, start, paired)
        errors.append([np.abs(a - b).max() for a, b in zip(found, exact, strict=True)])
    np.testing.assert_allclose(np.log2(np.divide(*errors)), order, atol=0.12)


@pytest.mark.parametrize(
    ("method", "paired"),
    slow_ones(
        [("lie_trotter", False), ("strang", False), ("lie_trotter", True), ("strang", True)],
        ("lie_trotter", True),
    ),
)
def test_the_engine_has_these_moments(method, paired):
    """A sample of the engine's against the moments that the test above works with, at a step so
    large that they are far from the exact ones."""
    trials, dt, start = 20_000, 0.1, np.concatenate(EVEN)
    net = hh.Network(1, cell=CLAMPED, noise=hh.ConductanceNoise(numbers=NUMBERS, paired=paired))
    x0 = np.concatenate([[-45.0], start])
    ds = hh.solve(net, 1.0, dt=dt, method=method, rng=9, trials=trials, x0=x0, save_dt=1.0)
    sample = np.stack([ds[name].values[:, -1, 0] for name in net.variables[1:]])
    mean, covariance = scheme_moments(method, dt, 1.0, start, paired)
    variances = np.diag(covariance)
    z = (sample.mean(axis=1) - mean) / np.sqrt(variances / trials)
    assert np.all(np.abs(z) < scipy.stats.norm.isf(ALARM / 2 / z.size)), z
    ratios = sample.var(axis=1, ddof=1) / variances
    tail = ALARM / 2 / z.size
    low, high = scipy.stats.chi2.ppf([tail, 1 - tail], trials - 1) / (trials - 1)
    assert np.all((low < ratios) & (ratios < high)), ratios


# -- bounds ---------------------------------------------------------------------------------------


# the other pairs: both policies are tested by hand and in the exchanges below
@pytest.mark.parametrize(
    ("model", "bounds"),
    slow_ones(
        [("subunit", "clip"), ("conductance", "reflect"), ("subunit", "reflect"),
         ("conductance", "clip"), ("conductance", "project")],
        ("subunit", "reflect"), ("conductance", "clip"), ("conductance", "project"),
    ),
)  # fmt: skip
def test_bounded_gates_and_states(model, bounds):
    """Ten channels, so that noise drives gates and occupancies out of their range."""
    noise = CHANNEL_NOISES[model].replace(area=1.0, bounds=bounds)
    net = hh.Network(1, cell=SMALL, noise=noise)
    names = [name for name in net.variables if name != "V"]
    for method in ("euler_maruyama", "lie_trotter", "strang"):
        ds = hh.solve(net, 60.0, dt=0.01, method=method, rng=1, trials=8)
        assert ds.attrs["bounds"] == bounds
        assert min(float(ds[name].min()) for name in names) >= 0.0
        assert max(float(ds[name].max()) for name in names) <= 1.0 + 1e-15
        if model == "conductance":
            np.testing.assert_allclose(sum(ds[name] for name in names), 1.0, atol=1e-12)
    free = hh.Network(1, cell=SMALL, noise=noise.replace(bounds="none"))
    assert hh.solve(free, 60.0, rng=1, trials=8).attrs["gate_excursions"] > 0


def bound(compiled, x):
    """The loop `bound` of a model, which Python does not call by itself."""
    loop = compiled.module.bound

    @nb.njit
    def call(x, p, q, curves, ranges):
        loop(x, x.shape[1], p, q, curves, ranges)

    call(x, *compiled.of_lanes(1, x.shape[1]))


@pytest.mark.parametrize(
    ("policy", "states", "gates"),
    [
        ("clip", [0.5, 0.0, 0.5], [0.0, 1.0]),
        ("reflect", [0.6 / 1.4, 0.2 / 1.4, 0.6 / 1.4], [0.2, 0.7]),
        ("project", [0.5, 0.0, 0.5], [0.0, 1.0]),
    ],
)
def test_bound_by_hand(policy, states, gates):
    chain = hh.Network(1, cell=SMALL, noise=hh.ConductanceNoise(1.0, bounds=policy))._made.compiled
    x = np.array([[-60.0], [0.6], [-0.2], [0.6]])
    bound(chain, x)
    np.testing.assert_allclose(x[1:, 0], states)
    subunits = hh.Network(2, cell=SMALL, noise=hh.SubunitNoise(1.0, bounds=policy))._made.compiled
    x = np.array([[-60.0, -60.0], [-0.2, 1.3]])
    bound(subunits, x)
    np.testing.assert_allclose(x[1], gates)


def nearest_on_simplex(y):
    """By sorting: Held, Wolfe & Crowder (1974), Math. Program. 6, 62, doi:10.1007/BF01580223."""
    falling = np.sort(y)[::-1]
    shift = (np.cumsum(falling) - 1) / np.arange(1, len(y) + 1)
    return np.maximum(y - shift[falling > shift][-1], 0.0)


def test_projection_goes_to_the_nearest_point():
    neurons = 200
    noise = hh.ConductanceNoise(1.0, bounds="project")
    chains = hh.Network(neurons, noise=noise)._made.compiled
    rng = np.random.default_rng(1)
    spread = rng.choice([0.05, 0.3, 2.0], neurons)
    states = [spread * rng.normal(size=(n, neurons)) for n in (8, 5)]
    states = [y + (1 - y.sum(axis=0)) / len(y) for y in states]
    x = np.concatenate([np.full((1, neurons), -60.0), *states])
    bound(chains, x)
    for y, found in zip(states, (x[1:9], x[9:]), strict=True):
        expected = np.transpose([nearest_on_simplex(one) for one in y.T])
        np.testing.assert_allclose(found, expected, atol=1e-14)
        assert ((y > 0).sum(axis=0) > (found > 0).sum(axis=0)).any()


@pytest.mark.parametrize("model", ["subunit", "conductance"])
def test_steady_noise_is_that_of_the_equilibrium(model):
    """G at any state is that of the steady state at its V, and Euler's needs no correction."""
    noise = CHANNEL_NOISES[model]
    usual = hh.Network(1, cell=SMALL, noise=noise.replace(bounds="none")).sde()
    net = hh.Network(1, cell=SMALL, noise=noise.replace(bounds="steady"))
    steady = net.sde()
    for V in (-70.0, -40.0):
        at_rest = hh.Network(1, cell=SMALL, noise=noise).steady_state(V)
        elsewhere = at_rest.copy()
        elsewhere[1:] = -0.1 if model == "subunit" else (1.3, -0.4, 0.1)
        expected = usual.G(at_rest, 0.0)
        np.testing.assert_allclose(steady.G(elsewhere, 0.0), expected, rtol=1e-12)
    assert steady.noise_type == "commutative"
    drifts = [sde.f(elsewhere, 0.0) for sde in (steady, steady.to_stratonovich())]
    np.testing.assert_array_equal(*drifts)


@pytest.mark.parametrize("policy", ["clip", "reflect", "project"])
def test_exchanges_stay_inside_by_themselves(policy):
    net = hh.Network(1, cell=SMALL, noise=hh.ConductanceNoise(1.0, bounds=policy))
    for method in ("lie_trotter", "strang"):
        ds = hh.solve(net, 60.0, dt=0.01, method=method, rng=1, trials=8)
        assert ds.attrs["gate_excursions"] == 0


@pytest.mark.parametrize("transition", slow_ones(["a0->a1", "a1->a0"], "a1->a0"))
def test_one_way_noise_has_its_variance(transition):
    """At a step as long as the time constant; sample variance to 4.5 % at 20,000 trials."""
    gate = hh.Gate("a", 1, alpha=hh.Constant(1.0), beta=hh.Constant(0.5))
    channels = (hh.Channel("L", g=0.5, E=-60.0), hh.Channel("A", g=0.0, E=-80.0, gates=(gate,)))
    noise = hh.ConductanceNoise(numbers={"A": 1e6}, transitions=[("A", transition)])
    net = hh.Network(1, cell=hh.Cell("two_states", channels, V0=-60.0), noise=noise)
    rates = np.array([1.0]), np.array([0.5])
    expected = scheme(channels[1]).covariance(*rates, [transition])[-1, -1] / 1e6
    options = {"dt": 1.0, "rng": 1, "trials": 20_000, "save_dt": 20.0, "record": ["a1"]}
    for method in ("lie_trotter", "strang"):
        ds = hh.solve(net, 20.0, method=method, **options)
        assert float(ds.a1[:, -1].var()) / expected == pytest.approx(1.0, abs=0.045)


@pytest.mark.parametrize("bounds", ["none", "absolute"])
def test_occupancies_keep_their_sum(bounds):
    net = hh.Network(1, cell=SMALL, noise=hh.ConductanceNoise(1.0, bounds=bounds))
    for method in ("euler_maruyama", "lie_trotter"):
        ds = hh.solve(net, 50.0, rng=1, method=method, trials=4)
        np.testing.assert_allclose(ds.a0 + ds.a1 + ds.a2, 1.0, atol=1e-12)
        assert ds.attrs["gate_excursions"] > 0


def test_other_libraries_cannot_bound():
    net = hh.Network(1, cell=SMALL, noise=hh.SubunitNoise(AREA, bounds="clip"))
    with pytest.raises(ValueError, match="cannot bring gates back after each step"):
        hh.solve(net, 1.0, method="sdeint.itoEuler")


# -- what they are made of ------------------------------------------------------------------------


def test_transitions_one_by_one_make_up_the_whole():
    """D = G G^T is the sum over the transitions' own."""
    whole = hh.Network(1, cell=SMALL, noise=hh.ConductanceNoise(AREA)).sde()
    names = scheme(SMALL.channels[1]).names
    alone = [
        hh.Network(1, cell=SMALL, noise=hh.ConductanceNoise(AREA, transitions=[("A", name)])).sde()
        for name in names
    ]
    x = whole.x0
    D = whole.G(x, 0.0) @ whole.G(x, 0.0).T
    np.testing.assert_allclose(sum(s.G(x, 0) @ s.G(x, 0).T for s in alone), D, atol=1e-18)
    paired = hh.Network(1, cell=SMALL, noise=hh.ConductanceNoise(AREA, paired=True)).sde()
    assert paired.m == whole.m // 2 == 2
    np.testing.assert_allclose(paired.G(x, 0) @ paired.G(x, 0).T, D, atol=1e-18)


def test_classic_cell_has_the_published_dimensions():
    """14 variables and 28 transitions (Pu & Thomas 2020); 6 transitions change the conductance."""
    for noise, m in (
        (hh.ConductanceNoise(AREA), 28),
        (hh.ConductanceNoise(AREA, paired=True), 14),
        (hh.ShieldedNoise(AREA), 6),
        (hh.EffectiveConductanceNoise(AREA), 11),
        (hh.SubunitNoise(AREA), 3),
    ):
        assert hh.Network(1, noise=noise).sde().m == m
    states = [scheme(channel) for channel in hh.CELLS["hodgkin_huxley"].channels[:2]]
    assert [len(s.states) for s in states] == [8, 5]
    assert states[0].states[:5] == ("m0h0", "m1h0", "m2h0", "m3h0", "m0h1")


def test_effective_conductance_has_the_published_coefficients():
    """Linaro et al. 2011: variances 4 n^7 n', 6 n^6 n'^2, 4 n^5 n'^3, n^4 n'^4 over N; tau_n/k."""
    net = hh.Network(1, cell=CLAMPED, noise=hh.EffectiveConductanceNoise(AREA))
    sde = net.sde()
    G = sde.G(sde.x0, 0.0)
    alpha, beta = clamped_rates()["n"]
    n, tau = alpha / (alpha + beta), 1 / (alpha + beta)
    for k, binomial in zip((1, 2, 3, 4), (4, 6, 4, 1), strict=True):
        row = net.variables.index(f"z_n{k}")
        variance = binomial * n ** (8 - k) * (1 - n) ** k / 1800
        assert (G[row] ** 2).sum() == pytest.approx(2 * variance * k / tau, rel=1e-12)
    h_alpha, h_beta = clamped_rates()["h"]
    m_alpha, m_beta = clamped_rates()["m"]
    m, h = m_alpha / (m_alpha + m_beta), h_alpha / (h_alpha + h_beta)
    variance = 3 * m**4 * (1 - m) ** 2 * h * (1 - h) / 6000
    w = 2 * (m_alpha + m_beta) + h_alpha + h_beta
    row = net.variables.index("z_m2h1")
    assert (G[row] ** 2).sum() == pytest.approx(2 * variance * w, rel=1e-12)


def test_numbers_may_differ_between_neurons():
    net = hh.Network(2, cell=SMALL, noise=hh.SubunitNoise([100.0, 400.0]))
    G = net.sde().G(net.steady_state(), 0.0)
    assert G[2, 0] == pytest.approx(2 * G[3, 1])
    each = hh.Network(1, cell=SMALL, noise=hh.SubunitNoise(100.0, each_subunit=True))
    assert each.sde().G(each.steady_state(), 0.0)[1, 0] == pytest.approx(G[2, 0] / np.sqrt(2))


@pytest.mark.parametrize("noise", [*CHANNEL_NOISES.values(), *(c[0] for c in
                         EXPECTED_TYPES.values() if isinstance(c[0], list))])  # fmt: skip
def test_results_tell_their_noise(noise, tmp_path):
    cell = SMALL.replace(channels=SMALL.channels)
    net = hh.Network(2, cell=cell, noise=noise)
    ds = hh.solve(net, 0.5, dt=0.05, rng=1, trials=2)
    hh.validate(ds)
    ds.to_netcdf(tmp_path / "run.nc")
    import xarray as xr

    back = xr.load_dataset(tmp_path / "run.nc")
    again = hh.Network.from_dataset(back)
    assert again == net
    assert hh.solve(again, 0.5, dt=0.05, rng=1, trials=2).identical(ds)


def test_shielding_is_reported():
    net = hh.Network(1, noise=hh.ShieldedNoise(AREA))
    missing = net.shielding().missing
    ds = hh.solve(net, 0.1, rng=1)
    assert ds.attrs["largest_missing_variance"] == pytest.approx(float(missing.max()))
    assert np.all((missing > 0) & (missing < 0.2))
    complete = hh.Network(1, noise=hh.ConductanceNoise(AREA)).shielding([-65.0, 0.0]).missing
    np.testing.assert_allclose(complete, 0.0, atol=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hh.SubunitNoise(), "give area .* or numbers"),
        (lambda: hh.SubunitNoise(1.0, numbers={"K": 1}), "give area .* or numbers"),
        (lambda: hh.SubunitNoise(-1.0), "area must be positive, got -1.0"),
        (lambda: hh.SubunitNoise(1.0, bounds="cut"), "bounds must be one of none, .* got 'cut'"),
        (lambda: hh.OrnsteinUhlenbeckCurrent(0.0, 1.0, 0.0), "tau must be positive, got 0.0"),
        (
            lambda: hh.Network(1, noise=hh.ConductanceNoise(numbers={"L": 5})),
            "'L' is not a channel with gates; there are Na, K",
        ),
        (
            lambda: hh.Network(1, noise=hh.ConductanceNoise(9.0, transitions=[("K", "n0->n2")])),
            "no .'K', 'n0->n2'.; K has n0->n1",
        ),
        (
            lambda: hh.Network(1, noise=hh.ConductanceNoise(9.0, transitions=[("X", "n0->n1")])),
            "channels are K, Na",
        ),
        (lambda: hh.Network(1, noise=hh.SubunitNoise(0.001)), "at least one Na channel"),
        (
            lambda: hh.Network(1, noise=[hh.SubunitNoise(1.0), hh.ShieldedNoise(1.0)]),
            "one kind of channel noise",
        ),
        (
            lambda: hh.Network(1, noise=[hh.OrnsteinUhlenbeckCurrent(0, 1, 1)] * 2),
            "eta stand for two",
        ),
    ],
)
def test_bad_noise(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_a_cell_without_densities_needs_numbers():
    channels = (*SMALL.channels[:1], SMALL.channels[1].replace(density=None))
    cell = hh.Cell("other", channels)
    with pytest.raises(ValueError, match="channel A has no density"):
        hh.Network(1, cell=cell, noise=hh.SubunitNoise(1.0))
    assert hh.Network(1, cell=cell, noise=hh.SubunitNoise(numbers={"A": 50})).sde().m == 1


def test_methods_refuse_noise_above_their_means():
    net = hh.Network(1, cell=SMALL, noise=hh.ConductanceNoise(AREA))
    for method in ("milstein", "sra1"):
        with pytest.raises(ValueError, match=f"{method} does not take general noise; choose from"):
            hh.solve(net, 1.0, method=method)
