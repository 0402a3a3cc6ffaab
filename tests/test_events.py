"""Event-driven synapses, delays, and spike trains from outside.

Targets are leaky membranes, whose conductances are known in closed form.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from shared import ENGINE, KINDS

import hh_sde as hh
from hh_sde.continuation import as_text, last_state
from hh_sde.kernels.events import poisson
from hh_sde.kernels.jit import kernel

LEAKY = hh.Cell("leaky", (hh.Channel("L", g=0.125, E=-64.0),), V0=-64.0)
#: Those that take decays by their exact flow.
EXACT = ["exponential_euler", "lie_trotter", "strang"]
exponential, biexponential = hh.SYNAPSES["exponential"], hh.SYNAPSES["biexponential"]


def run(synapses, t_end=20.0, n=1, **options):
    """A leaky membrane, or some, with these synapses."""
    net = hh.Network(n, cell=LEAKY, synapses=synapses)
    return hh.solve(net, t_end, **{"method": "lie_trotter", "dt": 0.1} | options)


def alone(g):
    """(time,) of the only neuron."""
    return g.isel(neuron=0).values


# -- conductances in closed form -------------------------------------------------------------------


@pytest.mark.parametrize("method", EXACT)
def test_an_exponential_conductance_jumps_and_decays(method):
    source = hh.SpikeTimes([[2.0, 7.03]])
    ds = run([exponential(0.5, tau=5.0, E=0.0, source=source)], method=method)
    t = ds.time.values
    expected = sum(
        0.5 * np.exp(-(t - at) / 5.0) * (t > at - 1e-9) for at in (2.0, 7.1)
    )  # 7.03 is in the step that ends at 7.1
    np.testing.assert_allclose(alone(ds.g_exponential), expected, rtol=1e-12)


@pytest.mark.parametrize("method", EXACT)
@pytest.mark.parametrize("rise", [0.5, 2.0, 8.0, 4.0, 4.0 * (1 + 1e-9), 4.0 * (1 - 1e-5)])
def test_a_biexponential_conductance_peaks_at_its_weight(method, rise):
    """Also with equal time constants, an alpha function, and near them."""
    source = hh.SpikeTimes([[2.0]])
    synapse = biexponential(0.5, tau_rise=rise, tau_decay=4.0, E=0.0, source=source)
    ds = run([synapse], 42.0, method=method)
    t = np.maximum(ds.time.values - 2.0, 0.0)
    if abs(rise - 4.0) < 1e-3:
        expected, accuracy = 0.5 * t / 4.0 * np.exp(1 - t / 4.0), abs(rise - 4.0) + 1e-12
    else:
        peak = np.log(4.0 / rise) / (1 / rise - 1 / 4.0)
        course = np.exp(-t / 4.0) - np.exp(-t / rise)
        expected = 0.5 * course / (np.exp(-peak / 4.0) - np.exp(-peak / rise))
        accuracy = 1e-12
    np.testing.assert_allclose(alone(ds.g_biexponential), expected, atol=accuracy)
    assert expected.max() == pytest.approx(0.5, rel=1e-3)


def test_a_conductance_draws_its_current_and_without_reversal_it_is_one():
    """V against scipy's solution of the same piecewise equation, at its tolerance."""
    from scipy.integrate import solve_ivp

    times = hh.SpikeTimes([[3.0]])
    synapses = [
        exponential(0.5, tau=5.0, E=0.0, source=times),
        exponential(-2.0, tau=8.0, source=times, name="pulse"),
    ]
    ds = run(synapses, 23.0, dt=0.01, method="strang")

    def f(t, V):
        g, i = 0.5 * np.exp(-t / 5.0), -2.0 * np.exp(-t / 8.0)
        return -0.125 * (V + 64.0) - g * V + i

    later = ds.sel(time=slice(2.999, None))
    exact = solve_ivp(
        f, (0, 20.001), [-64.0], t_eval=later.time.values - 3.0, rtol=1e-10, atol=1e-10
    )
    np.testing.assert_allclose(alone(later.V), exact.y[0], atol=2e-4)
    np.testing.assert_allclose(alone(later.i_pulse), -2.0 * np.exp(-exact.t / 8.0), rtol=1e-12)


