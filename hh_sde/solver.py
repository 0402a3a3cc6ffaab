"""solve(): checks, dispatch to a method, labels."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from importlib import metadata
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import dataset, measures
from hh_sde.brownian import BrownianPath, Rng
from hh_sde.checks import (
    Layout,
    grid,
    initial_states,
    method_named,
    noise_path,
    numbers_of,
    positive,
    positive_int,
    reductions,
    spikes_alone,
    suited,
    trial_numbers,
    whole_steps,
)
from hh_sde.errors import DivergenceError, IntegrationError, Interrupted
from hh_sde.measures import SpikeRule
from hh_sde.methods import Diverged, Failed, Method, Problem
from hh_sde.network import Network
from hh_sde.progress import Progress
from hh_sde.sde import SDE

#: What `reduce` makes of states (saves, trials, kept).
STATISTICS = {
    "mean": lambda states: states.mean(axis=1),
    "var": lambda states: states.var(axis=1, ddof=1),
}


def solve(
    model: Network | SDE,
    t_end: float,
    *,
    dt: float = 0.01,
    method: str = "euler_maruyama",
    rng: Rng = None,
    trials: int | Sequence[int] | None = None,
    x0: np.ndarray | xr.Dataset | None = None,
    save_dt: float | None = None,
    record: Sequence[str] | None = None,
    path: BrownianPath | None = None,
    noise: str | None = None,
    progress: bool | None = None,
    threads: int = 1,
    spike_rule: SpikeRule | None = None,
    reduce: str | Sequence[str] | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-8,
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
    method : str
        A name of `hh_sde.METHODS`.
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        Seed of the noise. None draws one; it stands in the attributes, ``rng_entropy``.
    trials : int or sequence of int, optional
        How many independent trials, or their numbers: ``trials=[17]`` is trial 17 of any larger
        ensemble under the same rng, bit for bit.
    x0 : (d,) or (trials, d) array, or Dataset, optional
        Initial state. A Dataset of an earlier `solve` is continued from its last time, and with the
        same rng and dt gives what one long run would have given.
    save_dt : float, optional
        Spacing of the saved states, a multiple of dt, ms. Default: dt.
    record : sequence of str, optional
        The variables (of an SDE: the components) to keep. Default: all. ``("spikes",)`` alone:
        the compiled methods find the spikes as they go and keep no traces, so that memory does not
        grow with the duration; the result is that of `hh_sde.measures.spikes`.
    path : BrownianPath, optional
        The noise to use instead of one made from `rng`: several methods on one path.
    noise : {"ignore"}, optional
        Drop the noise: the only way to give a noisy problem to an ODE method.
    progress : bool, optional
        Show a progress bar. Default: on a terminal, if it takes longer than two seconds.
    threads : int
        Threads over which the compiled methods spread the trials. Does not change the result.
    spike_rule : SpikeRule, optional
        What counts as a spike, with ``record=("spikes",)``.
    reduce : {"mean", "var"} or both, optional
        Keep these statistics over the trials at every saved time, as V_mean and V_var, and not the
        trials, so that memory does not grow with their number. `var` is divided by trials - 1.
    rtol, atol : float
        Tolerances of the methods with error control.

    Returns
    -------
    xarray.Dataset
        dims (trial, time, neuron) for a Network, with its state variables; (trial, time, component)
        with the variable x for an SDE. `trial` only if `trials` was given.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range or the method does not fit the problem; before anything runs.
    DivergenceError
        If the state becomes NaN or infinite; it says when and where.
    IntegrationError
        If the integrator gives up.
    Interrupted
        On Ctrl-C. These three carry what was computed, in their attribute `dataset`; so does any
        other error that comes out of f or G, which passes through as it is.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(2, stimulus=10.0, noise=CurrentNoise(sigma=1.0))
    >>> ds = solve(net, 5.0, dt=0.01, rng=1, trials=3, save_dt=0.1)
    >>> dict(ds.sizes)
    {'trial': 3, 'time': 51, 'neuron': 2}
    """
    recipe = method_named(method)
    sde = suited(model, recipe, method, noise)
    layout = Layout.of(model, sde)
    start, first_step, n_steps = grid(t_end, dt, x0)
    rule = spikes_alone(record, spike_rule, recipe, model)
    if rule:
        record, save_dt = [], dt  # nothing is kept, so nothing is thinned out
    save_every = whole_steps(dt if save_dt is None else save_dt, dt, "save_dt")
    if n_steps % save_every:
        raise ValueError(
            f"the run of {n_steps} steps must end on a save; save_dt = {save_dt} is {save_every} "
            "steps, which does not divide them"
        )
    numbers, many = trial_numbers(trials, x0, path)
    statistics = reductions(reduce, many, len(numbers), rule)
    kept = [] if rule else layout.kept(record)
    problem = Problem(
        sde=sde,
        dt=float(dt),
        first_step=first_step,
        n_steps=n_steps,
        save_every=save_every,
        x0=initial_states(x0, sde, layout, numbers, recipe),
        keep=layout.components(kept),
        path=noise_path(path, rng, sde, dt, recipe),
        trials=numbers,
        threads=positive_int(threads, "threads"),
        rtol=positive(rtol, "rtol"),
        atol=positive(atol, "atol"),
        spike_rule=None if rule is None else numbers_of(rule),
    )
    attrs = _provenance(problem, recipe, method, model, noise, start, t_end, x0, path is not None)
    if statistics:
        attrs["trials"] = len(numbers)
    run = _Run(problem, layout, kept, many, attrs, rule, statistics)
    return run.complete(recipe, progress)


