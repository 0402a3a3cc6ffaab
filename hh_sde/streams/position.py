"""How far a run is: all that the rest of it follows from, as a file."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hh_sde.methods import Detection, Problem, Reached

#: What names of arrays begin with that hold what is on its way between neurons.
_CARRIED = "carried_"


@dataclass(frozen=True, eq=False)
class Position:
    """Where a run is.

    Parameters
    ----------
    step : int
        Steps made, those of the transient too.
    reached : Reached
        The state after them, its search for spikes, and what is on its way.
    report : mapping of str to int
        What the method had to say by then: `Problem.report`.
    """

    step: int
    reached: Reached
    report: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_start(cls, problem: Problem) -> Position:
        """Where a run begins."""
        begun = (problem.detection, problem.opened, problem.carried)
        return cls(0, Reached(0, problem.x0, *begun))

    def to_bytes(self) -> bytes:
        """The file; equal positions have equal ones."""
        reached = self.reached
        assert reached.x is not None
        arrays = {"step": np.array(self.step), "report": np.array(json.dumps(dict(self.report)))}
        arrays["x"] = reached.x
        if reached.opened is not None:
            arrays["opened"] = reached.opened
        if reached.detection is not None:
            arrays["armed"] = reached.detection.armed
            arrays["last_spike"] = reached.detection.last_spike
        arrays |= {f"{_CARRIED}{name}": one for name, one in (reached.carried or {}).items()}
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **arrays)
        return file.getvalue()

    @classmethod
    def of_file(cls, path: Path, problem: Problem) -> Position:
        """The position that a file holds of a run of this problem.

        Raises
        ------
        ValueError
            If it is none.
        """
        start = cls.of_start(problem).reached
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            carried = {
                name.removeprefix(_CARRIED): one
                for name, one in arrays.items()
                if name.startswith(_CARRIED)
            }
            detection = start.detection and Detection(
                start.detection.rule, arrays["armed"], arrays["last_spike"]
            )
            if arrays["x"].shape != problem.x0.shape:
                raise ValueError(f"its state has shape {arrays['x'].shape}")
            reached = Reached(0, arrays["x"], detection, arrays.get("opened"), carried or None)
            return cls(int(arrays["step"]), reached, json.loads(str(arrays["report"])))
        except Exception as error:  # a file may hold anything
            raise ValueError(f"{path} holds no state that a run goes on from: {error}") from error