def test_time_constants_and_weights_of_each_neuron():
    tau = np.array([2.0, 5.0, 9.0])
    weights = np.array([[0.1, 0.0], [0.0, 0.2], [0.3, 0.4]])
    source = hh.SpikeTimes([[1.0], [2.0]])
    ds = run([exponential(weights, tau=tau, E=0.0, source=source)], 10.0, n=3)
    t = ds.time.values[:, None]
    expected = sum(
        weights[:, k] * np.exp(-(t - at) / tau) * (t > at - 1e-9) for k, at in enumerate((1.0, 2.0))
    )
    np.testing.assert_allclose(ds.g_exponential, expected, rtol=1e-12)


# -- delays ----------------------------------------------------------------------------------------

#: Steps that a delay is of.
LATE = 13
SENDER = hh.Cell(
    "sender",
    (
        hh.Channel("L", g=0.125, E=-64.0),
        hh.Channel(
            "K",
            g=1.0,
            E=-80.0,
            gates=(
                hh.Gate(
                    "n",
                    2,
                    alpha=hh.Sigmoid(rate=0.5, mid=-40.0, scale=5.0),
                    beta=hh.Constant(0.1),
                ),
            ),
        ),
    ),
    V0=-64.0,
)


def felt(method, delay, *, event_driven, block=None, gap=False):
    """What a neuron feels of another that does not depend on it: (V, g or none) over time."""
    rule = hh.SpikeRule(threshold=-40.0, rearm=-45.0)
    if event_driven:
        synapse = biexponential(
            0.2, tau_rise=1.0, tau_decay=3.0, E=0.0, source="A", target="B", spike_rule=rule,
            delay=delay, voltage_block=block,
        )  # fmt: skip
    else:
        # a delay in a column: with one of 0 the same loops run
        edges = pd.DataFrame({"source": [0], "target": [0], "weight": [0.2], "delay": [delay]})
        synapse = hh.SYNAPSES["AMPA"](edges, source="A", target="B", voltage_block=block)
        synapse = synapse.replace(alpha=hh.Sigmoid(rate=1.1, mid=-45.0, scale=5.0))
    synapses = [synapse] + ([hh.GapJunction(0.1, source="B", target="B")] if gap else [])
    stimulus = hh.SineCurrent(amplitude=16.0, frequency=100.0)
    net = hh.Network(
        {
            "A": hh.Population(1, SENDER, stimulus, noise=hh.CurrentNoise(1.0)),
            "B": hh.Population(2 if gap else 1, LEAKY),
        },
        synapses=synapses,
    )
    x0 = {"V": -64.0, **({} if event_driven else {"s": 0.0, "s_AMPA": 0.0})}
    x0 = {name: value for name, value in x0.items() if name in net.variables}
    ds = hh.solve(net, 30.0, dt=0.05, method=method, rng=3, trials=2, x0=x0)
    assert ds.V.sel(neuron=0).max() > -40.0
    return ds


# one method of each kind where there is most, and one where there is least
@pytest.mark.parametrize(
    ("with_block_and_gap", "method"),
    [
        pytest.param(
            both, method, id=f"{'block and gap' if both else 'plain'}-{method}",
            marks=[] if method in (KINDS if both else ["lie_trotter"]) else [pytest.mark.slow],
        )
        for both in (False, True)
        for method in ENGINE
    ],
)  # fmt: skip
@pytest.mark.parametrize("event_driven", [True, False], ids=["event-driven", "graded"])
def test_what_is_late_is_the_same_moved_by_whole_steps(method, event_driven, with_block_and_gap):
    block = hh.Sigmoid(rate=1.0, mid=-50.0, scale=10.0) if with_block_and_gap else None
    options = {"event_driven": event_driven, "block": block, "gap": with_block_and_gap}
    at_once, late = (felt(method, k * 0.05, **options) for k in (0, LATE))
    for name in at_once.data_vars:
        before, after = (one[name].isel(neuron=slice(1, None)) for one in (at_once, late))
        if "time" not in before.dims or not np.any(np.isfinite(before)):
            continue
        np.testing.assert_array_equal(after[:, LATE:], before[:, :-LATE], err_msg=name)
        assert np.ptp(before.values) > 0, name
    np.testing.assert_array_equal(late.V[..., 0], at_once.V[..., 0])


