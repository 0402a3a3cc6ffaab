"""Injected currents as data, and the table STIMULI.

A stimulus is a function of time alone. Every number may be a scalar or an array with one value per
neuron. Stimuli form a vector space: `2 * a - b + 3.0` is a stimulus. Times in ms, currents in
uA/cm^2, frequencies in Hz.
"""

from hh_sde.stimuli.base import ConstantCurrent, ScaledStimulus, Stimulus, StimulusSum, as_stimulus
from hh_sde.stimuli.sampled import SampledCurrent
from hh_sde.stimuli.waveforms import AlphaCurrent, PulseTrain, RampCurrent, SineCurrent, StepCurrent
from hh_sde.tables import Table, description_of, of_kind

__all__ = [
    "STIMULI",
    "AlphaCurrent",
    "ConstantCurrent",
    "PulseTrain",
    "RampCurrent",
    "SampledCurrent",
    "ScaledStimulus",
    "SineCurrent",
    "StepCurrent",
    "Stimulus",
    "StimulusSum",
    "as_stimulus",
]

#: Stimuli by name.
STIMULI = Table(
    "STIMULI",
    "stimulus",
    check=of_kind(Stimulus, "STIMULI"),
    describe=description_of,
    entries={
        "constant": ConstantCurrent,
        "step": StepCurrent,
        "pulses": PulseTrain,
        "sine": SineCurrent,
        "ramp": RampCurrent,
        "alpha": AlphaCurrent,
        "sampled": SampledCurrent,
    },
)
