"""What counts as a spike."""

from __future__ import annotations

from hh_sde.records import Record, record, single


@record
class SpikeRule(Record):
    """What counts as a spike: V rising through `threshold`, having been below `rearm` before.

    Re-arming keeps noise around the threshold from being counted as several spikes, so that the
    count does not depend on dt.

    Parameters
    ----------
    threshold : float
        mV.
    rearm : float or None
        Level V must fall below before the next spike, mV; None: every upward crossing counts. At
        the start of the record the rule is armed wherever V is.
    lockout : float
        No spike within this time after a spike, ms: a refractory period of the detection.

    Raises
    ------
    TypeError, ValueError
        If a number is none or not finite, rearm lies above threshold, or lockout is negative.

    Examples
    --------
    >>> SpikeRule(threshold=-10.0, rearm=None)
    SpikeRule(threshold=-10.0, rearm=None)
    """

    units = {"threshold": "mV", "rearm": "mV", "lockout": "ms"}

    threshold: float = 0.0
    rearm: float | None = -40.0
    lockout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("threshold", "rearm", "lockout"):
            value = getattr(self, name)
            if name != "rearm" or value is not None:
                object.__setattr__(self, name, single(value, f"SpikeRule.{name}"))
        if self.rearm is not None and self.rearm > self.threshold:
            raise ValueError(
                f"rearm must not lie above threshold ({self.threshold} mV), got {self.rearm}"
            )
        if self.lockout < 0:
            raise ValueError(f"lockout must not be negative (ms), got {self.lockout}")

    @property
    def levels(self) -> tuple[float, float, float]:
        """Threshold, re-arm level (infinite where every crossing counts) and lockout."""
        rearm = float("inf") if self.rearm is None else self.rearm
        return self.threshold, rearm, self.lockout
