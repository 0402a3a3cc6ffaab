"""Injected currents on their own."""

from itertools import pairwise

import numpy as np
import pytest

import hh_sde as hh
from hh_sde.stimuli import as_stimulus


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
    (lambda: hh.PulseTrain(1.0, start=0.0, width=1.0, period=2.0, count=0), "count must be 1, 2"),
    (lambda: hh.SampledCurrent([1.0], dt=0.0), "dt must be positive"),
    (lambda: hh.SampledCurrent([np.inf], dt=1.0), "values must be finite"),
    (
        lambda: hh.SampledCurrent([1.0], dt=1.0, interpolation="cubic"),
        "'previous' or 'linear', got 'cubic'",
    ),
    (lambda: hh.ConstantCurrent("a"), "ConstantCurrent.amplitude must be a number"),
    (lambda: hh.ConstantCurrent([[1.0]]), "must be a number or a 1-D array"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_stimuli(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_a_stimulus_for_another_number_of_neurons():
    with pytest.raises(ValueError, match="has values for 3 neurons; this network has 2"):
        hh.Network(2, stimulus=hh.StepCurrent([1.0, 2.0, 3.0], start=0.0))
