"""Trials that end early."""

import numpy as np
import pytest
from scipy import stats
from shared import of_neurons

import hh_sde as hh
from hh_sde.measures import first_passage
from hh_sde.methods import Problem

START = {"V": hh.Normal(-65.0, 5.0)}
FIXED = [
    name
    for name, method in hh.METHODS.items()
    if not method.adaptive and method.interpretation != "chain"
]


@pytest.fixture
def noisy():
    return hh.Network(2, stimulus=[6.0, 9.0], noise=hh.CurrentNoise(3.0))


def first_spikes(ds):
    """The first spike of any neuron of each trial, by the measures."""
    spikes = ds.hh.spikes()
    times = [spikes.spike_time.values[spikes.trial == trial] for trial in ds.trial.values]
    return np.array([time.min() if time.size else np.nan for time in times])


def same_before(stopped, whole):
    """Whether traces are those of `whole` up to each stop, and NaN after it."""
    for trial in stopped.trial.values:
        one, other = stopped.sel(trial=trial), whole.sel(trial=trial)
        on = ~(stopped.time > one.stop_time).values
        other = other.isel(time=slice(0, stopped.sizes["time"]))
        assert np.array_equal(one.V[on], other.V[on])
        assert np.all(np.isnan(one.V[~on]))


@pytest.mark.parametrize("method", of_neurons(FIXED))
def test_the_first_spike_ends_a_trial_whatever_the_method(noisy, method):
    if "additive" not in hh.METHODS[method].strong_order:
        noisy = noisy.replace(noise=None)
    arguments = {"rng": 1, "trials": 3, "x0": START, "dt": 0.02, "method": method}
    whole = hh.solve(noisy, 8.0, **arguments)
    stopped = hh.solve(noisy, 8.0, stop="first spike", **arguments)
    found = first_spikes(whole)
    assert np.isfinite(found).all()
    assert np.allclose(stopped.stop_time, found, rtol=0, atol=1e-12)
    same_before(stopped, whole)
    end = float(stopped.time[-1])
    assert found.max() <= end < found.max() + 0.02 + 1e-9
    assert stopped.attrs["t_end"] == end
    hh.validate(stopped)


