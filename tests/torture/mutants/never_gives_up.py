"""No deadline of the stop ladder is kept."""

from entrypoint import supervisor

_do = supervisor.Supervisor._do
supervisor.Supervisor._do = lambda self, action: (
    type(action).__name__ == "SetDeadline" or _do(self, action)
)
