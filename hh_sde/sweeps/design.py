"""The design of a sweep: network, swept parameters, output; and its plan."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from hh_sde import initial
from hh_sde.addresses import seed_number
from hh_sde.arguments.scalars import positive
from hh_sde.arguments.times import whole_steps
from hh_sde.brownian import Rng
from hh_sde.choice import chosen_method, refuse_equal_trials
from hh_sde.descriptions import decode, encode
from hh_sde.measures import SpikeRule
from hh_sde.network import Network
from hh_sde.provenance import made_with, seed_attributes, seed_of
from hh_sde.records import shown
from hh_sde.sweeps.axes import Axes, Axis
from hh_sde.sweeps.coordinates import Coordinate
from hh_sde.sweeps.plan import Plan
from hh_sde.sweeps.points import Recording, point_seed, texts
from hh_sde.sweeps.reductions import checked_reductions


@dataclass(frozen=True, eq=False)
class Design:
    """A sweep, as it is computed.

    Parameters
    ----------
    net : Network
    axes : Axes
    trials : int
    recording : Recording
    reduce : tuple of (str, dict)
        Names of `hh_sde.sweeps.reductions.REDUCTIONS` with their options.
    seed : SeedSequence
    common_noise : bool
        Whether all points have the noise of the sweep's seed.
    """

    net: Network
    axes: Axes
    trials: int
    recording: Recording
    reduce: tuple[tuple[str, dict[str, Any]], ...]
    seed: np.random.SeedSequence
    common_noise: bool

    def seeds(self, values: Mapping[str, Sequence[Any] | np.ndarray]) -> list[int]:
        """The seeds of points, of their values by name."""
        entropy = seed_number(self.seed)
        columns = {path: texts(one) for path, one in values.items()}
        many = len(next(iter(columns.values())))
        if self.common_noise:
            return [entropy] * many
        return [
            point_seed(entropy, {path: one[k] for path, one in columns.items()})
            for k in range(many)
        ]

    def plan(self) -> Plan:
        """All of it as a plan, whose blocks are chosen later."""
        recording = {
            name: value for name, value in vars(self.recording).items() if value is not None
        }
        recording["x0"] = initial.attribute(self.recording.x0, self.net)
        if self.recording.spike_rule is not None:
            recording["spike_rule"] = asdict(self.recording.spike_rule)
        if self.recording.record is not None:
            recording["record"] = list(self.recording.record)
        steps = round(self.recording.t_end / self.recording.dt)
        keeps_spikes = not self.reduce and "spikes" in (self.recording.record or ())
        return Plan(
            network=self.net.describe(),
            sizes={**self.axes.sizes, "trial": self.trials},
            coordinates=tuple(
                Coordinate(name, tuple(map(str, one.dims)), one.values, one.attrs)
                for name, one in self.axes.coords().items()
            ),
            arguments={
                **recording,
                "over": {one.path: _tree(one) for one in self.axes.axes},
                "reduce": [list(one) for one in self.reduce],
            },
            seed=seed_attributes(self.seed),
            common_noise=self.common_noise,
            alone=tuple(self.axes.single),
            spikes_per_neuron=steps // 2 + 1 if keeps_spikes else 0,  # one is re-armed by a step
            versions=made_with("numba", "numpy"),
        )

    @classmethod
    def of(cls, plan: Plan) -> Design:
        """The sweep that a plan is of.

        Raises
        ------
        ValueError
            If it is of none.
        """
        return _of_text(plan.result_json())


@lru_cache(maxsize=4)
def _of_text(text: str) -> Design:
    plan = Plan.from_json(text)
    try:
        return _design(plan)
    except (KeyError, AttributeError, IndexError) as error:
        raise ValueError(f"this is not the plan of a sweep of a network: {error}") from error


def _design(plan: Plan) -> Design:
    arguments = dict(plan.arguments)
    over, reduce = arguments.pop("over"), arguments.pop("reduce")
    if "spike_rule" in arguments:
        arguments["spike_rule"] = SpikeRule(**arguments["spike_rule"])
    x0 = arguments.pop("x0")
    arguments["x0"] = None if x0 == "default" else initial.of_attribute(x0)
    arguments["record"] = tuple(arguments["record"]) if "record" in arguments else None
    net = decode(json.loads(plan.network), "network")
    seed = seed_of(plan.seed)
    if not isinstance(net, Network) or seed is None:
        raise ValueError(f"this plan has no network or no seed: {shown(net)}")
    coordinates = {one.name: one for one in plan.coordinates}
    axes = tuple(_axis(path, tree, coordinates[tree["label"]]) for path, tree in over.items())
    labels = {one.label for one in axes}
    others = {name: one.values for name, one in coordinates.items() if name not in labels}
    return Design(
        net=net,
        axes=Axes(axes, others, [dim for dim in plan.sizes if dim != "trial"]),
        trials=plan.sizes["trial"],
        recording=Recording(**arguments),
        reduce=tuple((name, options) for name, options in reduce),
        seed=seed,
        common_noise=plan.common_noise,
    )


def _tree(axis: Axis) -> dict[str, Any]:
    """What a coordinate does not say of an axis."""
    tree: dict[str, Any] = {"label": axis.label, "in_lanes": axis.in_lanes}
    listed = axis.values.ravel().tolist()
    if not axis.in_lanes and not all(isinstance(one, str | float) for one in listed):
        tree["values"] = [encode(one, axis.path) for one in listed]
    return tree


def _axis(path: str, tree: Mapping[str, Any], coordinate: Coordinate) -> Axis:
    values = coordinate.values
    if "values" in tree:
        found = np.empty(len(tree["values"]), dtype=object)
        found[:] = [decode(one, path) for one in tree["values"]]
        values = found.reshape(coordinate.values.shape)
    elif not tree["in_lanes"]:
        values = values.astype(object)
    units = str(coordinate.attrs.get("units", "1"))
    return Axis(path, coordinate.dims, values, bool(tree["in_lanes"]), tree["label"], units)


def _see_trials(net: Network, over: Mapping[str, Any], trials: int, recording: Recording) -> None:
    """Warn of trials that would all be the same."""
    name, method = chosen_method(recording.method, net, recording.noise)
    noisy = net.noisy or recording.noise == "ignore" or any("noise" in str(one) for one in over)
    noisy |= initial.is_drawn(recording.x0)
    if isinstance(over, Mapping) and "method" not in over:
        refuse_equal_trials(name, method, noisy, trials, recording.x0, net)


def _see_steps(over: Mapping[str, Any], recording: Recording) -> None:
    """See that every dt divides the run, and that saves do not follow it."""
    if not isinstance(over, Mapping) or "dt" not in over:
        return
    for dt in np.ravel(getattr(over["dt"], "values", over["dt"])).tolist():
        whole_steps(recording.t_end, positive(dt, "over: dt"), "t_end")
    traces = recording.record is None or set(recording.record) - {"spikes"}
    if traces and recording.save_dt is None:
        raise ValueError("over: dt varies, and with it the times of the traces: give save_dt")


def design(
    net: Network,
    over: Mapping[str, Any],
    trials: int,
    recording: Recording,
    reduce: Any,
    rng: Rng,
    common_noise: bool,
) -> Design:
    """A sweep, checked as far as that goes without running it.

    Raises
    ------
    TypeError, ValueError
        As `hh_sde.sweep`.
    """
    if not isinstance(recording.method, str | None):
        raise TypeError(
            "the plan of a sweep names its method, which must be one of METHODS; run a method of "
            f"your own with hh_sde.solve, point by point; got {shown(recording.method)}"
        )
    _see_trials(net, over, trials, recording)
    _see_steps(over, recording)
    reductions = checked_reductions(reduce, recording.record)
    return Design(
        net=net,
        axes=Axes.of(net, over),
        trials=trials,
        recording=recording,
        reduce=reductions,
        seed=np.random.SeedSequence(seed_number(rng)),
        common_noise=common_noise,
    )