class _Run:
    """A problem being solved, and what there is of its result."""

    def __init__(
        self,
        problem: Problem,
        layout: Layout,
        kept: list[str],
        many: bool,
        attrs: dict[str, Any],
        rule: SpikeRule | None,
        statistics: list[str],
    ) -> None:
        self.problem = problem
        self.layout = layout
        self.numbers = problem.trials if many else None
        self.attrs = attrs
        self.rule = rule
        self.statistics = statistics
        self.variables = ["x"] if layout.by_component else kept
        self.members = kept if layout.by_component else list(layout.members)
        n_saves = problem.n_steps // problem.save_every
        # one contiguous array (trials or statistics, times, members) for each variable
        rows = len(statistics) or len(problem.trials)
        self.values = np.empty((len(self.variables), rows, n_saves + 1, len(self.members)))
        self.saved = 0
        self._store(problem.x0[:, problem.keep][None])

    def complete(self, method: Method, progress: bool | None) -> xr.Dataset:
        """Run the method to its end, or as far as it goes."""
        n_saves = self.values.shape[2] - 1
        try:
            with Progress(n_saves, progress) as bar, closing(_iterate(method, self.problem)) as run:
                for chunk in run:
                    self._store(chunk)
                    bar.update(self.saved - 1)
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted {self._stopped()}", self.dataset()) from None
        except Diverged as diverged:
            raise self._divergence(diverged) from None
        except Failed as failed:
            message = f"{failed}; the run stopped {self._stopped()}"
            raise IntegrationError(message, self.dataset()) from failed
        except Exception as error:
            error.add_note(f"the run stopped {self._stopped()}")
            error.dataset = self.dataset()  # type: ignore[attr-defined]
            raise
        return self.dataset()

    def dataset(self) -> xr.Dataset:
        """What there is so far, labelled."""
        attrs = {**self.attrs, **self.problem.report}
        if self.rule:
            return self._spikes(self.rule, attrs)
        coords: dict[str, Any] = {}
        values = self.values[:, :, : self.saved]
        labels = self.layout.labels
        if self.statistics:
            found = {
                f"{variable}_{statistic}": values[v, s]
                for v, variable in enumerate(self.variables)
                for s, statistic in enumerate(self.statistics)
            }
            labels = dataset.statistics_labels(labels)
        elif self.numbers is None:
            found = dict(zip(self.variables, values[:, 0], strict=True))
        else:
            found = dict(zip(self.variables, values, strict=True))
            coords["trial"] = self.numbers
        coords |= {"time": self._times(), self.layout.dim: self.members}
        return dataset.build(
            found,
            labels,
            coords,
            attrs,
            self.layout.arrays,
        )

    def _spikes(self, rule: SpikeRule, attrs: dict[str, Any]) -> xr.Dataset:
        events = [*self.problem.events, (np.zeros(0, int), np.zeros(0, int), np.zeros(0))]
        trial, neuron, time = (np.concatenate(parts) for parts in zip(*events, strict=True))
        reached = float(self._times()[-1])
        before = time <= reached  # a thread may be ahead of one that failed
        found = measures.ragged(
            time[before],
            trial[before],
            neuron[before],
            trials=self.numbers,
            neurons=np.asarray(self.layout.members),
            attrs={**measures.rule_attributes(rule), "t_end": reached},
        )
        return dataset.label(found, attrs, self.layout.arrays)

    def _times(self) -> np.ndarray:
        problem = self.problem
        steps = problem.first_step + problem.save_every * np.arange(self.saved)
        return steps * problem.dt

    def _store(self, chunk: np.ndarray) -> None:
        """Take in (saves, trials, kept)."""
        saves, trials, _ = chunk.shape
        if self.statistics:
            chunk = np.stack([STATISTICS[name](chunk) for name in self.statistics], axis=1)
            trials = len(self.statistics)
        by_variable = chunk.reshape(saves, trials, len(self.variables), len(self.members))
        self.values[:, :, self.saved : self.saved + saves] = by_variable.transpose(2, 1, 0, 3)
        self.saved += saves

    def _stopped(self) -> str:
        reached = self._times()[-1]
        return f"after {reached:g} ms; what was computed is in this error's attribute 'dataset'"

    def _divergence(self, diverged: Diverged) -> DivergenceError:
        problem = self.problem
        time = (problem.first_step + diverged.step) * problem.dt
        trial = int(problem.trials[diverged.trial])
        variable, neuron = self.layout.place(diverged.component)
        where = variable if neuron is None else f"{variable} of neuron {neuron}"
        return DivergenceError(
            f"{where} (trial {trial}) became NaN or infinite at t = {time:g} ms with "
            f"dt = {problem.dt:g} ms. Try a smaller dt (explicit methods need dt below about "
            "0.07 ms for the classic cell), or look at what drives it there; what was computed "
            "before, the last values of which may be huge, is in this error's attribute 'dataset'",
            self.dataset(),
            time=time,
            trial=trial,
            neuron=neuron,
            variable=variable,
        )


