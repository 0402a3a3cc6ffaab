"""Sensible calls and values: those of the package's own examples, seen while these run."""

import contextlib
import doctest
import importlib
import inspect
import io
import itertools
import pkgutil
import re
import sys
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

import hh_sde
from fuzz.surface import Target
from hh_sde.records import Record, fields_of

#: Calls kept of one function, and values of one kind: those that are unlike each other.
MOST = 40


@dataclass(repr=False)
class Examples:
    """What was seen."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("examples")  # hypothesis writes down what its strategies are made of

    #: Arguments by name, of each target.
    calls: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    #: Values of parameters of this name, of whatever function.
    named: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    #: Values by the names of their class and of those that it is derived from.
    kinds: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def add(self, target: Target, arguments: Mapping[str, Any]) -> None:
        """A call of a target; of a method, if its object is of the class."""
        if target.owner and not isinstance(next(iter(arguments.values()), None), target.owner):
            return
        self._keep(self.calls[target.name], dict(arguments))
        for name, value in arguments.items():
            if name != "self":
                self._keep(self.named[name], value)
            self.see(value)

    def see(self, value: Any) -> None:
        """A value, and what it consists of."""
        if isinstance(value, tuple | list) and len(value) < 20:
            for one in value:
                self.see(one)
        for kind in type(value).__mro__[:-1]:
            self._keep(self.kinds[kind.__name__], value)

    def _keep(self, kept: list[Any], value: Any) -> None:
        if len(kept) < MOST and sketch(value) not in map(sketch, kept):
            kept.append(value)

    def of_call(self, target: Target) -> list[dict[str, Any]]:
        """Calls of a target; without any, of others of its name, as of measures by `ds.hh`."""
        last = re.findall(r"\w+", target.name)[-1]
        return self.calls.get(target.name) or [
            call
            for name, calls in self.calls.items()
            if re.findall(r"\w+", name)[-1] == last
            for call in calls
            if set(call) <= set(target.parameters)
        ]


def sketch(value: Any) -> Any:
    """What a value is like: of values with one sketch one is enough."""
    if isinstance(value, xr.Dataset):
        return tuple(sorted(map(str, value.variables))), tuple(value.sizes), len(value.attrs) > 3
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.ndim, value.size > 20
    if isinstance(value, Record):
        return type(value).__name__, tuple(map(sketch, fields_of(value).values()))
    if isinstance(value, dict):
        return tuple((str(name), sketch(one)) for name, one in value.items())
    if isinstance(value, list | tuple):
        return type(value).__name__, tuple(map(sketch, value[:3]))
    if isinstance(value, str | int | float | None):
        return repr(value)[:40]
    return type(value).__name__


def collected(
    targets: Collection[Target], only: Callable[[str], bool] = lambda name: True
) -> Examples:
    """What the examples of the package call and make; of some modules alone, if wanted."""
    examples = Examples()
    known: dict[Any, list[Target]] = defaultdict(list)
    for target in targets:
        known[target.code].append(target)
    known.pop(None)

    def seen(frame: Any, event: str, result: Any) -> None:
        if frame.f_code not in known:
            return
        sys.setprofile(None)
        for target in known[frame.f_code]:
            if event == "call":
                examples.add(target, arguments_of(frame, target))
        if event == "return":
            examples.see(result)
        sys.setprofile(seen)

    with _elsewhere(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for test in tests(only):
            runner = doctest.DocTestRunner(verbose=False)
            sys.setprofile(seen)
            try:
                runner.run(test, out=lambda text: None, clear_globs=False)
            finally:
                sys.setprofile(None)
            for value in test.globs.values():
                if isinstance(value, xr.Dataset | Record):
                    examples.see(value)
    for value in (*hh_sde.CELLS.values(), *hh_sde.METHODS.values()):
        examples.see(value)
    for target in targets:
        if inspect.isclass(target.call) and not examples.kinds[target.call.__name__]:
            _make(target, examples)
    return examples


def _make(target: Target, examples: Examples) -> None:
    """An object of a class that no example makes, of arguments that others take."""
    names = [name for name, one in target.parameters.items() if one.default is one.empty]
    some = [examples.named.get(name) or [None] for name in names]
    for values in itertools.islice(itertools.product(*some), 200):
        with contextlib.suppress(Exception):
            examples.see(target.call(**dict(zip(names, values, strict=True))))
            return


def tests(only: Callable[[str], bool]) -> Iterator[doctest.DocTest]:
    """The examples of the package."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for found in pkgutil.walk_packages(hh_sde.__path__, "hh_sde."):
        if only(found.name) and not found.name.endswith("__main__"):
            try:
                module = importlib.import_module(found.name)
            except ModuleNotFoundError as error:  # of a framework that is not installed
                if (error.name or "").startswith("hh_sde"):
                    raise
                continue
            yield from (test for test in finder.find(module) if test.examples)


def arguments_of(frame: Any, target: Target) -> dict[str, Any]:
    """The arguments of a call that begins; those of an object under construction without it."""
    code, held = frame.f_code, frame.f_locals
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    found = {name: held[name] for name in names if name in target.parameters and name in held}
    if code.co_flags & inspect.CO_VARKEYWORDS:
        found |= held[code.co_varnames[len(names) + bool(code.co_flags & inspect.CO_VARARGS)]]
    defaults = {name: one.default for name, one in target.parameters.items()}
    return {name: value for name, value in found.items() if value is not defaults.get(name, _NONE)}


_NONE = object()


@contextlib.contextmanager
def _elsewhere() -> Iterator[None]:
    """In a folder of its own, and silent."""
    nowhere = io.StringIO()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield
