"""A phase is told that the lifecycle does not have at that point."""

from entrypoint import vitals

_take = vitals.Vitals.take_phase
vitals.Vitals.take_phase = lambda self, phase, cause: _take(
    self, "draining" if phase == "stopping" else phase, cause
)
