"""A file of NeuroML while it is written."""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde.interop.neuroml.quantities import written


class Page:
    """Its elements so far, and what could not be said.

    Attributes
    ----------
    elements : list of lxml elements
        Those of the file, in any order.
    refused : list of str
    """

    def __init__(self, etree: Any) -> None:
        self._etree = etree
        self.elements: list[Any] = []
        self.refused: list[str] = []
        self._ids: set[str] = set()

    def refuse(self, what: str) -> None:
        """Note what cannot be said, once."""
        if what not in self.refused:
            self.refused.append(what)

    def element(self, tag: str, parent: Any = None, **attributes: str) -> Any:
        """A new element; without a parent, it goes nowhere yet."""
        made = self._etree.Element(tag, attributes)
        if parent is not None:
            parent.append(made)
        return made

    def top(self, tag: str, wanted: str, **attributes: str) -> Any:
        """A new element of the file, with an id that no other has."""
        name, k = wanted, 2
        while name in self._ids:
            name, k = f"{wanted}_{k}", k + 1
        self._ids.add(name)
        made = self.element(tag, id=name, **attributes)
        self.elements.append(made)
        return made

    def notes(self, parent: Any, text: str) -> None:
        """What is to be told about an element."""
        if text:
            self.element("notes", parent).text = text

    def number(self, value: Any, unit: str, what: str) -> str:
        """One number with its unit."""
        if isinstance(value, np.ndarray):
            self.refuse(f"{what} differs between neurons: make a population of each kind")
            value = value.flat[0]
        return written(value, unit)
