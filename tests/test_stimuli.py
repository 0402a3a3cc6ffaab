"""Injected currents on their own."""

import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import scipy.integrate
import xarray as xr

import hh_sde as hh
from hh_sde.stimuli import ScaledStimulus, StimulusSum, as_stimulus


def at(stimulus, *times):
    return stimulus.current(np.array(times, dtype=float)[:, None])


def test_per_neuron_amplitudes():
    assert at(hh.StepCurrent([1.0, 2.0], start=1.0), 0.0, 1.0).tolist() == [[0, 0], [1, 2]]


def test_a_jump_on_the_grid_is_not_late_for_rounding():
    t = 3 * 0.1  # 0.30000000000000004
    step = hh.StepCurrent(1.0, start=0.3, stop=0.7)
    assert at(step, t, 7 * 0.1, 0.1 + 0.2).ravel().tolist() == [1, 0, 1]
    train = hh.PulseTrain(1.0, start=0.1, width=0.1, period=0.3)
    grid = np.arange(10) * 0.1
    assert at(train, *grid).ravel().tolist() == [0, 1, 0, 0, 1, 0, 0, 1, 0, 0]


def test_pulse_train_count():
    train = hh.PulseTrain(2.0, start=5.0, width=1.0, period=10.0, count=2)
    assert at(train, 4.0, 5.5, 15.5, 25.5).ravel().tolist() == [0, 2, 2, 0]


@pytest.mark.parametrize(
    "stimulus",
    [
        hh.StepCurrent(1.0, start=3.0, stop=12.0),
        hh.PulseTrain(1.0, start=2.0, width=1.0, period=5.0, count=3),
        hh.PulseTrain(1.0, start=-7.0, width=1.0, period=5.0),
        hh.SampledCurrent([1.0, 3.0, 2.0], dt=2.5, start=1.0),
        hh.SampledCurrent([1.0, 3.0, 2.0], dt=2.5, start=1.0, interpolation="linear"),
        hh.RampCurrent(2.0, start=3.0, stop=12.0),
        hh.RampCurrent(2.0, start=-3.0, stop=12.0),
        hh.RampCurrent(5.0, start=2.0, stop=6.0) - hh.RampCurrent(5.0, start=6.0, stop=9.0),
        -2.0 * hh.StepCurrent(1.0, start=3.0, stop=12.0),
    ],
)
def test_between_breakpoints_the_current_is_a_straight_line(stimulus):
    edges = np.concatenate([[0.0], stimulus.breakpoints(0.0, 20.0), [20.0]])
    assert np.all(np.diff(edges) > 0)
    for begin, end in pairwise(edges):
        inside = at(stimulus, *np.linspace(begin, end, 7)[:-1]).ravel()
        np.testing.assert_allclose(np.diff(inside, 2), 0, atol=1e-9)
    for edge in edges[1:-1]:
        around = at(stimulus, edge - 1e-3, edge, edge + 1e-3).ravel()
        assert np.ptp(around) > 1e-4 or abs(np.diff(around, 2)[0]) > 1e-4


