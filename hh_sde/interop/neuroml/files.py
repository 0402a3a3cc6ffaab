"""Files of NeuroML and LEMS as elements, of which nothing is passed over in silence.

The XML is parsed without document types, entities and network, and files are included from below
one folder alone. Whoever reads an element takes its attributes and children one by one; those that
nobody took are an error, with file, line and element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from hh_sde.errors import optional
from hh_sde.interop.neuroml.quantities import quantity
from hh_sde.records import shown

#: Files of LEMS that define what NeuroML is: nothing of a model is in them.
DEFINITIONS = frozenset(
    f"{name}.xml"
    for name in (
        "Cells", "Channels", "Inputs", "Networks", "NeuroML2CoreTypes", "NeuroMLCoreCompTypes",
        "NeuroMLCoreDimensions", "PyNN", "Simulation", "Synapses",
    )
)  # fmt: skip
#: What tells people about an element and is no part of a model.
ABOUT = frozenset({"annotation", "notes", "property"})
ABOUT_ATTRIBUTES = frozenset({"id", "metaid", "neuroLexId"})
#: More files than these are not included, nor larger ones read (bytes).
MOST_FILES, LARGEST = 1000, 500_000_000


class NeuroMLError(ValueError):
    """What cannot be read or written, with its place and the reason."""


class Element:
    """An element of a file, whose attributes and children are taken one by one.

    Parameters
    ----------
    node : lxml element
    file : str
        Its file, for errors.
    """

    def __init__(self, node: Any, file: str) -> None:
        self._node, self.file = node, file
        self.tag = _local(node.tag)
        self._attributes = {
            _local(name): text for name, text in node.attrib.items() if not name.startswith("{")
        }
        self._children = [Element(one, file) for one in node if isinstance(one.tag, str)]
        self._taken: set[Any] = set()

    def __str__(self) -> str:
        own = next((f" {key}={self._attributes[key]!r}" for key in ("id", "name", "type")
                    if key in self._attributes), "")  # fmt: skip
        return f"{self.file}, line {self._node.sourceline}, <{self.tag}{own}>"

    @property
    def id(self) -> str:
        """Its id.

        Raises
        ------
        NeuroMLError
            If it has none.
        """
        return self.text("id")

    @property
    def notes(self) -> str:
        """What its notes say."""
        texts = [one._node.text or "" for one in self._children if one.tag == "notes"]
        return " ".join(" ".join(texts).split())

    def has(self, name: str) -> bool:
        """Whether it has an attribute."""
        return name in self._attributes

    def text(self, name: str, default: str | None = None) -> str:
        """An attribute.

        Raises
        ------
        NeuroMLError
            If it has not got it, and there is no default.
        """
        self._taken.add(name)
        found = self._attributes.get(name, default)
        if found is None:
            self.refuse(f"the attribute {name} is missing")
        return found

    def quantity(self, name: str, dimension: str, default: str | None = None) -> Decimal:
        """An attribute with a unit, in the unit that this library has for its dimension.

        Raises
        ------
        NeuroMLError
            If it is none.
        """
        text = self.text(name, default)
        with self.named(f"{name} "):
            return quantity(text, dimension)

    def value(self, name: str, dimension: str, default: str | None = None) -> float:
        """The same as a float."""
        return float(self.quantity(name, dimension, default))

    def children(self, *tags: str) -> list[Element]:
        """Its children of these kinds, in their order; without kinds, all."""
        found = [one for one in self._children if not tags or one.tag in tags]
        self._taken.update(map(id, found))
        return found

    def child(self, tag: str) -> Element | None:
        """Its child of a kind, of which there is one at most.

        Raises
        ------
        NeuroMLError
            If there are more.
        """
        found = self.children(tag)
        if len(found) > 1:
            found[1].refuse(f"a second <{tag}> of {self.tag}")
        return found[0] if found else None

    def only(self, tag: str) -> Element:
        """Its one child of a kind.

        Raises
        ------
        NeuroMLError
            If there is none, or more.
        """
        found = self.child(tag)
        if found is None:
            self.refuse(f"<{tag}> is missing")
        return found

    def drop(self, *names: str) -> None:
        """Attributes that change nothing here."""
        self._taken.update(names)

    def finish(self) -> None:
        """See that all was taken.

        Raises
        ------
        NeuroMLError
            If something was not.
        """
        for name in self._attributes:
            if name not in self._taken and name not in ABOUT_ATTRIBUTES:
                self.refuse(f"the attribute {name}={self._attributes[name]!r} is not taken here")
        for child in self._children:
            if id(child) not in self._taken and child.tag not in ABOUT:
                child.refuse("is not taken here")

    def refuse(self, reason: str) -> NoReturn:
        """Raise a NeuroMLError at this element."""
        raise NeuroMLError(f"{self}: {reason}")

    @contextmanager
    def named(self, prefix: str = "") -> Iterator[None]:
        """What is raised inside is said of this element."""
        try:
            yield
        except NeuroMLError:
            raise
        except (ArithmeticError, TypeError, ValueError) as error:
            raise NeuroMLError(f"{self}: {prefix}{error}") from error


def elements_of(path: Path, folder: Path | None) -> tuple[list[Element], list[NeuroMLError]]:
    """The elements of a file and of those that it includes, and what could not be included.

    Parameters
    ----------
    path : Path
    folder : Path or None
        Files below it may be included. None: those below the file's own folder.

    Raises
    ------
    NeuroMLError
        If the file is not NeuroML or LEMS.
    """
    path = path.resolve()
    reading = _Reading((path.parent if folder is None else folder).resolve())
    reading.read(path)
    return reading.elements, reading.errors


class _Reading:
    """The files read so far, and their elements."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.elements: list[Element] = []
        self.errors: list[NeuroMLError] = []
        self._seen: set[Path] = set()

    def read(self, path: Path) -> None:
        """Read a file and what it includes, where it does, each file once."""
        begun = [(path, self._children(path))]
        while begun:
            path, rest = begun[-1]
            one = next(rest, None)
            if one is None:
                begun.pop()
                continue
            try:
                if one.tag in ("include", "Include"):
                    other = self._included(one, path)
                    if other is not None and other not in self._seen:
                        begun.append((other, self._children(other)))
                elif one.tag not in ABOUT:
                    self.elements.append(one)
            except NeuroMLError as error:
                self.errors.append(error)

    def _children(self, path: Path) -> Iterator[Element]:
        """What stands in a file."""
        self._seen.add(path)
        if len(self._seen) > MOST_FILES:
            raise NeuroMLError(f"{path.name}: more than {MOST_FILES} files are included")
        root = Element(_parsed(path), path.name)
        if root.tag not in ("neuroml", "Lems"):
            root.refuse("a file of NeuroML 2 begins with <neuroml>, one of LEMS with <Lems>")
        return iter(root.children())

    def _included(self, element: Element, path: Path) -> Path | None:
        """The file that is included; None: one that defines what NeuroML is."""
        name = element.text("href" if element.tag == "include" else "file")
        element.finish()
        if Path(name).name in DEFINITIONS and element.tag == "Include":
            return None
        if re.match(r"\w+:", name):
            element.refuse(f"{name!r} is an address, and nothing is fetched: save it")
        try:
            other = (path.parent / name).resolve()
            is_file = other.is_file()
        except (OSError, RuntimeError) as error:  # too long a name, links that lead in a circle
            element.refuse(f"{shown(name)} is no path of a file: {error.args[-1]}")
        if not other.is_relative_to(self.folder):
            element.refuse(
                f"{name!r} lies outside of {self.folder}, from below which files are included: "
                "folder= names another, read(path, folder=...)"
            )
        if not is_file:
            element.refuse(f"there is no file {name!r}")
        return other


def _parsed(path: Path) -> Any:
    """The root of an XML file."""
    etree = optional("lxml.etree", extra="neuroml")
    if path.is_dir():
        raise NeuroMLError(f"{path.name} is a folder: give the file in it that is to be read")
    if path.stat().st_size > LARGEST:
        raise NeuroMLError(f"{path.name} is larger than {LARGEST} bytes")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False
    )
    try:
        tree = etree.parse(str(path), parser)
    except etree.XMLSyntaxError as error:
        raise NeuroMLError(f"{path.name} is no XML: {error}") from None
    except OSError as error:
        raise NeuroMLError(f"{path.name} cannot be read: {error}") from None
    if tree.docinfo.doctype or tree.docinfo.internalDTD is not None:
        raise NeuroMLError(
            f"{path.name} has a document type, which may hold entities: leave out <!DOCTYPE ...>"
        )
    return tree.getroot()


def _local(name: Any) -> str:
    """A name without its namespace."""
    return str(name).rpartition("}")[2]
