"""Kubernetes service links: variables that look like settings and are none.

Here: recognising them. For a Service named `otter-manager` the kubelet puts OTTER_MANAGER_PORT,
OTTER_MANAGER_SERVICE_HOST, OTTER_MANAGER_PORT_1099_TCP_ADDR and others into every pod of the namespace
(https://kubernetes.io/docs/tutorials/services/connect-applications-service/). Pure.
"""

from __future__ import annotations

import re

_IP = r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]+\]?)"
_LINK = rf"(?:tcp|udp|sctp)://{_IP}:[0-9]{{1,5}}"
_SHAPES = (
    (r"(.+)_PORT(?:_[0-9]+_(?:TCP|UDP|SCTP))?", _LINK),
    (r"(.+)_PORT_[0-9]+_(?:TCP|UDP|SCTP)_ADDR", _IP),
    (r"(.+)_PORT_[0-9]+_(?:TCP|UDP|SCTP)_PORT", r"[0-9]{1,5}"),
    (r"(.+)_PORT_[0-9]+_(?:TCP|UDP|SCTP)_PROTO", r"tcp|udp|sctp"),
)
_WEAK_SHAPES = (
    (r"(.+)_SERVICE_HOST", _IP),
    (r"(.+)_SERVICE_PORT(?:_[A-Z0-9_]+)?", r"[0-9]{1,5}"),
)
REASON = "a Kubernetes service link, not a setting"


def service_of(name: str, value: str, declared: bool = False) -> str:
    """Return the service's name in capitals if a variable is a service link, else "".

    `declared` tells that a profile reads the variable. Then NAME_SERVICE_PORT=1234 may be meant for it,
    and only values that nobody would set by hand are taken for links.
    """
    if "_PORT" not in name and "_SERVICE_HOST" not in name:
        return ""
    for shape, content in _SHAPES if declared else (*_SHAPES, *_WEAK_SHAPES):
        match = re.fullmatch(shape, name)
        if match and re.fullmatch(content, value, re.ASCII):
            return match[1]
    return ""
