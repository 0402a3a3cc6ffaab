"""The Markov chain of channels: its law, its addresses, and what its methods refuse.

Every statistical test is made with a fixed seed and would fail by chance once in 10^4 seeds, or
less often, for each of the numbers it compares.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import xarray as xr

import hh_sde as hh
from hh_sde.kernels.binomial import binomials, probability
from hh_sde.markov import scheme
from hh_sde.methods import chain

CHAIN = [name for name, method in hh.METHODS.items() if method.interpretation == "chain"]
LEVEL = 1e-4
SMALL = {"Na": 60, "K": 18}  # channels of 1 um^2
HH = hh.CELLS["hodgkin_huxley"]


def noisy(n=1, area=1.0, **options):
    return hh.Network(n, noise=hh.ConductanceNoise(area=area), **{"stimulus": 10.0, **options})


def clamped(V, **noise):
    """A cell whose channels carry no current, so that its potential is that of the leak."""
    cell = HH.replace(g_Na=0.0, g_K=0.0, E_L=V, V0=V)
    return hh.Network(1, cell=cell, noise=hh.ConductanceNoise(**noise))


def counts(ds, channel, number):
    """Whole channels in each state, the last axis, and that they are whole and all there.

    `number` is one number, or one for each neuron.
    """
    each = np.asarray(number)[..., None]
    states = np.stack([ds[name].values for name in scheme(channel).states], axis=-1)
    found = np.rint(states * each)
    assert np.array_equal(states, found / each)
    assert np.all(found >= 0)
    assert np.all(found.sum(axis=-1) == number)
    return found


def agrees_with_binomial(found, number, p):
    """p-value of a chi-square test, of classes with at least ten expected."""
    law = scipy.stats.binom(number, p)
    edges, last = [-1], 0.0
    for k in range(number + 1):
        if (law.cdf(k) - last) * found.size >= 10 and law.sf(k) * found.size >= 10:
            edges.append(k)
            last = law.cdf(k)
    edges.append(number)
    expected = np.diff([0.0 if k < 0 else law.cdf(k) for k in edges]) * found.size
    observed = np.histogram(found, bins=np.array(edges) + 0.5)[0]
    return scipy.stats.chisquare(observed, expected).pvalue


# -- binomial numbers --


@pytest.mark.parametrize("p", [1e-7, 0.003, 0.3, 0.5, 0.77, 1 - 1e-5])
@pytest.mark.parametrize("n", [1, 5, 18, 60, 1800, 100_000, 3_000_000])
def test_binomial_numbers_have_the_binomial_law(n, p):
    # each number is given for one stretch of u, as long as its probability: on an even grid of u
    # its frequency is off by one grid point at most. Sharper than any sample; catches a wrong mode,
    # a wrong ratio, a wrong Stirling term.
    points = 200_000
    u = (np.arange(points) + 0.5) / points
    found = np.empty(points)
    binomials(np.full(points, float(n)), np.full(points, p), u, found)
    frequency = np.bincount(found.astype(int), minlength=n + 1) / points
    assert frequency.size == n + 1
    law = scipy.stats.binom(n, p).pmf(np.arange(n + 1))
    assert np.max(np.abs(frequency - law)) <= 1.01 / points


@pytest.mark.parametrize(("n", "p"), [(20, 0.5), (23, 0.44), (6000, 0.01), (10**6, 0.3)])
def test_probability_at_the_mode(n, p):
    # catches a Stirling term that is off by too little to be seen in frequencies
    k = math.floor((n + 1) * p)
    exact = Fraction(p) ** k * (1 - Fraction(p)) ** (n - k) * math.comb(n, k) if n < 100 else None
    expected = scipy.stats.binom(n, p).pmf(k) if exact is None else float(exact)
    assert probability(float(k), float(n), p) == pytest.approx(
        expected, rel=1e-12 if exact else 1e-9
    )


@pytest.mark.parametrize(("n", "p"), [(18, 0.3), (1800, 0.004), (6000, 0.3), (6000, 0.9)])
def test_binomial_numbers_of_random_u(n, p):
    found = np.empty(50_000)
    u = np.random.default_rng(n).random(found.size)
    binomials(np.full(found.size, float(n)), np.full(found.size, p), u, found)
    assert agrees_with_binomial(found, n, p) > LEVEL


def test_binomial_numbers_at_the_ends():
    n = np.array([0.0, 7.0, 7.0, 7.0, 7.0])
    p = np.array([0.5, 0.0, 1.0, 0.5, 0.5])
    u = np.array([0.5, 0.5, 0.5, 0.0, 1.0])
    found = np.empty(5)
    binomials(n, p, u, found)
    assert found[:3].tolist() == [0.0, 0.0, 7.0]
    assert np.all((found >= 0) & (found <= n))


# -- the law --


@pytest.mark.parametrize(("method", "dt"), [("gillespie", 1.0), ("tau_leap", 0.25)])
@pytest.mark.parametrize("V", [-40.25, -60.25])
def test_stationary_law_at_voltage_clamp(method, dt, V):
    # catches rates kept at their band's bound, a wrong multiplicity, a subunit of another state.
    # An exchange of two states in detailed balance keeps the law whatever the step.
    net = clamped(V, area=1.0)
    ds = hh.solve(net, 30.0, dt=dt, method=method, rng=3, trials=4000, save_dt=15.0)
    assert np.all(np.abs(ds.V.values - V) < 1e-9)
    x_inf = net.kinetics([V]).x_inf.values[:, 0]
    for channel, gates in zip(net.cell.channels[:2], ([0, 1], [2]), strict=True):
        number = SMALL[channel.name]
        found = counts(ds, channel, number)[:, -1, 0]
        law = scheme(channel).equilibrium(x_inf[gates])
        for state, p in enumerate(law):
            if number * p > 0.05:
                assert agrees_with_binomial(found[:, state], number, p) > LEVEL, (state, p)


@pytest.mark.parametrize(("method", "dt"), [("gillespie", 0.5), ("tau_leap", 0.02)])
def test_autocovariance_at_voltage_clamp(method, dt):
    # catches wrong speeds that leave the stationary law alone
    V, trials, lags = -45.25, 8000 if method == "gillespie" else 3000, [0.5, 2.0]
    net = clamped(V, area=1.0)
    ds = hh.solve(net, 18.0, dt=dt, method=method, rng=4, trials=trials, save_dt=0.5)
    rates = net.kinetics([V])
    for channel, gates in zip(net.cell.channels[:2], ([0, 1], [2]), strict=True):
        number, states = SMALL[channel.name], scheme(channel)
        Q = states.generator(rates.alpha.values[gates, 0], rates.beta.values[gates, 0])
        law = states.equilibrium(rates.x_inf.values[gates, 0])
        # the fast states with m alone, and the open one
        for state in (states.open, 1):
            fraction = ds[states.states[state]].isel(neuron=0)
            times = [16.0, *(16.0 + lag for lag in lags)]
            first, *later = number * fraction.sel(time=times, method="nearest").values.T
            for lag, then in zip(lags, later, strict=True):
                stay = scipy.linalg.expm(Q * lag)[state, state]
                expected = number * law[state] * (stay - law[state])
                products = (first - number * law[state]) * (then - number * law[state])
                z = (np.mean(products) - expected) / (np.std(products) / np.sqrt(trials))
                assert abs(z) < scipy.stats.norm.isf(LEVEL / 2), (channel.name, state, lag, z)


class Reference:
    """The same process from its definition: 28 transitions, and integrals of their total rate.

    Anderson, Ermentrout & Thomas (2015): V and the total hazard are integrated together (by
    Runge-Kutta steps of at most h), and a transition takes place where the hazard's integral
    reaches an exponential number. All trials at once, each at its own time.
    """

    h = 0.02

    def __init__(self, trials, Na, K, rng, current=10.0):
        self.rng, self.current = rng, current
        self.V = np.full(trials, -65.0)
        self.Na = np.tile(Na.astype(float), (trials, 1))  # m0h0, m1h0, ..., m3h1
        self.K = np.tile(K.astype(float), (trials, 1))
        self.moves = [
            *((m + 4 * h, m + 1 + 4 * h, "am", 3 - m) for m in range(3) for h in range(2)),
            *((m + 1 + 4 * h, m + 4 * h, "bm", m + 1) for m in range(3) for h in range(2)),
            *((m, m + 4, "ah", 1) for m in range(4)),
            *((m + 4, m, "bh", 1) for m in range(4)),
            *((8 + n, 9 + n, "an", 4 - n) for n in range(4)),
            *((9 + n, 8 + n, "bn", n + 1) for n in range(4)),
        ]

    @staticmethod
    def rates(V):
        u = V + 65.0
        return {
            "am": 0.1 * (25.0 - u) / np.expm1((25.0 - u) / 10.0),
            "bm": 4.0 * np.exp(-u / 18.0),
            "ah": 0.07 * np.exp(-u / 20.0),
            "bh": 1.0 / (1.0 + np.exp((30.0 - u) / 10.0)),
            "an": 0.01 * (10.0 - u) / np.expm1((10.0 - u) / 10.0),
            "bn": 0.125 * np.exp(-u / 80.0),
        }

    def propensities(self, V, states):
        rates = self.rates(V)
        return [factor * rates[rate] * states[:, a] for a, _, rate, factor in self.moves]

    def slope(self, V, states):
        total = sum(self.propensities(V, states))
        currents = (
            120.0 * states[:, 7] / SMALL["Na"] * (V - 50.0)
            + 36.0 * states[:, 12] / SMALL["K"] * (V + 77.0)
            + 0.3 * (V + 54.387)
        )
        return self.current - currents, total

    def step(self, V, states, h):
        k1, l1 = self.slope(V, states)
        k2, l2 = self.slope(V + 0.5 * h * k1, states)
        k3, l3 = self.slope(V + 0.5 * h * k2, states)
        k4, l4 = self.slope(V + h * k3, states)
        return V + h * (k1 + 2 * (k2 + k3) + k4) / 6, h * (l1 + 2 * (l2 + l3) + l4) / 6

    def until(self, times):
        """V and open Na channels at the times, (times, trials) each."""
        trials = self.V.size
        states = np.concatenate([self.Na, self.K], axis=1)
        t, V, left = np.zeros(trials), self.V, self.rng.exponential(size=trials)
        out = np.empty((2, len(times), trials))
        for k, end in enumerate(times):
            going = np.flatnonzero(t < end)
            while going.size:
                s, v = states[going], V[going]
                h = np.minimum(self.h, end - t[going])
                _, hazard = self.step(v, s, h)
                fires = hazard >= left[going]
                for _ in range(3):  # where the hazard's integral is what is left: Newton
                    new, hazard = self.step(v, s, h)
                    excess = (hazard - left[going]) / self.slope(new, s)[1]
                    h = np.where(fires, h - excess, h)
                new, hazard = self.step(v, s, h)
                V[going] = new
                t[going] = np.where(fires | (t[going] + h < end - 1e-12), t[going] + h, end)
                left[going] -= hazard
                hit = going[fires]
                if hit.size:
                    a = np.cumsum(self.propensities(V[hit], states[hit]), axis=0)
                    which = np.sum(a < self.rng.random(hit.size) * a[-1], axis=0)
                    source, target = np.array([move[:2] for move in self.moves])[which].T
                    states[hit, source] -= 1
                    states[hit, target] += 1
                    left[hit] = self.rng.exponential(size=hit.size)
                going = going[t[going] < end]
            out[0, k], out[1, k] = V, states[:, 7]
        return out


@pytest.fixture(scope="module")
def reference():
    start = hh.solve(noisy(), 0.1, dt=0.1, method="gillespie", rng=0).isel(time=0)
    Na, K = (counts(start, channel, SMALL[channel.name]) for channel in HH.channels[:2])
    return Reference(2000, Na[0], K[0], np.random.default_rng(5)).until([1.0, 2.5, 6.0])


@pytest.mark.parametrize(("method", "dt"), [("gillespie", 0.5), ("tau_leap", 0.01)])
def test_a_free_cell_has_the_law_of_the_definition(method, dt, reference):
    # catches rates frozen over a step, events kept or forgotten at a band's end, a wrong current
    trials = 8000 if method == "gillespie" else 3000
    ds = hh.solve(noisy(), 6.0, dt=dt, method=method, rng=6, trials=trials, save_dt=0.5)
    for k, time in enumerate([1.0, 2.5, 6.0]):
        now = ds.sel(time=time, method="nearest").isel(neuron=0)
        for found, expected in ((now.V, reference[0, k]), (60 * now.m3h1, reference[1, k])):
            p = scipy.stats.ks_2samp(np.round(found.values, 6), np.round(expected, 6)).pvalue
            assert p > LEVEL, (time, found.name, p)


def test_the_comparison_sees_rates_frozen_over_a_step(reference):
    # a test of the test: a step of 0.5 ms is told from the exact law
    ds = hh.solve(noisy(), 2.5, dt=0.5, method="tau_leap", rng=6, trials=4000)
    V = ds.V.sel(time=2.5, method="nearest").values[:, 0]
    assert scipy.stats.ks_2samp(V, reference[0, 1]).pvalue < 0.01 * LEVEL


@pytest.mark.parametrize(("method", "dt"), [("gillespie", 0.1), ("tau_leap", 0.005)])
def test_many_channels_are_the_deterministic_cell(method, dt):
    # catches a wrong limit; the deviation goes like 1/sqrt(area)
    exact = hh.solve(hh.Network(1, stimulus=10.0), 8.0, dt=0.1, method="scipy.DOP853").V.values
    options = {"dt": dt, "method": method, "rng": 1, "trials": 2, "save_dt": 0.1}
    error = [
        np.sqrt(np.mean((hh.solve(noisy(area=area), 8.0, **options).V.values - exact) ** 2))
        for area in (30.0, 10_000.0)
    ]
    assert error[1] < 1.5
    assert error[1] < 0.2 * error[0]


def test_own_channel_given_by_steady_state_and_time_constant():
    # gates by x_inf and tau have bounds of their own; numbers differ between neurons
    gate = hh.Gate("w", 2, x_inf=hh.Sigmoid(1.0, -50.0, 6.0), tau=hh.Sigmoid(4.0, -55.0, -5.0))
    slow = hh.Channel("M", g=0.0, E=-90.0, gates=(gate,), density=2.0)
    cell = hh.Cell("own", (slow, hh.Channel("L", g=0.5, E=-51.25)), V0=-51.25)
    net = hh.Network(2, cell=cell, noise=hh.ConductanceNoise(area=[5.0, 40.0]))
    ds = hh.solve(net, 40.0, dt=1.0, method="gillespie", rng=2, trials=20_000, save_dt=40.0)
    found = counts(ds, slow, [10, 80])
    p = net.kinetics([-51.25]).x_inf.values[0, 0] ** 2
    for neuron, number in enumerate([10, 80]):
        assert agrees_with_binomial(found[:, -1, neuron, -1], number, p) > LEVEL


def test_potential_between_transitions_is_exact():
    # channels that carry nothing leave C dV/dt = I(t) - g (V - E): jumps off the grid, and no leak
    cell = HH.replace(g_Na=0.0, g_K=0.0, C=2.0, E_L=-60.0, V0=-60.0)
    pulse = hh.StepCurrent(3.0, start=1.234, stop=2.7185)
    net = hh.Network(1, cell=cell, stimulus=pulse, noise=hh.ConductanceNoise(area=1.0))
    ds = hh.solve(net, 6.0, dt=0.5, method="gillespie", rng=1)
    t = ds.time.values

    def risen(since):
        return 3.0 / 0.3 * (1 - np.exp(-0.3 / 2.0 * np.maximum(t - since, 0.0)))

    assert np.allclose(ds.V.values[:, 0], -60 + risen(1.234) - risen(2.7185), atol=1e-10, rtol=0)
    net = hh.Network(1, cell=cell.replace(g_L=0.0), stimulus=-1.5, noise=net.noise)
    ds = hh.solve(net, 6.0, dt=0.5, method="gillespie", rng=1)
    assert np.allclose(ds.V.values[:, 0], -60.0 - 1.5 / 2.0 * t, atol=1e-10, rtol=0)


# -- what is kept, and what does not matter --


@pytest.mark.parametrize("method", CHAIN)
def test_channels_are_whole_and_none_is_lost(method):
    net = noisy(2, area=2.7)
    ds = hh.solve(net, 20.0, dt=0.05, method=method, rng=1, trials=3)
    for channel in HH.channels[:2]:
        number = round(channel.density * 2.7)
        assert len(np.unique(counts(ds, channel, number))) > 10
    assert ds.attrs["interpretation"] == ds.attrs["noise_type"] == "chain"
    hh.validate(ds)


@pytest.mark.parametrize("method", CHAIN)
def test_spikes_beside_traces_of_the_chain(method):
    net = noisy(2, area=2.0)
    options = {"dt": 0.1, "rng": 1, "trials": 2, "method": method}
    both = hh.solve(net, 60.0, save_dt=5.0, record=("V", "spikes"), **options)
    alone = hh.solve(net, 60.0, record=("spikes",), **options)
    assert np.array_equal(both.spike_time, alone.spike_time)
    assert alone.sizes["spike"] > 4
    half = hh.solve(net, 30.0, record=("spikes",), **options)
    rest = hh.solve(net, 60.0, record=("spikes",), x0=half, **options)
    joined = np.concatenate([half.spike_time, rest.spike_time])
    np.testing.assert_allclose(np.sort(joined), np.sort(alone.spike_time), rtol=1e-12)


@pytest.mark.parametrize("discard", [None, 2.0])
@pytest.mark.parametrize("record", [("V",), ("V", "spikes")])
def test_an_interrupted_window_leaves_the_state_before_it(record, discard, monkeypatch):
    options = {"dt": 0.1, "rng": 1, "method": "gillespie", "record": record}
    whole = hh.solve(noisy(area=2.0), 20.0, discard=discard, **options)
    advance = chain._Range.advance

    def interrupted(self, pieces, out):
        advance(self, pieces, out)
        raise KeyboardInterrupt

    monkeypatch.setattr(chain._Range, "advance", interrupted)
    with pytest.raises(hh.Interrupted, match="interrupted after 0 ms") as info:
        hh.solve(noisy(area=2.0), 20.0, discard=discard, **options)
    monkeypatch.undo()
    part = info.value.dataset
    assert part.last_V.values.tolist() == [-65.0]
    rest = hh.solve(noisy(area=2.0), 20.0, x0=part, discard=discard, **options)
    for name in set(whole.data_vars) & {"V", "spike_time", "last_V", "last_n4"}:
        assert np.array_equal(rest[name], whole[name])


@pytest.mark.parametrize("method", CHAIN)
def test_a_result_does_not_depend_on_how_it_is_computed(method, monkeypatch):
    net = noisy(2, area=2.0, stimulus=hh.PulseTrain(12.0, start=1.03, width=2, period=5))
    options = {"dt": 0.05, "method": method, "rng": 7}
    whole = hh.solve(net, 12.0, trials=5, **options)
    alone = hh.solve(net, 12.0, trials=[3], **options)
    assert np.array_equal(whole.sel(trial=[3]).to_array(), alone.to_array())
    thinned = hh.solve(net, 12.0, trials=5, save_dt=0.5, threads=3, **options)
    assert np.array_equal(whole.isel(time=slice(None, None, 10)).to_array(), thinned.to_array())
    half = hh.solve(net, 6.0, trials=5, **options)
    rest = hh.solve(net, 12.0, x0=half, **options)
    assert np.array_equal(whole.isel(time=slice(120, None)).to_array(), rest.to_array())
    spikes = hh.solve(net, 12.0, trials=5, record=("spikes",), **options)
    assert spikes.sizes["spike"] > 5
    monkeypatch.setattr(chain, "_TRANSITIONS", 100)
    monkeypatch.setattr(chain, "_ROOM", 0)
    assert whole.identical(hh.solve(net, 12.0, trials=5, **options))
    again = hh.solve(net, 12.0, trials=5, record=("spikes",), threads=2, **options)
    assert spikes.identical(again)


def test_other_trials_and_seeds_differ():
    ds = hh.solve(noisy(2), 2.0, dt=0.1, method="gillespie", rng=1, trials=2)
    lanes = ds.V.isel(time=-1).values.ravel()
    other = hh.solve(noisy(2), 2.0, dt=0.1, method="gillespie", rng=2, trials=2)
    assert len(set(lanes) | set(other.V.isel(time=-1).values.ravel())) == 8


@pytest.mark.parametrize("rule", [hh.SpikeRule(), hh.SpikeRule(-20.0, None), hh.SpikeRule(0, 0, 3)])
def test_spikes_are_those_of_a_finely_sampled_trace(rule):
    options = {"dt": 0.002, "method": "gillespie", "rng": 4, "trials": 2}
    traces = hh.solve(noisy(area=30.0), 60.0, **options).hh.spikes(rule)
    found = hh.solve(noisy(area=30.0), 60.0, record=("spikes",), spike_rule=rule, **options)
    assert found.sizes["spike"] == traces.sizes["spike"] > 5
    assert np.array_equal(found.trial, traces.trial)
    difference = np.abs(found.spike_time.values - traces.spike_time.values)
    assert np.max(difference) < 0.002
    assert np.max(difference) > 0  # not those of the samples, interpolated


def test_spike_times_are_exact():
    # one channel of each kind, that carries nothing: V rises to 20 mV as a capacitor does
    cell = HH.replace(g_Na=0.0, g_K=0.0, E_L=20.0, V0=-65.0)
    net = hh.Network(1, cell=cell, noise=hh.ConductanceNoise(numbers={"Na": 1, "K": 1}))
    options = {"record": ("spikes",), "spike_rule": hh.SpikeRule(-20.37)}
    ds = hh.solve(net, 5.0, dt=5.0, method="gillespie", rng=1, trials=20, **options)
    exact = np.log(85.0 / 40.37) / 0.3
    assert np.allclose(ds.spike_time.values, np.full(20, exact), rtol=0, atol=1e-12)


def test_transitions_are_counted():
    # at rest N p subunits of each kind open and close at the rate alpha (1 - x) + beta x
    net = clamped(-60.25, area=20.0)
    ds = hh.solve(net, 200.0, dt=1.0, method="gillespie", rng=1)
    rates = net.kinetics([-60.25]).isel(V=0)
    each = 2 * (rates.alpha * (1 - rates.x_inf)).values * [3 * 1200, 1200, 4 * 360]
    assert ds.attrs["transition_events"] == pytest.approx(200 * each.sum(), rel=0.01)


def test_a_start_is_rounded_to_whole_channels():
    net = noisy(area=1.0)
    start = hh.solve(net, 0.1, dt=0.1, method="gillespie", rng=1).isel(time=0)
    law = net.sde().x0[1:]
    found = start.drop_vars("V").to_array().values[:, 0]
    assert np.max(np.abs(found - law) * np.repeat([60, 18], [8, 5])) < 1
    with pytest.raises(ValueError, match="must not be negative and add up to 1"):
        hh.solve(net, 1.0, dt=0.1, method="gillespie", x0=np.full(14, 0.5))


def test_a_paired_noise_has_the_same_chain():
    paired = hh.Network(1, stimulus=10.0, noise=hh.ConductanceNoise(area=1.0, paired=True))
    for method in CHAIN:
        one, other = (hh.solve(net, 2.0, dt=0.1, method=method, rng=1) for net in (paired, noisy()))
        xr.testing.assert_equal(one, other)


def test_tau_leap_takes_synapses_and_any_stimulus():
    sine, synapse = hh.SineCurrent(10.0, 50.0), hh.Synapse.sigmoidal(0.1)
    net = noisy(2, area=[0.7, 12.0], synapses=synapse, stimulus=sine)
    ds = hh.solve(net, 5.0, dt=0.01, method="tau_leap", rng=1, trials=2)
    assert np.all(np.isfinite(ds.to_array()))
    for channel in HH.channels[:2]:
        counts(ds, channel, np.round(channel.density * np.array([0.7, 12.0])))
    assert float(ds.s.max()) > float(ds.s.isel(time=0).max())


# -- what is refused --

TABLE = hh.Tabulated.sample(lambda V: 0.01 * np.exp(V / 80))


def with_alpha_n(rate):
    Na, K, L = HH.channels
    gate = K.gates[0].replace(alpha=rate)
    return HH.replace(channels=(Na, K.replace(gates=(gate,)), L))


@pytest.mark.parametrize("method", CHAIN)
@pytest.mark.parametrize(
    ("net", "message"),
    [
        (hh.Network(1), "ConductanceNoise.* alone; got no noise"),
        (hh.Network(1, noise=hh.SubunitNoise(area=1.0)), "alone; got SubunitNoise"),
        (
            hh.Network(1, noise=(hh.ConductanceNoise(area=1.0), hh.CurrentNoise(1.0))),
            "alone; got ConductanceNoise, CurrentNoise",
        ),
        (
            hh.Network(1, noise=hh.ConductanceNoise(area=1.0, bounds="clip")),
            "bounds='none'; got .* bounds = 'clip'",
        ),
        (
            hh.Network(1, noise=hh.ConductanceNoise(area=1.0, transitions=[("K", "n0->n1")])),
            "all transitions",
        ),
        (hh.Network(1, noise=hh.ConductanceNoise(numbers={"Na": 60})), "there is none for K"),
    ],
)
def test_other_noise_is_refused(method, net, message):
    with pytest.raises(ValueError, match=message):
        hh.solve(net, 1.0, dt=0.1, method=method)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (noisy(2, synapses=hh.Synapse.sigmoidal(0.1)), "without synapses .*tau_leap takes them"),
        (noisy(2, synapses=hh.GapJunction(0.1)), "without synapses and gap junctions"),
        (noisy(stimulus=hh.SineCurrent(1.0, 50.0)), "change at jumps alone: .*tau_leap"),
        (noisy(cell=with_alpha_n(TABLE)), "gate n has a Tabulated one"),
    ],
)
def test_gillespie_refuses_what_it_cannot_solve_exactly(net, message):
    with pytest.raises(ValueError, match=message):
        hh.solve(net, 1.0, dt=0.1, method="gillespie")


def test_a_run_that_fails_says_where_and_keeps_the_others():
    net = noisy(2)
    x0 = np.tile(net.sde().x0, (3, 1))
    x0[1, 1] = -1e6  # mV: rates beyond all numbers
    with pytest.raises(hh.IntegrationError) as failure:
        hh.solve(net, 1.0, dt=0.1, method="gillespie", rng=1, trials=3, x0=x0)
    assert (failure.value.trial, failure.value.neuron, failure.value.variable) == (1, 1, "V")
    assert failure.value.dataset.sizes["time"] == 1


def test_no_chain_without_a_network_or_its_noise():
    net = noisy()
    with pytest.raises(ValueError, match="got an SDE"):
        hh.solve(net.sde(), 1.0, method="gillespie")
    with pytest.raises(ValueError, match="nothing left without it"):
        hh.solve(net, 1.0, method="tau_leap", noise="ignore")
    with pytest.raises(ValueError, match="give rng, its seed"):
        hh.solve(net, 1.0, method="gillespie", path=hh.BrownianPath(1, m=28, dt=0.01))


def test_currents_that_jump_are_known_as_such():
    step = hh.StepCurrent(1.0, start=1.0)
    assert (step + 1.0 + hh.SampledCurrent([1.0, 2.0], dt=1.0)).piecewise_constant
    assert not (
        step + hh.SampledCurrent([1.0, 2.0], 1.0, interpolation="linear")
    ).piecewise_constant
