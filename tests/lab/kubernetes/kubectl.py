"""kubectl as functions: of any cluster that a kubeconfig names."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lab.cache import LabError
from lab.command import run

SECONDS = 60.0
# Every look is a process of its own: more often would take a busy machine's processors away.
PAUSE = 0.5
# An object of the API as JSON: its shape is the API's, not ours.
Object = Mapping[str, Any]


@dataclass(frozen=True)
class Kubectl:
    """kubectl of one cluster and, when it is given, of one namespace."""

    program: Path
    kubeconfig: Path
    namespace: str | None = None

    def within(self, namespace: str) -> Kubectl:
        """Return the same for another namespace."""
        return replace(self, namespace=namespace)

    def __call__(self, *words: str, text: str | None = None, timeout: float = SECONDS) -> str:
        """Return the command's standard output; `text` is its standard input.

        Raises LabError with what kubectl said when it fails.
        """
        where = ["--namespace", self.namespace] if self.namespace else []
        return run(
            [self.program, "--kubeconfig", self.kubeconfig, *where, *words],
            text=text,
            timeout=timeout,
            # kubectl keeps what it discovered below $HOME, and would read a user's preferences.
            env={"KUBECONFIG": str(self.kubeconfig), "KUBERC": "off"},
        )

    def refusal(self, *words: str, text: str | None = None) -> str:
        """Return what kubectl said when it failed, as it must; LabError when it did not."""
        try:
            said = self(*words, text=text)
        except LabError as error:
            return str(error)
        raise LabError(f"kubectl {' '.join(words)} was not refused: {said}")

    def apply(self, *objects: Object) -> None:
        """Apply the objects."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self("apply", "-f", "-", text=json.dumps(listed))

    def get(self, kind: str, name: str) -> Object:
        """Return one object."""
        return _object(self("get", kind, name, "-o", "json"))

    def list(self, kind: str, selector: str = "") -> Sequence[Object]:
        """Return the objects of a kind, of those labels where `selector` names some."""
        chosen = ["-l", selector] if selector else []
        items: Sequence[Object] = _object(self("get", kind, *chosen, "-o", "json"))["items"]
        return items

    def exists(self, kind: str, name: str) -> bool:
        """Tell whether there is such an object."""
        return bool(self("get", kind, name, "--ignore-not-found", "-o", "name"))

    def execute(self, pod: str, *command: str, container: str | None = None) -> str:
        """Return the standard output of a command that runs in the pod."""
        which = ["-c", container] if container else []
        return self("exec", pod, *which, "--", *command)

    def ready(self, pod: str) -> bool:
        """Tell whether the pod exists and its Ready condition is true."""
        found = self("get", "pod", pod, "--ignore-not-found", "-o", "json")
        return bool(found) and condition(_object(found), "Ready")

    def restarts(self, pod: str) -> int:
        """Return how often containers of the pod were started again."""
        statuses = self.get("pod", pod)["status"].get("containerStatuses", [])
        return sum(int(status["restartCount"]) for status in statuses)

    def wait(self, predicate: Callable[[], object], what: str, timeout: float = 120) -> None:
        """Return when the predicate is true; LabError with pods and events when it never is.

        A kubectl that fails meanwhile counts as not yet.
        """
        deadline = time.monotonic() + timeout
        last = ""
        while True:
            try:
                if predicate():
                    return
                last = ""
            except (LabError, OSError) as error:
                last = f" ({error})"
            if time.monotonic() > deadline:
                raise LabError(f"{what}: not within {timeout:g} s{last}\n{self.situation()}")
            time.sleep(PAUSE)

    def situation(self) -> str:
        """Return what a person would look at first: the pods and the latest events."""
        pods = self("get", "pods", "-o", "wide")
        events = self("get", "events", "--sort-by=.lastTimestamp").splitlines()
        return "\n".join([pods, *events[-25:]])


def condition(thing: Object, kind: str) -> bool:
    """Tell whether the object has that condition with status True."""
    conditions = thing.get("status", {}).get("conditions", [])
    return any(one["type"] == kind and one["status"] == "True" for one in conditions)


def _object(text: str) -> Object:
    thing = json.loads(text)
    if not isinstance(thing, dict):
        raise LabError(f"kubectl answered no object: {text[:200]}")
    return thing
