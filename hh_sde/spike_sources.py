"""Spikes that come from outside of the network: Poisson trains, and trains that are given.

They are the `source` of an event-driven synapse, whose weights say to which neurons they go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hh_sde import stated
from hh_sde.addresses import whole
from hh_sde.records import Record, frozen, numbers, record, shown
from hh_sde.stimuli import SampledCurrent, Stimulus

#: Of so many expected spikes in a millisecond, the chance of none is still a number.
MOST_PER_MS = 500.0


@record
class PoissonInput(Record):
    """Independent Poisson trains: n to each neuron of the synapse's target, or n shared ones.

    In each millisecond the rate is constant, so that the train can be found by (seed, trial, neuron
    or train, millisecond): it is the same at every dt, whatever else is in the network.

    Parameters
    ----------
    rate : float, array, Stimulus, or samples over time (pandas Series, xarray DataArray)
        Of each train, Hz: a number, one for each neuron (of shared trains, for each train), or a
        function of time, which is taken in the middle of each millisecond.
    n : int
        How many trains.
    shared : bool
        Whether neurons share them: then the synapse's weights are a matrix (targets, n), or one
        number, with which every train goes to every neuron. Else each neuron has n trains of its
        own, all with the neuron's weight: a number, or a matrix (targets, targets) whose row i are
        the weights of the trains of each neuron in neuron i.

    Raises
    ------
    TypeError, ValueError
        If a rate is no finite number, or negative, or there are more than 500 spikes in a
        millisecond.

    Examples
    --------
    >>> from hh_sde import SYNAPSES
    >>> PoissonInput(rate=8.0, n=1000)
    PoissonInput(rate=8.0, n=1000)
    >>> synapse = SYNAPSES["exponential"](0.01, tau=5.0, E=0.0, source=PoissonInput(800.0))
    """

    units = {"rate": "Hz"}

    rate: Any
    n: int = 1
    shared: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", whole(self.n, "PoissonInput.n", 1, 2**31))
        if not isinstance(self.shared, bool):
            raise TypeError(f"PoissonInput.shared must be True or False, got {shown(self.shared)}")
        rate = self.rate
        if hasattr(rate, "iloc") or "time" in getattr(rate, "dims", ()):
            rate = SampledCurrent(rate)
        if not isinstance(rate, Stimulus):
            array = numbers(rate, "PoissonInput.rate", "a number, an array or samples (Hz)")
            if array.ndim > 1:
                raise ValueError(
                    f"PoissonInput.rate must be a number or an array (n,), got {shown(rate)}"
                )
            self._see_rates(array)
            rate = frozen(array.copy()) if array.ndim else float(array)
        object.__setattr__(self, "rate", rate)

    def means(self, first: int, last: int) -> np.ndarray:
        """Expected spikes of one train in milliseconds first ... last - 1: (ms or 1, trains or 1).

        Raises
        ------
        ValueError
            If the rate is negative or not finite there, or too high.
        """
        if not isinstance(self.rate, Stimulus):
            return np.atleast_2d(np.asarray(self.rate) / 1000.0)
        rates = self.rate.current(np.arange(first, last)[:, None] + 0.5)
        self._see_rates(rates)
        return rates / 1000.0

    def _see_rates(self, rates: np.ndarray) -> None:
        if not np.all(np.isfinite(rates)) or np.any(rates < 0):
            raise ValueError(
                f"PoissonInput.rate must be finite and not negative (Hz), got {shown(self.rate)}"
            )
        together = 1 if self.shared else self.n
        if np.any(rates * together > 1000.0 * MOST_PER_MS):
            raise ValueError(
                f"PoissonInput: {np.max(rates) * together:g} Hz are more than {MOST_PER_MS:g} "
                "spikes in a millisecond to a neuron: take noise on its conductance, "
                "OrnsteinUhlenbeckConductance, which such trains tend to"
            )


@record
class SpikeTimes(Record):
    """Trains whose spike times are given, the same in all trials.

    Parameters
    ----------
    times : sequence of arrays, or Dataset of spikes
        The spike times of each train, ms; or of each neuron in a result of `solve`, one trial of
        it. A sequence of neo.SpikeTrain is taken with its units. A spike at the very start of a run
        belongs to its first step; those before are over.

    Raises
    ------
    TypeError, ValueError
        If a time is no finite number, or there are no trains.

    Examples
    --------
    >>> trains = SpikeTimes([[1.0, 5.0], [2.5]])
    >>> trains.n, trains.spike_time
    (2, array([1. , 2.5, 5. ]))
    """

    units = {"spike_time": "ms"}

    times: Any = None
    spike_time: Any = None
    train: Any = None
    n: int = 0

    def __post_init__(self) -> None:
        if self.times is not None:
            time, train, n = _taken_apart(self.times)
        else:
            time = numbers(self.spike_time, "SpikeTimes.spike_time", "spike times (ms)")
            train = numbers(self.train, "SpikeTimes.train", "numbers of trains")
            n = self.n
        time, train = np.atleast_1d(time), np.atleast_1d(train)
        n = whole(n, "SpikeTimes.n", 1, 2**31)
        if time.shape != train.shape or time.ndim != 1:
            raise ValueError("SpikeTimes: each spike time belongs to one train")
        if not np.all(np.isfinite(time)):
            wrong = time[~np.isfinite(time)][0]
            raise ValueError(f"SpikeTimes: spike times must be finite (ms), got {wrong}")
        if train.size and (
            np.any(train != np.floor(train)) or not 0 <= train.min() <= train.max() < n
        ):
            raise ValueError(
                f"SpikeTimes: trains are numbered from 0 to {n - 1}, got {shown(train)}"
            )
        order = np.lexsort((train, time))
        object.__setattr__(self, "times", None)
        object.__setattr__(self, "spike_time", frozen(time[order].astype(float)))
        object.__setattr__(self, "train", frozen(train[order].astype(np.int64)))
        object.__setattr__(self, "n", n)

    def __repr__(self) -> str:
        return f"SpikeTimes of {self.n} trains, {self.spike_time.size} spikes"


def _taken_apart(given: Any) -> tuple[np.ndarray, np.ndarray, int]:
    """Times, trains and how many trains there are."""
    if hasattr(given, "data_vars"):
        return _of_dataset(given)
    several = not isinstance(given, str | Mapping) and hasattr(given, "__len__")
    if not several or not len(given):
        raise TypeError(
            "SpikeTimes takes a list of trains, each an array of times (ms), or a Dataset of "
            f"spikes; got {shown(given)}"
        )
    trains = [_times_of(train) for train in given]
    number = np.repeat(np.arange(len(trains)), [len(one) for one in trains])
    return np.concatenate([np.empty(0), *trains]), number, len(trains)


def _times_of(train: Any) -> np.ndarray:
    """The times of one train, ms."""
    if hasattr(train, "rescale"):  # a quantity, as neo has it
        train = np.asarray(train.rescale("ms").magnitude)
    times = numbers(train, "a train of SpikeTimes", "spike times (ms)")
    if times.ndim != 1:
        raise ValueError(f"a train of SpikeTimes is an array (spikes,), got {shown(train)}")
    return times


def _of_dataset(ds: Any) -> tuple[np.ndarray, np.ndarray, int]:
    column = "spike_neuron" if "spike_neuron" in ds else "neuron"
    if "spike_time" not in ds or column not in ds:
        raise ValueError("SpikeTimes takes a Dataset of spikes: ds.hh.spikes() makes one")
    trial = ds["spike_trial"] if "spike_trial" in ds else ds.get("trial")
    if trial is not None and np.unique(trial.values).size > 1:
        raise ValueError(
            "SpikeTimes takes the spikes of one trial, and this Dataset has several: choose one, "
            "ds.sel(trial=0).hh.spikes()"
        )
    neurons = numbers(ds[column].values, f"SpikeTimes: {column}", "numbers of neurons")
    if not np.all(np.isfinite(neurons)):
        raise ValueError(f"SpikeTimes: {column} must be finite, got {shown(neurons)}")
    known = np.unique(neurons)
    if "neurons" in ds.attrs:
        listed = np.asarray(stated.labels(ds.attrs, "neurons"))
        strange = known[~np.isin(known, listed)]
        if strange.size:
            raise ValueError(
                f"SpikeTimes: there are spikes of neuron {strange[0]}, which is not among the "
                f"neurons of this Dataset, {shown(listed.tolist())} (its attribute 'neurons'): "
                "give a result of ds.hh.spikes() as it is"
            )
        known = listed
    order = np.argsort(known)
    time = numbers(ds.spike_time.values, "SpikeTimes: spike_time", "spike times (ms)")
    return time, order[np.searchsorted(known[order], neurons)], known.size
