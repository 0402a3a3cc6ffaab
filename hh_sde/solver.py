"""solve(): checks, dispatch to a method, labels."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import continuation, initial, memory
from hh_sde.arguments.layout import Layout
from hh_sde.arguments.recording import reductions, spike_recording
from hh_sde.arguments.scalars import positive, positive_int
from hh_sde.arguments.times import grid, saving
from hh_sde.arguments.trials import noise_path, trial_numbers
from hh_sde.brownian import BrownianPath, Rng, seed_sequence
from hh_sde.choice import (
    chosen_method,
    precision,
    refuse_equal_trials,
    refuse_history,
    refuse_ignored,
    sde_for_method,
    warn_of_missing_samples,
)
from hh_sde.errors import keyword_hints
from hh_sde.measures import SpikeRule
from hh_sde.methods import Method, Problem
from hh_sde.network import Network
from hh_sde.progress import quiet_if_asked
from hh_sde.provenance import made_with, path_attribute, seed_attributes
from hh_sde.runs import Run
from hh_sde.sde import SDE
from hh_sde.stopping import Threshold, criterion
from hh_sde.streams import seed_of_store, streamed
from hh_sde.watching import Watch


@keyword_hints
@quiet_if_asked
def solve(
    model: Network | SDE,
    t_end: float,
    *,
    dt: float = 0.01,
    method: str | Method | None = None,
    rng: Rng = None,
    trials: int | Sequence[int] | None = None,
    x0: np.ndarray | Mapping[str, Any] | xr.Dataset | None = None,
    stop: str | Threshold | None = None,
    save_dt: float | None = None,
    record: str | Sequence[str] | None = None,
    path: BrownianPath | None = None,
    noise: str | None = None,
    progress: bool | None = None,
    threads: int = 1,
    spike_rule: SpikeRule | None = None,
    reduce: str | Sequence[str] | None = None,
    discard: float | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    dtype: str = "float64",
    store: str | os.PathLike[str] | None = None,
) -> xr.Dataset:
    """Integrate dx = f(x, t) dt + G(x, t) dW up to `t_end`.

    Parameters
    ----------
    model : Network or SDE
    t_end : float
        End, ms. The start is 0, or the last time of the Dataset given as `x0`.
    dt : float
        Step, ms. Methods with error control, and exact ones, go their own ways; dt then spaces the
        output.
    method : str or Method, optional
        A name of `hh_sde.METHODS`, or a method of your own (`hh_sde.integrator`). Default:
        ``euler_maruyama`` for a Network; for an SDE of your own ``sdeint.itoEuler`` or
        ``sdeint.stratHeun``, or ``scipy.DOP853`` if it has no noise.
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        Seed of the noise. None draws one, or takes that of the store; it stands in the attributes,
        ``rng_entropy``.
    trials : int or sequence of int, optional
        How many independent trials, or their numbers: ``trials=[17]`` is trial 17 of any larger
        ensemble under the same rng, bit for bit.
    x0 : (d,) or (trials, d) array, mapping, or Dataset, optional
        Initial state. A mapping of variables (of an SDE: of components) has numbers, arrays
        (n_neurons,) or (trials, n_neurons), or distributions: ``{"V": Normal(-65.0, 5.0)}``, or
        population by population, ``{"E": {"V": -60.0}, "I": {"V": Normal(-65.0, 5.0)}}``. What
        is drawn depends on rng, the trial's number, the neuron and the variable's name alone; what
        is not named is in the steady state of the V that its neuron begins with. An earlier result
        of `solve`, whatever it recorded, is continued from its end, and with the same rng and dt
        gives what one long run would have given, its spikes too. Only a result of `reduce`, or of
        `stop`, cannot be continued, and no run by a method of several steps
        (``METHODS[method].steps``). Trials, neurons and components are found by their labels.
    stop : "first spike" or Threshold, optional
        What ends a trial, looked for at every step, its time interpolated: the first spike of any
        neuron after the start (and after `discard`), as `spike_rule` defines it; or a variable that
        reaches a level, ``Threshold("V", -20.0, direction="up")``, which one that begins beyond it
        has reached. The result then has stop_time; traces are NaN after it, and spikes after it are
        dropped. The run ends with the last trial. Methods with error control run to the same
        accuracy, but not bitwise as without `stop`.
    save_dt : float, optional
        Spacing of the saved states, a multiple of dt, ms. Default: dt.
    record : str or sequence of str, optional
        The variables (of an SDE: the components) to keep. Default: all. Of a Network also currents
        (I_Na, I_stim), conductances (g_Na) and open fractions (p_Na), as `Network.currents` and
        `Network.conductances` have them. With ``"spikes"`` among them the spikes are found
        at every step, whatever save_dt: beside traces as spike_time, spike_trial and
        spike_neuron, which the measures then use. ``("spikes",)`` alone keeps no traces, so that
        memory does not grow with the duration; the result is that of `hh_sde.measures.spikes`.
    path : BrownianPath, optional
        The noise to use instead of one made from `rng`: several methods on one path. Methods of a
        weak order alone (``METHODS[method].weak``) belong to none and refuse it.
    noise : {"ignore"}, optional
        Drop the noise: the only way to give a noisy problem to an ODE method. Says of any model
        that none is meant, where `rng` or equal `trials` would be warned of.
    progress : bool, optional
        Show a progress bar. Default: on a terminal, if it takes longer than two seconds. False also
        keeps silent about the compiling of loops, of which else a line tells on a terminal and in a
        notebook if it takes longer than half a second.
    threads : int
        Threads over which the compiled methods spread the trials. Does not change the result.
    spike_rule : SpikeRule, optional
        What counts as a spike, with spikes in `record`, or with ``stop="first spike"``.
    reduce : {"mean", "var"} or both, optional
        Keep these statistics over the trials at every saved time, as V_mean and V_var, and not the
        trials, so that memory does not grow with their number. `var` is divided by trials - 1.
    discard : float, optional
        Length of a transient, ms: so long after the start nothing is kept, and the result begins
        then. It is the later part of the run without `discard`, bit for bit where steps are fixed.
    rtol, atol : float, optional
        Tolerances of the methods with error control. Default: 1e-8, and 1e-3 of adaptive_heun, of
        which dt is the longest step; how many steps it made stands in the attributes.
    dtype : {"float64", "float32"}
        Precision of states and output, in the engine's methods for networks with noise. In float32
        the noise is that of float64, rounded, and a step costs about half. Statistics of spikes do
        not feel it (docs: performance); a slope of V below 4e-4 mV/ms is lost at dt = 0.01 ms, so
        that runs without noise are refused, and errors of schemes cannot be told from rounding.
    store : path, optional
        A folder, to which the result is written while it runs, a Zarr store: memory does not grow
        with the duration. It is made, or that of the same run, which goes on from where it is,
        however it was ended; a later t_end extends it. What is returned is opened from it, and
        read where it is used. Needs the extra ``sweep``, and a method of fixed steps or adaptive_*.

    Returns
    -------
    xarray.Dataset
        dims (trial, time, neuron) for a Network, with its state variables; (trial, time, component)
        with the variable x for an SDE. `trial` only if `trials` was given. Where the traces are not
        the whole state, ``last_V`` and its like hold the state at the end, ``t_end``; of spikes
        alone it is the attribute ``last_state``. With `stop` there is stop_time (trial), ms, NaN
        where a trial did not stop, and no state at the end if one did; beside spikes alone its dim
        is called of_trial.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range or of no use to the method, if the method does not fit the
        problem, if there is no room for the result, or if the store is that of another run; before
        anything runs.
    DivergenceError
        If the state becomes NaN or infinite; it says when and where.
    IntegrationError
        If the integrator gives up.
    StoreError
        If the disk of the store is full, or another process writes to it; what is done is kept.
    Interrupted
        On Ctrl-C. This and the first two carry what was computed, in their attribute `dataset`; so
        does any other error that comes out of f or G, which passes through as it is.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(2, stimulus=10.0, noise=CurrentNoise(sigma=1.0))
    >>> ds = solve(net, 5.0, dt=0.01, rng=1, trials=3, save_dt=0.1)
    >>> dict(ds.sizes)
    {'trial': 3, 'time': 51, 'neuron': 2}
    """
    name, integrator = chosen_method(method, model, noise)
    sde = sde_for_method(model, integrator, name, noise)
    no_noise_meant = noise == "ignore" and integrator.interpretation != "ode"
    noisy = sde.m > 0 or no_noise_meant
    drawn = initial.is_drawn(x0) or (isinstance(model, Network) and model.draws_spikes)
    noisy |= drawn
    threads = positive_int(threads, "threads")
    refuse_ignored(name, integrator, noisy, rng, threads, {"rtol": rtol, "atol": atol})
    dtype = precision(dtype, integrator, name, sde)
    layout = Layout.of(model, sde)
    start, first_step, n_steps = grid(t_end, dt, x0, layout)
    warn_of_missing_samples(model, start, float(t_end))
    names, rule = spike_recording(record, spike_rule, model, stop)
    ends = criterion(stop, spike_rule, layout, reduce)
    kept = [] if rule and names == [] else layout.kept(names)
    every, skipped = saving(save_dt, discard, float(dt), n_steps, traces=bool(kept))
    refuse_history(name, integrator, start, skipped * float(dt))
    numbers, has_trials = trial_numbers(trials, x0, path, sde.d)
    refuse_equal_trials(name, integrator, noisy, len(numbers), x0, model)
    statistics = reductions(reduce, has_trials, len(numbers), rule)
    n_saves = (n_steps - skipped) // every + 1
    n_kept = len(kept) * (1 if layout.by_component else layout.width)
    memory.require(
        8.0 * (len(statistics) or len(numbers)) * n_saves * n_kept * (store is None),
        f"{n_saves} saved states of {len(numbers)} trials, {n_kept} numbers each,",
        "save less often (save_dt), record fewer variables (record), only their statistics over "
        "trials (reduce), or spikes alone (record=('spikes',)), or let them be written out while "
        "it runs (store)",
    )
    rng = seed_of_store(store) if rng is None and path is None else rng
    own_path = noise_path(path, rng, sde, dt, integrator)
    given = path or own_path
    seed = seed_sequence(rng) if given is None else given.seed
    states = initial.states(x0, model, sde, layout, numbers, integrator, seed)
    members, step = layout.members, float(dt)
    problem = Problem(
        sde=sde,
        dt=float(dt),
        first_step=first_step,
        n_steps=n_steps,
        save_every=every,
        x0=states,
        keep=layout.components(kept),
        path=own_path,
        trials=numbers,
        threads=threads,
        dtype=dtype,
        rtol=positive(integrator.tolerance if rtol is None else rtol, "rtol"),
        atol=positive(integrator.tolerance if atol is None else atol, "atol"),
        detection=None
        if rule is None
        else continuation.detection(x0, rule.levels, layout.width, numbers.tolist()),
        opened=continuation.opened(
            x0,
            states,
            layout.state_layout,
            members,
            numbers.tolist(),
            method=name,
            dt=step,
            time=start,
        ),
        carried=continuation.carried(x0, sde, numbers.tolist(), dt=step, time=start),
        seed=seed,
    )
    attrs = _provenance(problem, integrator, name, model, noise) | {
        "t_start": start,
        "t_end": float(t_end),
        "path": path_attribute(path, sde) if path is not None and problem.path else None,
        "x0": initial.attribute(x0, model),
        "initial_state": layout.initial_state(problem, start, name, rule, has_trials)
        if initial.is_list_of_states(x0, model)
        else None,
        "stop": ends and ends.words,
    }
    if drawn:
        attrs |= seed_attributes(seed)
    arguments = {
        "dt": problem.dt, "method": name, "trials": trials, "save_dt": save_dt, "record": record,
        "noise": noise, "spike_rule": spike_rule and asdict(spike_rule), "reduce": reduce,
        "discard": discard or None, "rtol": rtol, "atol": atol,
        "dtype": None if dtype == "float64" else dtype,
        "stop": asdict(stop) if isinstance(stop, Threshold) else stop,
    }  # fmt: skip
    if skipped:
        attrs |= {"t_start": start + float(discard or 0.0), "discard": float(discard or 0.0)}
    if statistics:
        attrs["trials"] = len(numbers)
    if not has_trials and numbers[0]:
        attrs["trial"] = int(numbers[0])
    watch = None if ends is None else Watch(ends, len(numbers))
    run = Run(problem, layout, kept, has_trials, attrs, arguments, rule, statistics, watch)
    if store is not None:
        return streamed(store, run, integrator, skipped, progress)
    return run.complete(integrator, skipped, progress)


def _provenance(
    problem: Problem, integrator: Method, name: str, model: Network | SDE, noise: str | None
) -> dict[str, Any]:
    """Attributes that tell how it was made."""
    channel_noise = model.noise_report if isinstance(model, Network) and noise is None else {}
    chain = integrator.interpretation == "chain"
    return {
        **channel_noise,
        "method": name,
        "method_place": integrator.place or None,
        "dt": problem.dt,
        "save_dt": problem.dt * problem.save_every if len(problem.keep) else None,
        "rtol": problem.rtol if "rtol" in integrator.tolerances else None,
        "atol": problem.atol if "atol" in integrator.tolerances else None,
        **({} if problem.path is None else seed_attributes(problem.path.seed)),
        "interpretation": "chain" if chain else problem.sde.interpretation,
        "noise_type": "chain" if chain else problem.sde.noise_type if problem.sde.m else "none",
        "noise": "ignored" if noise == "ignore" else None,
        "network": model.describe() if isinstance(model, Network) else None,
        "populations": _sizes(model) if isinstance(model, Network) else None,
        **made_with(integrator.library, "numpy"),
    }


def _sizes(net: Network) -> str | None:
    """How many neurons each population has, as JSON."""
    sizes = {name: one.n for name, one in net.populations.items()}
    return json.dumps(sizes) if sizes else None
