"""Statistics of spike trains: by hand, on Poisson trains, and against elephant.

Poisson trains: the bounds are 5 standard errors of the estimate, so that a right measure fails for
6 in 10^7 of the seeds.
"""

import json

import numpy as np
import pytest
import xarray as xr
from trains import ragged

import hh_sde as hh
from hh_sde import measures

ROOT_N = np.sqrt(16000)
FEW = [[], [5.0], [5.0, 9.0], [5.0, 9.0, 15.0]]


@pytest.fixture(scope="session")
def poisson():
    """Two independent Poisson neurons of 20 Hz, in four trials of 200 s: 16,000 spikes each."""
    rng = np.random.default_rng(11)
    times = [[np.cumsum(rng.exponential(50.0, 6000)) for _ in range(2)] for _ in range(4)]
    return ragged([[t[t < 2e5] for t in row] for row in times], 2e5, trials=True)


def test_interval_statistics_by_hand():
    found = measures.interval_statistics(ragged([[0, 1, 3, 6, 7]], 10.0)).isel(neuron=0)
    T = np.array([1, 2, 3, 1])
    assert found["count"] == 4
    assert found["mean"] == 1.75
    assert found.sd == pytest.approx(np.sqrt((0.75**2 + 0.25**2 + 1.25**2 + 0.75**2) / 3))
    assert found.cv == pytest.approx(found.sd / 1.75)
    assert found.cv2 == pytest.approx(2 * (1 / 3 + 1 / 5 + 2 / 4) / 3)
    assert found.lv == pytest.approx(3 * (1 / 9 + 1 / 25 + 4 / 16) / 3)
    deviation = T - 1.75
    memory = (deviation[:-1] * deviation[1:]).mean() / (deviation**2).mean()
    assert found.serial_correlation == pytest.approx(memory)


def test_a_regular_train_is_regular():
    found = measures.interval_statistics(ragged([0.1 * np.arange(1000)], 100.0)).isel(neuron=0)
    assert found.cv == pytest.approx(0, abs=1e-10)
    assert found.cv2 == pytest.approx(0, abs=1e-10)
    assert found.lv == pytest.approx(0, abs=1e-20)
    assert np.isnan(found.serial_correlation)  # and not the correlation of rounding errors


def test_alternating_intervals_are_anticorrelated():
    train = np.cumsum([1, 3] * 500)
    found = measures.interval_statistics(ragged([train], 2000.0))
    assert found.serial_correlation[0] == pytest.approx(-1, abs=1e-2)


def test_too_few_spikes_are_nan_with_a_reason():
    found = measures.interval_statistics(ragged(FEW, 20.0))
    assert found["count"].values.tolist() == [0, 0, 1, 2]
    known = {name: int(np.isfinite(found[name]).sum()) for name in found.data_vars}
    assert known == {
        "count": 4, "mean": 2, "sd": 1, "cv": 1, "cv2": 1, "lv": 1, "serial_correlation": 0
    }  # fmt: skip
    assert found.cv.attrs["nan_means"] == "fewer than 2 intervals"
    assert all("nan_means" in found[name].attrs for name in found if name != "count")


def test_pooling_joins_intervals_and_not_trains():
    trains = [[[0, 1, 3], [2]], [[5, 8, 9], [1, 6]]]
    found = measures.interval_statistics(ragged(trains, 10.0, trials=True), pool="trial")
    assert found["count"].values.tolist() == [4, 1]
    assert found["mean"].values.tolist() == [7 / 4, 5.0]
    assert found.cv2[0] == pytest.approx(2 * (1 / 3 + 2 / 4) / 2)
    by_neuron = measures.interval_statistics(ragged(trains, 10.0, trials=True), pool="neuron")
    assert by_neuron.sizes == {"trial": 2}
    with pytest.raises(ValueError, match="no dim 'I' to pool over; there are trial, neuron"):
        measures.interval_statistics(ragged(trains, 10.0, trials=True), pool="I")


def test_a_poisson_train_has_unit_irregularity(poisson):
    found = measures.interval_statistics(poisson, pool="trial")
    for name in ("cv", "cv2", "lv"):  # their standard errors are at most 1/sqrt(N)
        assert found[name].values == pytest.approx(1, abs=5 / ROOT_N), name
    assert found.serial_correlation.values == pytest.approx(0, abs=5 / ROOT_N)


