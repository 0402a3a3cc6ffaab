"""solve(): checks, dispatch to a method, labels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import dataset
from hh_sde.brownian import BrownianPath, Rng, seed_sequence
from hh_sde.methods import METHODS, Diverged, Method, Problem
from hh_sde.network import Network
from hh_sde.progress import Progress
from hh_sde.sde import SDE


class IntegrationError(RuntimeError):
    """A run that could not be finished.

    Attributes
    ----------
    dataset : xarray.Dataset
        All that was computed before.
    time : float or None
        When the state became non-finite, ms.
    trial, neuron : int or None
    variable : str or None
        Where it did.
    """

    def __init__(
        self,
        message: str,
        dataset: xr.Dataset,
        *,
        time: float | None = None,
        trial: int | None = None,
        neuron: int | None = None,
        variable: str | None = None,
    ) -> None:
        super().__init__(message)
        self.dataset = dataset
        self.time = time
        self.trial = trial
        self.neuron = neuron
        self.variable = variable


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
        Step, ms. Methods with error control take their own steps; dt then spaces the output.
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
        The variables (of an SDE: the components) to keep. Default: all.
    path : BrownianPath, optional
        The noise to use instead of one made from `rng`: several methods on one path.
    noise : {"ignore"}, optional
        Drop the noise: the only way to give a noisy problem to an ODE method.
    progress : bool, optional
        Show a progress bar. Default: on a terminal, if it takes longer than two seconds.
    threads : int
        Threads over which the compiled methods spread the trials. Does not change the result.
    rtol, atol : float
        Tolerances of the methods with error control.

    Returns
    -------
    xarray.Dataset
        dims (trial, time, neuron) for a Network, with its state variables; (trial, time, component)
        with the variable x for an SDE. `trial` only if `trials` was given. Ctrl-C ends the run with
        a warning; what was computed by then is returned.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range or the method does not fit the problem; before anything runs.
    IntegrationError
        If the run fails; it carries what was computed.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(2, stimulus=10.0, noise=CurrentNoise(sigma=1.0))
    >>> ds = solve(net, 5.0, dt=0.01, rng=1, trials=3, save_dt=0.1)
    >>> dict(ds.sizes)
    {'trial': 3, 'time': 51, 'neuron': 2}
    """
    recipe = _method_named(method)
    sde = _suited(model, recipe, method, noise)
    layout = _Layout.of(model, sde)
    start, first_step, n_steps = _grid(t_end, dt, x0)
    save_every = _whole_steps(dt if save_dt is None else save_dt, dt, "save_dt")
    if n_steps % save_every:
        raise ValueError(
            f"the run of {n_steps} steps must end on a save; save_dt = {save_dt} is {save_every} "
            "steps, which does not divide them"
        )
    numbers = _trial_numbers(trials, x0)
    kept = layout.kept(record)
    problem = Problem(
        sde=sde,
        dt=float(dt),
        first_step=first_step,
        n_steps=n_steps,
        save_every=save_every,
        x0=_initial_states(x0, sde, layout, numbers),
        keep=layout.components(kept),
        path=_path(path, rng, sde, dt),
        trials=np.arange(1) if numbers is None else numbers,
        threads=_positive_int(threads, "threads"),
        rtol=_positive(rtol, "rtol"),
        atol=_positive(atol, "atol"),
    )
    attrs = _provenance(problem, recipe, method, model, noise, start, t_end, x0)
    run = _Run(problem, layout, kept, numbers, attrs)
    return run.complete(recipe, progress)


