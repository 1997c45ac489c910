"""The HTTP port of PID 1 while a profile runs: where it listens, who may ask, and what answers are made of.

Here: `Port`. What is answered to which path is `serve.routes`, how clients are served is `serve.http`.
"""

from __future__ import annotations

import os
import time

from entrypoint.errors import ProblemsError
from entrypoint.serve import routes
from entrypoint.serve.access import Guard
from entrypoint.serve.http import Server
from entrypoint.serve.listener import listen
from entrypoint.serve.metrics import Exporter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.lifecycle.status import Status
    from entrypoint.plan.model import Launch
    from entrypoint.sampler import Sampler
    from entrypoint.serve.messages import Request, Response
    from entrypoint.system.log import Log
    from entrypoint.vitals import Vitals

DEFAULT_ADDRESS = "0.0.0.0:9404"


class Port:
    """Serves probes from the start, and all else when the plan says who may ask for it."""

    def __init__(self, log: Log, vitals: Vitals) -> None:
        self.exporter = Exporter(vitals.snapshot, time.monotonic)
        self.guard = Guard(log)
        self.sampler: Sampler | None = None
        self.plan = ""
        """The plan's text, for the status page."""
        self._log = log
        self._vitals = vitals
        self._remarks: tuple[str, ...] = ()
        self._server: Server | None = None
        self._address = ""

    @property
    def is_open(self) -> bool:
        """Whether anybody can ask."""
        return self._server is not None

    def open(self) -> None:
        """Answer probes from now on.

        The address of the plan is not known yet: until then the variable or the default counts, and
        an address that cannot be had is no reason to end before the plan has asked for it. Nor is a
        name that has to be looked up to be waited for: the main thread is here, and deaf.
        """
        try:
            self._listen(os.environ.get("ENTRYPOINT_LISTEN") or DEFAULT_ADDRESS, look_up=False)
        except ProblemsError:
            self._server = None

    def take(self, launch: Launch) -> None:
        """Serve as the plan says; raises ProblemsError, and RuntimeError or OSError where nothing is left."""
        self._remarks = launch.remarks
        self.exporter.configure(launch.metrics_names, launch.metrics_attach)
        self.guard.configure(launch.protection)
        self._listen(launch.listen)

    def stop(self) -> None:
        """Answer nobody any more."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _listen(self, address: str, look_up: bool = True) -> None:
        if address == self._address and self._server is not None:
            return
        self.stop()
        if address:
            listener = listen(address, look_up)
            self._server = Server(listener, self._answer, self._answer_failed, self.guard)
            self._server.start()
        self._address = address

    def _answer(self, request: Request) -> Response:
        return routes.answer(request, self._vitals.snapshot, self.exporter.render, self._status)

    def _status(self) -> Status:
        """Return all that the status page shows, as of now."""
        from entrypoint.lifecycle.status import Status  # noqa: PLC0415 - on the first request

        now, snapshot = time.monotonic(), self._vitals.snapshot()
        sample, series = None, None
        if self.sampler is not None:
            sample, series = self.sampler.look_back(now, now - snapshot.started_monotonic)
        host = os.uname().nodename
        return Status(
            snapshot, host, now, time.time(), sample, series, plan=self.plan, remarks=self._remarks
        )

    def _answer_failed(self, error: Exception) -> None:
        self._log.failure(" while answering a request", error)