def test_fano_factor_by_hand():
    ds = ragged([[0.5, 1.5, 1.7, 3.2, 4.9], []], 5.5)
    found = measures.fano_factor(ds, [1.0, 2.0])
    counts = np.array([1, 2, 0, 1, 1])
    assert found.windows.values.tolist() == [5, 2]
    assert found.mean_count.values[:, 0].tolist() == [1.0, 2.0]
    assert found.fano_factor[0, 0] == pytest.approx(counts.var(ddof=1) / counts.mean())
    assert found.fano_factor[1, 0] == pytest.approx(2.0 / 2)  # 3 and 1
    assert np.isnan(found.fano_factor[:, 1]).all()
    assert measures.fano_factor(ds, 1.0).fano_factor.dims == ("neuron",)


@pytest.mark.parametrize("window", [10.0, 100.0, 1000.0])
def test_fano_factor_of_a_poisson_train_is_one(poisson, window):
    found = measures.fano_factor(poisson, window)
    # Var of the sample variance of Poisson counts, over mean squared: 1/(M mean) + 2/(M - 1)
    mean, number = 20 * window / 1e3, int(found.windows)
    error = np.sqrt(2 / number + 1 / (number * mean))
    assert found.fano_factor.values == pytest.approx(1, abs=5 * error)


def test_psth_by_hand():
    trains = [[[0.0, 1.9, 2.0], [4.0]], [[0.5, 5.9, 6.0], []]]
    found = measures.psth(ragged(trains, 6.0, trials=True), 2.0)
    assert found.time.values.tolist() == [1.0, 3.0, 5.0]
    assert found["count"].values.tolist() == [[3, 0], [1, 0], [2, 1]]  # the last bin is closed
    assert found.rate.sel(neuron=0).values.tolist() == [750.0, 250.0, 500.0]


def test_bins_do_not_move_spikes_by_rounding():
    edges = np.arange(30) / 10  # 0.3 / 0.1 is below 3
    assert measures.psth(ragged([edges], 3.0), 0.1)["count"].values.ravel().tolist() == [1] * 30


def test_autocorrelogram_by_hand():
    found = measures.autocorrelogram(ragged([[10, 12, 15.4], []], 20.0), 1.0, 6.0)
    counts = dict(zip(found.lag.values, found["count"].values[:, 0], strict=True))
    assert {lag: n for lag, n in counts.items() if n} == {-5: 1, -3: 1, -2: 1, 2: 1, 3: 1, 5: 1}
    assert found.rate.sel(lag=2.0, neuron=0) == pytest.approx(1e3 * 1 / (3 / 20 * (20 - 2)))
    assert np.isnan(found.rate.sel(neuron=1)).all()


def test_autocorrelogram_is_symmetric_also_at_the_edges_of_bins():
    found = measures.autocorrelogram(ragged([np.arange(0.0, 50.0, 2.5)], 50.0), 1.0, 10.0)
    np.testing.assert_array_equal(found["count"], found["count"][::-1])


def test_crosscorrelogram_has_the_other_behind_at_positive_lags():
    train = np.array([10.0, 23.0, 40.0])
    ds = ragged([train, train + 3.0, []], 60.0)
    found = measures.crosscorrelogram(ds, 0, 1, 1.0, 5.0)
    assert found.lag.values[found["count"].values > 0].tolist() == [3.0]
    assert found["count"].max() == 3
    turned = measures.crosscorrelogram(ds, 1, 0, 1.0, 5.0)
    np.testing.assert_array_equal(turned["count"], found["count"][::-1])
    assert (measures.crosscorrelogram(ds, 0, 2, 1.0, 5.0).rate == 0).all()
    assert np.isnan(measures.crosscorrelogram(ds, 2, 0, 1.0, 5.0).rate).all()


def test_correlograms_agree_with_all_pairs():
    rng = np.random.default_rng(3)
    a, b = (np.sort(rng.uniform(0, 500, n)) for n in (80, 60))
    found = measures.crosscorrelogram(ragged([a, b], 500.0), 0, 1, 2.0, 50.0)
    lags = (b[None] - a[:, None]).ravel()
    expected = np.histogram(lags, np.append(found.lag - 1, found.lag[-1] + 1))[0]
    np.testing.assert_array_equal(found["count"], expected)


def test_correlograms_in_blocks(monkeypatch):
    ds = ragged([np.random.default_rng(5).uniform(0, 500, 200)], 500.0)
    whole = measures.autocorrelogram(ds, 2.0, 50.0)
    monkeypatch.setattr("hh_sde.measures.correlation.MOST_PAIRS", 100)
    assert measures.autocorrelogram(ds, 2.0, 50.0).identical(whole)