def _iterate(method: Method, problem: Problem) -> Generator[np.ndarray, None, None]:
    yield from method.run(problem)


def _provenance(
    problem: Problem,
    recipe: Method,
    method: str,
    model: Network | SDE,
    noise: str | None,
    start: float,
    t_end: float,
    x0: Any,
    given: bool,
) -> dict[str, Any]:
    """Attributes that tell how to run it again."""
    seed = problem.path.seed if problem.path is not None else None
    channel_noise = model.noise_report if isinstance(model, Network) and noise is None else {}
    chain = recipe.interpretation == "chain"
    return {
        **channel_noise,
        "hh_sde_version": metadata.version("hh_sde"),
        "method": method,
        "dt": problem.dt,
        "t_start": start,
        "t_end": float(t_end),
        "save_dt": problem.dt * problem.save_every,
        "rtol": problem.rtol if recipe.adaptive else None,
        "atol": problem.atol if recipe.adaptive else None,
        "rng_entropy": None if seed is None else str(seed.entropy),
        "rng_spawn_key": None if seed is None else ",".join(map(str, seed.spawn_key)),
        "interpretation": "chain" if chain else problem.sde.interpretation,
        "noise_type": "chain" if chain else problem.sde.noise_type if problem.sde.m else "none",
        "noise": "ignored" if noise == "ignore" else None,
        "path": problem.path.grid if problem.path is not None and given else None,
        "x0": "default" if x0 is None else "given",
        "network": model.describe()[0] if isinstance(model, Network) else None,
        f"{recipe.library}_version": metadata.version(recipe.library),
        "numpy_version": np.__version__,
    }
