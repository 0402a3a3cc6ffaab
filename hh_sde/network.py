"""Network: neurons, synapses, stimulus and noise as one SDE.

The only module that knows the state layout: variable-major,
[V_0 ... V_{n-1}, m_0 ..., h_0 ..., n_0 ..., s_0 ...].
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse
import xarray as xr

from hh_sde.cells import CELLS, Cell
from hh_sde.diffusion import Diffusion
from hh_sde.kernels import fused
from hh_sde.kernels.tables import (
    ChannelTable,
    ColoredTable,
    GateTable,
    Links,
    Model,
    PairTable,
    RateTable,
    SynapseTable,
)
from hh_sde.kinetics import (
    Channel,
    Constant,
    Exponential,
    Gate,
    Linoid,
    Rate,
    Sigmoid,
    Tabulated,
)
from hh_sde.markov import scheme
from hh_sde.noise import (
    NOISES,
    ChannelNoise,
    CurrentNoise,
    Noise,
    OrnsteinUhlenbeckConductance,
    OrnsteinUhlenbeckCurrent,
    ShieldedNoise,
    SubunitNoise,
)
from hh_sde.records import Record, decode, encode, per_neuron
from hh_sde.sde import SDE, Function
from hh_sde.stimuli import Stimulus, as_stimulus
from hh_sde.synapses import GapJunction, Synapse, weight_matrix

#: What the kernels call each form of rate.
RATE_KINDS: dict[type[Rate], str] = {
    Exponential: "exponential",
    Sigmoid: "sigmoid",
    Linoid: "linoid",
    Constant: "constant",
    Tabulated: "tabulated",
}


@dataclass(frozen=True, eq=False)
class Network(Record):
    """A network of conductance-based neurons, with noise.

    Parameters
    ----------
    n_neurons : int
    cell : str or Cell
        A name of CELLS, or a cell; its numbers may be arrays with one value per neuron.
    synapses : Synapse, GapJunction or a sequence of them
    stimulus : Stimulus, float or (n_neurons,) array
        Injected current, uA/cm^2.
    noise : Noise or a sequence of them, optional
        Entries of NOISES, of channel noise at most one.

    Raises
    ------
    TypeError, ValueError
        If a part is not of its kind, or an array does not fit the number of neurons.

    Examples
    --------
    >>> net = Network(2, cell="hodgkin_huxley", stimulus=10.0,
    ...               synapses=Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]]),
    ...               noise=CurrentNoise(sigma=1.0))
    >>> net.variables
    ('V', 'm', 'h', 'n', 's')
    >>> sde = net.sde()
    >>> sde.d, sde.m, sde.noise_type
    (10, 2, 'additive')
    """

    n_neurons: int
    cell: Cell
    synapses: tuple[Synapse | GapJunction, ...]
    stimulus: Stimulus
    noise: tuple[Noise, ...]

    def __init__(
        self,
        n_neurons: int,
        cell: str | Cell = "hodgkin_huxley",
        synapses: Synapse | GapJunction | Sequence[Synapse | GapJunction] = (),
        stimulus: Any = 0.0,
        noise: Noise | Sequence[Noise] | None = None,
    ) -> None:
        parts = {
            "n_neurons": _checked_count(n_neurons),
            "cell": _checked_cell(cell),
            "synapses": _checked_synapses(synapses),
            "stimulus": as_stimulus(stimulus),
            "noise": _checked_noise(noise),
        }
        for name, value in parts.items():
            object.__setattr__(self, name, value)
        _no_clash(self.variables)
        if self._channel_noise is not None:
            self._channel_noise.check_names(self.cell.channels)
        for checked_against_n_neurons in ("_model", "_amplitudes"):
            getattr(self, checked_against_n_neurons)
        self._currents(np.zeros(1))

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the state variables, in the order of the flat state."""
        return tuple(self.labels)

    @cached_property
    def labels(self) -> dict[str, tuple[str, str]]:
        """(units, long name) of each state variable, in the order of the flat state."""
        labels = [("V", "mV", "membrane potential")]
        for channel, table in zip(self.cell.channels, self._channels, strict=True):
            labels += _channel_labels(channel, table.form)
        for channel, table in zip(self.cell.channels, self._channels, strict=True):
            if table.form == "fluctuations":
                labels += _fluctuation_labels(channel)
        for noise in self._colored_noise:
            what = "current" if isinstance(noise, OrnsteinUhlenbeckCurrent) else "conductance"
            labels.append((noise.name, noise.units["mean"], f"Ornstein-Uhlenbeck {what}"))
        for name, synapse in zip(self._synapse_variables(), self._chemical(), strict=True):
            labels.append((name, "1", f"gate of the synapse {synapse.name}"))
        _no_clash(tuple(name for name, _, _ in labels))
        return {name: (units, long_name) for name, units, long_name in labels}

    def steady_state(self, V: Any = None) -> np.ndarray:
        """The flat state (d,) with potential `V` (mV, default the cell's V0) and gates at rest.

        Raises
        ------
        ValueError
            If a gate has no steady state there: its rates are both 0.
        """
        potentials = per_neuron(self.cell.V0 if V is None else V, self.n_neurons, "V")
        x = np.empty((len(self.variables), self.n_neurons))
        x[0] = potentials
        self._compiled.module.steady(x, *self._compiled.numbers(1, self.n_neurons))
        if not np.all(np.isfinite(x)):
            row, neuron = np.argwhere(~np.isfinite(x))[0]
            raise ValueError(
                f"{self.variables[row]} has no steady state at V = {potentials[neuron]:g} mV "
                f"(neuron {neuron}): alpha + beta is zero or not finite there"
            )
        return x.ravel()

    def equilibrium(self) -> np.ndarray:
        """The flat state (d,) in which nothing moves but for the noise, stable or not.

        Found from the cell's V0, at the stimulus's value at t = 0.

        Raises
        ------
        ValueError
            If none is found.
        """
        f = self._drift()

        def imbalance(V: np.ndarray) -> np.ndarray:
            return f(self.steady_state(V), 0.0)[: self.n_neurons]

        start = per_neuron(self.cell.V0, self.n_neurons, "V0")
        found = scipy.optimize.root(imbalance, start, tol=1e-12)
        if np.max(np.abs(found.fun)) > 1e-8:
            raise ValueError(
                f"no equilibrium found from V0 = {start[0]:g} mV; dV/dt is still "
                f"{np.max(np.abs(found.fun)):.2g} mV/ms"
            )
        return self.steady_state(found.x)

    def kinetics(self, V: Any) -> xr.Dataset:
        """Steady state and time constant of the first neuron's gates as functions of V.

        Parameters
        ----------
        V : (points,) array
            mV.

        Returns
        -------
        Dataset with x_inf (1), tau (ms), alpha and beta (1/ms), dims (gate, V)

        Examples
        --------
        >>> float(Network(1).kinetics([-40.0]).alpha.sel(gate="m", V=-40.0))
        1.0
        """
        V = np.atleast_1d(np.asarray(V, dtype=float))
        alone = Network(1, cell=self.cell.of_neuron(0))._compiled
        x = np.zeros((1 + len(self.cell.gates), V.size))
        x[0] = V
        alpha, beta = np.empty((2, len(self.cell.gates), V.size))
        alone.module.gate_rates(x, alpha, beta, *alone.numbers(1, V.size))
        values = {
            "alpha": (alpha, "1/ms", "opening rate"),
            "beta": (beta, "1/ms", "closing rate"),
            "x_inf": (alpha / (alpha + beta), "1", "steady state"),
            "tau": (1 / (alpha + beta), "ms", "time constant"),
        }
        return xr.Dataset(
            {
                name: (("gate", "V"), array, {"units": units, "long_name": long_name})
                for name, (array, units, long_name) in values.items()
            },
            coords={
                "gate": [gate.name for gate in self.cell.gates],
                "V": ("V", V, {"units": "mV", "long_name": "membrane potential"}),
            },
        )

    def shielding(self, V: Any = None) -> xr.Dataset:
        """What is missing of the open fractions' variance because not all transitions are noisy.

        Parameters
        ----------
        V : (points,) array, optional
            Clamped potentials, mV. Default: -100 to 60 in steps of 5.

        Returns
        -------
        Dataset with missing (1), dims (channel, V): 1 - variance/(variance with all noise) of the
        open fraction in voltage clamp, from the Langevin equation's stationary covariance, for the
        channels whose states are variables

        Examples
        --------
        >>> from hh_sde import ShieldedNoise
        >>> net = Network(1, noise=ShieldedNoise(area=100.0))
        >>> bool(net.shielding([-65.0]).missing.max() < 0.2)
        True
        """
        V = np.arange(-100.0, 61.0, 5.0) if V is None else np.atleast_1d(np.asarray(V, dtype=float))
        rates = self.kinetics(V)
        chosen = [
            channel
            for channel, table in zip(self.cell.channels, self._channels, strict=True)
            if table.form == "states"
        ]
        missing = [self._missing_variance(channel, rates) for channel in chosen]
        return xr.Dataset(
            {
                "missing": (
                    ("channel", "V"),
                    np.array(missing).reshape(len(chosen), V.size),
                    {"units": "1", "long_name": "missing part of the open fraction's variance"},
                )
            },
            coords={
                "channel": (
                    "channel",
                    [channel.name for channel in chosen],
                    {"units": "1", "long_name": "channel"},
                ),
                "V": ("V", V, {"units": "mV", "long_name": "membrane potential"}),
            },
        )

    def sde(self) -> SDE:
        """The network as dx = f(x, t) dt + G(x, t) dW.

        The Wiener processes are those of the noise on V, then, for each of the others in turn, one
        in every neuron.
        """
        n = self.n_neurons
        diffusion = Diffusion(self._compiled, self._amplitudes, n * len(self.variables))
        f = self._drift()
        additive = diffusion.noise_type == "additive"
        return SDE(
            f=f,
            G=diffusion,
            m=diffusion.m,
            x0=self.steady_state(),
            noise_type=diffusion.noise_type,
            names=[f"{variable}[{i}]" for variable in self.variables for i in range(n)],
            correction=None if additive else diffusion.correction,
            blocks=diffusion.blocks,
            columns=[diffusion.column(k) for k in range(diffusion.m)],
            breakpoints=None if self.stimulus.constant else self.stimulus.breakpoints,
            program=fused.Program(
                compiled=self._compiled,
                first_synapse=self._first_synapse,
                noise=_links([self._amplitudes], diffusion.m_V),
                current=self._currents,
                f=f,
                G=diffusion,
                blocks=diffusion.blocks,
                bounded=self._bounds in ("clip", "reflect"),
            ),
        )

    def _missing_variance(self, channel: Channel, rates: xr.Dataset) -> list[float]:
        """1 - variance/(variance with all noise) of a channel's open fraction, for each V."""
        assert self._channel_noise is not None
        states = scheme(channel)
        noisy = self._channel_noise.noisy(states)
        gates = [gate.name for gate in channel.gates]
        alpha, beta = (rates[name].sel(gate=gates).values.T for name in ("alpha", "beta"))
        open_state = (states.open, states.open)
        return [
            1.0 - states.covariance(a, b, noisy)[open_state] / states.covariance(a, b)[open_state]
            for a, b in zip(alpha, beta, strict=True)
        ]

    def describe(self) -> tuple[str, dict[str, tuple[np.ndarray, str]]]:
        """The network as JSON, and the long arrays it refers to, with their units."""
        arrays: dict[str, tuple[np.ndarray, str]] = {}
        return json.dumps(encode(self, arrays, "network")), arrays

    @classmethod
    def from_dataset(cls, ds: xr.Dataset) -> Network:
        """The network that a Dataset of `solve` was made with.

        Raises
        ------
        ValueError
            If the Dataset does not describe one.
        """
        if "network" not in ds.attrs:
            raise ValueError(
                "this Dataset has no attribute 'network': it is not a result of "
                "hh_sde.solve(Network(...), ...), or the attribute was lost on the way"
            )
        return decode(json.loads(ds.attrs["network"]), {str(k): v for k, v in ds.data_vars.items()})

    def _chemical(self) -> list[Synapse]:
        return [synapse for synapse in self.synapses if isinstance(synapse, Synapse)]

    def _synapse_variables(self) -> tuple[str, ...]:
        names = [synapse.name for synapse in self._chemical()]
        return ("s",) if len(names) == 1 else tuple(f"s_{name}" for name in names)

    def _currents(self, times: np.ndarray) -> np.ndarray:
        """Injected current at `times` (ms): (times, n_neurons), or (1, n_neurons) if constant."""
        times = times[:1] if self.stimulus.constant else times
        current = self.stimulus.current(times[:, None])
        if current.shape[1] not in (1, self.n_neurons):
            raise ValueError(
                f"the stimulus has values for {current.shape[1]} neurons; "
                f"this network has {self.n_neurons}"
            )
        return np.ascontiguousarray(np.broadcast_to(current, (len(times), self.n_neurons)))

    @cached_property
    def _amplitudes(self) -> scipy.sparse.csr_array:
        """A with dV_i = (...) dt + sum_k A[i, k] dW_k: (n_neurons, m), mV ms^-0.5."""
        n = self.n_neurons
        C = per_neuron(self.cell.C, n, "C")
        white = [noise.amplitudes(n) for noise in self.noise if isinstance(noise, CurrentNoise)]
        amplitudes = scipy.sparse.hstack([scipy.sparse.csr_array((n, 0)), *white])
        return scipy.sparse.csr_array(scipy.sparse.diags_array(1 / C) @ amplitudes)

    @property
    def _channel_noise(self) -> ChannelNoise | None:
        return next((noise for noise in self.noise if isinstance(noise, ChannelNoise)), None)

    @property
    def _colored_noise(self) -> list[OrnsteinUhlenbeckCurrent | OrnsteinUhlenbeckConductance]:
        kinds = OrnsteinUhlenbeckCurrent | OrnsteinUhlenbeckConductance
        return [noise for noise in self.noise if isinstance(noise, kinds)]

    @property
    def noise_report(self) -> dict[str, Any]:
        """What a result has to say of its channel noise, as attributes."""
        noise = self._channel_noise
        if noise is None:
            return {}
        report: dict[str, Any] = {"bounds": noise.bounds}
        if isinstance(noise, ShieldedNoise) or getattr(noise, "transitions", None) is not None:
            report["largest_missing_variance"] = float(self.shielding().missing.max())
        return report

    @property
    def _bounds(self) -> str:
        return "none" if self._channel_noise is None else self._channel_noise.bounds

    def _drift(self) -> Function:
        n = self.n_neurons
        shape = (n * len(self.variables),)
        flat_drift = self._compiled.module.flat_drift
        arguments = (self._first_synapse, *self._compiled.links, *self._compiled.numbers(1, n))
        constant = self._currents(np.zeros(1))[0] if self.stimulus.constant else None

        def f(x: np.ndarray, t: float) -> np.ndarray:
            x = np.ascontiguousarray(x, dtype=float)
            if x.shape != shape:
                raise ValueError(f"x must have shape {shape}, got {x.shape}")
            I = self._currents(np.array([t]))[0] if constant is None else constant
            return flat_drift(x, I, *arguments)

        return f

    @property
    def _first_synapse(self) -> int:
        return len(self.variables) - len(self._chemical())

    @cached_property
    def _compiled(self) -> fused.Compiled:
        return fused.compiled(self._model)

    @cached_property
    def _model(self) -> Model:
        """The tables with every number spread over the neurons, as the kernels take them."""
        n = self.n_neurons
        synapses = self._chemical()
        junctions = [s.weights for s in self.synapses if isinstance(s, GapJunction)]
        links = [weight_matrix(synapse.weights, n, synapse.name) for synapse in synapses]
        gap = None
        if junctions:
            total = sum(weight_matrix(weights, n, "GapJunction") for weights in junctions)
            links.append(scipy.sparse.csr_array(total))
            gap = np.asarray(links[-1].sum(axis=1)).ravel()
        return Model(
            n_neurons=n,
            C=per_neuron(self.cell.C, n, "C"),
            channels=self._channels,
            synapses=tuple(
                SynapseTable(
                    alpha=self._rate_table(synapse.alpha, synapse.name),
                    beta=self._rate_table(synapse.beta, synapse.name),
                    block=None if block is None else self._rate_table(block, synapse.name),
                    E=per_neuron(synapse.E, n, f"E of synapse {synapse.name}"),
                )
                for synapse in synapses
                for block in [synapse.block]
            ),
            gap=gap,
            links=_links(links, n),
            colored=tuple(self._colored_table(noise) for noise in self._colored_noise),
            bounds=self._bounds,
        )

    @cached_property
    def _channels(self) -> tuple[ChannelTable, ...]:
        return tuple(self._channel_table(channel) for channel in self.cell.channels)

    def _channel_table(self, channel: Channel) -> ChannelTable:
        n, noise = self.n_neurons, self._channel_noise
        table = ChannelTable(
            g=per_neuron(channel.g, n, f"g_{channel.name}"),
            E=per_neuron(channel.E, n, f"E_{channel.name}"),
            gates=tuple(self._gate_table(gate) for gate in channel.gates),
        )
        number = None if noise is None else noise.number(channel, n)
        if noise is None or number is None:
            return table
        states = scheme(channel)
        noisy = noise.noisy(states)
        subunits = isinstance(noise, SubunitNoise) and noise.each_subunit
        return table._replace(
            form=noise.form,
            number=tuple(number * (gate.power if subunits else 1) for gate in channel.gates),
            levels=states.levels,
            pairs=tuple(
                PairTable(
                    pair.source,
                    pair.target,
                    pair.gate,
                    pair.opening,
                    pair.closing,
                    (states.names[2 * k] in noisy, states.names[2 * k + 1] in noisy),
                )
                for k, pair in enumerate(states.pairs)
            ),
            paired=getattr(noise, "paired", False),
        )

    def _colored_table(
        self, noise: OrnsteinUhlenbeckCurrent | OrnsteinUhlenbeckConductance
    ) -> ColoredTable:
        n = self.n_neurons
        mean, sigma, tau = (
            per_neuron(getattr(noise, name), n, f"{noise.name}: {name}")
            for name in ("mean", "sigma", "tau")
        )
        if isinstance(noise, OrnsteinUhlenbeckCurrent):
            return ColoredTable(mean, sigma, tau)
        return ColoredTable(mean, sigma, tau, per_neuron(noise.E, n, f"{noise.name}: E"))

    def _gate_table(self, gate: Gate) -> GateTable:
        first, second = (self._rate_table(rate, gate.name) for rate in gate.rates)
        return GateTable(gate.power, gate.alpha is None, (first, second))

    def _rate_table(self, rate: Rate, owner: str) -> RateTable:
        if type(rate) not in RATE_KINDS:
            raise TypeError(
                f"{owner}: {type(rate).__name__} is not a rate the engine knows; use one of "
                + ", ".join(kind.__name__ for kind in RATE_KINDS)
            )
        kind = RATE_KINDS[type(rate)]
        if isinstance(rate, Tabulated):
            return RateTable(kind, (), (rate.start, rate.step, rate.values))
        names = ["rate"] if isinstance(rate, Constant) else ["rate", "mid", "scale"]
        numbers = (
            per_neuron(getattr(rate, name), self.n_neurons, f"{owner}: {name}") for name in names
        )
        return RateTable(kind, tuple(numbers))


