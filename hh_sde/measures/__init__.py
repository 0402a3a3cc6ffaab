"""Spikes and statistics: Dataset to Dataset.

Measures of spikes take a result of `solve` with V, whose spikes they find by a `SpikeRule`, or the
ragged Dataset of `spikes` (also of ``solve(..., record=("spikes",))``). They keep the dims trial
and neuron, and any further ones that a sweep has added, unless they say that they pool them. Where
there are too few spikes the result is NaN, and the variable's attribute `nan_means` says why. A
transient is left out with ``start=``. Of trials that ``solve(stop=...)`` ended early, `rates` and
measures of intervals take each one's own time; those of trials of one length refuse them.
"""

from hh_sde.attributes import public
from hh_sde.errors import keyword_hints
from hh_sde.measures.by_population import by_population, population, with_labels
from hh_sde.measures.correlation import autocorrelogram, coherence_time, crosscorrelogram
from hh_sde.measures.counts import fano_factor, psth, rates
from hh_sde.measures.currents import conductances, currents
from hh_sde.measures.distances import interval_distance
from hh_sde.measures.extras import action_potentials, isi_distance, spike_distance
from hh_sde.measures.increments import noise
from hh_sde.measures.isi import interval_statistics, intervals
from hh_sde.measures.lfp import lfp
from hh_sde.measures.over_time import traces
from hh_sde.measures.passage import first_passage
from hh_sde.measures.populations import phase_locking, synchrony
from hh_sde.measures.spectra import power_spectrum, spike_spectrum
from hh_sde.measures.spike_times import spikes
from hh_sde.measures.states import gates
from hh_sde.measures.windows import window
from hh_sde.results import takes_dataset
from hh_sde.spike_rule import SpikeRule

__all__ = [
    "SpikeRule",
    "action_potentials",
    "autocorrelogram",
    "coherence_time",
    "conductances",
    "crosscorrelogram",
    "currents",
    "fano_factor",
    "first_passage",
    "gates",
    "interval_distance",
    "interval_statistics",
    "intervals",
    "isi_distance",
    "lfp",
    "noise",
    "phase_locking",
    "population",
    "power_spectrum",
    "psth",
    "rates",
    "spike_distance",
    "spike_spectrum",
    "spikes",
    "synchrony",
    "traces",
    "window",
]

#: Measures of a population's neurons together.
_BY_POPULATION = (
    "autocorrelogram", "coherence_time", "fano_factor", "first_passage", "interval_statistics",
    "isi_distance", "lfp", "phase_locking", "power_spectrum", "psth", "rates", "spike_distance",
    "spike_spectrum", "synchrony",
)  # fmt: skip
#: Other measures whose result may have the dim neuron, or spikes.
_WITH_LABELS = ("conductances", "currents", "intervals", "noise", "spikes")

for _name in __all__:
    _one = globals()[_name]
    _one = by_population(_one) if _name in _BY_POPULATION else _one
    _one = with_labels(_one) if _name in _WITH_LABELS else _one
    globals()[_name] = keyword_hints(takes_dataset(_one))
__dir__, __getattr__ = public(__name__, __all__)
