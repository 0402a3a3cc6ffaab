"""Network: neurons, synapses, stimulus and noise as one SDE."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse
import xarray as xr

from hh_sde import display
from hh_sde.cells import Cell
from hh_sde.descriptions import decode, encode
from hh_sde.equations import evaluated, module
from hh_sde.equations.population import Population
from hh_sde.equations.shown import Equations
from hh_sde.equations.tables import ChannelTable, Model
from hh_sde.kinetics import Channel
from hh_sde.markov import scheme
from hh_sde.network import packing
from hh_sde.network.checked import (
    checked_cell,
    checked_count,
    checked_noise,
    checked_synapses,
    parameter_of_cell,
    see_that_it_fits,
)
from hh_sde.network.derived import Derived
from hh_sde.network.diffusion import Columns, Diffusion, checked_state
from hh_sde.network.jacobian import Jacobian
from hh_sde.noise import (
    ChannelNoise,
    CurrentNoise,
    Noise,
    ShieldedNoise,
)
from hh_sde.records import Record, numbers, parameter, per_neuron, record, shown
from hh_sde.results import opened
from hh_sde.sde import SDE, Function
from hh_sde.stimuli import Stimulus, as_stimulus
from hh_sde.synapses import GapJunction, Synapse


@record
class Network(Record):
    """A network of conductance-based neurons, with noise.

    Parameters
    ----------
    n_neurons : int
    cell : str or Cell
        A name of CELLS, or a cell; its numbers may be arrays with one value per neuron.
    synapses : str, Synapse, GapJunction or a sequence of the latter two
        A name of SYNAPSES takes `weights` beside it.
    stimulus : Stimulus, float or (n_neurons,) array
        Injected current, uA/cm^2.
    noise : Noise or a sequence of them, optional
        Entries of NOISES, of channel noise at most one.
    weights : float, (n_neurons, n_neurons) array or scipy.sparse matrix, optional
        Of the synapse that is named, [to, from], mS/cm^2.

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
        synapses: str | Synapse | GapJunction | Sequence[Synapse | GapJunction] = (),
        stimulus: Any = 0.0,
        noise: Noise | Sequence[Noise] | None = None,
        *,
        weights: Any = None,
    ) -> None:
        parts: dict[str, Any] = {
            "n_neurons": checked_count(n_neurons),
            "cell": checked_cell(cell),
            "synapses": checked_synapses(synapses, weights),
            "stimulus": as_stimulus(stimulus),
            "noise": checked_noise(noise),
        }
        see_that_it_fits(parts["n_neurons"], parts["cell"], parts["synapses"], parts["noise"])
        for name, value in parts.items():
            object.__setattr__(self, name, value)
        if self._channel_noise is not None:
            self._channel_noise.check_names(self.cell.channels)
        for checked_against_n_neurons in ("labels", "_model", "_amplitudes"):
            getattr(self, checked_against_n_neurons)
        self._currents(np.zeros(1))

    def replace(self, *, weights: Any = None, **changes: Any) -> Network:
        """A copy with other fields; with `weights` beside the name of a synapse.

        Raises
        ------
        TypeError, ValueError
            If a name is not a field, or as for a new network.
        """
        if weights is not None or isinstance(changes.get("synapses"), str):
            changes["synapses"] = checked_synapses(changes.get("synapses"), weights)
        return super().replace(**changes)

    def elsewhere(self, name: str, given: Mapping[str, Any]) -> str:
        made = vars(self)  # by replace; else it is not made yet
        cell = given.get("cell", made.get("cell", "hodgkin_huxley"))
        return parameter_of_cell(name, given[name], cell, "net.cell" if "cell" in made else "")

    def __repr__(self) -> str:
        return display.network_text(self)

    def _repr_html_(self) -> str:
        return display.network_html(self)

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the state variables, in the order of the flat state."""
        return tuple(self.labels)

    @cached_property
    def labels(self) -> dict[str, dict[str, Any]]:
        """What each state variable is, as attributes, in the order of the flat state.

        `units`, `long_name`, and `role`: "potential"; "gate", "channel state" or "fluctuation" of
        a `channel`; "noise current", "noise conductance"; "synaptic gate" of a `synapse`. Of the
        states of a channel the one that conducts has ``conducting = 1``, the others 0.

        Examples
        --------
        >>> Network(1).labels["m"]
        {'units': '1', 'long_name': 'gate m of channel Na', 'role': 'gate', 'channel': 'Na'}
        """
        return packing.state_labels(self._model)

    @cached_property
    def derived(self) -> Derived:
        """What follows from its state: currents, conductances, open fractions."""
        return Derived(self._population, self._currents, self.stimulus.constant)

    def steady_state(self, V: Any = None) -> np.ndarray:
        """The flat state with potential `V` (mV, default the cell's V0) and gates at rest.

        Parameters
        ----------
        V : float, (n_neurons,) or (trials, n_neurons) array, optional
            mV.

        Returns
        -------
        (d,) array, or (trials, d)

        Raises
        ------
        TypeError, ValueError
            If V is not of such a shape, or a gate has no steady state there: its rates are both 0.
        """
        if np.ndim(V) == 2:
            potentials = numbers(V, "V", "a number, or numbers (n_neurons,) or (trials, n_neurons)")
            if potentials.shape[1] != self.n_neurons:
                raise ValueError(
                    f"V has shape {potentials.shape}; this network takes (trials, {self.n_neurons})"
                )
        else:
            given = self.cell.V0 if V is None else parameter(V, "V")
            potentials = per_neuron(given, self.n_neurons, "V")
        x = evaluated.steady_state(self._population, potentials)
        if not np.all(np.isfinite(x)):
            row, *_, neuron = place = tuple(np.argwhere(~np.isfinite(x))[0])
            raise ValueError(
                f"{self.variables[row]} has no steady state at V = {potentials[place[1:]]:g} mV "
                f"(neuron {neuron}): alpha + beta is zero or not finite there"
            )
        return np.moveaxis(x, 0, -2).reshape(*potentials.shape[:-1], -1)

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
        Dataset with x_inf (1), tau (ms), alpha and beta (1/ms), dims (gate, V); tau is 0 and alpha
        and beta are NaN of an instantaneous gate

        Examples
        --------
        >>> float(Network(1).kinetics([-40.0]).alpha.sel(gate="m", V=-40.0))
        1.0
        """
        V = np.atleast_1d(numbers(V, "V", "numbers (mV)"))
        alone = Network(1, cell=self.cell.of_neuron(0))._population
        at = evaluated.Evaluated(alone, {"V": V[:, None]})
        alpha, beta, x_inf, tau = np.full((4, len(self.cell.gates), V.size), np.nan)
        variable, instantaneous = iter(alone.kinetics), iter(alone.instantaneous)
        for k, gate in enumerate(self.cell.gates):
            if gate.instantaneous:
                x_inf[k], tau[k] = at.of(next(instantaneous)).ravel(), 0.0
                continue
            rates = next(variable)
            alpha[k], beta[k], x_inf[k] = (
                at.of(e).ravel() for e in (rates.alpha, rates.beta, rates.x_inf)
            )
            tau[k] = at.of(1.0 / (rates.alpha + rates.beta)).ravel()
        values = {
            "alpha": (alpha, "1/ms", "opening rate"),
            "beta": (beta, "1/ms", "closing rate"),
            "x_inf": (x_inf, "1", "steady state"),
            "tau": (tau, "ms", "time constant"),
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

        For the first neuron's rates.

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
        V = np.arange(-100.0, 61.0, 5.0) if V is None else np.atleast_1d(numbers(V, "V"))
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
            area_groups=diffusion.area_groups,
            columns=Columns(diffusion),
            breakpoints=None if self.stimulus.constant else self.stimulus.breakpoints,
            jac=Jacobian(self._model, self._first_synapse, self._currents),
            program=module.Program(
                compiled=self._compiled,
                n_variables=len(self.variables),
                first_synapse=self._first_synapse,
                noise=packing.connectivity([self._amplitudes], diffusion.m_V),
                current=self._currents,
                f=f,
                G=diffusion,
                area_groups=diffusion.area_groups,
                bounded=self._bounds in ("clip", "reflect"),
                single=lambda: self._compiled_single,
            ),
        )

    @property
    def wiener_processes(self) -> tuple[str, ...]:
        """What the Wiener processes of `sde` belong to, in their order, n_neurons for each name.

        "V" stands for a `CurrentNoise` (a second one's are "V_2"), other names for what they drive.

        Examples
        --------
        >>> from hh_sde import OrnsteinUhlenbeckCurrent
        >>> noise = [CurrentNoise(1.0), OrnsteinUhlenbeckCurrent(0.0, 1.0, 5.0)]
        >>> Network(3, noise=noise).wiener_processes
        ('V', 'eta')
        """
        white = sum(isinstance(noise, CurrentNoise) for noise in self.noise)
        on_V = ["V", *(f"V_{k}" for k in range(2, white + 1))][:white]
        terms = self._compiled.population.terms
        return (*on_V, *(term.dW.name.removeprefix("noise_") for term in terms))

    def _missing_variance(self, channel: Channel, rates: xr.Dataset) -> list[float]:
        """1 - variance/(variance with all noise) of a channel's open fraction, for each V."""
        assert self._channel_noise is not None
        states = scheme(channel)
        noisy = self._channel_noise.noisy(states)
        gates = [gate.name for gate in channel.variable_gates]
        alpha, beta = (rates[name].sel(gate=gates).values.T for name in ("alpha", "beta"))
        open_state = (states.open, states.open)
        return [
            1.0 - states.covariance(a, b, noisy)[open_state] / states.covariance(a, b)[open_state]
            for a, b in zip(alpha, beta, strict=True)
        ]

    def equations(self) -> Equations:
        """The equations of its neurons: names, expressions and units, with LaTeX in a notebook.

        They are those that the engine runs: loops, corrections and `noise_type` are made of them.

        Returns
        -------
        Equations
            Whose text is a table, and whose `latex()` and `markdown()` are for documents.

        Examples
        --------
        >>> leak = Cell("leaky", (Channel("L", g=0.1, E=-70.0),))
        >>> print(Network(1, cell=leak, stimulus=1.0).equations())
        equations, dx for dx/dt
          I_L      = g_L * (V - E_L)  uA/cm^2
          I_total  = I_stim - I_L     uA/cm^2
          dV       = I_total / C      mV/ms
        <BLANKLINE>
        inputs
          I_stim  uA/cm^2  injected current, inward
        <BLANKLINE>
        parameters
          g_L  = 0.1  mS/cm^2  conductance of the channels L
          E_L  = -70  mV       reversal potential of the channels L
          C    = 1    uF/cm^2  membrane capacitance
        """
        return Equations(self._population, noise_on_V=bool(self._amplitudes.nnz))

    def currents(self, ds: xr.Dataset) -> xr.Dataset:
        """All currents at the states of a result, outward positive but for the injected one.

        C dV/dt = I_stim - (the sum of the others), where V has no white noise.

        Parameters
        ----------
        ds : Dataset
            A result of `solve`, or a part of one, with all variables of the state.

        Returns
        -------
        Dataset with I_<channel>, I_<synapse>, I_gap and I_<coloured noise>, outward, and I_stim, as
        it is injected (uA/cm^2), each with the dims of V

        Raises
        ------
        ValueError
            If `ds` lacks variables of the state, or neurons that others depend on.

        Examples
        --------
        >>> from hh_sde import solve
        >>> net = Network(1, stimulus=10.0)
        >>> I = net.currents(solve(net, 5.0))
        >>> list(I)
        ['I_Na', 'I_K', 'I_L', 'I_stim']
        >>> float(I.I_Na.min().round(-1))  # inward, in the upstroke
        -790.0
        """
        return self.derived.of(ds, self.derived.currents)

    def conductances(self, ds: xr.Dataset) -> xr.Dataset:
        """Conductances, and open fractions of channels, at the states of a result.

        Parameters
        ----------
        ds : Dataset
            As for `currents`.

        Returns
        -------
        Dataset with g_<channel>, g_<synapse>, g_gap (mS/cm^2; those of synapses as sums over their
        inputs), and p_<channel>, the open fractions (1), each with the dims of V

        Raises
        ------
        ValueError
            As `currents`.

        Examples
        --------
        >>> from hh_sde import solve
        >>> net = Network(1, stimulus=10.0)
        >>> list(net.conductances(solve(net, 5.0)))
        ['g_Na', 'g_K', 'g_L', 'p_Na', 'p_K']
        """
        return self.derived.of(ds, self.derived.conductances)

    def describe(self) -> str:
        """The network as JSON, which results have as their attribute `network`."""
        return self._description

    @cached_property
    def _description(self) -> str:
        return json.dumps(encode(self, "network"))

    @classmethod
    def from_dataset(cls, ds: xr.Dataset | str | PathLike[str]) -> Network:
        """The network that a Dataset of `solve`, or one in a file, was made with.

        Raises
        ------
        TypeError
            If `ds` is neither a Dataset nor a path.
        ValueError
            If the Dataset does not describe one; with the place in the description.
        """
        ds = opened(ds, "Network.from_dataset")
        if "network" not in ds.attrs:
            raise ValueError(
                "this Dataset has no attribute 'network': it is not a result of "
                "hh_sde.solve(Network(...), ...), or the attribute was lost on the way"
            )
        try:
            tree = json.loads(ds.attrs["network"])
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"the attribute 'network' is not a description: {error}") from None
        net = decode(tree, "network", {str(k): v for k, v in ds.data_vars.items()})
        if not isinstance(net, Network):
            raise ValueError(f"the attribute 'network' describes no network but {shown(net)}")
        return net

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
    def _colored_noise(self) -> list[packing.Colored]:
        return [noise for noise in self.noise if isinstance(noise, packing.Colored)]

    @cached_property
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
        d = n * len(self.variables)
        flat_drift = self._compiled.module.flat_drift
        arguments = (
            self._first_synapse,
            *self._compiled.connectivity,
            *self._compiled.numbers(1, n),
        )
        constant = self._currents(np.zeros(1))[0] if self.stimulus.constant else None

        def f(x: np.ndarray, t: float) -> np.ndarray:
            x = checked_state(x, d)
            I = self._currents(np.array([t]))[0] if constant is None else constant
            return flat_drift(x, I, *arguments)

        return f

    @property
    def _first_synapse(self) -> int:
        return len(self.variables) - sum(isinstance(s, Synapse) for s in self.synapses)

    @cached_property
    def _population(self) -> Population:
        return Population(self._model)

    @cached_property
    def _compiled(self) -> module.Compiled:
        return module.compiled(self._model)

    @cached_property
    def _compiled_single(self) -> module.Compiled:
        return module.compiled(self._model, "float32")

    @cached_property
    def _model(self) -> Model:
        return packing.model(
            self.n_neurons,
            self.cell,
            self._channels,
            self.synapses,
            self._colored_noise,
            self._bounds,
        )

    @cached_property
    def _channels(self) -> tuple[ChannelTable, ...]:
        return tuple(
            packing.channel_table(channel, self._channel_noise, self.n_neurons)
            for channel in self.cell.channels
        )