@pytest.mark.parametrize("method", ["scipy.DOP853", "scipy.LSODA", "scipy.odeint"])
def test_methods_with_error_control_stop_too(pair, method):
    whole = hh.solve(pair, 8.0, method=method)
    stopped = hh.solve(pair, 8.0, method=method, stop="first spike")
    assert stopped.stop_time.dims == ()
    wanted = whole.hh.spikes().spike_time.values.min()
    assert np.isclose(stopped.stop_time, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", ["gillespie", "tau_leap"])
def test_whole_channels_stop_too(method):
    net = hh.Network(1, stimulus=10.0, noise=hh.ConductanceNoise(area=20.0))
    arguments = {"rng": 1, "trials": 4, "method": method, "dt": 0.02}
    whole = hh.solve(net, 8.0, **arguments)
    stopped = hh.solve(net, 8.0, stop="first spike", **arguments)
    assert np.allclose(stopped.stop_time, first_spikes(whole), rtol=0, atol=1e-12)
    same_before(stopped, whole)


@pytest.mark.parametrize(("level", "direction"), [(-20.0, "up"), (-66.0, "down"), (-71.0, "down")])
def test_a_threshold_is_the_first_passage(noisy, level, direction):
    """Of some trials in the beginning, of others later, of others never."""
    arguments = {"rng": 1, "trials": 8, "x0": START}
    whole = hh.solve(noisy, 4.0, **arguments)
    stop = hh.Threshold("V", level, direction, neuron=1)
    stopped = hh.solve(noisy, 4.0, stop=stop, **arguments)
    found = first_passage(whole, level, direction).first_passage.sel(neuron=1)
    assert np.allclose(stopped.stop_time, found, rtol=0, atol=1e-12, equal_nan=True)
    same_before(stopped, whole)
    if direction == "down":
        assert (found == 0.0).any()
    if level == -71.0:
        assert np.isnan(found).any()
        assert stopped.attrs["t_end"] == 4.0
    any_neuron = hh.solve(noisy, 4.0, stop=stop.replace(neuron=None), **arguments)
    both = first_passage(whole, level, direction).first_passage.min("neuron")
    assert np.allclose(any_neuron.stop_time, both, rtol=0, atol=1e-12, equal_nan=True)


def test_any_variable_may_reach_a_threshold(noisy):
    whole = hh.solve(noisy, 8.0, rng=1, trials=2)
    stopped = hh.solve(noisy, 8.0, rng=1, trials=2, stop=hh.Threshold("h", 0.2, "down"))
    found = first_passage(whole, 0.2, "down", variable="h").first_passage.min("neuron")
    assert np.allclose(stopped.stop_time, found, rtol=0, atol=1e-12)
    assert stopped.stop_time.attrs["long_name"] == "time when h falls to 0.2"


@pytest.mark.parametrize("threads", [1, 3])
def test_trials_alone_and_threads_change_nothing(noisy, threads):
    arguments = {"rng": 5, "x0": START, "stop": "first spike", "record": ("V", "spikes")}
    whole = hh.solve(noisy, 60.0, trials=40, threads=threads, **arguments)
    some = hh.solve(noisy, 60.0, trials=[33, 3], **arguments)
    assert np.array_equal(whole.stop_time.sel(trial=[33, 3]), some.stop_time)
    n = some.sizes["time"]
    assert np.array_equal(whole.V.sel(trial=[33, 3])[:, :n], some.V, equal_nan=True)


def test_saves_and_recordings_do_not_change_the_time(noisy):
    arguments = {"rng": 5, "x0": START, "stop": "first spike", "trials": 9}
    whole = hh.solve(noisy, 60.0, **arguments)
    for record, save_dt in [(("I_Na",), 1.0), (("m", "spikes"), 0.5), (("spikes",), None)]:
        other = hh.solve(noisy, 60.0, record=record, save_dt=save_dt, **arguments)
        assert np.array_equal(whole.stop_time, other.stop_time), record
        hh.validate(other)
        if save_dt:
            thinned = whole.time[:: round(save_dt / 0.01)]
            assert np.allclose(other.time[: len(thinned)], thinned, rtol=0, atol=1e-9)
            assert 0.0 <= other.time[-1] - whole.stop_time.max() < save_dt


def test_spikes_after_the_stop_are_dropped(noisy):
    arguments = {"rng": 1, "trials": 6, "x0": START, "dt": 0.02, "record": ("spikes",)}
    whole = hh.solve(noisy, 60.0, **arguments)
    stopped = hh.solve(noisy, 60.0, stop=hh.Threshold("V", -75.0, "down"), **arguments)
    time, trial = whole.spike_time.values, whole.trial.values
    before = time <= stopped.stop_time.values[trial]
    assert 0 < before.sum() < time.size
    assert np.array_equal(stopped.spike_time, time[before])
    once = hh.solve(noisy, 60.0, stop="first spike", **arguments)
    assert np.allclose(np.sort(once.spike_time), np.sort(once.stop_time), rtol=0, atol=1e-9)
    assert once.stop_time.dims == ("of_trial",)


def test_the_rule_of_the_first_spike(noisy):
    rule = hh.SpikeRule(threshold=-30.0, rearm=None)
    stopped = hh.solve(noisy, 8.0, rng=1, trials=3, stop="first spike", spike_rule=rule)
    whole = hh.solve(noisy, 8.0, rng=1, trials=3)
    found = first_passage(whole, -30.0).first_passage.min("neuron")
    assert np.allclose(stopped.stop_time, found, rtol=0, atol=1e-12)
    assert stopped.attrs["stop"] == "first spike"


def test_a_continued_run_knows_whether_its_next_crossing_counts():
    """Of a neuron that is above the re-arm level and has fired, the next crossing does not."""
    current = hh.StepCurrent(12.0, start=0.0, stop=1.5) + hh.SineCurrent(60.0, frequency=500.0)
    net = hh.Network(1, stimulus=current)
    rule = hh.SpikeRule(threshold=-10.0, rearm=-60.0)
    arguments = {"record": ("V", "spikes"), "spike_rule": rule}
    begin = hh.solve(net, 2.0, **arguments)
    whole = hh.solve(net, 30.0, **arguments)
    rest = hh.solve(net, 30.0, x0=begin, stop="first spike", **arguments)
    later = whole.spike_time.values[whole.spike_time > 2.0]
    assert np.isclose(rest.stop_time, later.min(), rtol=0, atol=1e-12)


def test_what_comes_before_discard_does_not_stop(noisy):
    arguments = {"rng": 1, "trials": 3}
    stopped = hh.solve(noisy, 60.0, discard=5.0, stop="first spike", **arguments)
    whole = hh.solve(noisy, 60.0, discard=5.0, **arguments)
    assert np.allclose(stopped.stop_time, first_spikes(whole), rtol=0, atol=1e-12)
    assert float(stopped.time[0]) == 5.0


def test_where_no_trial_stops_the_run_is_a_plain_one_and_goes_on(pair):
    never = hh.Threshold("V", 1000.0)
    run = hh.solve(pair, 5.0, stop=never, record=("V",))
    plain = hh.solve(pair, 5.0, record=("V",))
    assert np.isnan(run.stop_time)
    said = {name: run.attrs[name] for name in ("stop", "arguments")}
    assert run.drop_vars("stop_time").identical(plain.assign_attrs(said))
    rest = hh.solve(pair, 8.0, x0=run)
    assert np.array_equal(rest.V, hh.solve(pair, 8.0, x0=plain).V)


def test_a_trial_that_diverges_after_its_stop_does_no_harm():
    """dx = x^2 dt is infinite at t = 1/x0; its first passage of 100 comes 0.01 ms before."""
    sde = hh.SDE(
        f=lambda x, t: x**2, G=lambda x, t: np.array([[0.0]]), x0=[1.0], names=["x"],
        noise_type="additive",
    )  # fmt: skip
    starts = np.array([8.0, 4.0, 1.0, 0.5, 0.1])
    run = hh.solve(
        sde, 5.0, dt=0.0005, method="sdeint.itoEuler", rng=1, trials=5, x0={"x": starts},
        stop=hh.Threshold("x", 100.0),
    )  # fmt: skip
    assert np.allclose(run.stop_time[:4], 1.0 / starts[:4] - 0.01, rtol=0, atol=0.01)
    assert np.isnan(run.stop_time[4])
    assert np.isclose(run.x[4, -1, 0], 1.0 / (10.0 - 5.0), rtol=1e-3)
    with pytest.raises(hh.DivergenceError) as failure:
        hh.solve(sde, 5.0, dt=0.0005, method="sdeint.itoEuler", rng=1, trials=[0, 4],
                 x0={"x": [0.1, 2.0]}, stop=hh.Threshold("x", np.finfo(float).max))  # fmt: skip
    assert failure.value.trial == 4
    assert 0.5 < failure.value.time < 0.51


def test_first_passage_of_brownian_motion():
    """Wald's law of W(t) + 2 t at 1: inverse Gaussian with mean 1/2 and shape 1.

    A barrier watched at steps of dt lies 0.5826 sqrt(dt) further (Broadie, Glasserman & Kou 1997).
    Kolmogorov-Smirnov at a false alarm in 10^4; the seed is fixed.
    """
    drift, level, dt = 2.0, 1.0, 2.0**-8
    sde = hh.SDE(
        f=lambda x, t: np.array([drift]), G=lambda x, t: np.array([[1.0]]), x0=[0.0], names=["x"],
        noise_type="additive",
    )  # fmt: skip
    stop = hh.Threshold("x", level - 0.5826 * np.sqrt(dt))
    run = hh.solve(sde, 8.0, dt=dt, rng=1, trials=500, stop=stop, save_dt=1.0)
    assert not np.isnan(run.stop_time).any()
    law = stats.invgauss(mu=level / drift / level**2, scale=level**2)
    assert stats.kstest(run.stop_time.values, law.cdf).pvalue > 1e-4


def test_time_is_saved(noisy, monkeypatch):
    """The engine makes at most twice the steps up to the last stop, or the first window."""
    made, windows = [], Problem.windows

    def counted(problem, largest):
        for start, stop in windows(problem, largest):
            made.append((stop - start) * len(problem.trials))
            yield start, stop

    monkeypatch.setattr(Problem, "windows", counted)
    run = hh.solve(noisy, 10000.0, rng=1, trials=32, stop="first spike", x0=START, record=("V",),
                   save_dt=1.0)  # fmt: skip
    steps = np.sort(run.stop_time.values / 0.01)
    assert sum(made) <= 32 * 2 * max(steps[-1], 256)
    assert run.sizes["time"] < 200


@pytest.mark.parametrize(
    ("stop", "error", "message"),
    [
        ("spike", TypeError, "stop must be \"first spike\" or a threshold.*got 'spike'"),
        (-20.0, TypeError, "hh_sde.Threshold"),
        (hh.Threshold("v", 0.0), ValueError, "no variable 'v'; did you mean V"),
        (hh.Threshold("V", 0.0, neuron=2), ValueError, "no neuron 2; .* the neurons 0 to 1"),
    ],
)
def test_what_is_refused(noisy, stop, error, message):
    with pytest.raises(error, match=message):
        hh.solve(noisy, 1.0, rng=1, stop=stop)


def test_what_does_not_go_with_it(noisy):
    with pytest.raises(ValueError, match="reduce takes statistics over trials"):
        hh.solve(noisy, 1.0, rng=1, trials=3, reduce="mean", stop="first spike")
    with pytest.raises(ValueError, match="goes with 'spikes' in record or stop='first spike'"):
        hh.solve(noisy, 1.0, rng=1, spike_rule=hh.SpikeRule(), stop=hh.Threshold("V", 0.0))
    stopped = hh.solve(noisy, 8.0, rng=1, stop="first spike")
    with pytest.raises(ValueError, match="x0 is a run with stop"):
        hh.solve(noisy, 9.0, rng=1, x0=stopped)
    sde = hh.SDE(f=lambda x, t: -x, G=lambda x, t: np.eye(1), x0=[1.0], names=["v"])
    with pytest.raises(ValueError, match=r"an SDE has no spikes.*Threshold\('v', level\)"):
        hh.solve(sde, 1.0, rng=1, stop="first spike")
    with pytest.raises(ValueError, match="direction must be one of up, down"):
        hh.Threshold("V", 0.0, "left")


@pytest.mark.parametrize(
    "arguments",
    [
        {"stop": hh.Threshold("V", -20.0, neuron=1), "trials": 3},
        {"stop": hh.Threshold("V", -100.0)},
        {"stop": "first spike", "spike_rule": hh.SpikeRule(-30.0), "save_dt": 0.5},
        {"stop": "first spike", "record": ("spikes",), "trials": 3},
    ],
)
def test_a_result_is_made_again(noisy, arguments):
    run = hh.solve(noisy, 8.0, rng=1, x0=START, **arguments)
    assert hh.rerun(run).identical(run)


def test_some_trials_of_a_result_are_made_again(noisy):
    run = hh.solve(noisy, 8.0, rng=1, x0=START, trials=5, stop="first spike")
    one = hh.rerun(run.sel(trial=[3]))
    assert np.array_equal(one.stop_time, run.stop_time.sel(trial=[3]))
    more = hh.rerun(run, trials=7)
    assert np.array_equal(more.stop_time[:5], run.stop_time)


# -- measures of trials that stopped ---------------------------------------------------------------


@pytest.fixture(scope="module")
def stopped():
    """A run as traces with spikes, and as spikes alone: some trials stop, others do not."""
    net = hh.Network(2, stimulus=[6.0, 9.0], noise=hh.CurrentNoise(3.0))
    stop = hh.Threshold("V", -77.0, "down")
    options = {"rng": 1, "trials": 6, "stop": stop}
    return [
        hh.solve(net, 60.0, record=record, **options) for record in (("V", "spikes"), ("spikes",))
    ]


def test_rates_are_of_the_own_time_of_each_trial(stopped):
    for ds in stopped:
        times = ds.stop_time.values
        assert 0 < np.isnan(times).sum() < 6
        found = ds.hh.rates()
        own = np.where(np.isnan(times), 60.0, times)
        np.testing.assert_allclose(found.rate, 1e3 * found["count"] / own[:, None], rtol=1e-14)
        late = ds.hh.rates(start=20.0)
        gone = times <= 20.0
        assert gone.any()
        assert np.isnan(late.rate[gone]).all()
        assert np.isfinite(late.rate[~gone]).all()
        assert late.rate.attrs["nan_means"] == "its trial stopped before"
        again = ds.hh.spikes()
        assert np.array_equal(again.stop_time, times, equal_nan=True)
        assert again.hh.rates().rate.equals(found.rate)
    assert stopped[0].hh.rates().rate.equals(stopped[1].hh.rates().rate)


def test_rates_of_one_trial_that_stopped(stopped):
    k = int(np.nanargmin(stopped[0].stop_time))
    alone = stopped[0].sel(trial=k)
    assert np.array_equal(alone.hh.rates().rate, stopped[0].hh.rates().rate.sel(trial=k))
    net = hh.Network(1, stimulus=10.0)
    one = hh.solve(net, 60.0, stop="first spike", record=("spikes",))
    np.testing.assert_allclose(one.hh.rates().rate, 1e3 / float(one.stop_time))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("psth", (5.0,)),
        ("fano_factor", (5.0,)),
        ("spike_spectrum", ()),
        ("autocorrelogram", (1.0, 5.0)),
        ("crosscorrelogram", (0, 1, 1.0, 5.0)),
    ],
)
def test_measures_of_one_length_of_time_refuse_early_stops(name, arguments, stopped):
    for ds in stopped:
        first = float(np.nanmin(ds.stop_time))
        with pytest.raises(ValueError, match=r"trials stopped before 60 ms .* first at .* stop="):
            getattr(ds.hh, name)(*arguments)
        getattr(ds.hh, name)(*arguments, stop=first)
    whole = stopped[0].isel(trial=np.flatnonzero(np.isnan(stopped[0].stop_time)))
    getattr(whole.hh, name)(*arguments)


def test_intervals_of_trials_that_stopped_are_theirs(stopped):
    for ds in stopped:
        assert ds.hh.interval_statistics()["count"].sum() == ds.hh.intervals().sizes["interval"]


def test_trains_for_neo_end_with_their_trial(stopped):
    pytest.importorskip("neo")
    for ds in stopped:
        ends = [float(s.spiketrains[0].t_stop) for s in ds.hh.to_neo().segments]
        own = np.where(np.isnan(ds.stop_time), 60.0, ds.stop_time)
        np.testing.assert_allclose(ends, own, rtol=0, atol=1e-7)
