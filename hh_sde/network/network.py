"""Network: neurons, synapses, stimulus and noise as one SDE."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import display
from hh_sde.cells import Cell
from hh_sde.descriptions import decode, encode
from hh_sde.equations.layout import StateLayout
from hh_sde.equations.shown import Equations, SeveralEquations
from hh_sde.errors import unknown
from hh_sde.network import clamped, connectivity, packing
from hh_sde.network.assembly import Assembly
from hh_sde.network.checked import (
    checked_cell,
    checked_count,
    checked_noise,
    checked_synapses,
    parameter_of_cell,
    see_that_it_fits,
)
from hh_sde.network.derived import Derived
from hh_sde.network.populations import (
    Group,
    Population,
    checked_populations,
    groups,
    see_common_noise,
)
from hh_sde.noise import CurrentNoise, Noise, ShieldedNoise
from hh_sde.records import Record, numbers, parameter, per_neuron, record, see_kind, shown
from hh_sde.results import opened
from hh_sde.sde import SDE
from hh_sde.stimuli import Stimulus, as_stimulus
from hh_sde.synapses import AnySynapse, EventSynapse, GapJunction, Synapse


@record
class Network(Record):
    """A network of conductance-based neurons, with noise.

    Parameters
    ----------
    n_neurons : int, or mapping of str to Population
        Number of neurons of one kind, or populations by name.
    cell : str or Cell
        A name of CELLS, or a cell; its parameters may be arrays with one value per neuron. With
        populations, each population has its own cell and stimulus.
    synapses : str, Synapse, EventSynapse, GapJunction or a sequence of the latter three
        With a name of SYNAPSES, give also `weights`. `source` and `target` of a synapse name
        populations.
    stimulus : Stimulus, float or (n_neurons,) array
        Injected current, uA/cm^2.
    noise : Noise or a sequence of them, optional
        Entries of NOISES, at most one of channel noise. With populations: CurrentNoise of the
        neurons of all populations, in addition to the noise of each.
    weights : float, matrix, table of edges, graph or Topology, optional
        Weights of the synapse that is given by name, [target, source], mS/cm^2; see `Synapse`.
    populations : mapping of str to Population, optional
        The same as a mapping as the first argument.

    Attributes
    ----------
    n_neurons : int
        Of all populations.
    populations : dict of str to Population
        Empty if the neurons are of one kind, which `cell` and `stimulus` describe.

    Raises
    ------
    TypeError, ValueError
        If a part has the wrong type, or an array does not match the number of neurons.

    Examples
    --------
    >>> from hh_sde import SYNAPSES, Synapse
    >>> net = Network(2, cell="hodgkin_huxley", stimulus=10.0,
    ...               synapses=Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]]),
    ...               noise=CurrentNoise(sigma=1.0))
    >>> net.variables
    ('V', 'm', 'h', 'n', 's')
    >>> sde = net.sde()
    >>> sde.d, sde.m, sde.noise_type
    (10, 2, 'additive')

    >>> net = Network({"E": Population(8, stimulus=7.0), "I": Population(2, "wang_buzsaki")},
    ...               synapses=[SYNAPSES["AMPA"](0.05, source="E", target="I"),
    ...                         SYNAPSES["GABA_A"](0.2, source="I", target="E")])
    >>> net.variables
    ('V', 'm', 'h', 'n', 's_AMPA', 's_GABA_A')
    """

    n_neurons: int
    cell: Cell | None
    synapses: tuple[AnySynapse, ...]
    stimulus: Stimulus | None
    noise: tuple[Noise, ...]
    populations: dict[str, Population]

    def __init__(
        self,
        n_neurons: int | Mapping[str, Population] | None = None,
        cell: str | Cell | None = None,
        synapses: str | AnySynapse | Sequence[AnySynapse] = (),
        stimulus: Any = None,
        noise: Noise | Sequence[Noise] | None = None,
        *,
        weights: Any = None,
        populations: Mapping[str, Population] | None = None,
    ) -> None:
        if isinstance(n_neurons, Mapping):
            n_neurons, populations = None, n_neurons
        parts: dict[str, Any] = {
            "synapses": checked_synapses(synapses, weights),
            "noise": checked_noise(noise),
        }
        if populations:
            parts |= _of_populations(populations, n_neurons, cell, stimulus)
            see_common_noise(parts["noise"])
        else:
            parts |= _of_one_kind(n_neurons, cell, stimulus)
        for name, value in parts.items():
            object.__setattr__(self, name, value)
        see_that_it_fits(
            [(group.n, group.population.cell) for group in self._groups],
            self.synapses,
            tuple(one for group in self._groups for one in group.population.noise) + self.noise,
        )
        self.labels  # noqa: B018  (which checks that all parts fit the number of neurons)
        self._made.amplitudes  # noqa: B018
        self._made.currents(np.zeros(1))

    def replace(self, *, weights: Any = None, **changes: Any) -> Network:
        """A copy with other fields; the name of a synapse takes `weights`.

        Raises
        ------
        TypeError, ValueError
            If a name is not a field, or as for a new network.
        """
        if weights is not None or isinstance(changes.get("synapses"), str):
            changes["synapses"] = checked_synapses(changes.get("synapses"), weights)
        if "populations" in changes:
            changes = {"n_neurons": None, "cell": None, "stimulus": None, **changes}
        return super().replace(**changes)

    def _elsewhere(self, name: str, given: Mapping[str, Any]) -> str:
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
        """Attributes of each state variable, in the order of the flat state.

        `units`, `long_name`, and `role`: "potential"; "gate", "channel state" or "fluctuation" of
        a `channel`; "noise current", "noise conductance"; "concentration" of a `pool`; "synaptic
        gate" and "second messenger" of a `synapse`. Of the
        states of a channel, the open one has ``conducting = 1``, the others 0.

        Examples
        --------
        >>> Network(1).labels["m"]
        {'units': '1', 'long_name': 'gate m of channel Na', 'role': 'gate', 'channel': 'Na'}
        """
        return packing.state_labels(self._made.tables.populations)

    @property
    def layout(self) -> StateLayout:
        """Positions of the variables of each neuron in the flat state."""
        return self._made.layout

    @property
    def derived(self) -> Derived:
        """Functions of the state: currents, conductances, open fractions."""
        return self._made.derived

    def steady_state(self, V: Any = None) -> np.ndarray:
        """The flat state at potential `V` (mV, default the cell's V0), all else at steady state.

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
            If V has another shape, or a variable has no steady state there: a gate with both rates
            0, or a concentration that the currents would make negative.
        """
        if np.ndim(V) == 2:
            potentials = numbers(V, "V", "a number, or numbers (n_neurons,) or (trials, n_neurons)")
            if potentials.shape[1] != self.n_neurons:
                raise ValueError(
                    f"V has shape {potentials.shape}; this network takes (trials, {self.n_neurons})"
                )
        elif V is None:
            potentials = self._made.V0
        else:
            potentials = per_neuron(parameter(V, "V"), self.n_neurons, "V")
        return self._made.steady_state(potentials)

    def equilibrium(self) -> np.ndarray:
        """The equilibrium of the equations without noise, stable or unstable, as a flat state (d,).

        The search starts from the cell's V0, or from the nearest potential at which the currents
        of a neuron balance if all neurons have it. The stimulus has its value at t = 0, and no
        spikes arrive. Delays do not change the equilibrium.

        Raises
        ------
        ValueError
            If none is found.
        """
        if self._made.tables.late is not None:
            return self.replace(
                synapses=[
                    one.at_once() if isinstance(one, Synapse) else one for one in self.synapses
                ]
            ).equilibrium()
        return self._made.equilibrium()

    def kinetics(self, V: Any, population: str | None = None) -> xr.Dataset:
        """Steady state and time constant of the first neuron's gates as functions of V.

        Concentrations on which they depend are at their steady state at that V.

        Parameters
        ----------
        V : (points,) array
            mV.
        population : str, optional
            Population whose first neuron is taken. Default: the only one.

        Returns
        -------
        Dataset with x_inf (1), tau (ms), alpha and beta (1/ms), dims (gate, V); for an
        instantaneous gate tau is 0, and alpha and beta are NaN

        Examples
        --------
        >>> float(Network(1).kinetics([-40.0]).alpha.sel(gate="m", V=-40.0))
        1.0
        """
        cell = self._group(population).population.cell
        alone = Network(1, cell=cell.of_neuron(0))
        return clamped.kinetics(cell, alone._made.tables.populations[0], V)

    def shielding(self, V: Any = None, population: str | None = None) -> xr.Dataset:
        """Missing fraction of the open fractions' variance, as not all transitions are noisy.

        It is computed for the rates of the first neuron.

        Parameters
        ----------
        V : (points,) array, optional
            Clamped potentials, mV. Default: -100 to 60 in steps of 5.
        population : str, optional
            As in `kinetics`.

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
        group = self._group(population)
        model = self._made.tables.populations[self._groups.index(group)]
        rates = self.kinetics(V, population)
        return clamped.shielding(group.population.cell, model, group.channel_noise, V, rates)

    def sde(self) -> SDE:
        """The network as dx = f(x, t) dt + G(x, t) dW.

        The Wiener processes of the noise on V come first. Each further noise process follows, with
        one Wiener process in every neuron.
        """
        return self._made.sde()

    @property
    def wiener_processes(self) -> tuple[str, ...]:
        """Names of the Wiener processes of `sde`, in their order; each name is one per neuron.

        "V" is a `CurrentNoise` ("V_2" a second one); other processes have the name of what they
        drive. With populations, a name is repeated for each population that has such processes.

        Examples
        --------
        >>> from hh_sde import OrnsteinUhlenbeckCurrent
        >>> noise = [CurrentNoise(1.0), OrnsteinUhlenbeckCurrent(0.0, 1.0, 5.0)]
        >>> Network(3, noise=noise).wiener_processes
        ('V', 'eta')
        """
        return tuple(name for name, *_ in self.processes)

    @property
    def processes(self) -> list[tuple[str, slice, CurrentNoise | None]]:
        """Each name of `wiener_processes` with its neurons and, on V, its noise."""
        return self._made.processes()

    def equations(self, population: str | None = None) -> Equations | SeveralEquations:
        """The equations of its neurons: names, expressions and units, with LaTeX in a notebook.

        The engine runs these equations: loops, Itô corrections and `noise_type` are derived from
        them.

        Parameters
        ----------
        population : str, optional
            Default: all of them.

        Returns
        -------
        Equations, or SeveralEquations of populations
            Its text is a table; `latex()` and `markdown()` are for documents. `jax()` and
            `torch()` give f and G for arrays of these libraries.

        Examples
        --------
        >>> from hh_sde import Channel
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
        wanted = self._groups if population is None else (self._group(population),)
        on_V = np.diff(self._made.amplitudes.indptr) > 0
        whole = self._made.in_arrays if len(self._groups) == 1 else None
        found = {
            group.name: Equations(equations, bool(np.any(on_V[group.neurons])), whole)
            for group, equations in zip(self._groups, self._made.equations, strict=True)
            if group in wanted
        }
        if len(found) == 1:
            return next(iter(found.values()))
        return SeveralEquations(found, self._made.in_arrays)

    def currents(self, ds: xr.Dataset) -> xr.Dataset:
        """All currents at the states of a result, outward positive except for the injected current.

        Without white noise on V, C dV/dt = I_stim - (the sum of the others).

        Parameters
        ----------
        ds : Dataset
            A result of `solve`, or a selection of one, with all state variables.

        Returns
        -------
        Dataset with I_<channel>, I_<synapse>, I_gap and I_<coloured noise>, outward, and I_stim, as
        it is injected (uA/cm^2), each with the dims of V

        Raises
        ------
        ValueError
            If `ds` lacks state variables, or neurons on which others depend.

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

    def connectivity(self) -> xr.Dataset:
        """The edges of all synapses, as a labelled Dataset.

        Returns
        -------
        Dataset with weight (edge,), mS/cm^2, and delay (ms) where edges have one; coordinates
        source, target and synapse along edge; with populations also source_population,
        source_index, target_population and target_index; for a rule with positions also source_x,
        target_x, ... (um). Edges are ordered by synapse, target and source; a gap junction is two
        edges. A delay is the sum of the delays of the synapse and of the edge.

        Examples
        --------
        >>> from hh_sde import topology
        >>> net = Network(3, synapses="AMPA", weights=0.1 * topology.ring(k=2))
        >>> net.connectivity().to_dataframe().head(2)
              weight  source  target synapse
        edge
        0        0.1       1       0    AMPA
        1        0.1       2       0    AMPA
        """
        projections = []
        for synapse in self.synapses:
            if isinstance(synapse, EventSynapse) and not isinstance(synapse.source, str | None):
                continue
            sources, targets = self._neurons_of(synapse.source), self._neurons_of(synapse.target)
            name = "gap" if isinstance(synapse, GapJunction) else synapse.name
            delay = getattr(synapse, "delay", 0.0)
            signed = isinstance(synapse, EventSynapse) and synapse.is_current
            one = connectivity.Projection.of(name, synapse.weights, targets, sources, delay, signed)
            projections.append(one)
            if isinstance(synapse, GapJunction) and sources != targets:
                projections.append(one.turned())
        return connectivity.dataset(projections, self.n_neurons, self.population_of)

    def _neurons_of(self, population: str | None) -> range:
        """The neurons of a population, or all."""
        if population is None:
            return range(self.n_neurons)
        neurons = self._group(population).neurons
        return range(neurons.start, neurons.stop)

    def describe(self) -> str:
        """The network as JSON, as in the attribute `network` of results."""
        return self._description

    @cached_property
    def _description(self) -> str:
        return json.dumps(encode(self, "network"))

    @classmethod
    def from_dataset(cls, ds: xr.Dataset | str | PathLike[str]) -> Network:
        """The network of a result of `solve`, given as a Dataset or a file.

        Raises
        ------
        TypeError
            If `ds` is neither a Dataset nor a path.
        ValueError
            If the description is invalid; the message has the location in it.
        """
        ds = opened(ds, "Network.from_dataset")
        if "sweep" in ds.attrs:
            raise ValueError(
                "cells of a sweep have networks of their own: hh_sde.sweeps.network_of(ds) is that "
                "which they vary, and currents and conductances are recorded with a sweep, "
                "record=('V', 'I_Na', 'g_Na')"
            )
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

    # -- populations -------------------------------------------------------------------------------

    @cached_property
    def _groups(self) -> tuple[Group, ...]:
        if self.populations:
            return groups(self.populations)
        assert self.cell is not None
        assert self.stimulus is not None
        alone = Population(self.n_neurons, self.cell, self.stimulus, self.noise)
        return (Group("", 0, alone),)

    def _group(self, name: str | None) -> Group:
        """The population of a name, or the only one."""
        found = {group.name: group for group in self._groups}
        if name is None and len(found) == 1:
            return self._groups[0]
        if name is None:
            raise ValueError(f"this network has the populations {', '.join(found)}: name one")
        if name not in self.populations:
            raise ValueError(unknown("population", name, self.populations))
        return found[name]

    @property
    def parts(self) -> dict[str, Population]:
        """Its populations by name; where the neurons are of one kind, these, called ""."""
        return {group.name: group.population for group in self._groups}

    def with_parts(self, parts: Mapping[str, Population]) -> Network:
        """A copy with others in place of its `parts`.

        Raises
        ------
        TypeError, ValueError
            If they are no populations by name, or as for a new network.
        """
        if not isinstance(parts, Mapping) or list(parts) != list(self.parts):
            names = ", ".join(map(repr, self.parts))
            raise ValueError(f"parts must be populations by the names {names}, got {shown(parts)}")
        for part in parts.values():
            see_kind(part, Population, "each of the parts")
        if self.populations:
            return self.replace(populations=dict(parts))
        (only,) = parts.values()
        own = {"cell": only.cell, "stimulus": only.stimulus, "noise": only.noise}
        return self.replace(n_neurons=only.n, **own)

    @property
    def draws_spikes(self) -> bool:
        """Whether spike trains are drawn that come from outside."""
        return any(hasattr(one.spikes, "means") for one in self._made.tables.senders)

    @property
    def noisy(self) -> bool:
        """Whether it has any noise, or spike trains that are drawn."""
        own = any(part.noise for part in self.parts.values())
        return own or bool(self.noise) or self.draws_spikes

    @property
    def population_of(self) -> np.ndarray | None:
        """The name of each neuron's population; None where the neurons are of one kind."""
        if not self.populations:
            return None
        return np.repeat(list(self.populations), [one.n for one in self.populations.values()])

    @property
    def piecewise_constant(self) -> bool:
        """Whether the injected current changes at its breakpoints alone."""
        return self._made.piecewise_constant

    @cached_property
    def noise_report(self) -> dict[str, Any]:
        """What a result has to say of its channel noise, as attributes."""
        report: dict[str, Any] = {}
        for group in self._groups:
            noise, of = group.channel_noise, f"_{group.name}" if group.name else ""
            if noise is None:
                continue
            report[f"bounds{of}"] = noise.bounds
            if isinstance(noise, ShieldedNoise) or getattr(noise, "transitions", None) is not None:
                missing = self.shielding(population=group.name or None).missing
                report[f"largest_missing_variance{of}"] = float(missing.max())
        return report

    @cached_property
    def _made(self) -> Assembly:
        """What is made of it."""
        common: Any = self.noise if self.populations else ()
        return Assembly(self._groups, self.synapses, common)


def _of_one_kind(n_neurons: Any, cell: Any, stimulus: Any) -> dict[str, Any]:
    """The parts of a network whose neurons are of one kind."""
    if n_neurons is None or isinstance(n_neurons, list | tuple | Population):
        raise TypeError(
            "Network lacks n_neurons: how many neurons there are, or populations by name, as "
            '{"E": hh_sde.Population(100)}'
        )
    return {
        "n_neurons": checked_count(n_neurons, "n_neurons"),
        "cell": checked_cell("hodgkin_huxley" if cell is None else cell),
        "stimulus": as_stimulus(0.0 if stimulus is None else stimulus),
        "populations": {},
    }


def _of_populations(given: Any, n_neurons: Any, cell: Any, stimulus: Any) -> dict[str, Any]:
    """The parts of a network of populations."""
    for name, value in (("cell", cell), ("stimulus", stimulus)):
        if value is not None:
            raise TypeError(
                f"{name} belongs to the populations here: hh_sde.Population(n, {name}=...)"
            )
    if not isinstance(given, Mapping):
        raise TypeError(
            f'populations must be a mapping, as {{"E": hh_sde.Population(100)}}, got {shown(given)}'
        )
    found = checked_populations(given)
    n = sum(one.n for one in found.values())
    if n_neurons not in (None, n):
        raise ValueError(f"n_neurons = {shown(n_neurons)}, but the populations have {n}: leave it")
    return {"n_neurons": n, "cell": None, "stimulus": None, "populations": found}
