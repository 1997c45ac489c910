"""Kubernetes manifests that grow with a number: what nobody should count by hand.

Here: the Services that give each node of a StatefulSet its own node ports. Text in, text out; the manifests
that do not depend on a number are files below manifests/.
"""

from __future__ import annotations

from entrypoint.errors import EXIT_USAGE, Problem, ProblemsError

PORTS = ("node", "download", "mbean")
"""The three ports of a node, in the order of their numbers."""
FIRST_NODE_PORT = 30000
LAST_NODE_PORT = 32767
LONGEST_NAME = 52
MOST_NODES = (LAST_NODE_PORT - FIRST_NODE_PORT + 1) // len(PORTS)


def nodeport(nodes: int, base: int, name: str) -> str:
    """Return the YAML of a ConfigMap with `base` and `nodes`, and of one NodePort Service for each node.

    Node i has the ports base + 3·i, + 1 and + 2: bound by java, targeted by the Service and opened on every
    machine under one number, since otter dials the number that it binds. ProblemsError (exit 64) where the
    numbers do not fit into Kubernetes' range, or the name is none.
    """
    _check(nodes, base, name)
    parts = [_HEAD.format(nodes=nodes, base=base, name=name)]
    parts.extend(_service(name, ordinal, base) for ordinal in range(nodes))
    return "---\n".join(parts)


def _service(name: str, ordinal: int, base: int) -> str:
    first = base + len(PORTS) * ordinal
    lines = (
        f"    - {{name: {port}, port: {number}, targetPort: {number}, nodePort: {number}}}\n"
        for number, port in enumerate(PORTS, first)
    )
    return _SERVICE.format(name=name, ordinal=ordinal) + "".join(lines)


def _check(nodes: int, base: int, name: str) -> None:
    problems = []
    if not 1 <= nodes <= MOST_NODES:
        problems.append(_wrong("--nodes", str(nodes), f"a number from 1 to {MOST_NODES}"))
    elif base < FIRST_NODE_PORT or base + len(PORTS) * nodes - 1 > LAST_NODE_PORT:
        last = LAST_NODE_PORT - len(PORTS) * nodes + 1
        wanted = (
            f"a number from {FIRST_NODE_PORT} to {last}, for {nodes} nodes of {len(PORTS)} ports"
        )
        problems.append(_wrong("--base", str(base), wanted))
    # A label of each pod is this name with a dash and a hash of ten: 63 characters in all.
    word = name.replace("-", "a")
    plain = word.isascii() and word.isalnum() and word == word.lower() and len(name) <= LONGEST_NAME
    if not plain or not name[0].isalpha() or name.endswith("-"):
        wanted = (
            f"the name of a StatefulSet: small letters, digits and dashes, at most {LONGEST_NAME}"
        )
        problems.append(_wrong("--name", name, wanted))
    if problems:
        raise ProblemsError(*problems)


def _wrong(switch: str, value: str, expected: str) -> Problem:
    details = (("value", value[:80] or "(empty)"), ("expected", expected))
    return Problem("usage", f"{switch} does not fit", details, EXIT_USAGE)


_HEAD = """\
# Made by: entrypoint manifests nodeport --nodes {nodes} --base {base} --name {name}
# A Service without its pod does no harm: make them for as many nodes as you may ever want.
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}-ports
  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/component: node-port
    app.kubernetes.io/part-of: otter
data:
  base: "{base}"
  # A node beyond them would get ready, and nobody outside would reach it: it is refused.
  nodes: "{nodes}"
"""

_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {name}-{ordinal}
  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/component: node-port
    app.kubernetes.io/part-of: otter
spec:
  type: NodePort
  externalTrafficPolicy: Local
  # It is the address of one pod, not a choice: the node is called before it is ready.
  publishNotReadyAddresses: true
  selector:
    statefulset.kubernetes.io/pod-name: {name}-{ordinal}
  ports:
"""
