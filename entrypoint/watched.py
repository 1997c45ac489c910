"""What a plan was made of, for PID 1 to look at again: every file that was read, or was not there.

Here: `watched`, from the request and what was found. It runs in the helper, when java no longer waits for
it; looking again is `config`.
"""

from __future__ import annotations

import os

from entrypoint.lifecycle.changes import ABSENT, Watched, content_of
from entrypoint.sources import DEFAULT_OVERLAY, is_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.arguments import Request
    from entrypoint.plan.build import Found
    from entrypoint.plan.model import Plan


def watched(plan: Plan, found: Found, request: Request) -> Watched | None:
    """Return what a plan was made of, as it was read; None where nobody wants to hear of changes."""
    if plan.launch.on_change == "ignore":
        return None
    contents = dict.fromkeys(found.inputs.wanted, ABSENT)
    contents |= {one.path: content_of(one.content, one.problem) for one in found.inputs.files}
    # A built-in profile or template has a bare name, and does not change.
    texts = [(os.path.abspath(name), text) for name, text in found.texts if "/" in name]
    texts += [(name, text) for name, text in found.templates.items() if name.startswith("/")]
    contents |= {path: content_of(text.encode()) for path, text in texts}
    # A new token is taken while java runs: nothing to restart for.
    contents.pop(plan.launch.protection.token_file, None)
    if not request.overlays:
        contents.setdefault(DEFAULT_OVERLAY, ABSENT)
    return Watched(tuple(contents.items()), found.inputs.patterns, words(request))


def words(request: Request) -> tuple[str, ...]:
    """Return the words behind a verb that ask for the same as this request, from any folder."""
    name = request.profile or os.environ.get("ENTRYPOINT_PROFILE", "")
    found = [os.path.abspath(name) if is_path(name) else name]
    for path in request.overlays:
        found += ["--overlay", os.path.abspath(path)]
    for setting, value in request.assignments:
        found += ["--set", f"{setting}={value}"]
    return (*found, "--", *request.arguments) if request.arguments else tuple(found)
