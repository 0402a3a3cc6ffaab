"""Studies: what they find where the answer is known, and that they reproduce themselves."""

import inspect
import subprocess
import sys
import tracemalloc
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.stats
import xarray as xr
from typer.testing import CliRunner

import hh_sde as hh
from hh_sde import studies
from hh_sde.cli import app
from hh_sde.progress import Progress
from hh_sde.studies import (
    common,
    compare,
    convergence,
    intervals,
    levels,
    lyapunov_exponents,
    mean_return,
    network_synchrony,
    noise_levels,
    orders,
    phase,
    rates,
    sensitivities,
    spike_reliability,
    weak,
)
from hh_sde.studies.arguments import CHECKS
from hh_sde.studies.observables import OBSERVABLES, REST_ON_SPIKES, Firing
from hh_sde.studies.orders import asymptotic_range

ENGINE = [name for name, method in hh.METHODS.items() if method.compiled and method.strong_order]

# Every study in a small size; a new entry of STUDIES is asked for here.
SMALL = {
    "compare_methods": {"methods": ["strang"], "dt": [0.05], "t_end": 40.0, "trials": 3},
    "strong_convergence": {"methods": ["strang"], "dts": [0.02, 0.04, 0.08], "t_end": 1.6,
                           "trials": 5},
    "weak_convergence": {"methods": ["strang"], "dts": [0.05, 0.1], "t_end": 40.0, "trials": 3},
    "work_precision": {"methods": ["strang"], "dts": [0.05, 0.1], "t_end": 40.0, "trials": 3,
                       "repeats": 1},
    "recommend": {"tolerance": 0.5, "methods": ["strang"], "dts": [0.05, 0.1], "t_end": 60.0,
                  "trials": 3},
    "rate_curve": {"currents": [5.0, 12.0], "sigmas": [1.0], "t_end": 100.0, "trials": 2,
                   "discard": 50.0},
    "noise_sweep": {"sigmas": [1.0, 4.0], "t_end": 100.0, "trials": 3},
    "reliability": {"sigmas": [0.1, 3.0], "t_end": 60.0, "trials": 3},
    "synchrony": {"couplings": [0.0, 1.0], "sigmas": [1.0], "t_end": 60.0, "trials": 2,
                  "discard": 20.0},
    "mlmc": {"observable": "first_spike", "t_end": 6.0, "rmse": 0.05, "pilot": 100},
    "lyapunov": {"t_end": 40.0, "discard": 20.0, "trials": 2},
    "sensitivity": {"parameters": ["stimulus"], "observable": "mean_V", "t_end": 4.0,
                    "trials": 10},
    "phase_reduction": {"counts": [1, 2], "t_end": 300.0, "trials": 3},
    "mean_return_phase": {"phases": 3, "returns": 4, "trials": 3},
}  # fmt: skip
MEASURED_IN_TIME = ("cost", "seconds", "gamma")


@pytest.fixture(scope="module")
def pair():
    return hh.Network(
        2,
        stimulus=10.0,
        synapses=hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]]),
        noise=hh.CurrentNoise(1.0),
    )


def see_plot(ds):
    """Every panel has labels, data, and ink."""
    fig = ds.hh.plot()
    fig.canvas.draw()
    for ax in fig.axes:
        assert ax.get_ylabel()
        assert ax.lines or ax.collections
    assert all(ax.get_xlabel() for ax in fig.axes if ax.get_label() != "<colorbar>")
    image = np.asarray(fig.canvas.buffer_rgba())[..., :3]
    assert 0.01 < (image < 200).any(axis=2).mean() < 0.9
    plt.close(fig)


@pytest.mark.filterwarnings("ignore::hh_sde.studies.common.OrderWarning")  # of a few trials
@pytest.mark.parametrize("name", studies.STUDIES)
def test_a_study_goes_to_a_file_and_reproduces_itself(name, pair, tmp_path):
    ds = studies.STUDIES[name](pair, **SMALL[name], rng=3)
    for variable in ds.variables.values():
        assert variable.attrs["units"]
        assert variable.attrs["long_name"]
    ds.to_netcdf(tmp_path / "study.nc")
    back = xr.load_dataset(tmp_path / "study.nc")
    again = hh.rerun(back)
    assert again.attrs["study"] == name
    timed = [variable for variable in MEASURED_IN_TIME if variable in ds]
    for one in (again, ds):  # what follows from wall times
        for attribute in ("recommended_method", "recommended_dt"):
            one.attrs.pop(attribute, None)
    assert again.drop_vars(timed).identical(ds.drop_vars(timed))
    see_plot(ds)
    other = studies.STUDIES[name](pair, **SMALL[name], rng=4)
    assert not other.drop_vars(timed).equals(ds.drop_vars(timed))


# -- orders ---------------------------------------------------------------------------------------


def test_orders_on_the_questions_network(pair):
    """Additive noise: every slope's interval contains the declared order, to 0.02 for what bias
    the next terms leave. sra1 and shifted_strang are above: at these steps their error is that
    of order 2 without noise, and 1.5 is seen in test_engine and test_orders, where V is felt
    more steeply."""
    with pytest.warns(UserWarning, match="sra1 2.0.* beside 1.5"):
        ds = studies.strong_convergence(pair, ENGINE, trials=200, rng=1, confidence=0.99)
    for name in set(ENGINE) - {"sra1", "shifted_strang", "tamed_euler"}:
        one = ds.sel(scheme=name)
        assert one.order_low - 0.02 < one.declared_order < one.order_high + 0.02, name
        assert one.fitted.sum() >= 4
    for name in ("sra1", "shifted_strang"):
        assert ds.order.sel(scheme=name) > ds.declared_order.sel(scheme=name)
    assert float(ds.floor) < 0.1 * float(ds.error.sel(scheme="heun").min())