@pytest.mark.parametrize("event_driven", [True, False])
def test_a_delay_that_is_no_multiple_of_dt_is_refused_with_the_nearest(event_driven):
    kind = exponential(0.1, tau=5.0, E=0.0, delay=1.53) if event_driven else None
    net = hh.Network(2, synapses=kind or hh.SYNAPSES["AMPA"](0.1, delay=1.53))
    with pytest.raises(ValueError, match=r"1.53 ms must be a multiple.* 1.5 and 1.6 ms"):
        hh.solve(net, 5.0, dt=0.1)
    for delay in (-1.0, np.nan, [1.0, 2.0]):
        with pytest.raises(ValueError, match="not negative"):
            exponential(0.1, tau=5.0, delay=delay)
        with pytest.raises(ValueError, match="not negative"):
            hh.SYNAPSES["AMPA"](0.1, delay=delay)


def test_edges_have_delays_of_their_own():
    """Beside that of the synapse, to which they are added."""
    edges = pd.DataFrame(
        {"source": [0, 0, 1], "target": [0, 1, 1], "weight": [0.1, 0.2, 0.4], "delay": [0, 1.5, 3]}
    )
    source = hh.SpikeTimes([[1.0], [2.0, 2.0]])
    ds = run([exponential(edges, tau=5.0, E=0.0, source=source, delay=0.5)], 10.0, n=2)
    t = ds.time.values

    def after(at):
        return np.exp(-(t - at) / 5.0) * (t > at - 1e-9)

    expected = np.stack([0.1 * after(1.5), 0.2 * after(3.0) + 2 * 0.4 * after(5.5)], axis=1)
    np.testing.assert_allclose(ds.g_exponential, expected, rtol=1e-12)
    with pytest.raises(ValueError, match=r"0\.75 ms must be a multiple"):
        run([exponential(edges.assign(delay=[0.0, 0.75, 1.0]), tau=5.0, source=source)], n=2)


# -- spike trains from outside ---------------------------------------------------------------------


def test_numbers_are_poisson():
    """The kernel against scipy's quantiles, up to the largest mean that is accepted."""
    inverse = kernel(lambda u, mean: poisson(u, mean))
    u = np.concatenate([np.random.default_rng(1).random(300), [0.0, 1 - 2.0**-53]])
    for mean in (0.0, 1e-3, 0.8, 12.0, 499.0, 500.0):
        expected = stats.poisson(mean).ppf(u)
        found = np.array([inverse(one, mean) for one in u])
        inner = u < 1 - 1e-9
        assert np.array_equal(found[inner & (u > 0)], expected[inner & (u > 0)]), mean
        assert found[u == 0.0] == 0
        assert abs(found[-1] - expected[-1]) < 0.5 * np.sqrt(mean) + 3


#: Synapses whose conductance counts the spikes.
COUNTING = {"tau": 1e15, "E": 0.0}


def counts(source, t_end, n, weights=1.0, options=(), **synapse):
    """How many spikes arrived up to each time, (time, n)."""
    ds = run(
        [exponential(weights, **COUNTING, source=source, **synapse)], t_end, n, **dict(options)
    )
    return np.rint(ds.g_exponential.values).astype(int)