def _links(matrices: list[scipy.sparse.csr_array], n_neurons: int) -> Links:
    none = scipy.sparse.csr_array((0, n_neurons))
    stacked = scipy.sparse.csr_array(scipy.sparse.vstack([none, *matrices], format="csr"))
    stacked.sort_indices()
    return Links(
        start=stacked.indptr.astype(np.int64),
        source=stacked.indices.astype(np.int64),
        weight=stacked.data.astype(float),
    )


def _channel_labels(channel: Channel, form: str) -> list[tuple[str, str, str]]:
    if form == "states":
        return [
            (state, "1", f"fraction of the channels {channel.name} in state {state}")
            for state in scheme(channel).states
        ]
    return [
        (gate.name, "1", f"gate {gate.name} of channel {channel.name}") for gate in channel.gates
    ]


def _fluctuation_labels(channel: Channel) -> list[tuple[str, str, str]]:
    return [
        (f"z_{state}", "1", f"fluctuation of the open fraction of {channel.name}, part {state}")
        for state in scheme(channel).states[1:]
    ]


def _no_clash(variables: tuple[str, ...]) -> None:
    reserved = sorted({"time", "neuron", "trial", "spike", "spike_time"} & set(variables))
    if reserved:
        raise ValueError(f"{', '.join(reserved)} cannot be a gate's name: results use it")
    double = sorted({name for name in variables if variables.count(name) > 1})
    if double:
        raise ValueError(
            f"the state variables {', '.join(double)} stand for two things; give the synapse (or "
            "the gate) another name"
        )


