"""The table of metrics: names, types, labels and meanings, from which docs/reference/metrics.md is made.

Here: the table and its Markdown. The numbers are in `metrics`, the JVM's own rows in `jvm.metrics`.
"""

from __future__ import annotations

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal, TypeAlias

    Kind: TypeAlias = Literal["counter", "gauge", "info"]


@record
class MetricSpec:
    """One metric: its full name as scraped, its type, its label names and its meaning."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


METRICS: Final = (
    MetricSpec("entrypoint_info", "info", ("version", "profile", "plan"),
        "Version of entrypoint, the profile's name and the plan's digest."),
    MetricSpec("entrypoint_start_time_seconds", "gauge", (),
        "Unix time at which entrypoint started."),
    MetricSpec("entrypoint_phase", "gauge", ("phase",),
        "1 for the phase that entrypoint is in, 0 for the others."),
    MetricSpec("entrypoint_phase_start_time_seconds", "gauge", ("phase",),
        "Unix time at which a phase began; phases that were not entered are left out."),
    MetricSpec("entrypoint_ready", "gauge", (),
        "1 when /readyz answers 200, else 0."),
    MetricSpec("entrypoint_child_up", "gauge", (),
        "1 while the child process is alive, else 0."),
    MetricSpec("entrypoint_check_up", "gauge", ("check",),
        "1 when a check is ok, 0 when it has failed; left out before its first answer."),
    MetricSpec("entrypoint_check_duration_seconds", "gauge", ("check",),
        "Time that the last answer of a check took."),
    MetricSpec("entrypoint_check_runs_total", "counter", ("check", "result"),
        "Answers of a check, by result: passed or failed."),
    MetricSpec("entrypoint_check_changes_total", "counter", ("check",),
        "Times that a check went from ok to failed or back."),
    MetricSpec("entrypoint_gate_passed", "gauge", ("gate",),
        "1 when a gate has passed, else 0."),
    MetricSpec("entrypoint_gate_wait_seconds", "gauge", ("gate",),
        "Time spent waiting for a gate."),
    MetricSpec("entrypoint_gate_attempts_total", "counter", ("gate",),
        "Times that a gate was asked."),
    MetricSpec("entrypoint_signals_total", "counter", ("signal",),
        "Signals that entrypoint sent to the child."),
    MetricSpec("entrypoint_orphans_reaped_total", "counter", (),
        "Orphaned processes whose exit status entrypoint collected."),
    MetricSpec("entrypoint_oom_kills_total", "counter", (),
        "Processes of this container that the kernel killed for lack of memory."),
    MetricSpec("entrypoint_log_lines_dropped_total", "counter", (),
        "Log lines of entrypoint dropped because nobody read its standard error."),
    MetricSpec("entrypoint_stop_duration_seconds", "gauge", (),
        "Time that the stop has taken; left out until a stop was asked for."),
    MetricSpec("entrypoint_stop_grace_period_seconds", "gauge", (),
        "Time that Kubernetes gives a stop: the setting entrypoint.grace-period."),
    MetricSpec("entrypoint_config_changed", "gauge", (),
        "1 while a file that the plan was made of has another content than then, else 0."),
    MetricSpec("entrypoint_config_files", "gauge", ("state",),
        "Files of the configuration, by how they stand to what the plan was made of."),
    MetricSpec("entrypoint_previous_exit_info", "info", ("code", "how"),
        "How this container's run before this one ended; left out where that is not known."),
    MetricSpec("entrypoint_process_cpu_seconds_total", "counter", (),
        "User and system CPU time of entrypoint itself."),
    MetricSpec("entrypoint_process_resident_memory_bytes", "gauge", (),
        "Resident memory of entrypoint itself."),
    MetricSpec("entrypoint_process_threads", "gauge", (),
        "Threads of entrypoint itself."),
    MetricSpec("entrypoint_process_open_fds", "gauge", (),
        "Open file descriptors of entrypoint itself."),
    MetricSpec("entrypoint_container_memory_usage_bytes", "gauge", (),
        "Memory that the container uses, page cache included."),
    MetricSpec("entrypoint_container_memory_working_set_bytes", "gauge", (),
        "Memory that the container uses, without the page cache that can be dropped at once."),
    MetricSpec("entrypoint_container_memory_limit_bytes", "gauge", (),
        "Memory limit of the container; left out where there is none."),
    MetricSpec("entrypoint_container_cpu_seconds_total", "counter", (),
        "CPU time that the container has used."),
    MetricSpec("entrypoint_container_cpu_limit", "gauge", (),
        "CPU quota of the container in CPUs; left out where there is none."),
    MetricSpec("entrypoint_container_cpu_periods_total", "counter", (),
        "Periods of the CPU quota in which the container wanted to run."),
    MetricSpec("entrypoint_container_cpu_throttled_periods_total", "counter", (),
        "Periods in which the container used up its CPU quota and was held up."),
    MetricSpec("entrypoint_container_cpu_throttled_seconds_total", "counter", (),
        "Time for which the CPU quota held up the container, over all CPUs."),
    MetricSpec("entrypoint_java_thrashing", "gauge", (),
        "1 while java's time goes into full collections that free nothing, else 0."),
    MetricSpec("entrypoint_java_thrashing_episodes_total", "counter", (),
        "Times that java began to thrash."),
    MetricSpec("entrypoint_java_hung", "gauge", (),
        "1 while java is stopped or does not answer, else 0."),
    MetricSpec("entrypoint_java_hung_episodes_total", "counter", (),
        "Times that java began to hang."),
    MetricSpec("entrypoint_jvm_metrics_up", "gauge", (),
        "1 when the JVM's counters (hsperfdata) can be read, else 0; left out without a child."),
    MetricSpec("entrypoint_jvm_attach_up", "gauge", (),
        "1 when the JVM answers by the attach protocol, else 0; left out where it is not asked."),
    MetricSpec("process_cpu_seconds_total", "counter", (),
        "User and system CPU time of the child."),
    MetricSpec("process_start_time_seconds", "gauge", (),
        "Unix time at which the child started."),
    MetricSpec("process_resident_memory_bytes", "gauge", (),
        "Resident memory of the child."),
    MetricSpec("process_virtual_memory_bytes", "gauge", (),
        "Virtual memory of the child."),
    MetricSpec("process_threads", "gauge", (),
        "Threads of the child."),
    MetricSpec("process_open_fds", "gauge", (),
        "Open file descriptors of the child."),
    MetricSpec("process_max_fds", "gauge", (),
        "Limit of open file descriptors of the child."),
)  # fmt: skip
"""In the order in which they are shown. `process_*` are java's, named as java's own client names
them, so that existing dashboards work; ours carry `entrypoint_`."""


def reference() -> str:
    """Return the table as Markdown, for docs/reference/metrics.md."""
    return _table(
        ("Metric", "Type", "Labels", "Meaning"),
        [(f"`{spec.name}`", spec.kind, _listed(spec.labels), spec.help) for spec in METRICS],
    )


def jvm_reference() -> str:
    """Return the JVM's metrics as Markdown, with their name in each vocabulary."""
    from entrypoint.jvm.metrics import JVM_METRICS, VOCABULARIES  # noqa: PLC0415

    return _table(
        (*VOCABULARIES, "Type", "Labels", "Meaning"),
        [
            (
                *(f"`{name}`" if name else "-" for name in metric.names),
                metric.kind,
                _listed(metric.labels),
                metric.help,
            )
            for metric in JVM_METRICS
        ],
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines) + "\n"


def _listed(labels: tuple[str, ...]) -> str:
    return ", ".join(f"`{label}`" for label in labels)
