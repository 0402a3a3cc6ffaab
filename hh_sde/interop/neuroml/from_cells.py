"""Cells as elements of NeuroML: shape, membrane, channels, gates, concentrations."""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde.cells import Cell
from hh_sde.interop.neuroml.forms import define
from hh_sde.interop.neuroml.lems import CALCIUM
from hh_sde.interop.neuroml.page import Page
from hh_sde.interop.neuroml.quantities import exact, exactly, written
from hh_sde.kinetics import (
    Channel,
    Constant,
    Exponential,
    Gate,
    Linoid,
    Nernst,
    Rate,
    Sigmoid,
    SteadyState,
    TimeConstant,
)
from hh_sde.records import fields_of

#: Diameter and length of the segment, um, whose surface pi d l is exactly 1e5 um^2 in doubles.
DIAMETER, LENGTH = 180.0, 176.8388256576615
FORMS: dict[type[Rate], str] = {Exponential: "HHExp", Linoid: "HHExpLinear", Sigmoid: "HHSigmoid"}
#: For each function of a gate: the ending of its types, its unit, and how LEMS calls what it is.
FUNCTIONS = {
    "forwardRate": ("Rate", "per_ms", "r"),
    "reverseRate": ("Rate", "per_ms", "r"),
    "steadyState": ("Variable", "", "x"),
    "timeCourse": ("Time", "ms", "t"),
}