def _checked_count(n_neurons: Any) -> int:
    if isinstance(n_neurons, bool) or not isinstance(n_neurons, int | np.integer) or n_neurons < 1:
        raise ValueError(f"n_neurons must be 1, 2, 3, ..., got {n_neurons!r}")
    return int(n_neurons)


def _checked_cell(cell: Any) -> Cell:
    if isinstance(cell, Cell):
        return cell
    if isinstance(cell, str) and cell in CELLS:
        return CELLS[cell]
    raise ValueError(f"cell must be a Cell or one of {', '.join(CELLS)}; got {cell!r}")


def _checked_synapses(synapses: Any) -> tuple[Synapse | GapJunction, ...]:
    if isinstance(synapses, Synapse | GapJunction):
        return (synapses,)
    if synapses is None:
        return ()
    if isinstance(synapses, str) or callable(synapses):
        raise TypeError(
            f"synapses must be Synapse or GapJunction, got {synapses!r}; an entry of SYNAPSES is "
            'called with the weights: hh_sde.SYNAPSES["AMPA"](weights=0.1)'
        )
    for synapse in synapses:
        if not isinstance(synapse, Synapse | GapJunction):
            raise TypeError(f"synapses must be Synapse or GapJunction, got {synapse!r}")
    return tuple(synapses)


def _checked_noise(noise: Any) -> tuple[Noise, ...]:
    parts = (noise,) if isinstance(noise, Noise) else noise
    known = tuple(NOISES.values())
    if parts is None:
        return ()
    if not isinstance(parts, tuple | list) or not all(isinstance(part, known) for part in parts):
        raise TypeError(
            f"noise must be None, one of {', '.join(c.__name__ for c in known)}, or several of "
            f"them, got {noise!r}"
        )
    channel_noise = [type(part).__name__ for part in parts if isinstance(part, ChannelNoise)]
    if len(channel_noise) > 1:
        raise ValueError(f"a network takes one kind of channel noise, got {channel_noise}")
    return tuple(parts)
