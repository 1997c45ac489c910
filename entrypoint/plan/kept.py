"""What PID 1 keeps of a launch: enough to start java, watch it and stop it, and no secret beyond that.

Here: `kept`, which the helper applies to all that it tells: a process that is gone has nothing in memory.
"""

from __future__ import annotations

from entrypoint.plan.protection import is_token
from entrypoint.records import replace
from entrypoint.values import Secret, SecretDigest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.plan.model import Launch, Protection


def kept(launch: Launch, salt: bytes) -> Launch:
    """Return the launch without what only the helper needs; the token becomes a digest with this salt.

    What java's arguments and environment hold stays, and so does what is asked while java runs: by a
    check, or where the registration is to be left at the end.
    """
    registration = launch.registration
    if registration is not None and not registration.resumes:
        registration = replace(registration, arguments=())
    return replace(
        launch,
        gates=tuple([replace(gate, arguments=()) for gate in launch.gates]),
        registration=registration,
        protection=sealed(launch.protection, salt),
    )


def sealed(protection: Protection, salt: bytes) -> Protection:
    """Return the same with the token's digest, which is enough to know it by."""
    token = protection.token
    # The mask of a recording stays as it is, and fits nobody's.
    if isinstance(token, Secret) and is_token(token.reveal()):
        return replace(protection, token=SecretDigest.of(token.reveal(), salt))
    return protection
