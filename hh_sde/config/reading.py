"""Configurations read from files and checked: for a run, for a study, or for the network alone."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hh_sde.assignments import assign
from hh_sde.config.document import Document, StudyDocument, SweepDocument, fault_line
from hh_sde.config.entries import in_unit
from hh_sde.config.sweeping import arguments_of, read_over
from hh_sde.errors import did_you_mean
from hh_sde.measures import SpikeRule
from hh_sde.network import Network
from hh_sde.records import shown
from hh_sde.studies import STUDIES
from hh_sde.studies.arguments import UNITS


class ConfigError(ValueError):
    """What is wrong with a configuration, one line for each fault."""


@dataclass(frozen=True)
class Config:
    """A checked configuration."""

    network: Network
    arguments: dict[str, Any]  # of solve
    spike_rule: SpikeRule


def load(path: str | Path, changes: Sequence[str] = ()) -> Config:
    """Read a configuration file.

    Parameters
    ----------
    path : str or Path
    changes : sequence of str
        Keys to change and their values, as ``"run.dt=0.02"``.

    Raises
    ------
    ConfigError
        If it is not TOML in UTF-8, or a key or value, in it or in the changes, is not accepted; all
        faults at once.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> from importlib.resources import files
    >>> template = files("hh_sde") / "template.toml"
    >>> load(template).network.n_neurons
    2
    >>> load(template, ["run.dt=0.02", "run.method=heun"]).arguments["method"]
    'heun'
    """
    return parse(_tree(path, changes))


def _tree(path: str | Path, changes: Sequence[str]) -> dict[str, Any]:
    tree = _read(path)
    for change in changes:
        try:
            assign(tree, change)
        except ValueError as error:
            raise ConfigError(f"{shown(change)} cannot be set: {error}") from None
    return tree


def _read(path: str | Path) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"not valid TOML, which is text in UTF-8: {error}") from None
    except RecursionError:
        raise ConfigError("not accepted: nested too deep") from None
    except ValueError as error:  # not TOML, or a number with thousands of digits
        raise ConfigError(f"not valid TOML: {error}") from None


def parse(tree: Mapping[str, Any]) -> Config:
    """Check a configuration that is already a tree of dictionaries.

    Raises
    ------
    ConfigError
        As `load`.
    """
    with _faults():
        document = Document.model_validate(tree)
        return Config(
            network=document.network.build(),
            arguments={key: item for key, item in document.run if item is not None},
            spike_rule=document.spikes,
        )


def load_network(path: str | Path, changes: Sequence[str] = ()) -> Network:
    """Read the network of a configuration, whether it is for a run or for a study.

    Raises
    ------
    ConfigError, OSError
        As `load`.
    """
    with _faults():
        return StudyDocument.model_validate(_tree(path, changes)).network.build()


def load_study(
    path: str | Path, name: str, changes: Sequence[str] = ()
) -> tuple[Network, dict[str, Any], list[str]]:
    """Read the network and the arguments of a study: [study], and rng and threads of [run].

    Parameters
    ----------
    path, changes
        As for `load`.
    name : str
        Of the study.

    Returns
    -------
    network : Network
    arguments : dict
        Of the study.
    unused : list of str
        Keys of [run] and [spikes] that this study does not use.

    Raises
    ------
    ConfigError
        As `load`, and for a key that the study does not have.
    OSError
        If it cannot be read.
    """
    with _faults():
        document = StudyDocument.model_validate(_tree(path, changes))
        accepted = _study_keys(name)
        given = document.run.model_dump(exclude_unset=True)
        used = [key for key in ("rng", "threads") if key in given and key in accepted]
        arguments = {key: given[key] for key in used} | _study_arguments(name, document.study)
        unused = [f"run.{key}" for key in given if key not in used]
        unused += [f"spikes.{key}" for key in document.spikes]
        return document.network.build(), arguments, unused


def load_sweep(
    path: str | Path, changes: Sequence[str] = ()
) -> tuple[Network, dict[str, Any], dict[str, Any]]:
    """Read the network of a sweep, what varies, and its other arguments: [sweep] beside [run].

    Parameters
    ----------
    path, changes
        As for `load`.

    Returns
    -------
    network : Network
    over : dict
    arguments : dict
        Of `hh_sde.sweep`; trials and discard of [sweep], or else of [run].

    Raises
    ------
    ConfigError, OSError
        As `load`.
    """
    with _faults():
        document = SweepDocument.model_validate(_tree(path, changes))
        net = document.network.build()
    try:
        return net, read_over(net, document.sweep.over), arguments_of(document)
    except (OverflowError, TypeError, ValueError) as error:
        raise ConfigError(str(error)) from None


@contextmanager
def _faults() -> Iterator[None]:
    """Whatever is wrong with a configuration as one ConfigError."""
    try:
        yield
    except ConfigError:
        raise
    except ValidationError as error:
        raise ConfigError("\n".join(fault_line(fault) for fault in error.errors())) from None
    except RecursionError:
        raise ConfigError("not accepted: nested too deep") from None
    except (OverflowError, TypeError, ValueError) as error:  # the parts do not fit each other
        raise ConfigError(f"network: {error}") from None


def _study_keys(name: str) -> list[str]:
    return [
        key for key in inspect.signature(STUDIES[name]).parameters if key not in ("net", "model")
    ]


def _study_arguments(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    accepted = _study_keys(name)
    arguments = {}
    for key, value in given.items():
        if key not in accepted:
            raise ConfigError(
                f"study: key {key!r} is not known for {name} (accepted: {', '.join(accepted)})"
                + did_you_mean(key, accepted)
            )
        try:
            arguments[key] = in_unit(UNITS[key])(value) if key in UNITS else value
        except ValueError as error:
            raise ConfigError(f"study.{key}: {error}") from None
    return arguments
