"""What a configuration may hold: its tables, their keys, and how each value is read.

The parts of the network are read through the tables CELLS, SYNAPSES, TOPOLOGIES, STIMULI and
NOISES, so that a new entry there can be used here at once. A number may carry its unit
("10 uA/cm^2"), which must be the one the library uses: nothing is converted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hh_sde.addresses import is_whole
from hh_sde.cells import CELLS, Cell
from hh_sde.config.entries import entry, in_unit
from hh_sde.config.synapses import read_spike_rule, read_synapses
from hh_sde.distributions import DISTRIBUTIONS
from hh_sde.errors import did_you_mean, unknown
from hh_sde.measures import SpikeRule
from hh_sde.methods import METHODS
from hh_sde.network import Network, Population
from hh_sde.noise import NOISES
from hh_sde.records import shown
from hh_sde.stimuli import STIMULI, Stimulus
from hh_sde.stopping import Threshold


def read_cell(value: Any) -> Cell:
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


def read_stimulus(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        terms = [entry(STIMULI, {})(item) for item in value]
        total: Stimulus = terms[0]
        for term in terms[1:]:
            total = total + term
        return total
    if isinstance(value, Mapping):
        return entry(STIMULI, {})(value)
    return in_unit("uA/cm^2")(value)


def read_noise(value: Any) -> Any:
    read = entry(NOISES, {})
    return [read(item) for item in value] if isinstance(value, list) else read(value)


def _initial(value: Any) -> Any:
    """The table run.x0: of each variable a number, a list, or a distribution; or by population."""
    if not isinstance(value, Mapping):
        raise ValueError('accepted: a table of variables, as {V = {kind = "normal", ...}, n = 0.3}')
    return {name: _initial_values(name, item) for name, item in value.items()}


def _initial_values(name: str, value: Any) -> Any:
    unit = "mV" if name == "V" else "1"
    if not isinstance(value, Mapping):
        return in_unit(unit)(value)
    numbers = ("mean", "sd", "low", "high")
    if not {"kind", *numbers} & set(value):  # of a population
        return {key: _initial_values(key, item) for key, item in value.items()}
    try:
        return entry(DISTRIBUTIONS, dict.fromkeys(numbers, unit))(value)
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


_Milliseconds = Annotated[float, Field(strict=True), BeforeValidator(in_unit("ms"))]
_Whole = Annotated[int, Field(strict=True)]
_Number = Annotated[float, Field(strict=True)]
_Truth = Annotated[bool, Field(strict=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class _PopulationModel(_Strict):
    n: _Whole
    cell: Annotated[Any, BeforeValidator(read_cell)] = "hodgkin_huxley"
    stimulus: Annotated[Any, BeforeValidator(read_stimulus)] = 0.0
    noise: Annotated[Any, BeforeValidator(read_noise)] = None


class _NetworkModel(_Strict):
    n_neurons: _Whole | None = None
    populations: dict[str, _PopulationModel] = {}
    cell: Annotated[Any, BeforeValidator(read_cell)] = None
    stimulus: Annotated[Any, BeforeValidator(read_stimulus)] = None
    synapses: Annotated[Any, BeforeValidator(read_synapses)] = ()
    noise: Annotated[Any, BeforeValidator(read_noise)] = None

    @model_validator(mode="after")
    def _has_neurons(self) -> _NetworkModel:
        if self.n_neurons is None and not self.populations:
            raise ValueError("accepted: n_neurons = 2, or a table [network.populations.NAME]")
        return self

    def build(self) -> Network:
        populations = {name: Population(**dict(one)) for name, one in self.populations.items()}
        return Network(**{**dict(self), "populations": populations})


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


class _SweepModel(_Strict):
    over: dict[str, Any]
    reduce: Any = None
    common_noise: _Truth = False
    trials: _Whole | None = None
    discard: _Milliseconds | None = None


class Document(_Strict):
    """A configuration of a run."""

    network: _NetworkModel
    run: _RunModel
    spikes: Annotated[Any, BeforeValidator(read_spike_rule)] = SpikeRule()
    study: dict[str, Any] = {}  # for hh-sde study
    sweep: Any = None  # for hh-sde sweep


class SweepDocument(Document):
    """A configuration of a sweep."""

    sweep: _SweepModel


class StudyDocument(_Strict):
    """A configuration of a study, whose [run] may be partial or missing."""

    network: _NetworkModel
    study: dict[str, Any] = {}
    run: _StudyRunModel = _StudyRunModel()
    spikes: dict[str, Any] = {}
    sweep: Any = None


_TABLES: dict[str, type[_Strict]] = {
    "network": _NetworkModel, "run": _RunModel, "sweep": _SweepModel,
}  # fmt: skip


def fault_line(fault: Any) -> str:
    """What pydantic says is wrong, as a line: where, what, what is accepted."""
    where = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        accepted = list(_model_of(fault["loc"]).model_fields)
        near = did_you_mean(fault["loc"][-1], accepted) or _table_of(fault["loc"])
        return f"{where}: this key is not known (accepted: {', '.join(accepted)}){near}"
    if fault["type"] == "missing":
        return f"{where}: this key is missing"
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return f"{where}: {message}"
    return f"{where}: {message[0].lower()}{message[1:]}, got {shown(fault['input'])}"


def _model_of(path: tuple[Any, ...]) -> type[_Strict]:
    """What holds the key at the end of a path."""
    if path[:2] == ("network", "populations") and len(path) == 4:
        return _PopulationModel
    return _TABLES[path[0]] if len(path) > 1 else Document


def _table_of(path: tuple[Any, ...]) -> str:
    """The tables that a key at the top belongs to, for an error."""
    tables = [name for name, model in _TABLES.items() if path[0] in model.model_fields]
    hint = " or ".join(f"{name}.{path[0]}" for name in tables)
    return f"; did you mean {hint}?" if hint and len(path) == 1 else ""