def test_correlograms_of_poisson_trains_are_flat_at_the_rate(poisson):
    rates = measures.rates(poisson).rate.mean("trial")
    auto = measures.autocorrelogram(poisson, 5.0, 1000.0)
    cross = measures.crosscorrelogram(poisson, 0, 1, 5.0, 1000.0)
    for rate, count, level in [
        (auto.rate[:, 0], auto["count"][:, 0], rates[0]),
        (cross.rate, cross["count"], rates[1]),
    ]:
        z = ((rate / level - 1) * np.sqrt(count.mean()))[rate.lag.values != 0]
        # an autocorrelogram holds every value twice: half as many independent ones
        assert float((z**2).mean()) == pytest.approx(1, abs=5 * np.sqrt(2 * 2 / z.size))
        assert abs(float(z.mean())) < 5 * np.sqrt(2 / z.size)


def test_spike_spectrum_by_hand():
    times = np.array([12.0, 40.0, 70.5])
    found = measures.spike_spectrum(ragged([times, []], 100.0), max_frequency=40.0)
    assert found.frequency.values.tolist() == [10, 20, 30, 40]
    sums = np.exp(-2j * np.pi * np.outer(found.frequency, times / 1e3)).sum(axis=1)
    np.testing.assert_allclose(found.power[:, 0], np.abs(sums) ** 2 / 0.1, rtol=1e-12)
    assert found.floor.values.tolist() == [30.0, 0.0]
    assert (found.power[:, 1] == 0).all()


def test_spectrum_of_a_regular_train_is_a_comb():
    found = measures.spike_spectrum(ragged([np.arange(0.0, 1000.0, 20.0)], 1000.0))
    comb = found.frequency % 50 == 0
    np.testing.assert_allclose(found.power[:, 0].where(comb, drop=True), 50.0**2, rtol=1e-9)
    assert float(found.power[:, 0].where(~comb).max()) < 1e-9


def test_spectrum_of_a_poisson_train_is_flat_at_the_rate(poisson):
    found = measures.spike_spectrum(poisson, segment=1000.0, max_frequency=200.0)
    assert found.attrs["averages"] == 800
    np.testing.assert_allclose(found.floor, measures.rates(poisson).rate.mean("trial"), rtol=1e-12)
    scaled = found.power / found.floor
    assert scaled.mean("frequency").values == pytest.approx(1, abs=5 / np.sqrt(800 * 200))
    # averages of 800 exponential variables
    error = np.sqrt(2 / 400) * 1.1
    assert (scaled.std("frequency") * np.sqrt(800)).values == pytest.approx(1, abs=5 * error)


def test_spectrum_in_blocks(monkeypatch):
    ds = ragged([np.random.default_rng(5).uniform(0, 500, 200)], 500.0)
    whole = measures.spike_spectrum(ds)
    monkeypatch.setattr("hh_sde.measures.spectra.MOST_PHASES", 1000)
    xr.testing.assert_allclose(measures.spike_spectrum(ds), whole)


@pytest.mark.parametrize(("shift", "R"), [(0.0, 1.0), (0.25, np.sqrt(0.5)), (0.5, 0.0)])
def test_phase_locking_of_shifted_trains(shift, R):
    train = np.arange(0.0, 200.0, 10.0)
    found = measures.phase_locking(ragged([train, train + 10 * shift], 200.0), step=0.5)
    assert found.R_mean == pytest.approx(R, abs=1e-12)
    defined = found.R.dropna("time")
    assert defined.time[0] == 10 * shift
    assert defined.time[-1] == 190.0
    np.testing.assert_allclose(defined, R, atol=1e-12)


def test_phases_are_linear_between_spikes():
    found = measures.phase_locking(ragged([[0, 10, 30], [0, 20, 30]], 30.0), step=5.0)
    first = np.array([0, 0.5, 1, 1.25, 1.5, 1.75, 2])
    second = np.array([0, 0.25, 0.5, 0.75, 1, 1.5, 2])
    np.testing.assert_allclose(found.R, np.abs(np.cos(np.pi * (first - second))), atol=1e-12)