class Cells:
    """The cells of a page, each written once."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._known: list[tuple[Cell, float, str]] = []

    def id_of(self, cell: Cell, threshold: float) -> str:
        """The id of a cell with a threshold for spikes (mV)."""
        for known, above, name in self._known:
            if known == cell and above == threshold:
                return name
        made = self.page.top("cell", cell.name)
        name = made.get("id")
        self._known.append((cell, threshold, name))
        self.page.notes(made, cell.reference)
        morphology = self.page.element("morphology", made, id=f"{name}_morphology")
        segment = self.page.element("segment", morphology, id="0", name="soma")
        for tag, x in (("proximal", 0.0), ("distal", LENGTH)):
            size = written(DIAMETER)
            self.page.element(tag, segment, x=written(x), y="0", z="0", diameter=size)
        biophysics = self.page.element("biophysicalProperties", made, id=f"{name}_biophysics")
        membrane = self.page.element("membraneProperties", biophysics)
        densities = [self._channel(cell, one) for one in cell.channels]
        membrane.extend(sorted(densities, key=lambda one: one.tag))
        for tag, value, unit in (
            ("spikeThresh", threshold, "mV"),
            ("specificCapacitance", cell.C, "uF_per_cm2"),
            ("initMembPotential", cell.V0, "mV"),
        ):
            what = f"{tag} of cell {cell.name}"
            self.page.element(tag, membrane, value=self.page.number(value, unit, what))
        inside = self.page.element("intracellularProperties", biophysics)
        self._pools(inside, cell)
        self.page.element("resistivity", inside, value="0.1 kohm_cm")  # between compartments
        return name

    def _channel(self, cell: Cell, channel: Channel) -> Any:
        """The density of a channel, which is written too."""
        what = f"channel {channel.name} of cell {cell.name}"
        V_T = cell.V_T if channel.from_V_T else 0.0
        kind = self.page.top("ionChannelHH", f"{cell.name}_{channel.name}")
        if channel.density is not None:
            kind.set("conductance", self._conductance(channel, what))
        for gate in channel.gates:
            self._gate(kind, gate.at(None, V_T), f"gate {gate.name} of {what}")
        carried = any(channel.name in pool.channels for pool in cell.pools)
        density = {
            "id": channel.name,
            "ionChannel": kind.get("id"),
            "condDensity": self.page.number(channel.g, "mS_per_cm2", f"g of {what}"),
        }
        if not isinstance(channel.E, Nernst):
            density["erev"] = self.page.number(channel.E, "mV", f"E of {what}")
            ion = "ca" if carried else "non_specific"
            return self.page.element("channelDensity", **density, ion=ion)
        if channel.E.valence != 2 or channel.E.temperature is not None or not carried:
            self.page.refuse(
                f"E of {what}: a Nernst potential is that of calcium, of valence 2, at the "
                "network's temperature, in a channel that feeds the pool"
            )
        return self.page.element("channelDensityNernst", **density, ion="ca")

    def _conductance(self, channel: Channel, what: str) -> str:
        """That of one channel: 1 mS/cm^2 is 10 pS/um^2."""
        if isinstance(channel.density, np.ndarray) or isinstance(channel.g, np.ndarray):
            self.page.refuse(f"g or density of {what} differs between neurons")
            return "0 pS"
        if channel.g == 0:
            self.page.refuse(f"density of {what}: that of channels without conductance")
            return "0 pS"
        assert channel.density is not None
        with exactly():
            return written(10 * exact(channel.g) / exact(channel.density), "pS")

    def _pools(self, inside: Any, cell: Cell) -> None:
        for pool in cell.pools:
            if pool.name != CALCIUM or len(cell.pools) > 1:
                self.page.refuse(
                    f"pool {pool.name} of cell {cell.name}: a cell has one, of calcium, called "
                    f"{CALCIUM}"
                )
            what = f"pool {pool.name} of cell {cell.name}"
            outside = {
                channel.E.outside
                for channel in cell.channels
                if isinstance(channel.E, Nernst) and np.ndim(channel.E.outside) == 0
            }
            if len(outside) > 1:
                self.page.refuse(f"{what} has different concentrations outside")
            with exactly():
                rho = exact(float(np.ravel(pool.k)[0])) / 10**6
            if np.ndim(pool.k):
                self.page.refuse(f"k of {what} differs between neurons")
            rest = self.page.number(pool.rest, "mM", f"rest of {what}")
            model = self.page.top(
                "fixedFactorConcentrationModel",
                f"{cell.name}_{pool.name}",
                ion="ca",
                restingConc=rest,
                decayConstant=self.page.number(pool.tau, "ms", f"tau of {what}"),
                rho=written(rho, "mol_per_cm_per_uA_per_ms"),
            )
            self.page.element(
                "species", inside, id="ca", ion="ca", concentrationModel=model.get("id"),
                initialConcentration=rest,
                initialExtConcentration=written(float(max(outside, default=0.0)), "mM"),
            )  # fmt: skip

    def _gate(self, channel: Any, gate: Gate, what: str) -> None:
        kind, parts = _gate_of(gate)
        # <gate type=...> keeps the order of gates of different kinds, the schema having none for it
        made = self.page.element(
            "gate", channel, id=gate.name, type=kind, instances=str(gate.power)
        )
        if gate.reference_temperature is not None:
            self.page.element(
                "q10Settings", made, type="q10ExpTemp",
                q10Factor=self.page.number(gate.q10, "", f"q10 of {what}"),
                experimentalTemp=self.page.number(
                    gate.reference_temperature, "degC", f"reference_temperature of {what}"
                ),
            )  # fmt: skip
        for tag, rate in parts.items():
            self._rate(made, tag, rate, f"{tag} of {what}")

    def _rate(self, gate: Any, tag: str, rate: Rate, what: str) -> None:
        ending, unit, exposure = FUNCTIONS[tag]
        if tag == "timeCourse" and isinstance(rate, Constant):
            tau = self.page.number(rate.rate, "ms", what)
            self.page.element(tag, gate, type="fixedTimeCourse", tau=tau)
        elif type(rate) in FORMS:
            numbers = fields_of(rate)
            self.page.element(
                tag, gate, type=f"{FORMS[type(rate)]}{ending}",
                rate=self.page.number(numbers["rate"], unit, what),
                midpoint=self.page.number(numbers["mid"], "mV", what),
                scale=self.page.number(numbers["scale"], "mV", what),
            )  # fmt: skip
        else:
            name = f"rate_{sum(one.tag == 'ComponentType' for one in self.page.elements)}"
            define(self.page, name, rate, exposure, what)
            self.page.element(tag, gate, type=name)


def follows_temperature(cell: Cell) -> bool:
    """Whether a temperature changes something of it."""
    return any(gate.reference_temperature is not None for gate in cell.gates) or any(
        isinstance(channel.E, Nernst) for channel in cell.channels
    )


def _gate_of(gate: Gate) -> tuple[str, dict[str, Rate]]:
    """The kind of a gate, and the functions that it is made of."""
    if gate.alpha is not None and gate.beta is not None:
        return "gateHHrates", {"forwardRate": gate.alpha, "reverseRate": gate.beta}
    assert gate.x_inf is not None
    x_inf, tau = gate.x_inf, gate.tau
    if tau is None:
        return "gateHHInstantaneous", {"steadyState": x_inf}
    if isinstance(x_inf, SteadyState):
        rates = {"forwardRate": x_inf.alpha, "reverseRate": x_inf.beta}
        return "gateHHratesTau", {**rates, "timeCourse": tau}
    if isinstance(tau, TimeConstant):
        rates = {"forwardRate": tau.alpha, "reverseRate": tau.beta}
        return "gateHHratesInf", {**rates, "steadyState": x_inf}
    return "gateHHtauInf", {"timeCourse": tau, "steadyState": x_inf}