@dataclass(frozen=True)
class _Layout:
    """How the flat state falls into labelled variables of equal width."""

    dim: str
    labels: dict[str, tuple[str, str]]  # every variable's (units, long name)
    members: tuple[Any, ...]  # coordinate values of `dim`
    arrays: dict[str, tuple[np.ndarray, str]]
    by_component: bool  # `record` names components instead of variables

    @classmethod
    def of(cls, model: Network | SDE, sde: SDE) -> _Layout:
        if isinstance(model, Network):
            _, arrays = model.describe()
            return cls("neuron", model.labels, tuple(range(model.n_neurons)), arrays, False)
        return cls("component", {"x": ("1", "state")}, tuple(sde.names), {}, True)

    @property
    def width(self) -> int:
        return len(self.members)

    def kept(self, record: Sequence[str] | None) -> list[str]:
        """The variables (or components) to keep, checked, in the order of the state."""
        known = list(self.members if self.by_component else self.labels)
        if record is None:
            return known
        names = [record] if isinstance(record, str) else list(record)
        for name in names:
            if name not in known:
                raise ValueError(f"record: there is no {name!r}; choose from {', '.join(known)}")
        if not names:
            raise ValueError(f"record is empty; choose from {', '.join(known)}")
        return [name for name in known if name in names]

    def components(self, kept: list[str]) -> np.ndarray:
        """Indices into the flat state of what is kept."""
        if self.by_component:
            return np.array([self.members.index(name) for name in kept])
        rows = [list(self.labels).index(name) for name in kept]
        return (np.array(rows)[:, None] * self.width + np.arange(self.width)).ravel()

    def place(self, component: int) -> tuple[str, int | None]:
        """The variable's name and the neuron (None for an SDE) of a component of the state."""
        if self.by_component:
            return str(self.members[component]), None
        return list(self.labels)[component // self.width], component % self.width


class _Run:
    """A problem being solved, and what there is of its result."""

    def __init__(
        self,
        problem: Problem,
        layout: _Layout,
        kept: list[str],
        numbers: np.ndarray | None,
        attrs: dict[str, Any],
    ) -> None:
        self.problem = problem
        self.layout = layout
        self.numbers = numbers
        self.attrs = attrs
        self.variables = ["x"] if layout.by_component else kept
        self.members = kept if layout.by_component else list(layout.members)
        n_saves = problem.n_steps // problem.save_every
        # one contiguous array (trials, times, members) for each variable
        self.values = np.empty(
            (len(self.variables), len(problem.trials), n_saves + 1, len(self.members))
        )
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
            reached = self._times()[-1]
            warnings.warn(
                f"interrupted: the result ends at {reached:g} ms; solve(..., x0=this Dataset) "
                "goes on from there",
                stacklevel=3,
            )
        except Diverged as diverged:
            raise self._divergence(diverged) from None
        except Exception as error:
            raise IntegrationError(
                f"the run stopped after {self._times()[-1]:g} ms: {error}; what was computed is in "
                "this error's attribute 'dataset'",
                self.dataset(),
            ) from error
        return self.dataset()

    def dataset(self) -> xr.Dataset:
        """What there is so far, labelled."""
        coords: dict[str, Any] = {}
        values = self.values[:, :, : self.saved]
        if self.numbers is None:
            values = values[:, 0]
        else:
            coords["trial"] = self.numbers
        coords |= {"time": self._times(), self.layout.dim: self.members}
        return dataset.build(
            dict(zip(self.variables, values, strict=True)),
            self.layout.labels,
            coords,
            self.attrs,
            self.layout.arrays,
        )

    def _times(self) -> np.ndarray:
        problem = self.problem
        steps = problem.first_step + problem.save_every * np.arange(self.saved)
        return steps * problem.dt

    def _store(self, chunk: np.ndarray) -> None:
        """Take in (saves, trials, kept)."""
        saves, trials, _ = chunk.shape
        by_variable = chunk.reshape(saves, trials, len(self.variables), -1).transpose(2, 1, 0, 3)
        self.values[:, :, self.saved : self.saved + saves] = by_variable
        self.saved += saves

    def _divergence(self, diverged: Diverged) -> IntegrationError:
        problem = self.problem
        time = (problem.first_step + diverged.step) * problem.dt
        trial = int(problem.trials[diverged.trial])
        variable, neuron = self.layout.place(diverged.component)
        where = variable if neuron is None else f"{variable} of neuron {neuron}"
        return IntegrationError(
            f"{where} (trial {trial}) became NaN or infinite at t = {time:g} ms with "
            f"dt = {problem.dt:g} ms. Try a smaller dt (explicit methods need dt below about 0.07 ms "
            "for the classic cell), or look at what drives it there; what was computed before is in "
            "this error's attribute 'dataset'",
            self.dataset(),
            time=time,
            trial=trial,
            neuron=neuron,
            variable=variable,
        )


def _iterate(method: Method, problem: Problem) -> Iterator[np.ndarray]:
    yield from method.run(problem)


def _method_named(name: str) -> Method:
    if name not in METHODS:
        raise ValueError(f"unknown method {name!r}; choose from {', '.join(METHODS)}")
    return METHODS[name]


def _suited(model: Any, method: Method, name: str, noise: str | None) -> SDE:
    """The model's SDE in the form the method takes, or an error that says which methods fit."""
    if not isinstance(model, Network | SDE):
        raise TypeError(f"solve takes a Network or an SDE, got {type(model).__name__}")
    if noise not in (None, "ignore"):
        raise ValueError(f"noise must be None or 'ignore', got {noise!r}")
    sde = model.sde() if isinstance(model, Network) else model
    if noise == "ignore":
        sde = sde.without_noise()
    if method.compiled and sde.program is None:
        others = [key for key, other in METHODS.items() if not other.compiled]
        raise ValueError(
            f"{name} runs in the compiled engine, which takes a Network; for an SDE of your own "
            f"choose from {', '.join(others)}"
        )
    if sde.m and sde.noise_type not in method.strong_order:
        fitting = [key for key, other in METHODS.items() if sde.noise_type in other.strong_order]
        hint = " or give noise='ignore'" if method.interpretation == "ode" else ""
        raise ValueError(
            f"{name} does not take {sde.noise_type} noise; choose from {', '.join(fitting)}{hint}"
        )
    if method.interpretation == "stratonovich":
        return sde.to_stratonovich()
    return sde.to_ito()


def _grid(t_end: float, dt: float, x0: Any) -> tuple[float, int, int]:
    """Start time, its grid step, and the number of steps to t_end."""
    _positive(dt, "dt")
    start = float(x0.time[-1]) if isinstance(x0, xr.Dataset) else 0.0
    first_step = _whole_steps(start, dt, "the last time of x0") if start else 0
    if not np.isfinite(t_end) or t_end <= start:
        raise ValueError(f"t_end must be later than the start ({start:g} ms), got {t_end}")
    return start, first_step, _whole_steps(t_end, dt, "t_end") - first_step


def _whole_steps(time: float, dt: float, name: str) -> int:
    steps = time / dt
    if not (np.isfinite(steps) and round(steps) >= 1 and abs(steps - round(steps)) <= 1e-6):
        raise ValueError(f"{name} = {time} ms must be a multiple of dt = {dt} ms")
    return round(steps)


def _trial_numbers(trials: Any, x0: Any) -> np.ndarray | None:
    if trials is None:
        if isinstance(x0, xr.Dataset) and "trial" in x0.dims:
            return x0.trial.values.astype(np.int64)
        return None
    if isinstance(trials, int | np.integer) and not isinstance(trials, bool):
        return np.arange(_positive_int(trials, "trials"))
    numbers = np.asarray(trials)
    if numbers.ndim != 1 or numbers.size == 0 or not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(f"trials must be a number or a list of trial numbers, got {trials!r}")
    if numbers.min() < 0 or len(set(numbers.tolist())) != numbers.size:
        raise ValueError(f"trial numbers must be different and not negative, got {trials!r}")
    return numbers.astype(np.int64)


def _initial_states(
    x0: Any, sde: SDE, layout: _Layout, numbers: np.ndarray | None
) -> np.ndarray:
    n_trials = 1 if numbers is None else len(numbers)
    if x0 is None:
        state = sde.x0
    elif isinstance(x0, xr.Dataset):
        state = _last_state(x0, layout)
    else:
        state = np.asarray(x0, dtype=float)
    if state.shape not in ((sde.d,), (n_trials, sde.d)):
        raise ValueError(
            f"x0 has shape {state.shape}; this problem takes ({sde.d},) or ({n_trials}, {sde.d})"
        )
    if not np.all(np.isfinite(state)):
        raise ValueError("x0 must be finite")
    return np.array(np.broadcast_to(state, (n_trials, sde.d)))


def _last_state(ds: xr.Dataset, layout: _Layout) -> np.ndarray:
    missing = [name for name in layout.labels if name not in ds]
    if missing:
        raise ValueError(
            f"x0 lacks {', '.join(missing)}: a run can be continued if all variables were recorded"
        )
    last = ds[list(layout.labels)].isel(time=-1)
    order = [dim for dim in ("trial", layout.dim) if dim in last.dims]
    return np.concatenate([last[name].transpose(*order).values for name in layout.labels], axis=-1)


def _path(path: BrownianPath | None, rng: Rng, sde: SDE, dt: float) -> BrownianPath | None:
    if path is None:
        seed = seed_sequence(rng)
        return BrownianPath(seed, m=sde.m, dt=dt, blocks=sde.blocks) if sde.m else None
    if not isinstance(path, BrownianPath):
        raise TypeError(f"path must be a BrownianPath, got {type(path).__name__}")
    if rng is not None:
        raise ValueError("give rng or path, not both: the path has its own seed")
    if path.m != sde.m or not np.isclose(path.dt, dt, rtol=1e-9, atol=0.0):
        raise ValueError(
            f"path has m = {path.m} and dt = {path.dt:g}; this run has m = {sde.m} and dt = {dt:g} "
            "(path.coarsen(k) gives the same path on a coarser grid)"
        )
    return path if sde.m else None


def _provenance(
    problem: Problem,
    recipe: Method,
    method: str,
    model: Network | SDE,
    noise: str | None,
    start: float,
    t_end: float,
    x0: Any,
) -> dict[str, Any]:
    """Attributes that tell how to run it again."""
    seed = problem.path.seed if problem.path is not None else None
    return {
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
        "interpretation": problem.sde.interpretation,
        "noise_type": problem.sde.noise_type if problem.sde.m else "none",
        "noise": "ignored" if noise == "ignore" else None,
        "x0": "default" if x0 is None else "given",
        "network": model.describe()[0] if isinstance(model, Network) else None,
        f"{recipe.library}_version": metadata.version(recipe.library),
        "numpy_version": np.__version__,
    }


def _positive(value: float, name: str) -> float:
    if not np.isfinite(value) or value <= 0:
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return float(value)


def _positive_int(value: int, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be 1, 2, 3, ..., got {value!r}")
    return int(value)