def test_no_phase_no_locking():
    trials = [[[1, 5, 9], [2, 4]], [[1, 5], [3]], [[1, 2], [7, 8]]]
    found = measures.phase_locking(ragged(trials, 10.0, trials=True))
    assert np.isfinite(found.R_mean.values).tolist() == [True, False, False]
    assert found.R.isel(trial=0).dropna("time").time.values.tolist() == [2.0, 3.0, 4.0]
    with pytest.raises(ValueError, match="two neurons or more"):
        measures.phase_locking(ragged([[1, 2]], 10.0))


@pytest.mark.parametrize(
    "measure",
    [
        measures.rates,
        measures.interval_statistics,
        lambda ds: measures.fano_factor(ds, 5.0),
        lambda ds: measures.psth(ds, 5.0),
        lambda ds: measures.autocorrelogram(ds, 1.0, 5.0),
        lambda ds: measures.crosscorrelogram(ds, 0, 1, 1.0, 5.0),
        measures.spike_spectrum,
        measures.phase_locking,
    ],
)
def test_every_measure_of_spikes(measure, noisy_pair):
    """Traces or spikes, a sweep of two, and silence; labels throughout."""
    runs = [hh.solve(noisy_pair, 100.0, rng=k, trials=3, save_dt=0.05) for k in (1, 2)]
    found = measure(runs[0])
    assert measure(runs[0].hh.spikes()).identical(found)
    for name, variable in found.variables.items():
        assert {"units", "long_name"} <= set(variable.attrs), name
    stimulus = xr.Variable("I", [5.0, 10.0], {"units": "uA/cm^2", "long_name": "stimulus"})
    sweep = xr.concat(runs, dim=stimulus, combine_attrs="drop")
    both = measure(sweep)
    assert both.I.attrs == stimulus.attrs
    for k, run in enumerate(runs):
        xr.testing.assert_allclose(both.isel(I=k, drop=True), measure(run))
    silent = measure(ragged([[[], []], [[], []]], 100.0, trials=True))
    assert silent.attrs["t_end"] == 100.0


