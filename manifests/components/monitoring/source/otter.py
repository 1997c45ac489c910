"""The dashboard of otter: the manager on the left, the nodes on the right."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from source.panels import (
    FAILED_OK,
    NO_YES,
    PHASES,
    POD,
    WAITING_PASSED,
    Panel,
    graph,
    number,
    of,
    page,
    phases,
    rate,
    timeline,
)

MANAGER = "otter-manager"
NODE = "otter-node"


def among(expression: str, profile: str) -> str:
    """Return what of an expression belongs to pods that run a profile."""
    return f"{expression} and on (namespace, pod) " + of("entrypoint_info", f'profile="{profile}"')


def check_up(profile: str, name: str) -> str:
    """Return whether a check of a profile's pods is ok."""
    return among(of("entrypoint_check_up", f'check="{name}"'), profile)


def started(profile: str) -> str:
    """Return the seconds from the beginning to the phase running."""
    began = of("entrypoint_phase_start_time_seconds", 'phase="running"')
    first = of("entrypoint_start_time_seconds")
    return among(f"({began} - on (job, instance) group_left () {first})", profile)


def pods(profile: str, title: str) -> tuple[Panel, ...]:
    """Return how many pods there are and how many are ready."""
    ready = of("entrypoint_ready")
    return (
        number(f"{title} ready", "Pods whose /readyz answers 200.",
            f"sum({among(ready, profile)})", legend="ready", width=4),
        number(f"{title} not ready", "Pods whose /readyz does not.",
            f"count({among(ready, profile)}) - sum({among(ready, profile)})",
            legend="not ready", width=4, steps=((1, "red"),)),
        number(f"{title}: time to ready", "From entrypoint's start to the phase running.",
            started(profile), width=4, unit="s"),
    )  # fmt: skip


def side_by_side(
    title: str, description: str, unit: str, expression: str, legend: str = POD
) -> tuple[Panel, ...]:
    """Return one graph for the manager and one for the nodes."""
    return tuple(
        graph(f"{name}: {title}", description, {legend: among(expression, profile)},
            unit=unit, width=12)
        for name, profile in (("Manager", MANAGER), ("Nodes", NODE))
    )  # fmt: skip


def dashboard() -> Dashboard:
    """Return the dashboard."""
    duration = of("entrypoint_check_duration_seconds")
    heap = " / ".join(
        of(name, 'area="heap"') for name in ("jvm_memory_used_bytes", "jvm_memory_max_bytes")
    )
    gc = f"sum by (namespace, pod) ({rate('jvm_gc_collection_seconds_sum')})"
    return page(
        "entrypoint-otter",
        "entrypoint / otter",
        "otter's manager and its nodes side by side.",
        {
            "Now": (*pods(MANAGER, "Managers"), *pods(NODE, "Nodes")),
            "Readiness": (
                timeline("Manager: ready", "Whether /readyz answers 200.",
                    {POD: among(of("entrypoint_ready"), MANAGER)}, NO_YES, width=12),
                timeline("Nodes: ready", "Whether /readyz answers 200.",
                    {POD: among(of("entrypoint_ready"), NODE)}, NO_YES, width=12),
                timeline("Manager: phase", "The phase of each pod.",
                    {POD: among(phases(), MANAGER)}, PHASES, width=12),
                timeline("Nodes: phase", "The phase of each pod.",
                    {POD: among(phases(), NODE)}, PHASES, width=12),
            ),
            "What they look at": (
                timeline("Manager: checks",
                    "Web application, channel list (database and ZooKeeper), the nodes' port.", {
                        "{{pod}} web application": check_up(MANAGER, "monitor-ok"),
                        "{{pod}} channel list": check_up(MANAGER, "channel-list"),
                        "{{pod}} communication port": check_up(MANAGER, "communication"),
                    }, FAILED_OK, width=12),
                timeline("Nodes: checks",
                    "End of the start; session in ZooKeeper; port. Session and port only where set.", {
                        "{{pod}} started": check_up(NODE, "started"),
                        "{{pod}} session": check_up(NODE, "session"),
                        "{{pod}} port": check_up(NODE, "port"),
                    }, FAILED_OK, width=12),
                graph("Manager: time of the channel list",
                    "It asks the database and ZooKeeper; after 2 s it counts as failed.",
                    {POD: among(of("entrypoint_check_duration_seconds", 'check="channel-list"'),
                        MANAGER)}, unit="s", width=12, steps=((1, "orange"), (2, "red"))),
                graph("Nodes: time to answer", "Of the last answer of each check.",
                    {"{{pod}} {{check}}": among(duration, NODE)}, unit="s", width=12),
                timeline("Manager: gates", "What it waits for at its start.",
                    {"{{pod}} {{gate}}": among(of("entrypoint_gate_passed"), MANAGER)},
                    WAITING_PASSED, width=12),
                timeline("Nodes: gates",
                    "What they wait for at their start; old-session is the predecessor's in ZooKeeper.",
                    {"{{pod}} {{gate}}": among(of("entrypoint_gate_passed"), NODE)},
                    WAITING_PASSED, width=12),
            ),
            "Java": (
                *side_by_side("heap", "Used, of the most it may become.", "percentunit", heap),
                *side_by_side("time in GC", "Share of time.", "percentunit", gc),
                *side_by_side("CPU", "CPUs that java uses.", "short",
                    rate("process_cpu_seconds_total")),
                *side_by_side("threads", "Alive now.", "short", of("jvm_threads_current")),
                *side_by_side("restarts", "In the time shown.", "short",
                    f"changes({of('entrypoint_start_time_seconds')}[$__range])"),
            ),
        },
    )  # fmt: skip