GATE = hh.Gate("a", 1, alpha=hh.Sigmoid(0.2, -60.0, 1.0), beta=hh.Constant(0.4))
CHANNELS = (hh.Channel("L", g=0.05, E=-60.0), hh.Channel("A", g=0.05, E=-80.0, gates=(GATE,)))
GENERAL = hh.Network(
    1,
    cell=hh.Cell("small", CHANNELS, V0=-60.0),
    noise=[hh.SubunitNoise(numbers={"A": 4}), hh.CurrentNoise(4.0)],
)


def test_orders_with_gate_noise_and_current_noise():
    ds = studies.strong_convergence(
        GENERAL, ["euler_maruyama", "sri2"], [1 / 256, 1 / 128, 1 / 64, 1 / 32], 0.5, 200,
        variable="a", rng=1, confidence=0.999,
    )  # fmt: skip
    assert ds.declared_order.values.tolist() == [0.5, 1.0]
    assert np.all(ds.order_low - 0.12 < ds.declared_order)
    assert np.all(ds.declared_order < ds.order_high + 0.12)


@pytest.mark.slow
@pytest.mark.parametrize("method", [m for m in hh.METHODS if m.startswith("sdeint")])
def test_orders_of_sdeint_on_the_questions_network(pair, method):
    ds = studies.strong_convergence(pair, [method], trials=100, rng=1, confidence=0.99)
    one = ds.sel(scheme=method)
    assert one.order_low - 0.05 < one.declared_order < one.order_high + 0.05


