"""Populations, event-driven synapses and delays in configurations."""

import tomllib

import numpy as np
import pytest

import hh_sde as hh
from hh_sde.config import ConfigError, parse

TEXT = """
[network.populations.E]
n = 8
cell = {name = "traub_miles", g_L = "0.06 mS/cm^2"}
stimulus = [{kind = "step", amplitude = 4.0, start = 5.0}]
noise = {kind = "current", sigma = 1.0}

[network.populations.I]
n = 2
cell = "wang_buzsaki"

[[network.synapses]]
kind = "exponential"
weights.kind = "random"
weights.p = 0.5
weights.rng = 1
weights.weight = {kind = "uniform", low = 0.1, high = "0.2 mS/cm^2"}
tau = "5 ms"
E = 0.0
source = "E"
target = "I"
delay = "1.5 ms"
spike_rule = {threshold = -20.0, rearm = -30.0, lockout = "3 ms"}
plasticity = {U = 0.5, tau_rec = "100 ms"}

[[network.synapses]]
kind = "biexponential"
name = "outside"
weights = "0.3 uA/cm^2"
tau_rise = 0.5
tau_decay = 5.0
source = {kind = "poisson", rate = "800 Hz", n = 2}

[[network.synapses]]
kind = "exponential"
name = "given"
weights = [[0.1, 0.0], [0.2, 0.3]]
tau = 2.0
E = -80.0
target = "I"
source = {kind = "spike_times", times = [[1.0, "5 ms"], []]}

[[network.synapses]]
kind = "exponential"
name = "waves"
weights = 0.01
tau = 2.0
E = 0.0
source = {kind = "poisson", rate = {kind = "step", amplitude = "50 Hz", start = 9.0}}

[[network.synapses]]
kind = "AMPA"
weights = 0.01
source = "I"
target = "E"
delay = 1.0

[run]
t_end = 20.0
dt = 0.05
rng = 1
"""


def test_a_network_of_populations():
    exponential = hh.SYNAPSES["exponential"]
    by_hand = hh.Network(
        {
            "E": hh.Population(
                8,
                hh.CELLS["traub_miles"].replace(g_L=0.06),
                hh.StepCurrent(4.0, start=5.0),
                hh.CurrentNoise(1.0),
            ),
            "I": hh.Population(2, "wang_buzsaki"),
        },
        synapses=[
            exponential(
                hh.topology.random(p=0.5, weight=hh.Uniform(0.1, 0.2), rng=1),
                tau=5.0,
                E=0.0,
                source="E",
                target="I",
                delay=1.5,
                spike_rule=hh.SpikeRule(-20.0, -30.0, 3.0),
                plasticity=hh.ShortTermPlasticity(0.5, tau_rec=100.0),
            ),
            hh.SYNAPSES["biexponential"](
                0.3,
                tau_rise=0.5,
                tau_decay=5.0,
                source=hh.PoissonInput(800.0, n=2),
                name="outside",
            ),
            exponential(
                np.array([[0.1, 0.0], [0.2, 0.3]]),
                tau=2.0,
                E=-80.0,
                source=hh.SpikeTimes([[1.0, 5.0], []]),
                target="I",
                name="given",
            ),
            exponential(
                0.01,
                tau=2.0,
                E=0.0,
                source=hh.PoissonInput(hh.StepCurrent(50.0, start=9.0)),
                name="waves",
            ),
            hh.SYNAPSES["AMPA"](0.01, source="I", target="E", delay=1.0),
        ],
    )
    config = parse(tomllib.loads(TEXT))
    assert config.network == by_hand
    assert repr(config.network) == repr(by_hand)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("n = 8", "m = 8", r"network.populations.E.m: this key is not known \(accepted: n, cell"),
        ("n = 8", "n = 8.5", "network.populations.E.n: "),
        ("[run]", "[network.cell]\nC = 1.0\n[run]", "cell belongs to the populations"),
        ('target = "I"\ndelay', 'target = "II"\ndelay', "no population 'II'; did you mean I"),
        ('"0.3 uA/cm^2"', '"0.3 mS/cm^2"', r"weights: unit 'mS/cm\^2' is not accepted"),
        ('"0.2 mS/cm^2"', '"0.2 uA/cm^2"', r"weights: high: unit 'uA/cm\^2' is not accepted"),
        ('"800 Hz"', '"0.8 kHz"', "source: rate: unit 'kHz' is not accepted"),
        ('"poisson", rate = "800', '"poison", rate = "800', "source: kind 'poison' .*mean poisson"),
        ("U = 0.5", "U = 1.5", "plasticity: .*U must be from 0 to 1"),
        ("lockout", "lockuot", "spike_rule: key 'lockuot' is not known"),
        ("delay = 1.0", "delay = -1.0", "not negative"),
    ],
)
def test_what_is_wrong_is_said_in_its_place(old, new, match):
    assert TEXT.count(old) == 1
    with pytest.raises(ConfigError, match=match):
        parse(tomllib.loads(TEXT.replace(old, new)))


def test_a_network_needs_neurons():
    with pytest.raises(ConfigError, match=r"accepted: n_neurons = 2, or a table"):
        parse({"network": {"stimulus": 1.0}, "run": {"t_end": 1.0}})


def test_rates_are_said_of_each_population():
    from hh_sde.cli.printed import summary

    net = hh.Network({"E": hh.Population(2, stimulus=10.0), "I": hh.Population(1)})
    for record in (None, ("spikes",)):
        lines = list(summary(hh.solve(net, 40.0, record=record), hh.SpikeRule()))
        assert lines[1].startswith("firing rate of E: mean 75.00 Hz")
        assert lines[2].startswith("firing rate of I: mean 0.00 Hz")
