"""What a check was answered, in words: the same for probes, page, terminal and JSON.

Here: the last answer, how long it took, how many were wrong. What an answer means for us is `health`.
"""

from __future__ import annotations

from entrypoint.values import format_duration, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.lifecycle.health import CheckStatus


def wrong_answers(status: CheckStatus, seconds: float) -> str:
    """Return the last answer, which took `seconds`, and the row that it is in: `500 after 15ms (2 of 3)`.

    From the threshold on the row has no end: `500 after 15ms (12 in a row)`.
    """
    count, threshold = status.failures_in_a_row, status.threshold
    row = f"{count} of {threshold}" if count < threshold else f"{count} in a row"
    return f"{one_line(status.detail) or 'no answer'} after {taken(seconds)} ({row})"


def taken(seconds: float) -> str:
    """Return how long an answer took: on loopback often so little that `0ms` would look unasked."""
    return "<1ms" if seconds < 0.0005 else format_duration(seconds)