@pytest.mark.parametrize("method", ["lie_trotter", "strang"])
def test_weak_errors_of_the_splitting(pair, method):
    """The period's error of the noise-free cell, order 2, is that of the mean interval."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # lie_trotter: 2 beside a declared 1
        ds = studies.weak_convergence(pair, [method], rng=3, trials=100)
    assert ("interval, 2" in ds.order.attrs.get("warning", "")) == (method == "lie_trotter")
    one = ds.sel(scheme=method).sel(observable="interval")
    assert one.order_low - 0.2 < 2.0 < one.order_high + 0.2
    relative = one.error / one.exact
    assert float(relative.sel(dt=0.1)) == pytest.approx(0.005, abs=0.0015)


def test_the_asymptotic_range():
    dts = np.array([0.01, 0.02, 0.04, 0.08, 0.16, 0.32])
    clean = dts**2
    assert asymptotic_range(dts, clean, 0.0).all()
    # below the floor, the smallest steps are not fitted
    assert asymptotic_range(dts, clean, 5e-4).tolist() == [False, False, True, True, True, True]
    # a method that breaks down, and one that diverges, lose their largest steps
    broken = np.where(dts > 0.1, 40 * clean, clean)
    assert asymptotic_range(dts, broken, 0.0).tolist() == [True] * 4 + [False] * 2
    gone = np.where(dts > 0.1, np.nan, clean)
    assert asymptotic_range(dts, gone, 0.0).tolist() == [True] * 4 + [False] * 2
    # a flat region at small steps is cut by the floor, and noise about it is not fitted
    flat = np.maximum(clean, 1e-3)
    assert asymptotic_range(dts, flat, 4e-3).tolist() == [False] * 3 + [True] * 3
    assert not asymptotic_range(dts, np.full(6, np.nan), 0.0).any()


# -- which method ---------------------------------------------------------------------------------


def test_euler_breaks_down_where_the_splitting_does_not(pair):
    ds = studies.compare_methods(
        pair, ["euler_maruyama", "heun", "lie_trotter", "strang"], t_end=60.0, trials=8, rng=1
    )
    diverged = ds.diverged.astype(bool)
    assert not diverged.sel(dt=slice(None, 0.05)).any()
    assert diverged.sel(scheme=["euler_maruyama", "heun"]).sel(dt=slice(0.1, None)).all()
    assert not diverged.sel(scheme=["lie_trotter", "strang"]).any()
    error = ds.path_error.sel(scheme="strang")
    assert np.all(np.diff(error) > 0)
    assert ds.path_error.sel(scheme="heun").sel(dt=0.01) < 0.2
    assert ds.spike_shift.sel(scheme="heun").sel(dt=0.01) < 0.01


def test_recommendation(pair):
    methods = ["euler_maruyama", "lie_trotter"]
    ds = studies.recommend(pair, 0.03, methods, [0.01, 0.1, 0.2], 100.0, 40, rng=1)
    assert ds.attrs["recommended_method"] == "lie_trotter"
    assert ds.attrs["recommended_dt"] in (0.1, 0.2)
    chosen = ds.sel(scheme="lie_trotter").sel(dt=ds.attrs["recommended_dt"])
    assert abs(chosen.interval_error) < 0.03
    with pytest.warns(UserWarning, match="no method is certain to be within 1e-06"):
        hopeless = studies.recommend(pair, 1e-6, methods, [0.1], 100.0, 5, rng=1)
    assert "no method is certain" in hopeless.attrs["advice"]
    assert "studies.mlmc costs less" in hopeless.attrs["multilevel"]
    assert "multilevel" not in ds.attrs
    with pytest.raises(ValueError, match="between 0 and 1, got 3"):
        studies.recommend(pair, 3)


# -- sweeps ---------------------------------------------------------------------------------------

PUBLISHED = hh.CELLS["hodgkin_huxley"].replace(E_L=-54.4)


def test_two_curves_without_noise_one_with_it():
    """Bistable from 6.26 (fold of limit cycles) to 9.78 (subcritical Hopf), E_L = -54.4."""
    ds = studies.rate_curve(
        hh.Network(1, cell=PUBLISHED),
        [6.1, 6.3, 6.35, 6.45, 6.6, 7.0, 7.5, 8.0, 9.0, 9.6, 10.0, 12.0],
        [0.0, 2.0],
        t_end=1000.0,
        discard=800.0,
        trials=4,
        rng=1,
    )
    quiet = ds.rate.sel(sigma=0.0)
    assert np.all(quiet.sel(start="firing", current=slice(6.3, None)) > 40)
    assert np.all(quiet.sel(start="firing", current=6.1) == 0)
    assert np.all(quiet.sel(start="rest", current=slice(None, 9.6)) == 0)
    assert np.all(quiet.sel(start="rest", current=slice(10.0, None)) > 40)
    noisy = ds.rate.sel(sigma=2.0)
    assert np.all(noisy > 20)
    assert np.abs(np.diff(noisy, axis=1)).max() < 15  # no jump


@pytest.mark.slow
def test_onset_and_block_without_noise():
    """Fold of limit cycles 6.264, Hopf 9.7793 and 154.526 (E_L = -54.4)."""
    net = hh.Network(1, cell=PUBLISHED)
    common = {"trials": 1, "rng": 1, "dt": 0.02}
    low = [6.24, 6.26, 6.28, 6.3, 6.35, 6.5, 7.0, 8.0, 9.0, 9.76, 9.82, 9.9, 12.0]
    ds = studies.rate_curve(net, low, t_end=3000.0, discard=2500.0, **common).sel(sigma=0.0)
    firing = ds.rate.sel(start="firing")
    assert np.all((firing > 0) == (firing.current > 6.27))
    rest = ds.amplitude.sel(start="rest")
    assert float(rest.sel(current=9.76)) < 0.1 < float(rest.sel(current=9.82))
    high = studies.rate_curve(net, [150.0, 154.0, 155.5], t_end=2000.0, discard=1800.0, **common)
    extent = high.amplitude.sel(sigma=0.0, start="firing")
    assert extent[0] > 5 > extent[1] > 1
    assert extent[2] < 0.05


def test_coherence_resonance():
    """The coefficient of variation has its least value at a noise between the ends."""
    net = hh.Network(1, stimulus=6.0)
    ds = studies.noise_sweep(net, [1.0, 3.0, 8.0, 24.0], rng=1, confidence=0.999)
    best = int(ds.cv.argmin("sigma"))
    assert 0 < best < 3
    assert ds.cv_high[best] < ds.cv_low[0]
    assert ds.cv_high[best] < ds.cv_low[-1]
    assert np.all(np.diff(ds.rate) > 0)


def test_noise_makes_trials_differ():
    ds = studies.reliability(hh.Network(1, stimulus=10.0), [0.0, 0.3, 3.0], rng=1, trials=20)
    assert float(ds.reliability[0]) == pytest.approx(1.0)
    assert ds.reliability_low[1] > ds.reliability_high[2]


def test_coupling_makes_neurons_agree():
    net = hh.Network(2, stimulus=10.0, synapses=hh.GapJunction(1.0))
    ds = studies.synchrony(net, [0.0, 0.1, 1.0], [2.0], rng=1)
    assert ds.chi_squared_high[0, 0] < ds.chi_squared_low[2, 0]
    assert float(ds.chi_squared[2, 0]) > 0.9
    with pytest.raises(ValueError, match="two neurons or more"):
        studies.synchrony(hh.Network(1))


def test_sweep_statistics_by_hand():
    net = hh.Network(2, stimulus=10.0)
    noisy = net.replace(noise=hh.CurrentNoise(2.0))
    options = {"dt": 0.05, "method": "strang", "rng": 1, "trials": 4}
    ds = studies.noise_sweep(net, [2.0], t_end=200.0, trials=4, rng=1)
    spikes = hh.solve(noisy, 200.0, record=("spikes",), **options)
    lengths = spikes.hh.intervals().interval_length
    assert float(ds.rate[0]) == pytest.approx(float(spikes.hh.rates().rate.mean()))
    assert float(ds.cv[0]) == pytest.approx(float(lengths.std(ddof=1) / lengths.mean()))
    V = hh.solve(noisy, 200.0, record=["V"], save_dt=0.5, **options).V.sel(time=slice(100.0, None))
    each = V.mean("neuron").var("time") / V.var("time").mean("neuron")
    found = studies.synchrony(net, [1.0], [2.0], t_end=200.0, trials=4, rng=1)
    assert float(found.chi_squared[0, 0]) == pytest.approx(float(each.mean()))


def test_trial_correlations_by_hand():
    """Trials 0 and 1 are 2 ms apart at a width of 2 ms; 2 is far off; 3 is silent."""
    spikes = xr.Dataset(
        {
            "spike_time": ("spike", [10.0, 12.0, 50.0]),
            "neuron": ("spike", [0, 0, 0]),
            "trial": ("spike", [0, 1, 2]),
        }
    )
    # neuron 1 never fires: not counted
    alike = spike_reliability._trial_correlations(spikes, 2, 4, 100.0, 2.0)
    assert alike[0, 1] == pytest.approx(np.exp(-4 / 16))
    assert alike[0, 2] == pytest.approx(0.0, abs=1e-9)
    assert alike[0, 3] == 0.0


def test_a_trial_is_not_like_itself(monkeypatch):
    alike = np.full((3, 3), 0.5)
    np.fill_diagonal(alike, 1.0)
    monkeypatch.setattr(spike_reliability, "_trial_correlations", lambda *arguments: alike)
    ds = studies.reliability(hh.Network(1, stimulus=10.0), [0.0], t_end=1.0, trials=3, rng=1)
    assert float(ds.reliability[0]) == pytest.approx(0.5)
    assert float(ds.reliability_high[0]) == pytest.approx(0.5)
    noisy = studies.reliability(hh.Network(1, stimulus=10.0), [1.0], t_end=1.0, trials=3, rng=1)
    assert np.isnan(noisy.reliability_high[0])


def test_weak_observables_by_hand():
    V = np.full((2, 5, 2), -60.0)
    V[0, :, 0] = -50.0, -50.0, 10.0, -50.0, 10.0
    V[1, :, 0] = -50.0, -50.0, 10.0, -60.0, 5.0
    ds = xr.Dataset(
        {"V": (("trial", "time", "neuron"), V)},
        coords={"trial": [0, 1], "time": np.arange(5.0) * 0.125, "neuron": [0, 1]},
    )
    firing = Firing(2.0)
    values = firing.values(firing.sums(ds), np.array([[0, 1]]))[0]
    found = dict(zip(OBSERVABLES, values, strict=True))
    end = V[:, -1]
    assert found["mean_V"] == pytest.approx(end.mean())
    within = (end**2).mean() - end.mean() ** 2
    assert found["var_V"] == pytest.approx(2 * within)
    spikes = ds.hh.spikes()
    assert found["rate"] == pytest.approx(1e3 * spikes.sizes["spike"] / 4 / 2.0)
    first = [float(spikes.spike_time[spikes.trial == trial].min()) for trial in (0, 1)]
    assert found["first_passage"] == pytest.approx(np.mean(first))
    assert found["interval"] == pytest.approx(float(ds.hh.intervals().interval_length.mean()))


def test_weak_errors_of_V_need_trials_at_a_spike(pair):
    """At 40 ms fewer than 16 of 30 are; at 43 ms all neurons are about to fire or just did."""
    V = list(REST_ON_SPIKES)
    ds = studies.weak_convergence(pair, ["strang"], [0.05, 0.1], 40.0, 30, rng=1)
    few = ds.sel(observable=V)
    assert np.isnan([few.error_low, few.error_high]).all()
    assert np.isfinite(few.error).all()
    assert np.isfinite(ds.error_low.sel(observable="first_passage")).all()
    assert "fewer than 16 trials are at one" in ds.error_low.attrs["nan_means"]
    assert "no interval" in ds.order.attrs["nan_means"]
    still = pair.replace(stimulus=0.0)
    quiet = studies.weak_convergence(still, ["strang"], [0.05, 0.1], 20.0, 30, rng=1)
    assert np.isfinite(quiet.error_low.sel(observable=V)).all()


@pytest.mark.parametrize(("at_spike", "given"), [(15, False), (16, True)])
def test_how_many_trials_at_a_spike(at_spike, given):
    rng = np.random.default_rng(1)
    sums, exact = rng.normal(-60.0, 1.0, (2, 8, 40)) ** 2
    sums[7] = np.arange(40) < at_spike
    exact[7] = np.arange(40) < 3  # the same ones
    estimate = weak.Estimate(Firing(40.0), ((1.0, sums),))
    low, high = weak._interval(estimate, True, exact, 0.95)
    assert np.isfinite(low[:2]).all() == np.isfinite(high[:2]).all() == given
    assert np.isfinite(low[2:]).all()
    assert np.isfinite(weak._interval(estimate, False, exact, 0.95)).all()


def test_spikes_on_the_way_are_those_of_the_traces(pair):
    options = {"dt": 0.05, "method": "strang", "trials": 3, "rng": 1}
    ends = hh.solve(pair, 40.0, **options, **common.end_and_spikes(40.0))
    traces = hh.solve(pair, 40.0, **options, record=["V"])
    assert ends.sizes["time"] == 2
    assert traces.sizes["time"] == 801
    rounding = {"rtol": 1e-13, "atol": 0.0}  # of the times of spikes between steps
    assert np.allclose(Firing(40.0).sums(ends), Firing(40.0).sums(traces), **rounding)
    found, wanted = (compare._statistics(ds, True, 0.95) for ds in (ends, traces))
    assert np.allclose(list(found.values()), list(wanted.values()), rtol=1e-12, atol=0.0)


def test_weak_errors_keep_no_traces(pair, monkeypatch):
    kept = []

    def solve(*arguments, **options):
        kept.append(hh.solve(*arguments, **options))
        return kept[-1]

    monkeypatch.setattr(common, "solve", solve)
    studies.weak_convergence(pair, ["strang"], [0.05, 0.1], 40.0, 3, rng=1)
    assert [ds.sizes["time"] for ds in kept] == [2, 2, 2]


def test_errors_near_the_floor_or_the_noise_are_not_fitted():
    errors = np.array([1e-3, 2e-3, 4e-3, 8e-3])
    squares = np.repeat((errors**2)[None, :, None], 5, 2)
    floor = np.full(5, 0.4e-3) ** 2
    ds = convergence._orders(["m"], [0.01, 0.02, 0.04, 0.08], squares, floor, [1.0], 0.95)
    assert ds.fitted.values.tolist() == [[0, 1, 1, 1]]
    # mean V of 5 trials off by 1, 2, 4 with a standard error of about 1: one step above 3 of them
    exact = np.zeros((8, 5))
    found = {}
    for j, off in enumerate([1.0, 2.0, 4.0]):
        sums = exact.copy()
        sums[0] = off + np.array([-2.8, -1.4, 0.0, 1.4, 2.8])
        found[0, j] = weak.Estimate(Firing(1.0), ((1.0, sums),))
    low, high = np.full((2, 1, 5, 3), np.nan)
    for j in range(3):
        low[0, :, j], high[0, :, j] = intervals.jackknife(
            lambda r, j=j: weak._differences(found[0, j], exact, r), 5, 0.95
        )
    steps = [0.1, 0.2, 0.4]
    order, fitted = weak._weak_orders(found, Firing(1.0), exact, low, high, steps, 0.95)
    assert not fitted.any()
    assert np.isnan(order).all()


def test_one_trial_is_no_recommendation(pair):
    with pytest.warns(UserWarning, match="no error of the mean interval has an interval"):
        ds = studies.recommend(pair, 0.5, ["strang"], [0.1], 60.0, 1, rng=1)
    assert "recommended_method" not in ds.attrs


def test_firing_below_the_hopf_point():
    """From firing, at currents that all have a stable rest: the cycle exists from 6.26."""
    ds = studies.rate_curve(hh.Network(1), [8.0, 8.25], t_end=200.0, discard=100.0, trials=1, rng=1)
    assert np.all(ds.rate.sel(start="firing") > 40)
    assert np.all(ds.rate.sel(start="rest") == 0)


def test_the_firing_branch_on_a_coarse_grid():
    """Fold of limit cycles at 6.260, Hopf bifurcation at 9.775 (E_L = -54.387)."""
    ds = studies.rate_curve(
        hh.Network(1), np.arange(6.0, 13.0, 0.5), t_end=400.0, discard=200.0, trials=1, rng=1
    ).sel(sigma=0.0)
    firing = ds.rate.sel(start="firing")
    assert np.all((firing > 40) == (firing.current > 6.26))
    assert float(firing.sel(current=6.0)) == 0.0
    assert np.all(ds.rate.sel(start="rest", current=slice(None, 9.5)) == 0)


def test_the_firing_branch_does_not_depend_on_the_other_currents():
    """Asked for alone, in the bistable range, where no firing is reached from rest."""
    options = {"t_end": 400.0, "discard": 200.0, "trials": 1, "rng": 1}
    alone = studies.rate_curve(hh.Network(1), [6.5], **options).rate.sel(start="firing")
    assert float(alone[0, 0]) == pytest.approx(1e3 / 18.17, abs=5.0)  # 1 spike in 200 ms
    backwards = studies.rate_curve(hh.Network(1), [7.0, 6.5], **options)
    assert backwards.current.values.tolist() == [6.5, 7.0]
    assert np.all(backwards.rate.sel(start="firing") > 40)


def test_the_beginning_of_a_branch_is_sought_downwards():
    """Oscillation between 6.3 and 154, reached from a raised rest above 10; slow decay to 158."""

    class Window(rates.Branch):
        def _run(self, current, x0):
            raised = x0.size > 1
            if (10 if raised or x0[0] == 0 else 6.3) < current < 154:
                return np.array([1.0]), 50.0
            return np.array([0.0]), 1.5 if raised and 154 <= current < 158 else 0.0

    branch = Window(hh.Network(1), 1.0, {})
    assert 150 <= branch._beginning([6.5, 200.0])[0] < 154
    firing, blocked = branch.at([6.5, 200.0])
    assert firing.tolist() == [1.0]
    assert np.array_equal(blocked, branch._raised(200.0))
    assert branch._beginning([6.5, 153.0, 156.0])[0] == 153.0
    assert branch._beginning([6.5, 9.0])[0] == 11.0  # upwards
    assert np.array_equal(branch.at([200.0, 210.0])[0], branch._raised(200.0))  # no branch


@pytest.mark.slow
def test_the_firing_branch_from_beyond_the_upper_hopf_point():
    """Depolarization block from 154 uA/cm^2 on: nothing oscillates at the largest current, nor
    above it.
    """
    options = {"t_end": 200.0, "discard": 100.0, "trials": 1, "rng": 1}
    ds = studies.rate_curve(hh.Network(1), [6.5, 200.0], **options)
    rate, amplitude = ds.rate.sel(start="firing")[0], ds.amplitude.sel(start="firing")[0]
    assert float(rate[0]) == pytest.approx(1e3 / 18.17, abs=10.0)  # 1 spike in 100 ms
    assert float(amplitude[0]) > 80.0
    assert float(rate[1]) == 0.0
    assert float(amplitude[1]) < 1.0


def test_where_a_branch_ends():
    """A saddle-node at current 2: x^2 = I - 2, of which the upper root is followed."""

    class Parabola(rates.Branch):
        runs = []

        def _run(self, current, x0):
            self.runs.append(current)
            lost = current < 2 or x0[0] < -np.sqrt(current - 2)
            x = 0.0 if lost else 5 + np.sqrt(current - 2)
            return np.array([x]), x

    branch = Parabola(None, 1.0, {})
    current, state, extent = branch._followed(9.0, np.array([7.6]), 7.6, 0.0)
    assert 2.0 <= current < 2.0 + 2 * rates.LEAST_STEP
    assert extent == 0.0
    assert state[0] == pytest.approx(5.0, abs=0.15)
    assert np.abs(np.diff(branch.runs)).max() <= rates.LARGEST_STEP + 1e-12


# -- intervals ------------------------------------------------------------------------------------


def mean_of(values):
    return lambda samples: values[samples].mean(axis=1)


def test_the_interval_of_a_mean_is_students():
    values = np.random.default_rng(1).normal(3.0, 2.0, 10)
    t = scipy.stats.t(9, values.mean(), values.std(ddof=1) / np.sqrt(10)).interval(0.95)
    assert intervals.jackknife(mean_of(values), 10, 0.95) == pytest.approx(t)
    # the standard deviation over 2000 resamples is known to 1/sqrt(2 x 2000), 1.6 %
    assert intervals.bootstrap(mean_of(values), 10, 0.95) == pytest.approx(t, abs=0.1)


def test_the_jackknife_takes_off_the_bias_of_a_variance():
    values = np.random.default_rng(2).normal(0.0, 1.0, 12)
    low, high = intervals.jackknife(lambda r: values[r].var(axis=1), 12, 0.9)
    assert (low + high) / 2 == pytest.approx(values.var(ddof=1))


def test_intervals_that_there_are_not():
    assert np.isnan(intervals.jackknife(mean_of(np.ones(1)), 1, 0.95)).all()
    assert np.isnan(intervals.bootstrap(mean_of(np.ones(1)), 1, 0.95)).all()
    zero = np.zeros(4)  # on a logarithmic scale
    assert np.array(intervals.jackknife(mean_of(zero), 4, 0.95, intervals.LOG)).tolist() == [0, 0]
    rests_on_one = np.array([1.0, np.nan, np.nan])
    with np.errstate(invalid="ignore"):
        found = intervals.jackknife(
            lambda r: np.nansum(rests_on_one[r], 1) / (r == 0).sum(1), 3, 0.95
        )
    assert np.isnan(found).all()


@pytest.mark.parametrize(
    ("estimate", "scale", "truth"),
    [
        (lambda x: x.mean(axis=-1), intervals.PLAIN, 1.0),
        (lambda x: np.sqrt((x**2).mean(axis=-1)), intervals.LOG, np.sqrt(1.1)),
        (lambda x: x.std(axis=-1) / x.mean(axis=-1), intervals.INVERSE, np.sqrt(0.1)),
    ],
)
def test_intervals_cover(estimate, scale, truth):
    """400 studies of 10 trials, each trial 20 gamma variables of shape 10.

    Between 91 and 98 per cent: if 94.5 are covered, a false alarm of 0.4 %. Percentiles of
    resamples cover 89, 89 and 87 here. benchmarks/coverage.py has the cell itself.
    """
    x = np.random.default_rng(5).gamma(10.0, 0.1, (400, 10, 20))
    covered = []
    for one in x:
        low, high = intervals.jackknife(
            lambda r, one=one: estimate(one[r].reshape(len(r), -1)), 10, 0.95, scale
        )
        covered.append(low <= truth <= high)
    assert 0.91 < np.mean(covered) < 0.98


def test_long_intervals_fit_seldom_into_a_record():
    """A Poisson train of 100 Hz has CV 1; intervals seen in 60 ms are more alike."""
    times = np.cumsum(np.random.default_rng(3).exponential(10.0, (1000, 40)), axis=1)
    trial, k = np.nonzero(times < 60.0)
    following = np.isin(trial[1:] - trial[:-1], 0)
    length, of_trial = np.diff(times[trial, k])[following], trial[1:][following]
    found = xr.Dataset({"interval_length": ("interval", length), "trial": ("interval", of_trial)})
    cv, low, high = noise_levels._irregularity(found, 60.0, 1000, 0.999)
    assert cv < 0.96
    assert low < 1.0 < high
    assert high - low < 0.2


def test_one_definition_of_the_coefficient_of_variation():
    net = hh.Network(1, stimulus=10.0)
    ds = studies.noise_sweep(net, [2.0], t_end=200.0, trials=4, rng=1)
    spikes = hh.solve(
        net.replace(noise=hh.CurrentNoise(2.0)), 200.0, dt=0.05, method="strang", rng=1, trials=4,
        record=("spikes",),
    )  # fmt: skip
    measured = spikes.hh.interval_statistics(pool="trial")
    length = spikes.hh.intervals().interval_length.values
    assert float(measured.cv[0]) == pytest.approx(length.std(ddof=1) / length.mean(), rel=1e-12)
    assert float(ds.cv[0]) == pytest.approx(float(measured.cv[0]), rel=1e-12)
    traces = hh.solve(
        net.replace(noise=hh.CurrentNoise(2.0)), 200.0, dt=0.05, method="strang", rng=1, trials=4
    )
    compared = compare._statistics(traces, True, 0.95)["cv"]
    assert compared == pytest.approx(float(measured.cv[0]), rel=1e-9)
    drawn = hh.plot.interval_histogram(traces).get_legend_handles_labels()[1]
    assert drawn == [f"neuron 0, CV {compared:.2g}"]
    plt.close("all")


def test_trials_that_agree_in_spite_of_noise_tell_nothing():
    ds = studies.noise_sweep(hh.Network(1), [0.0, 0.01], t_end=100.0, trials=3, rng=1)
    assert ds.rate.values.tolist() == [0.0, 0.0]
    assert [float(ds.rate_low[0]), float(ds.rate_high[0])] == [0.0, 0.0]  # without noise it is so
    assert np.isnan([ds.rate_low[1], ds.rate_high[1]]).all()
    assert "agree in spite of noise" in ds.rate_low.attrs["nan_means"]


def test_trials_that_agree_but_for_rounding_tell_nothing():
    """9 spikes in 700 ms: the mean of three such rates is not each of them, bit for bit."""
    net = hh.Network(1, noise=hh.CurrentNoise(1.0))
    rates = np.full(3, 9 / 0.7)
    assert np.isnan(common.rate_interval(net, rates, 0.95)).all()
    assert common.rate_interval(net.replace(noise=()), rates, 0.95) == (rates.mean(),) * 2
    counts, more = np.array([7.0, 9.0, 12.0, 8.0]), np.array([8.0, 10.0, 13.0, 9.0])
    sums, exact = np.zeros((2, 8, 4))
    sums[2], exact[2] = more, counts  # each trial has one spike more
    estimate = weak.Estimate(Firing(700.0), ((1.0, sums),))
    ends = weak._interval(estimate, True, exact, 0.95)
    assert np.isnan(np.array(ends)[:, list(OBSERVABLES).index("rate")]).all()


def test_equal_intervals_in_spite_of_noise_tell_nothing():
    """Spikes at the same times in all trials of compare_methods."""
    V = np.where(np.arange(200) % 40 == 0, 10.0, -60.0)
    ds = xr.Dataset(
        {"V": (("trial", "time", "neuron"), np.broadcast_to(V[:, None], (3, 200, 1)))},
        coords={"trial": range(3), "time": np.arange(200) * 0.175, "neuron": [0]},
    )
    found = compare._statistics(ds, True, 0.95)
    assert found["interval"] == pytest.approx(7.0)
    assert np.isnan([found["interval_low"], found["interval_high"]]).all()
    assert compare._statistics(ds, False, 0.95)["interval_low"] == pytest.approx(7.0)


def test_intervals_of_many_trials_take_little_memory():
    """Of 3,000 trials a jackknife at once is 72 MB for the trial numbers alone, a bootstrap 48."""
    values = np.random.default_rng(1).normal(3.0, 2.0, 3000)
    t = scipy.stats.t(2999, values.mean(), values.std(ddof=1) / np.sqrt(3000)).interval(0.95)
    for interval in (intervals.jackknife, intervals.bootstrap):
        tracemalloc.start()
        found = interval(mean_of(values), 3000, 0.95)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found == pytest.approx(t, abs=0.01)
        assert peak < 40e6


def test_the_interval_of_reliability_takes_little_memory():
    """Of 300 trials all pairs of all jackknife samples would be 216 MB."""
    alike = np.random.default_rng(1).uniform(0.0, 1.0, (300, 300))
    tracemalloc.start()
    low, high = intervals.jackknife(
        lambda r: spike_reliability._mean_correlation(alike, r), 300, 0.95
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert low < 0.5 < high
    assert peak < 40e6
    twice = np.array([[0, 0, 1, 2]])
    pairs = [alike[i, j] for i in twice[0] for j in twice[0] if i != j]
    assert spike_reliability._mean_correlation(alike, twice)[0] == pytest.approx(np.mean(pairs))


def test_resamples_in_slices_are_those_at_once(monkeypatch):
    values = np.random.default_rng(1).normal(3.0, 2.0, 30)
    at_once = [f(mean_of(values), 30, 0.95) for f in (intervals.jackknife, intervals.bootstrap)]
    monkeypatch.setattr(intervals, "AT_ONCE", 200)
    in_slices = [f(mean_of(values), 30, 0.95) for f in (intervals.jackknife, intervals.bootstrap)]
    assert np.array_equal(at_once, in_slices)


# -- orders that mislead --------------------------------------------------------------------------


def test_an_order_that_is_not_the_declared_one_is_warned_of():
    """Gate noise so weak that at these steps the noise-free error, of order 1, is the larger."""
    weakly = GENERAL.replace(
        noise=[hh.SubunitNoise(numbers={"A": 4_000_000}), hh.CurrentNoise(1e-3)]
    )
    with pytest.warns(UserWarning, match=r"euler_maruyama .* beside 0\.5\. The steps may not be"):
        ds = studies.strong_convergence(
            weakly, ["euler_maruyama"], [1 / 64, 1 / 32, 1 / 16, 1 / 8], 0.5, 10,
            variable="a", rng=1,
        )  # fmt: skip
    assert float(ds.order_low[0]) > 0.9
    assert "without noise" in ds.order.attrs["warning"]
    (label,) = ds.hh.plot().axes[0].get_legend_handles_labels()[1]
    assert label.endswith(", declared 0.5")
    plt.close("all")


def test_the_declared_order_is_not_warned_of(pair, recwarn):
    ds = studies.strong_convergence(pair, ["heun"], trials=20, rng=1)
    assert float(ds.order_low[0]) < 1.0 < float(ds.order_high[0])
    assert "warning" not in ds.order.attrs
    assert not recwarn.list


def test_the_range_is_chosen_anew_in_each_resample():
    """Of 20 trials 2 break down at the largest step, by so much that with them it is not fitted."""
    dts = np.array([0.01, 0.02, 0.04, 0.08])
    squares = np.repeat((dts**2)[:, None], 20, axis=1)
    squares[3, :2] *= 100.0
    seen = []

    def errors(samples):
        return convergence._root_mean_square(squares, samples)

    def floor(samples):
        seen.append(orders.asymptotic_range(dts, errors(samples), 0.0).sum(axis=1))
        return np.zeros((len(samples), 1))

    order, fitted = orders.fitted_order(dts, errors, floor, 20, 0.95)
    assert fitted.tolist() == [True, True, True, False]
    assert order[0] == pytest.approx(1.0)
    with_all = (seen[-1] == 4).mean()
    assert with_all == pytest.approx(0.9**20, abs=0.03)  # resamples without the two
    low, high = intervals.bootstrap(
        lambda r: orders.slope(np.log(dts), errors(r), fitted[None]), 20, 0.95
    )
    assert high - low < 1e-9  # with the range kept
    assert order[2] - order[1] >= high - low


def test_nan_has_a_reason(pair):
    ds = studies.strong_convergence(pair, ["euler_maruyama"], [0.1, 0.2, 0.4], 8.0, 3, rng=1)
    assert np.isnan(ds.order).all()
    assert "fewer than 3 steps" in ds.order.attrs["nan_means"]
    assert "diverged" in ds.error.attrs["nan_means"]
    assert "fewer than 2 trials" in ds.error_low.attrs["nan_means"]


# -- what is divergence ---------------------------------------------------------------------------


def test_only_divergence_is_divergence(pair, monkeypatch):
    """An error of another kind, and Ctrl-C, pass through every study."""
    for error in (MemoryError("too much"), hh.IntegrationError("gave up", xr.Dataset())):

        def fails(*_, error=error, **__):
            raise error

        for module in (common, rates, noise_levels, spike_reliability, network_synchrony,
                       levels, mean_return, phase):  # fmt: skip
            monkeypatch.setattr(module, "solve", fails)
        monkeypatch.setattr(lyapunov_exponents, "tangent_flow", fails)
        monkeypatch.setattr(sensitivities, "sweep", fails)
        for name, study in studies.STUDIES.items():
            with pytest.raises(type(error), match=str(error)):
                study(pair, **SMALL[name], rng=1)


@pytest.mark.parametrize("name", studies.STUDIES)
def test_ctrl_c_stops_a_study(name, pair, monkeypatch):
    """In the second run: no result is made of a truncated one."""
    updates = []

    class Pressed(Progress):
        def update(self, done):
            updates.append(done)
            if len(updates) == 2:
                raise KeyboardInterrupt

    for place in ("runs", "progress"):
        monkeypatch.setattr(f"hh_sde.{place}.Progress", Pressed)
    with pytest.raises(hh.Interrupted):
        studies.STUDIES[name](pair, **SMALL[name], rng=1)


def test_a_silent_network_has_not_diverged(pair):
    silent = pair.replace(stimulus=0.0)
    with pytest.warns(UserWarning, match="no intervals between spikes in 60 ms") as told:
        ds = studies.recommend(silent, 0.5, ["strang"], [0.05, 0.1], 60.0, 3, rng=1)
    assert len(told) == 1
    assert not ds.diverged.any()
    assert np.all(ds.cost > 0)
    assert "larger stimulus or a longer t_end" in ds.attrs["advice"]
    assert "smaller steps" not in ds.attrs["advice"]
    assert "no intervals" in ds.interval_error.attrs["nan_means"]


def test_a_method_that_diverges_is_told_from_silence(pair):
    with pytest.warns(UserWarning, match="recommend: every method diverged at dt = 0.1 ms"):
        ds = studies.recommend(pair, 0.5, ["euler_maruyama"], [0.1], 60.0, 3, rng=1)
    assert ds.diverged.all()
    assert np.isnan(ds.cost).all()
    assert "every method diverged at dt = 0.1 ms; give smaller steps" in ds.attrs["advice"]


# -- usage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda net: studies.strong_convergence(net, ["strong"]),
            "methods: there is no method 'strong'; did you mean strang",
        ),
        (lambda net: studies.strong_convergence(net, dts=[0.01, 0.0137]), "not a multiple"),
        (lambda net: studies.strong_convergence(net, variable="W"), "no variable 'W'"),
        (lambda net: studies.noise_sweep(net.sde()), "takes a Network, got SDE"),
        (lambda net: hh.rerun(xr.Dataset()), "no attribute 'arguments'"),
        (lambda net: studies.strong_convergence(net, "strang"), "must be a list of methods, got"),
        (lambda net: studies.strong_convergence(net, []), "must be a list of methods, got"),
        (lambda net: studies.strong_convergence(net, ["heun", "heun"]), "names a method twice"),
        (lambda net: studies.weak_convergence(net, ["scipy.DOP853"]), "does not take additive"),
        (lambda net: studies.strong_convergence(net, dts=[0.01] * 3), "different from each other"),
        (lambda net: studies.strong_convergence(net, dts=[0.0, 0.1]), "each of dts must be pos"),
        (lambda net: studies.strong_convergence(net, dts=0.1), "dts must be a list"),
        (
            lambda net: studies.strong_convergence(net, refine=0),
            "refine must be 2, 3, 4, ..., got 0",
        ),
        (lambda net: studies.weak_convergence(net, refine=1), "refine must be 2, 3, 4, ..., got 1"),
        (lambda net: studies.strong_convergence(net, trials=0), "trials must be 1, 2, 3"),
        (lambda net: studies.strong_convergence(net, trials=[0, 1]), "trials must be 1, 2, 3"),
        (lambda net: studies.weak_convergence(net, confidence=-1), "between 0 and 1, got -1"),
        (lambda net: studies.weak_convergence(net, confidence=95), "between 0 and 1, got 95"),
        (lambda net: studies.compare_methods(net, dt=[]), "dt must be a list of one number"),
        (lambda net: studies.compare_methods(net, dt=0.1, reference_dt=0.2), "smaller than every"),
        (lambda net: studies.compare_methods(net, window=np.nan), "window must be positive"),
        (lambda net: studies.work_precision(net, repeats=0), "repeats must be 1, 2, 3"),
        (lambda net: studies.reliability(net, width=-1), "width must be positive"),
        (lambda net: studies.reliability(net, method=3), "name of a method or a"),
        (lambda net: studies.noise_sweep(net, sigmas=[]), "sigmas must be a list of one"),
        (lambda net: studies.noise_sweep(net, sigmas=[-1.0]), "each of sigmas must be 0 or more"),
        (lambda net: studies.noise_sweep(net, sigmas=["1"]), "each of sigmas must be a number"),
        (lambda net: studies.synchrony(net, [np.nan]), "each of couplings must be finite"),
        (lambda net: studies.synchrony(net, discard=-20), "discard must be 0 or more"),
        (lambda net: studies.rate_curve(net, t_end=100.0, discard=100.0), "leaves nothing of"),
        (lambda net: studies.rate_curve(net, [5.0, np.nan]), "each of currents must be finite"),
        (lambda net: studies.rate_curve(net, [5.0, 5.0]), "different from each other"),
        (lambda net: studies.rate_curve(net, True), "currents must be a list"),
    ],
)
def test_wrong_use(call, message, pair):
    with pytest.raises((TypeError, ValueError), match=message):
        call(pair)


def test_every_argument_of_every_study_has_a_check():
    for name, study in studies.STUDIES.items():
        parameters = set(inspect.signature(study).parameters) - {"net", "model", "rng"}
        assert parameters <= set(CHECKS), name


def test_from_the_command_line(tmp_path):
    (tmp_path / "net.toml").write_text(
        '[network]\nn_neurons = 1\nstimulus = 6.0\n[study]\nsigmas = ["1 uA/cm^2*ms^0.5", 4.0]\n'
        "t_end = 200.0\ntrials = 4\n[run]\nrng = 5\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "hh_sde.cli", "study", "noise_sweep", "net.toml", "--out", "s.nc"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "coefficient of variation" in done.stdout
    by_hand = studies.noise_sweep(
        hh.Network(1, stimulus=6.0), sigmas=[1.0, 4.0], t_end=200.0, trials=4, rng=5
    )
    assert xr.load_dataset(tmp_path / "s.nc").equals(by_hand)
    net = str(tmp_path / "net.toml")
    wrong = CliRunner().invoke(app, ["study", "noise_sweeps", net])
    assert wrong.exit_code == 2
    assert "choose from compare_methods" in wrong.stderr
    wrong = CliRunner().invoke(app, ["study", "synchrony", net])
    assert wrong.exit_code == 2
    assert "two neurons or more" in wrong.stderr


def test_an_unstable_rest_is_none():
    """Above the Hopf point V leaves its equilibrium so slowly that it would hardly fire in time."""
    ds = studies.rate_curve(hh.Network(1), [9.0, 10.0], t_end=400.0, trials=1, rng=1)
    rates = ds.rate.sel(sigma=0.0)
    assert rates.sel(start="rest").values.tolist() == [0.0, rates.sel(start="firing").values[1]]
    assert rates.sel(start="firing", current=10.0) == pytest.approx(68.3, abs=5.0)
