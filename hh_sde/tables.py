"""Tables of what a user chooses from by name: cells, synapses, noise, methods, studies."""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple, TypeVar

from hh_sde import display
from hh_sde.errors import UnknownName, unknown
from hh_sde.records import see_kind, shown

Entry = TypeVar("Entry")

_NAME = re.compile(r"[^\W\d]\w*(\.\w+)*")


class Description(NamedTuple):
    """What a table shows of an entry."""

    summary: str
    parameters: str  # with their units
    reference: str

    def lines(self, title: str, indent: str = "") -> list[str]:
        """Title and summary, and below them the rest, further indented."""
        head, below = f"{title}: {self.summary}" if self.summary else title, f"{indent}  "
        lines = display.wrapped(head, indent, below)
        for text in filter(None, (self.parameters, self.reference)):
            lines += display.wrapped(text, below, below)
        return lines


class Described:
    """An entry that is not a record, and shows itself as it is shown in its table."""

    def description(self) -> Description:
        """What it is, its parameters, its reference."""
        raise NotImplementedError

    def __post_init__(self) -> None:
        summary, _, reference = self.description()
        for text, name in ((summary, "summary"), (reference, "reference")):
            see_kind(text, str, f"{type(self).__name__}: {name}")
        # what help() prints of an object instead of the page of its class
        hint = "help(type(...)) of it says what its fields are."
        object.__setattr__(self, "__doc__", f"{self!r}\n\n{hint}")

    def __repr__(self) -> str:
        return "\n".join(self.description().lines(type(self).__name__))

    def _repr_html_(self) -> str:
        summary, parameters, reference = map(html.escape, self.description())
        title = f"<b>{type(self).__name__}</b>: {summary}"
        return f"{title}<p>{parameters}</p><p>{reference}</p>"


class Table(MutableMapping[str, Entry]):
    """Entries by name, to which a user can add.

    Parameters
    ----------
    name : str
        What the table is called, as "CELLS".
    what : str
        What one entry is called, as "cell".
    check : callable
        (name, value) -> what is to be kept as that entry; raises TypeError or ValueError.
    describe : callable
        Entry -> Description.
    entries : mapping
        Those of the library, which stay as they are.

    Raises
    ------
    UnknownName
        A KeyError, for a name that is not there; with the nearest, and all.

    Examples
    --------
    >>> from hh_sde import CELLS
    >>> CELLS["squid"]
    Traceback (most recent call last):
    ...
    hh_sde.errors.UnknownName: there is no cell 'squid'; choose from hodgkin_huxley, ...
    >>> CELLS["leaky"] = CELLS["hodgkin_huxley"](name="leaky", g_L=1.0)
    >>> CELLS["leaky"].parameters["g_L"]
    1.0
    >>> del CELLS["leaky"]
    """

    def __init__(
        self,
        name: str,
        what: str,
        *,
        check: Callable[[str, Any], Entry],
        describe: Callable[[Any], Description],
        entries: Mapping[str, Any],
    ) -> None:
        see_kind(entries, Mapping, "the entries of a table")
        for word, one in {"name": name, "what": what}.items():
            see_kind(one, str, f"{word} of a table")
        if not (callable(check) and callable(describe)):
            raise TypeError("check and describe of a table must be functions")
        self.name, self.what = name, what
        self._check, self._describe = check, describe
        self._entries = {key: check(key, entry) for key, entry in entries.items()}
        self._own = frozenset(self._entries)

    def __getitem__(self, name: str) -> Entry:
        if name not in self._entries:
            raise UnknownName(unknown(self.what, name, self._entries))
        return self._entries[name]

    def __setitem__(self, name: str, entry: Any) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(
                f"the name of a {self.what} must be letters, digits and _, got {shown(name)}"
            )
        self._see_not_own(name, f"choose another name, as {self.name}['my_{name}']")
        self._entries[name] = self._check(name, entry)

    def __delitem__(self, name: str) -> None:
        self[name]
        self._see_not_own(name, "it stays")
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def _see_not_own(self, name: str, hint: str) -> None:
        if name in self._own:
            raise ValueError(
                f"the {self.what} {name!r} of {self.name} is the library's own: {hint}"
            )

    def describe(self) -> dict[str, Description]:
        """What is shown of each entry, by name."""
        return {name: self._describe(entry) for name, entry in self.items()}

    def __repr__(self) -> str:
        lines = [f"{self.name}, by name:"]
        for name, description in self.describe().items():
            lines += description.lines(name, "  ")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        header = (self.what, "what it is", "parameters", "reference")
        rows = [(name, *description) for name, description in self.describe().items()]
        filled = [k for k in range(len(header)) if any(row[k] for row in rows)]
        return display.html_table(
            [[row[k] for k in filled] for row in rows], [header[k] for k in filled]
        )


def description_of(make: Callable[..., Any]) -> Description:
    """What a class or a function takes, by its signature, its `units` and its docstring."""
    if isinstance(make, Described):
        return make.description()
    text = inspect.getdoc(make) or ""
    references = re.search(r"^References\n-+\n(.*?)(?=\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
    return Description(
        summary=" ".join(text.partition("\n\n")[0].split()),
        parameters=parameters_of(make),
        reference=" ".join(references[1].split()) if references else "",
    )


def parameters_of(make: Callable[..., Any]) -> str:
    """The parameters of a class or a function, with units and defaults."""
    units = getattr(make, "units", {})
    taken = []
    for name, parameter in inspect.signature(make).parameters.items():
        unit = units.get(name, "1")
        if parameter.default is inspect.Parameter.empty:
            taken.append(name if unit == "1" else f"{name} ({unit})")
        else:
            taken.append(f"{name} = {display.quantity(parameter.default, unit)}")
    return display.listed(taken)


def of_kind(base: type, table: str) -> Callable[[str, Any], Any]:
    """A check that an entry is a class derived from `base`."""

    def check(name: str, entry: Any) -> Any:
        if not isinstance(entry, type) or not issubclass(entry, base):
            raise TypeError(
                f"{table}[{name!r}] takes a class derived from {base.__name__}, got {shown(entry)}"
            )
        return entry

    return check


def instance_of(base: type[Entry], table: str) -> Callable[[str, Any], Entry]:
    """A check that an entry is an object of the class `base`."""

    def check(name: str, entry: Any) -> Entry:
        if not isinstance(entry, base):
            raise TypeError(f"{table}[{name!r}] takes a {base.__name__}, got {shown(entry)}")
        return entry

    return check