def test_trains_have_the_counts_of_a_poisson_process():
    """Mean, variance, and independence between neurons, trials and windows.

    200 neurons x 5 trials x 40 windows of 2 ms; each of the statistics beyond its limit once in
    10^5. A train whose count were that of the last millisecond fails.
    """
    options = {"trials": 5, "rng": 5, "save_dt": 2.0}
    ds = run(
        [exponential(1.0, **COUNTING, source=hh.PoissonInput(350.0, n=2))], 80.0, 200, **options
    )
    n = np.rint(ds.g_exponential.diff("time").values)  # (trial, window, neuron)
    mean, z = 2 * 0.35 * 2, 4.4
    assert abs(n.mean() - mean) < z * np.sqrt(mean / n.size)
    spread = np.sqrt((mean + 2 * mean**2) / n.size)
    assert abs(n.var() - mean) < z * spread
    centred = (n - mean) / np.sqrt(mean)
    for a, b in (
        (centred[:, 1:], centred[:, :-1]),
        (centred[..., 1:], centred[..., :-1]),
        (centred[1:], centred[:-1]),
    ):
        assert abs((a * b).mean()) < z / np.sqrt(a.size)


def test_shot_noise_has_the_mean_and_variance_of_campbell():
    """Of a conductance in 1000 neurons x 4 trials after ten time constants.

    What arrives at the ends of steps of h has the mean w r h/(1 - q) and the variance
    w^2 r h/(1 - q^2), q = exp(-h/tau), which tend to w r tau and w^2 r tau/2. Each is missed
    once in 10^5; weights doubled and rates halved, which keeps the mean, fail.
    """
    rate, w, tau, h = 2000.0, 0.02, 5.0, 0.1
    source = hh.PoissonInput(rate / 8, n=8)
    synapse = exponential(w, tau=tau, E=0.0, source=source)
    ds = run([synapse], 50.0, 1000, trials=4, rng=3, record=("g_exponential",), save_dt=50.0)
    g = ds.g_exponential.isel(time=-1).values.ravel()
    q, r = np.exp(-h / tau), rate / 1000.0
    mean, variance = w * r * h / (1 - q), w**2 * r * h / (1 - q**2)
    assert mean == pytest.approx(w * r * tau, rel=0.02)
    assert variance == pytest.approx(w**2 * r * tau / 2, rel=0.03)
    assert abs(g.mean() - mean) < 4.4 * np.sqrt(variance / g.size)
    kurtosis = 3 + (w**4 * r * tau / 4) / variance**2
    assert abs(g.var() - variance) < 4.4 * variance * np.sqrt((kurtosis - 1) / g.size)


def test_a_train_is_the_same_at_every_dt():
    """The spikes up to each time of a coarse grid, and the positions inside of milliseconds."""
    source = hh.PoissonInput(700.0)
    fine = counts(source, 12.0, 5, options={"rng": 1, "dt": 0.01})
    assert fine[-1].min() > 0
    for dt in (0.03, 0.05, 0.1, 0.4, 1.0, 1.5, 4.0):
        every = round(dt / 0.01)
        coarse = counts(source, 12.0, 5, options={"rng": 1, "dt": dt})
        np.testing.assert_array_equal(coarse, fine[::every], err_msg=str(dt))
    assert not np.array_equal(counts(source, 12.0, 5, options={"rng": 2}), fine[::10])


def test_positions_in_a_millisecond_are_uniform():
    """Kolmogorov-Smirnov over some 14,000 spikes on a grid of 1/64 ms, a false alarm in 10^4."""
    found = counts(hh.PoissonInput(700.0), 20.0, 1000, options={"rng": 4, "dt": 1 / 64})
    step = np.repeat(np.arange(len(found) - 1), np.diff(found, axis=0).sum(axis=1))
    within = (step % 64 + np.random.default_rng(1).random(step.size)) / 64
    assert step.size > 13_000
    assert stats.kstest(within, "uniform").pvalue > 1e-4


def test_a_neuron_keeps_its_train_whatever_stands_beside_it():
    source = hh.PoissonInput(500.0)
    few, many = (counts(source, 10.0, n, options={"rng": 1}) for n in (3, 9))
    np.testing.assert_array_equal(many[:, :3], few)
    with_others = run(
        [
            exponential(1.0, **COUNTING, source=hh.PoissonInput(90.0), name="other"),
            exponential(1.0, **COUNTING, source=source),
        ],
        10.0, 3, rng=1,
    )  # fmt: skip
    np.testing.assert_allclose(with_others.g_exponential, few, rtol=1e-12)


def test_trains_of_several_synapses_are_independent():
    """Of one name to two populations, of one name to one, and of two names.

    Correlations of 400 counts of mean 20, each beyond its limit once in 10^5; where the trains were
    drawn by the synapse's name alone, those of one name are equal.
    """
    source = hh.PoissonInput(500.0)
    populations = {name: hh.Population(400, LEAKY) for name in ("E", "I")}
    synapses = [
        exponential(1.0, **COUNTING, source=source, target="E"),
        exponential(1.0, **COUNTING, source=source, target="I"),
        exponential(1.0, **COUNTING, source=source, target="E", name="other"),
        exponential(1000.0, **COUNTING, source=source, target="E"),
    ]
    ds = hh.solve(
        hh.Network(populations, synapses=synapses), 40.0, dt=0.1, method="lie_trotter", rng=1,
        record=("g_exponential", "g_other"), save_dt=40.0,
    ).isel(time=-1)  # fmt: skip
    both = np.rint(ds.g_exponential.values)
    trains = [both[:400] % 1000, both[:400] // 1000, both[400:], ds.g_other.values[:400]]
    r = np.corrcoef(trains)[np.triu_indices(4, 1)]
    assert np.all(np.abs(r) < 4.4 / np.sqrt(400)), r
    assert np.all(np.abs(np.mean(trains, axis=1) - 20.0) < 4.4 * np.sqrt(20.0 / 400))


def test_shared_trains_are_shared():
    source = hh.PoissonInput(600.0, n=3, shared=True)
    together = counts(source, 20.0, 4, options={"rng": 1})
    assert together[-1, 0] > 0
    assert np.all(together == together[:, :1])  # one number: every train to every neuron
    weights = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    each = counts(source, 20.0, 4, weights=weights, options={"rng": 1})
    np.testing.assert_array_equal(each[:, 3], each[:, :3].sum(axis=1))
    np.testing.assert_array_equal(each[:, 3], together[:, 0])
    assert len({tuple(column) for column in each.T}) == 4


def test_rates_may_change_and_differ():
    """Windows of 100 ms, beyond the limits once in 10^5 each; where there is no rate, none."""
    samples = pd.Series([0.0, 800.0, 0.0], index=[0.0, 100.0, 200.0])
    changing = hh.SampledCurrent(samples, interpolation="previous")
    found = counts(hh.PoissonInput(changing), 300.0, 20, options={"rng": 1, "save_dt": 100.0})
    windows = np.diff(found, axis=0).sum(axis=1)
    assert (windows[0], windows[2]) == (0, 0)
    assert abs(windows[1] - 1600) < 4.4 * 40
    differing = counts(hh.PoissonInput([0.0, 500.0, 2000.0]), 200.0, 3, options={"rng": 1})[-1]
    assert differing[0] == 0
    assert np.all(np.abs(differing[1:] - [100, 400]) < 4.4 * np.sqrt([100, 400]))
    with pytest.raises(ValueError, match="rates for 3 trains, and there are 4"):
        counts(hh.PoissonInput([1.0, 2.0, 3.0]), 5.0, 4)
    with pytest.raises(ValueError, match="finite and not negative"):
        hh.PoissonInput(-1.0)
    with pytest.raises(ValueError, match="OrnsteinUhlenbeckConductance"):
        hh.PoissonInput(2000.0, n=1000)


def test_given_spikes_are_those_of_another_run():
    cell = hh.Network(3, stimulus=[8.0, 10.0, 0.0], noise=hh.CurrentNoise(0.5))
    first = hh.solve(cell, 60.0, dt=0.05, rng=1, record=("spikes",))
    trains = hh.SpikeTimes(first)
    assert trains.n == 3
    found = counts(trains, 60.0, 3, weights=np.eye(3), options={"dt": 0.05})
    spikes = first.hh.spikes()
    for k in range(3):
        times = np.sort(spikes.spike_time.values[spikes.neuron.values == k])
        arrived = np.searchsorted(times, np.arange(1201) * 0.05 + 1e-9)
        np.testing.assert_array_equal(found[:, k], arrived)
    assert found[-1, 0] > 2 > found[-1, 2] == 0
    several = hh.solve(cell, 20.0, dt=0.05, rng=1, trials=2, record=("spikes",))
    with pytest.raises(ValueError, match="one trial"):
        hh.SpikeTimes(several)


def test_given_spikes_of_neo_have_units():
    neo = pytest.importorskip("neo")
    trains = [
        neo.SpikeTrain([0.001, 0.005], units="s", t_stop=1.0),
        neo.SpikeTrain([], units="ms", t_stop=9.0),
    ]
    found = hh.SpikeTimes(trains)
    assert (found.n, found.spike_time.tolist(), found.train.tolist()) == (2, [1.0, 5.0], [0, 0])


def test_a_spike_at_the_start_belongs_to_the_first_step():
    early = hh.SpikeTimes([[-3.0, 0.0, 0.1]])
    assert counts(early, 1.0, 1)[:4, 0].tolist() == [0, 2, 2, 2]
    first = run([exponential(1.0, **COUNTING, source=early)], 0.5)
    rest = run([exponential(1.0, **COUNTING, source=early)], 1.0, x0=first)
    assert alone(rest.g_exponential)[-1] == pytest.approx(2.0, rel=1e-12)
    at_cut = hh.SpikeTimes([[0.5]])
    first = run([exponential(1.0, **COUNTING, source=at_cut)], 0.5)
    rest = run([exponential(1.0, **COUNTING, source=at_cut)], 1.0, x0=first)
    assert alone(rest.g_exponential)[-1] == pytest.approx(1.0, rel=1e-12)


# -- short-term plasticity -------------------------------------------------------------------------


def by_hand(times, U, tau_rec, tau_facil):
    """u x at each spike, by the recursion of Tsodyks, Pawelzik & Markram (1998)."""
    u, x, last, found = 0.0, 1.0, -np.inf, []
    for time in times:
        since = time - last
        u = u * np.exp(-since / tau_facil) if tau_facil else 0.0
        x = 1 - (1 - x) * np.exp(-since / tau_rec) if tau_rec else 1.0
        u += U * (1 - u)
        found.append(u * x)
        x -= u * x
        last = time
    return found


PLASTICITY = [(0.5, 800.0, 0.0), (0.1, 100.0, 1000.0), (0.2, 0.0, 300.0), (0.7, 0.0, 0.0)]


@pytest.mark.parametrize("numbers", PLASTICITY)
def test_plasticity_is_the_recursion(numbers):
    times = [1.0, 4.0, 5.0, 5.5, 30.0, 31.0, 80.0]
    plastic = hh.ShortTermPlasticity(*numbers)
    synapse = exponential(1.0, **COUNTING, source=hh.SpikeTimes([times]), plasticity=plastic)
    g = alone(run([synapse], 90.0).g_exponential)
    jumps = np.diff(g)[np.rint(np.array(times) / 0.1).astype(int) - 1]
    np.testing.assert_allclose(jumps, by_hand(times, *numbers), rtol=1e-10)
    assert np.count_nonzero(np.diff(g) > 1e-9) == len(times)


@pytest.mark.parametrize("shared", [False, True])
def test_plasticity_of_poisson_trains_goes_by_their_times(shared):
    """Several spikes in a millisecond, which are drawn in another order."""
    source, numbers = hh.PoissonInput(3000.0, shared=shared), (0.3, 50.0, 20.0)
    arrived = counts(source, 20.0, 2, options={"rng": 1, "dt": 0.001})
    plastic = exponential(
        1.0, **COUNTING, source=source, plasticity=hh.ShortTermPlasticity(*numbers)
    )
    g = run([plastic], 20.0, 2, rng=1, dt=0.001).g_exponential.values
    for k in range(2):
        step = np.repeat(np.arange(20_000), np.diff(arrived[:, k]))
        jumps = np.diff(g[:, k])[np.unique(step)]
        expected = by_hand((step + 0.5) * 0.001, *numbers)
        expected = np.bincount(np.unique(step, return_inverse=True)[1], expected)
        np.testing.assert_allclose(jumps, expected, atol=3e-5)
        assert step.size > 30


def test_trains_that_are_drawn_together_share_no_resources():
    plastic = hh.ShortTermPlasticity(U=0.5, tau_rec=800.0)
    with pytest.raises(ValueError, match="resources of its own"):
        exponential(1.0, tau=5.0, source=hh.PoissonInput(10.0, n=5), plasticity=plastic)


@pytest.mark.parametrize(
    ("numbers", "match"), [((1.5,), "from 0 to 1"), ((0.5, -1.0), "not negative"), (("a",), "U")]
)
def test_wrong_numbers_of_plasticity(numbers, match):
    with pytest.raises((TypeError, ValueError), match=match):
        hh.ShortTermPlasticity(*numbers)


@pytest.mark.parametrize("delay", [1e8, 1e18, 1e300])
@pytest.mark.parametrize("event_driven", [True, False])
def test_delays_that_fit_no_memory_are_refused(delay, event_driven):
    """Also those whose number of steps is no whole number of 64 bits."""
    synapse = (
        exponential(0.1, tau=5.0, E=0.0, delay=delay)
        if event_driven
        else hh.SYNAPSES["AMPA"](0.1, delay=delay)
    )
    with pytest.raises(ValueError, match="delay"):
        run([synapse], n=1000)


def test_a_run_is_not_continued_with_its_synapses_in_another_order():
    """Nor from a part of what was on its way: what arrives would reach others, or nobody."""
    given = hh.SpikeTimes([[1.0, 2.0, 4.5]])
    synapses = [
        exponential(0.1, tau=5.0, E=0.0, source=given, delay=2.0, name="a"),
        exponential(0.2, tau=3.0, E=-80.0, source=given, delay=2.0, name="b"),
    ]
    net = hh.Network(1, cell=LEAKY, synapses=synapses)
    first = hh.solve(net, 3.0, dt=0.1, method="lie_trotter")
    whole = hh.solve(net, 6.0, dt=0.1, method="lie_trotter")
    rest = hh.solve(net, 6.0, dt=0.1, method="lie_trotter", x0=first)
    np.testing.assert_array_equal(rest.V, whole.V.sel(time=rest.time))
    other = net.replace(synapses=synapses[::-1])
    with pytest.raises(ValueError, match=r"x0: what is on its way .* in another order"):
        hh.solve(other, 6.0, dt=0.1, method="lie_trotter", x0=first)
    part = as_text(last_state(first).drop_vars("carried_slots"))
    with pytest.raises(ValueError, match="x0: what is on its way"):
        hh.solve(net, 6.0, dt=0.1, method="lie_trotter", x0=first.assign_attrs(last_state=part))


def test_rates_whose_samples_end_before_the_run_are_told():
    rate = pd.Series([500.0, 500.0], index=[0.0, 5.0])
    synapse = exponential(0.1, tau=5.0, E=0.0, source=hh.PoissonInput(rate))
    with pytest.warns(UserWarning, match="samples of the rate of exponential go from 0 to 10 ms"):
        run([synapse], 40.0, rng=1)
