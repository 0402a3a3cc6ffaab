"""What is public: functions, classes, what tables hold, methods of results, and what the API
reference names of classes."""

import builtins
import functools
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import xarray as xr

import hh_sde
from hh_sde import errors
from hh_sde.accessor import HHAccessor
from hh_sde.tables import Table

REFERENCE = Path(__file__).parents[2] / "docs" / "api.md"

#: Errors that any function may raise. A name that a table lacks is documented where it is.
DOCUMENTED: tuple[type[BaseException], ...] = (
    TypeError,
    ValueError,
    OSError,
    *(
        one
        for name, one in vars(errors).items()
        if isinstance(one, type)
        and issubclass(one, BaseException)
        and one is not errors.UnknownName
        and not name.startswith("_")
    ),
)


@dataclass(frozen=True)
class Target:
    """Something public that can be called.

    Parameters
    ----------
    name : str
    call : callable
    parameters : mapping of str to Parameter
    code : code object
        That which runs when it is called, by which its calls in examples are known.
    errors : tuple
        Those that it documents.
    owner : type, optional
        What the first argument is, of which it is a method.
    """

    name: str
    call: Callable[..., Any]
    parameters: Mapping[str, inspect.Parameter]
    code: Any
    errors: tuple[type[BaseException], ...]
    owner: type | None = None

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.name)  # hypothesis writes down what its strategies are made of


def targets() -> dict[str, Target]:
    """All that is public, by name."""
    found: dict[str, Target] = {}
    seen: set[int] = set()
    for name, value in (*_exported(hh_sde, "hh_sde"), *_referred()):
        for target in _targets(name, value):
            if id(target.call) not in seen:
                seen.add(id(target.call))
                found[target.name] = target
    for name in dir(HHAccessor):
        if not name.startswith("_"):
            found[f"ds.hh.{name}"] = _of_result(name)
    for name in hh_sde.plot.PLOTS:
        found[f"ds.hh.plot.{name}"] = _of_result("plot", name)
    return found


def _exported(module: ModuleType, name: str) -> Iterator[tuple[str, Any]]:
    """What a module exports, and the modules in it."""
    for key in getattr(module, "__all__", ()):
        value = getattr(module, key)
        if isinstance(value, ModuleType):
            yield from _exported(value, f"{name}.{key}")
        else:
            yield f"{name}.{key}", value


def _referred() -> Iterator[tuple[str, Any]]:
    """What the API reference names, and the methods of classes that it shows."""
    directive = r"(?m)^\.\. auto(?:class|function):: (hh_sde\.[\w.]+)\n((?:   .*\n)*)"
    for name, options in re.findall(directive, REFERENCE.read_text(encoding="utf-8")):
        value = pkgutil.resolve_name(name)
        yield name, value
        members = re.search(r":members:([^:]*)", options)
        if members and isinstance(value, type):
            some = re.findall(r"\w+", members[1])
            for key in some or [key for key in dir(value) if not key.startswith("_")]:
                yield f"{name}.{key}", _Member(value, key)


@dataclass(frozen=True)
class _Member:
    owner: type
    key: str


def _targets(name: str, value: Any) -> Iterator[Target]:
    if isinstance(value, _Member):
        yield from _of_class(name, value.owner, value.key)
    elif isinstance(value, Table | dict):
        for key, entry in value.items():
            if callable(entry):
                yield _target(f"{name}[{key!r}]", entry)
        if isinstance(value, Table):
            for key in ("__getitem__", "__setitem__", "__delitem__"):
                yield _target(f"{name}.{key}", getattr(value, key))
    elif inspect.isclass(value) and issubclass(value, BaseException):
        return
    elif callable(value):
        if not inspect.isabstract(value):
            yield _target(name, value)
        for key in ("__call__", "__repr__", "_repr_html_") if inspect.isclass(value) else ():
            yield from _of_class(f"{name}.{key}", value, key)


def _of_class(name: str, owner: type, key: str) -> Iterator[Target]:
    """A method or a property of a class."""
    static = inspect.getattr_static(owner, key, None)
    if isinstance(static, classmethod | staticmethod):
        yield _target(name, getattr(owner, key))
    elif isinstance(static, property | functools.cached_property):
        parameters = {"self": inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)}
        errors = errors_of(static, owner)
        yield Target(name, lambda self: getattr(self, key), parameters, None, errors, owner)
    elif inspect.isfunction(static) and _home(static).startswith("hh_sde"):
        found = _target(name, static, owner)
        # of whatever class is derived from this one
        yield replace(found, call=lambda self, *args, **named: getattr(self, key)(*args, **named))


def _target(name: str, value: Any, owner: type | None = None) -> Target:
    function = value.__init__ if inspect.isclass(value) else value
    bound_to = type(getattr(value, "__self__", None))
    function = getattr(function, "__func__", function)
    if not inspect.isroutine(function):  # an object that is called
        function = type(value).__call__
    code = getattr(inspect.unwrap(function), "__code__", None)
    errors = errors_of(value, owner or bound_to)
    return Target(name, value, inspect.signature(value).parameters, code, errors, owner)


def _of_result(*keys: str) -> Target:
    """A method of `ds.hh`, or a plot of it, as a function of a Dataset."""
    own = inspect.Parameter("ds", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    static = getattr(HHAccessor, keys[0])
    method = getattr(HHAccessor(xr.Dataset()).plot, keys[1]) if keys[1:] else static
    called = not isinstance(method, property) or keys == ("plot",)
    rest = list(inspect.signature(method).parameters.values()) if callable(method) else []
    parameters = [own, *(one for one in rest if one.name != "self")]

    def call(ds: Any, *args: Any, **options: Any) -> Any:
        found = functools.reduce(getattr, keys, HHAccessor(ds))
        return found(*args, **options) if called else found

    known = {one.name: one for one in parameters}
    return Target(f"ds.hh.{'.'.join(keys)}", call, known, None, errors_of(method), xr.Dataset)


def _home(value: Any) -> str:
    return str(getattr(value, "__module__", ""))


def errors_of(*values: Any) -> tuple[type[BaseException], ...]:
    """The errors of any function, and those that docstrings name under Raises."""
    found = list(DOCUMENTED)
    for value in values:
        text = inspect.getdoc(value) or ""
        section = re.search(r"(?ms)^Raises\n-+\n(.*?)(?=^\S[^\n]*\n-+$|\Z)", text)
        words = re.findall(r"(?m)^[A-Z].*$", section[1]) if section else []
        names = [name for line in words for name in line.split(", ")]
        named = [getattr(errors, name, getattr(builtins, name, None)) for name in names]
        found += [one for one in named if isinstance(one, type) and one not in found]
    return tuple(found)
