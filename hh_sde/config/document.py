"""What a configuration may hold: its tables, their keys, and how each value is read.

The parts of the network are read through the tables CELLS, SYNAPSES, TOPOLOGIES, STIMULI and
NOISES, so that a new entry there can be used here at once. A number may carry its unit
("10 uA/cm^2"), which must be the one the library uses: nothing is converted.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from hh_sde.addresses import is_whole
from hh_sde.cells import CELLS, Cell
from hh_sde.distributions import DISTRIBUTIONS
from hh_sde.errors import did_you_mean, unknown
from hh_sde.measures import SpikeRule
from hh_sde.methods import METHODS
from hh_sde.network import Network
from hh_sde.noise import NOISES
from hh_sde.records import shown
from hh_sde.stimuli import STIMULI, Stimulus
from hh_sde.stopping import Threshold
from hh_sde.synapses import SYNAPSES
from hh_sde.topology import TOPOLOGIES

_NUMBER_AND_UNIT = re.compile(
    r"\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*(.*?)\s*"
)


#: Fields that hold rates, which a number or a text is not.
_RATES = ("alpha", "beta", "voltage_block")


def in_unit(unit: str) -> Callable[[Any], Any]:
    """A reader of numbers (in lists too) that may carry `unit`, and no other."""

    def read(value: Any) -> Any:
        if isinstance(value, list):
            return [read(item) for item in value]
        if not isinstance(value, str):
            return value
        match = _NUMBER_AND_UNIT.fullmatch(value)
        if not match:
            raise ValueError(f"{shown(value)} is not a number (accepted: a number in {unit})")
        given = match[2].replace("**", "^").replace("\N{MICRO SIGN}", "u").replace(" ", "")
        if given not in ("", unit):
            raise ValueError(f"unit {shown(match[2])} is not accepted (accepted: {unit})")
        return float(match[1])

    return read


def entry(table: Mapping[str, Callable[..., Any]], units: Mapping[str, str]) -> Callable[..., Any]:
    """A reader of {kind = "...", ...} that makes the part `kind` of the table."""

    def read(value: Any) -> Any:
        if not isinstance(value, Mapping) or "kind" not in value:
            raise ValueError(f"accepted: a table with a key kind, one of {', '.join(table)}")
        kind = value["kind"]
        if not isinstance(kind, str) or kind not in table:
            raise ValueError(
                f"kind {shown(kind)} is not known (accepted: {', '.join(table)})"
                + did_you_mean(kind, table)
            )
        make = table[kind]
        known = {**units, **getattr(make, "units", {})}
        accepted = _accepted_keys(make)
        for key in value:
            if key != "kind" and key not in accepted:
                raise ValueError(
                    f"key {shown(key)} is not known for {kind} (accepted: {', '.join(accepted)})"
                    + did_you_mean(key, accepted)
                )
        numbers = {}
        for key, item in value.items():
            if key == "kind":
                continue
            try:
                numbers[key] = in_unit(known[key])(item) if key in known else item
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from None
        try:
            return make(**numbers)
        except TypeError as error:
            message = str(error).rpartition("() ")[2].replace("positional ", "")
            raise ValueError(f"{kind}: {message}") from None

    return read


def _accepted_keys(make: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(make).parameters.values()
    return [p.name for p in parameters if p.name not in _RATES]  # which TOML cannot have


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping):
        raise ValueError("accepted: the name of a cell, or a table with name and parameters")
    name = value.get("name", "hodgkin_huxley")
    if not isinstance(name, str) or name not in CELLS:
        raise ValueError(
            f"{shown(name)} is not known (accepted: {', '.join(CELLS)}){did_you_mean(name, CELLS)}"
        )
    changes = {key: item for key, item in value.items() if key != "name"}
    accepted = CELLS[name].parameters
    for key in changes:
        if key not in accepted:
            raise ValueError(
                f"{name} has no parameter {shown(key)}; it has {', '.join(accepted)}"
                + did_you_mean(key, accepted)
            )
    units = {key: unit for key, (_, unit) in CELLS[name].quantities.items()}
    return CELLS[name].replace(**{key: in_unit(units[key])(item) for key, item in changes.items()})


def _stimulus(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        terms = [entry(STIMULI, {})(item) for item in value]
        total: Stimulus = terms[0]
        for term in terms[1:]:
            total = total + term
        return total
    if isinstance(value, Mapping):
        return entry(STIMULI, {})(value)
    return in_unit("uA/cm^2")(value)


def _synapses(value: Any) -> Any:
    read = entry(SYNAPSES, {})
    return [read(_with_rule(item)) for item in (value if isinstance(value, list) else [value])]


def _with_rule(item: Any) -> Any:
    """A synapse, whose weights may be a table: a topology, as {kind = "ring", k = 4, ...}."""
    if not isinstance(item, Mapping) or not isinstance(item.get("weights"), Mapping):
        return item
    rule = dict(item["weights"])
    try:
        if isinstance(rule.get("weight"), Mapping):
            units = dict.fromkeys(("mean", "sd", "low", "high"), "mS/cm^2")
            rule["weight"] = entry(DISTRIBUTIONS, units)(rule["weight"])
        return {**item, "weights": entry(TOPOLOGIES, {})(rule)}
    except ValueError as error:
        raise ValueError(f"weights: {error}") from None


def _noise(value: Any) -> Any:
    read = entry(NOISES, {})
    return [read(item) for item in value] if isinstance(value, list) else read(value)


def _initial(value: Any) -> Any:
    """The table run.x0: of each variable a number, a list, or a distribution."""
    if not isinstance(value, Mapping):
        raise ValueError('accepted: a table of variables, as {V = {kind = "normal", ...}, n = 0.3}')
    return {name: _initial_values(name, item) for name, item in value.items()}


def _initial_values(name: str, value: Any) -> Any:
    unit = "mV" if name == "V" else "1"
    if not isinstance(value, Mapping):
        return in_unit(unit)(value)
    try:
        return entry(DISTRIBUTIONS, dict.fromkeys(("mean", "sd", "low", "high"), unit))(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _stop(value: Any) -> Any:
    if isinstance(value, Mapping):
        unit = "mV" if value.get("variable") == "V" else "1"
        return entry({"threshold": Threshold}, {"level": unit})({"kind": "threshold", **value})
    if value != "first spike":
        raise ValueError(
            f'{shown(value)} is not accepted (accepted: "first spike", or a table, as '
            '{variable = "V", level = -20.0, direction = "up"})'
        )
    return value


def _trials(value: Any) -> Any:
    if not all(is_whole(one) for one in (value if isinstance(value, list) else [value])):
        raise ValueError(
            f"{shown(value)} is not accepted (accepted: a whole number, or a list of the trials' "
            "numbers)"
        )
    return value


def _method(value: Any) -> Any:
    if not isinstance(value, str) or value not in METHODS:
        raise ValueError(unknown("method", value, METHODS))
    return value


def _spike_rule(value: Any) -> SpikeRule:
    units = {"threshold": "mV", "rearm": "mV", "lockout": "ms"}
    if not isinstance(value, Mapping):
        raise ValueError(f"accepted: a table with {', '.join(units)}")
    return entry({"rule": SpikeRule}, units)({"kind": "rule", **value})


_Milliseconds = Annotated[float, Field(strict=True), BeforeValidator(in_unit("ms"))]
_Whole = Annotated[int, Field(strict=True)]
_Number = Annotated[float, Field(strict=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class _NetworkModel(_Strict):
    n_neurons: _Whole
    cell: Annotated[Any, BeforeValidator(_cell)] = "hodgkin_huxley"
    stimulus: Annotated[Any, BeforeValidator(_stimulus)] = 0.0
    synapses: Annotated[Any, BeforeValidator(_synapses)] = ()
    noise: Annotated[Any, BeforeValidator(_noise)] = None

    def build(self) -> Network:
        return Network(**dict(self))


class _RunModel(_Strict):
    t_end: _Milliseconds
    dt: _Milliseconds = 0.01
    method: Annotated[str | None, BeforeValidator(_method)] = None
    rng: _Whole | None = None
    trials: Annotated[Any, BeforeValidator(_trials)] = None
    x0: Annotated[dict[str, Any] | None, BeforeValidator(_initial)] = None
    stop: Annotated[Any, BeforeValidator(_stop)] = None
    save_dt: _Milliseconds | None = None
    record: list[str] | None = None
    noise: Annotated[str | None, Field(pattern="^ignore$")] = None
    discard: _Milliseconds | None = None
    threads: _Whole = 1
    rtol: _Number | None = None
    atol: _Number | None = None


class _StudyRunModel(_RunModel):
    t_end: _Milliseconds | None = None  # type: ignore[assignment]


class Document(_Strict):
    """A configuration of a run."""

    network: _NetworkModel
    run: _RunModel
    spikes: Annotated[Any, BeforeValidator(_spike_rule)] = SpikeRule()
    study: dict[str, Any] = {}  # for hh-sde study


class StudyDocument(_Strict):
    """A configuration of a study, whose [run] may be partial or missing."""

    network: _NetworkModel
    study: dict[str, Any] = {}
    run: _StudyRunModel = _StudyRunModel()
    spikes: dict[str, Any] = {}


def fault_line(fault: Any) -> str:
    """What pydantic says is wrong, as a line: where, what, what is accepted."""
    where = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        models: dict[str, type[_Strict]] = {"network": _NetworkModel, "run": _RunModel}
        model = models[fault["loc"][0]] if len(fault["loc"]) > 1 else Document
        accepted = list(model.model_fields)
        near = did_you_mean(fault["loc"][-1], accepted) or _table_of(fault["loc"])
        return f"{where}: this key is not known (accepted: {', '.join(accepted)}){near}"
    if fault["type"] == "missing":
        return f"{where}: this key is missing"
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return f"{where}: {message}"
    return f"{where}: {message[0].lower()}{message[1:]}, got {shown(fault['input'])}"


def _table_of(path: tuple[Any, ...]) -> str:
    """The tables that a key at the top belongs to, for an error."""
    models: dict[str, type[_Strict]] = {"network": _NetworkModel, "run": _RunModel}
    tables = [name for name, model in models.items() if path[0] in model.model_fields]
    hint = " or ".join(f"{name}.{path[0]}" for name in tables)
    return f"; did you mean {hint}?" if hint and len(path) == 1 else ""