def test_sampled_interpolations():
    values = [0.0, 10.0, 20.0]
    held = hh.SampledCurrent(values, dt=1.0)
    joined = hh.SampledCurrent(values, dt=1.0, interpolation="linear")
    times = (-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
    assert at(held, *times).ravel().tolist() == [0, 0, 0, 10, 10, 20, 20, 0]
    np.testing.assert_allclose(at(joined, *times).ravel(), [0, 0, 5, 10, 15, 0, 0, 0], atol=1e-7)


def test_sums_with_numbers_and_each_other():
    total = 1.0 + hh.StepCurrent(2.0, start=1.0) + np.array([0.0, 4.0])
    assert at(total, 0.0, 1.0).tolist() == [[1, 5], [3, 7]]
    assert len(total.terms) == 3
    assert not total.constant
    assert (hh.ConstantCurrent(1.0) + 2.0).constant


def test_multiples_and_differences():
    step, ramp = hh.StepCurrent(2.0, start=1.0), hh.RampCurrent(4.0, start=0.0, stop=4.0)
    times = (0.0, 0.5, 1.0, 3.0)
    np.testing.assert_array_equal(at(3 * step - ramp / 2, *times).ravel(), [0, -0.25, 5.5, 4.5])
    np.testing.assert_array_equal(at(1.0 - step, *times).ravel(), [1, 1, -1, -1])
    np.testing.assert_array_equal(at(step - 1.0, *times).ravel(), [-1, -1, 1, 1])
    negative = -step
    np.testing.assert_array_equal(at(-negative, *times), at(step, *times))
    assert np.float64(2.0) * step == step * 2 == 2 * (1.0 * step)
    assert (3 * step - ramp).breakpoints(0.0, 10.0).tolist() == [1.0, 4.0]


def test_an_array_times_a_stimulus_is_a_factor_for_each_neuron():
    factors = np.array([1.0, -3.0])
    step = hh.StepCurrent(2.0, start=1.0)
    for scaled in (factors * step, step * factors, step * [1.0, -3.0]):
        assert at(scaled, 0.0, 1.0).tolist() == [[0, 0], [2, -6]]
    assert at(factors - step, 1.0).tolist() == at(-(step - factors), 1.0).tolist() == [[-1, -5]]
    assert at(factors * hh.ConstantCurrent([5.0, 7.0]), 0.0).tolist() == [[5, -21]]
    with pytest.raises(ValueError, match="has values for 2 neurons; this network has 3"):
        hh.Network(3, stimulus=factors * step)


def test_multiples_and_differences_keep_what_the_methods_ask_for():
    step, ramp = hh.StepCurrent(2.0, start=1.0), hh.RampCurrent(4.0, start=0.0, stop=4.0)
    assert (2.0 * hh.ConstantCurrent(1.0) - 3.0).constant
    assert not (2.0 * step).constant
    assert (1.0 - 2.0 * step).piecewise_constant
    assert not (step - ramp).piecewise_constant
    assert not hh.AlphaCurrent(1.0, start=0.0, tau=1.0).piecewise_constant


def test_a_multiple_is_described_and_made_again():
    net = hh.Network(2, stimulus=5.0 - np.array([1.0, 2.0]) * hh.AlphaCurrent(3.0, 1.0, tau=2.0))
    ds = hh.solve(net, 0.1)
    assert hh.Network.from_dataset(ds) == net


def test_ramp_against_its_closed_form():
    ramp = hh.RampCurrent([2.0, -6.0], start=3.0, stop=7.0)
    t = np.linspace(0.0, 12.0, 49)
    line = np.where(t < 3.0, 0.0, np.where(t < 7.0, (t - 3.0) / 4.0, 1.0))
    np.testing.assert_allclose(at(ramp, *t), line[:, None] * [2.0, -6.0], rtol=1e-15)
    assert ramp.breakpoints(0.0, 12.0).tolist() == [3.0, 7.0]
    assert ramp.breakpoints(3.0, 7.0).tolist() == []


def test_alpha_function_against_its_closed_form():
    alpha = hh.AlphaCurrent(4.0, start=2.0, tau=[0.5, 3.0])
    t = np.linspace(0.0, 400.0, 40_001)
    s = np.maximum(t[:, None] - 2.0, 0.0) / [0.5, 3.0]
    np.testing.assert_allclose(at(alpha, *t), 4.0 * np.e * s * np.exp(-s), rtol=1e-13, atol=1e-300)
    assert at(alpha, 2.5)[0, 0] == at(alpha, 5.0)[0, 1] == 4.0  # at its peak, a tau after its start
    areas = scipy.integrate.trapezoid(at(alpha, *t), t, axis=0)
    np.testing.assert_allclose(areas, np.e * 4.0 * np.array([0.5, 3.0]), rtol=1e-4)
    assert alpha.breakpoints(0.0, 10.0).tolist() == [2.0]
    before, after = at(alpha, 2.0 - 1e-6, 2.0, 2.0 + 1e-6)[:, 0][[0, 2]]
    assert before == 0.0  # a corner: flat before,
    assert after == pytest.approx(4.0 * np.e * 1e-6 / 0.5, rel=1e-5)  # with the slope e A/tau after
    assert at(hh.AlphaCurrent(1.0, start=0.0, tau=1e-305), 1e9).item() == 0.0


def test_a_number_is_a_constant_current():
    assert as_stimulus(3.0) == hh.ConstantCurrent(3.0)
    with pytest.raises(TypeError, match="a stimulus is data, not a function"):
        as_stimulus(lambda t: t)


BAD = [
    (
        lambda: hh.StepCurrent(1.0, start=2.0, stop=1.0),
        r"stop must come after start \(2.0 ms\), got 1",
    ),
    (lambda: hh.StepCurrent(1.0, start=[1.0, 2.0]), "StepCurrent.start must be one number"),
    (lambda: hh.StepCurrent(np.nan, start=0.0), "StepCurrent.amplitude must be finite"),
    (
        lambda: hh.PulseTrain(1.0, start=0.0, width=2.0, period=1.0),
        "width must lie between 0 and the period",
    ),
    (
        lambda: hh.PulseTrain(1.0, start=0.0, width=1.0, period=2.0, count=0),
        "count must be 1, 2, ..., 100000000 or None, got 0",
    ),
    (lambda: hh.SineCurrent(1.0, frequency=-5), r"frequency \(Hz\) must not be negative, got -5"),
    (lambda: hh.SampledCurrent([1.0], dt=0.0), r"dt \(ms\) must be positive"),
    (lambda: hh.SampledCurrent([np.inf], dt=1.0), "values must be finite"),
    (
        lambda: hh.SampledCurrent([1.0], dt=1.0, interpolation="cubic"),
        "must be one of previous, linear, got 'cubic'",
    ),
    (lambda: hh.SampledCurrent([1.0]), "give dt, the spacing of the samples"),
    (lambda: hh.SampledCurrent([1.0], dt=1.0, interpolation="linaer"), r"did you mean linear\?"),
    (lambda: hh.SampledCurrent(np.ones((2, 0)), dt=1.0), r"got shape \(2, 0\)"),
    (lambda: hh.ConstantCurrent("a"), "ConstantCurrent.amplitude must be a number"),
    (lambda: hh.PulseTrain(1.0, start=0.0, width=1.0, period=2.0, count=True), "count must be 1"),
    (
        lambda: hh.PulseTrain(1.0, start=0.0, width=1.0, period=2.0, count=10**400),
        r"count must be 1, 2, ..., 100000000 or None, got 1000",
    ),
    (lambda: hh.SampledCurrent(xr.Dataset({"a": 1.0}), dt=1.0), "values must be numbers"),
    (lambda: StimulusSum((1.0,)), "StimulusSum.terms must be Stimulus, got 1.0"),
    (lambda: StimulusSum(()), "StimulusSum.terms must be one stimulus or more"),
    (
        lambda: hh.PulseTrain(1.0, start=0.0, width=1e-10, period=1e-9).breakpoints(0.0, 1.0),
        "pulses between 0 and 1 ms are more than",
    ),
    (lambda: hh.ConstantCurrent([[1.0]]), "must be a number or a 1-D array"),
    (
        lambda: hh.RampCurrent(1.0, start=2.0, stop=2.0),
        r"RampCurrent: stop must come after start \(2.0 ms\), got 2.0",
    ),
    (lambda: hh.AlphaCurrent(1.0, 0.0, tau=0.0), r"AlphaCurrent.tau \(ms\) must be positive"),
    (lambda: "a" * hh.ConstantCurrent(1.0), "the factor of a stimulus must be a number or one"),
    (
        lambda: hh.ConstantCurrent(1.0) * hh.ConstantCurrent(1.0),
        "the factor of a stimulus must be a number or one number per neuron, got ConstantCurrent",
    ),
    (lambda: hh.ConstantCurrent(1.0) / 0.0, "a stimulus is not divided by 0"),
    (lambda: ScaledStimulus(1.0, 2.0), "ScaledStimulus.stimulus must be a Stimulus, got 1.0"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_stimuli(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_a_stimulus_for_another_number_of_neurons():
    with pytest.raises(ValueError, match="has values for 3 neurons; this network has 2"):
        hh.Network(2, stimulus=hh.StepCurrent([1.0, 2.0, 3.0], start=0.0))


def test_pulses_since_long_ago():
    train = hh.PulseTrain(1.0, start=-1e15, width=1.0, period=2.0)
    assert train.breakpoints(0.0, 5.0).tolist() == [1.0, 2.0, 3.0, 4.0]


def test_samples_too_short_to_tell_apart():
    for interpolation in ("previous", "linear"):
        short = hh.SampledCurrent([1.0, 2.0, 3.0], dt=1e-300, interpolation=interpolation)
        assert at(short, 0.0, 1.0, 1e9).ravel().tolist() == [0, 0, 0]


VALUES = [0.0, 10.0, 20.0, 5.0]
TIMES = [2.0, 2.5, 3.0, 3.5]


@pytest.mark.parametrize(
    "samples",
    [
        pd.Series(VALUES, index=TIMES),
        xr.DataArray(VALUES, dims="time", coords={"time": TIMES}),
        xr.DataArray(VALUES, dims="t", coords={"t": ("t", TIMES, {"units": "ms"})}),
    ],
    ids=["Series", "DataArray", "DataArray of t"],
)
def test_the_index_of_samples_is_their_time(samples):
    for interpolation in ("previous", "linear"):
        by_index = hh.SampledCurrent(samples, interpolation=interpolation)
        by_hand = hh.SampledCurrent(VALUES, dt=0.5, start=2.0, interpolation=interpolation)
        assert by_index == by_hand
    assert at(by_index, 1.9, 2.25, 2.75).ravel().tolist() == pytest.approx([0.0, 5.0, 15.0])


def test_the_columns_of_samples_are_the_neurons():
    values = np.arange(8.0).reshape(4, 2)
    by_hand = hh.SampledCurrent(values, dt=0.5, start=2.0)
    array = xr.DataArray(values, dims=("time", "neuron"), coords={"time": TIMES})
    assert hh.SampledCurrent(pd.DataFrame(values, index=TIMES)) == by_hand
    assert hh.SampledCurrent(array) == by_hand
    assert hh.SampledCurrent(array.transpose("neuron", "time")) == by_hand
    assert hh.SampledCurrent(array.drop_vars("time"), dt=0.5, start=2.0) == by_hand
    assert hh.SampledCurrent(array[:1], dt=0.5) == by_hand.replace(values=values[:1])


def test_a_grid_with_rounding_is_even():
    times = np.arange(1000) * 0.1 + 1e5
    assert hh.SampledCurrent(pd.Series(1.0, index=times)).dt == pytest.approx(0.1, rel=1e-9)


UNFIT = [
    (lambda: hh.SampledCurrent(pd.Series(VALUES, index=[0.0, 1.0, 2.0, 4.0])), "rise by the same"),
    (lambda: hh.SampledCurrent(pd.Series(VALUES, index=TIMES[::-1])), "rise by the same step"),
    (lambda: hh.SampledCurrent(pd.Series(VALUES, index=[1.0] * 4)), "rise by the same step"),
    (lambda: hh.SampledCurrent(pd.Series(VALUES, index=TIMES), dt=1.0), "dt = 1 ms, but the times"),
    (lambda: hh.SampledCurrent(pd.Series(VALUES, index=TIMES), start=0.0), "start = 0 ms, but the"),
    (lambda: hh.SampledCurrent(pd.Series([1.0], index=[5.0])), "give dt, the spacing"),
    (
        lambda: hh.SampledCurrent(pd.Series(VALUES, index=pd.to_datetime(TIMES, unit="s"))),
        r"times of SampledCurrent's values must be numbers \(ms\)",
    ),
    (
        lambda: hh.SampledCurrent([[1.0, 2.0], [3.0, np.nan], [np.inf, 1.0]], dt=1.0),
        r"must be finite, but values\[1, 1\] is nan, and 1 others are not finite; fill them in",
    ),
    (lambda: hh.SampledCurrent(pd.Series([None, 1.0, 2.0, 3.0], index=TIMES)), "must be finite"),
    (
        lambda: hh.SampledCurrent(xr.DataArray(np.ones((2, 2)), dims=("trial", "time")), dt=1.0),
        "must have the dims time and neuron",
    ),
    (
        lambda: hh.SampledCurrent(
            xr.DataArray(VALUES, dims="t", coords={"t": ("t", TIMES, {"units": "s"})})
        ),
        r"times \(t\) must be in ms, got 's'",
    ),
    (
        lambda: hh.SampledCurrent(xr.DataArray(VALUES, dims="t", attrs={"units": "nA"}), dt=1.0),
        r"values must be in uA/cm\^2, got 'nA'",
    ),
    (lambda: hh.Network(4, stimulus=pd.Series(VALUES, index=TIMES)), "give SampledCurrent"),
    (lambda: hh.Network(4, stimulus=xr.DataArray(VALUES, dims="time")), "give SampledCurrent"),
]


@pytest.mark.parametrize(("make", "message"), UNFIT)
def test_samples_whose_times_do_not_do(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        *((name, "1e3") for name in ("time (s)", "t [s]", "t/s", "time_s", "s", "Time in seconds")),
        *((name, "1e-3") for name in ("time (us)", "t / \N{MICRO SIGN}s")),
    ],
)
def test_an_index_in_another_unit_than_ms_is_refused(name, factor):
    samples = pd.Series(VALUES, index=pd.Index(TIMES, name=name))
    with pytest.raises(ValueError, match=rf"must be in ms, .* values.index = {factor} \* values"):
        hh.SampledCurrent(samples)


@pytest.mark.parametrize("name", [None, "time (ms)", "time", "t", "t_ms", "ms", "trials", 3])
def test_an_index_in_ms_is_taken(name):
    samples = pd.Series(VALUES, index=pd.Index(TIMES, name=name))
    assert hh.SampledCurrent(samples) == hh.SampledCurrent(VALUES, dt=0.5, start=2.0)


def test_time_differences_are_converted():
    times = pd.to_timedelta(TIMES, unit="ms")
    by_hand = hh.SampledCurrent(VALUES, dt=0.5, start=2.0)
    assert hh.SampledCurrent(pd.Series(VALUES, index=times)) == by_hand
    array = xr.DataArray(VALUES, dims="time", coords={"time": times})
    assert hh.SampledCurrent(array) == by_hand


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: 2.0 * one, lambda one: one + 3.0])
def test_a_run_that_leaves_its_samples_says_so(wrap):
    seconds = wrap(hh.SampledCurrent(pd.Series(np.ones(101), index=np.linspace(0.0, 1.0, 101))))
    with pytest.warns(UserWarning, match=r"go from 0 to 1.01 ms, and the run from 0 to 10 ms: ou"):
        hh.solve(hh.Network(1, stimulus=seconds), 10.0)
    late = wrap(hh.SampledCurrent(np.ones(10), dt=1.0, start=100.0))
    with pytest.warns(UserWarning, match="samples of the stimulus go from 100 to 110 ms"):
        hh.solve(hh.Network(1, stimulus=late), 10.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hh.solve(hh.Network(1, stimulus=seconds), 2.0, dt=0.01)


def test_warnings_of_a_run_are_of_the_line_that_called_it():
    for net, options in (
        (hh.Network(1), {"rng": 1}),
        (hh.Network(1, stimulus=hh.SampledCurrent([1.0], dt=0.1)), {}),
    ):
        with pytest.warns(UserWarning, match="has no noise|samples of the stimulus") as caught:
            hh.solve(net, 1.0, **options)
        assert [one.filename for one in caught] == [__file__]