def test_spikes_of_a_sweep():
    runs = [hh.solve(hh.Network(2, stimulus=I), 50.0, record=["V"]) for I in (0.0, 10.0)]
    found = xr.concat(runs, dim=xr.Variable("I", [0.0, 10.0]), combine_attrs="drop").hh.spikes()
    assert set(found.I.values) == {10.0}
    assert json.loads(found.attrs["sweeps"]) == {"I": [0.0, 10.0]}
    assert found.hh.rates()["count"].values.tolist() == [[0, 0], [4, 4]]
    assert set(found.hh.intervals().I.values) == {10.0}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda ds: measures.fano_factor(ds, 0.0), ValueError, "window must be positive"),
        (lambda ds: measures.fano_factor(ds, 21.0), ValueError, "at most the record's 20 ms"),
        (lambda ds: measures.psth(ds, "1"), TypeError, "bin must be a number"),
        (lambda ds: measures.psth(ds, np.nan), ValueError, "bin must be positive"),
        (lambda ds: measures.autocorrelogram(ds, 1.0, 20.0), ValueError, "max_lag must be below"),
        (lambda ds: measures.crosscorrelogram(ds, 0, 7, 1, 5), ValueError, "no neuron 7"),
        (lambda ds: measures.crosscorrelogram(ds, 1, 1, 1, 5), ValueError, "both neuron 1"),
        (lambda ds: measures.spike_spectrum(ds, segment=30.0), ValueError, "segment must be"),
        (lambda ds: measures.spike_spectrum(ds, max_frequency=1), ValueError, "at least 50 Hz"),
        (lambda ds: measures.phase_locking(ds, step=-1.0), ValueError, "step must be positive"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call(ragged(FEW, 20.0))


@pytest.mark.filterwarnings("ignore")
def test_against_elephant(poisson):
    statistics = pytest.importorskip("elephant.statistics")
    pytest.importorskip("neo")
    found = measures.interval_statistics(poisson)
    trains = [t for s in poisson.hh.to_neo().segments for t in s.spiketrains]
    lengths = [statistics.isi(train).magnitude for train in trains]
    np.testing.assert_allclose(found.cv2.values.ravel(), [statistics.cv2(x) for x in lengths])
    np.testing.assert_allclose(found.lv.values.ravel(), [statistics.lv(x) for x in lengths])
    biased = found.cv * np.sqrt(1 - 1 / found["count"])  # elephant divides by count
    np.testing.assert_allclose(biased.values.ravel(), [statistics.cv(x) for x in lengths])
    # one window of each trial, and elephant's variance divided by their number
    ours = measures.fano_factor(poisson, 2e5).fano_factor.values
    theirs = [statistics.fanofactor(trains[neuron::2]) for neuron in (0, 1)]
    np.testing.assert_allclose(ours * 3 / 4, theirs)


# -- spikes beside traces, and what people do to Datasets ------------------------------------------


@pytest.fixture(scope="module")
def both():
    """Five trials of two neurons, traces every 0.1 ms and the spikes of every step."""
    net = hh.Network(2, stimulus=10.0, noise=hh.CurrentNoise(2.0))
    return hh.solve(net, 60.0, rng=3, trials=5, save_dt=0.1, record=("V", "spikes"))


HARMLESS = {
    "some trials": (lambda ds: ds.isel(trial=[0, 3]), lambda r: r.isel(trial=[0, 3])),
    "one trial": (lambda ds: ds.isel(trial=2), lambda r: r.isel(trial=2)),
    "another order": (lambda ds: ds.isel(neuron=[1, 0]), lambda r: r.isel(neuron=[1, 0])),
    "transposed": (lambda ds: ds.transpose("neuron", "time", ...), lambda r: r),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_choosing_does_no_harm(case, both):
    choose, expected = HARMLESS[case]
    found = choose(both).hh.rates()["count"]
    wanted = expected(both.hh.rates()["count"])
    assert np.array_equal(found.values, wanted.transpose(*found.dims).values)


CHANGED = {
    "mean over trials": (
        lambda ds: ds.mean("trial", keep_attrs=True),
        "another trial than nothing",
    ),
    "no trial": (lambda ds: ds.isel(trial=0, drop=True), "another trial than nothing"),
    "no neuron": (lambda ds: ds.drop_vars("neuron"), "another neuron than nothing"),
    "renamed": (lambda ds: ds.rename(trial="run"), "another trial than nothing"),
    "put together": (lambda ds: xr.concat([ds, ds], "trial", data_vars="all"), "put together"),
    "numbered anew": (lambda ds: ds.assign_coords(trial=range(10, 15)), r"trial than \[10 11"),
    "where": (lambda ds: ds.where(ds.time > 20.0), "put together"),
    "moved": (lambda ds: ds.assign_coords(time=ds.time - 50.0), "another time"),
    "in seconds": (lambda ds: ds.assign_coords(time=ds.time / 1000.0), "another time"),
    "backwards": (lambda ds: ds.isel(time=slice(None, None, -1)), "time must increase"),
    "a gap": (lambda ds: ds.isel(time=np.r_[0:100, 300:500]), "another time"),
    "twice": (lambda ds: ds.isel(trial=[0, 0, 1]), "trial are not different"),
    "no attributes": (lambda ds: ds.drop_attrs(), "lost the attribute"),
}


@pytest.mark.parametrize("case", CHANGED)
def test_spikes_that_no_longer_belong_to_their_traces_are_refused(case, both):
    change, message = CHANGED[case]
    with pytest.raises(ValueError, match=message):
        change(both).hh.rates()


@pytest.mark.parametrize("case", ["backwards", "twice"])
def test_traces_are_seen_in_the_same_way(case, both):
    change, message = CHANGED[case]
    traces = both[["V"]]
    with pytest.raises(ValueError, match=message):
        change(traces).hh.rates()


def test_the_span_ends_with_the_last_save_that_is_there(both):
    assert both.hh.spikes().attrs["t_end"] == 60.0
    for cut in range(1, 5):
        found = both.isel(time=slice(0, -cut)).hh.spikes()
        assert found.attrs["t_end"] == both.time.values[-1 - cut]


def test_spikes_alone_belong_to_their_record(both):
    found = both.hh.spikes()
    for change, message in (
        ({"neuron": found.neuron + 99}, "spikes of neuron (99|100), which is not in the record"),
        ({"spike_time": found.spike_time + 1e6}, "t_start and t_end go together"),
    ):
        with pytest.raises(ValueError, match=message):
            found.assign(change).hh.rates()


def test_passages_of_changed_records(both):
    traces = both[["V"]]
    with pytest.raises(ValueError, match="time must increase"):
        hh.measures.first_passage(traces.isel(time=slice(None, None, -1)), 0.0)
    unknown = traces.where(traces.time > 10.0)
    assert bool(hh.measures.first_passage(unknown, 0.0).first_passage.isnull().all())
