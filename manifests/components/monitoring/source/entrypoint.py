"""The dashboard of entrypoint itself: phases, checks, gates, stops, and what PID 1 costs."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from source.panels import (
    FAILED_OK,
    NO_YES,
    PHASES,
    POD,
    WAITING_PASSED,
    graph,
    number,
    of,
    page,
    phases,
    rate,
    timeline,
)

CHECK = "{{pod}} {{check}}"
GATE = "{{pod}} {{gate}}"
START = of("entrypoint_start_time_seconds")
BAD = ((1, "orange"), (3, "red"))


def dashboard() -> Dashboard:
    """Return the dashboard."""
    return page(
        "entrypoint",
        "entrypoint / Lifecycle",
        "How containers start, stay ready and stop, and what their PID 1 costs.",
        {
            "Now": (
                number("Ready", "Whether /readyz answers 200.", of("entrypoint_ready"),
                    words=NO_YES),
                number("Started", "Time since entrypoint started.", f"time() - {START}", unit="s"),
                number("Restarts", "Of the container, in the time shown.",
                    f"changes({START}[$__range])", steps=BAD),
                number("Run before this one", "How it ended, where the run directory remembers it.",
                    of("entrypoint_previous_exit_info"), legend="{{pod}}: {{code}} {{how}}",
                    names=True),
                number("Runs", "Profile, version and the plan's digest.", of("entrypoint_info"),
                    legend="{{pod}}: {{profile}}, {{version}}, plan {{plan}}", width=8, names=True),
            ),
            "Start and phases": (
                timeline("Phase", "The phase of each pod.", {POD: phases()}, PHASES, width=12),
                timeline("Ready", "Whether /readyz answers 200.", {POD: of("entrypoint_ready")},
                    NO_YES, width=12),
                graph("Start: how long after the beginning", "When each phase began.",
                    {"{{pod}} {{phase}}": f"{of('entrypoint_phase_start_time_seconds')}"
                        f" - on (job, instance) group_left () {START}"}, unit="s"),
                timeline("Gates", "What is waited for before java starts.",
                    {GATE: of("entrypoint_gate_passed")}, WAITING_PASSED),
                graph("Gates: time waited", "Until the gate passed or its time was up.",
                    {GATE: of("entrypoint_gate_wait_seconds")}, unit="s"),
            ),
            "Checks": (
                timeline("Checks", "By check; nothing before its first answer.",
                    {CHECK: of("entrypoint_check_up")}, FAILED_OK),
                graph("Time to answer", "Of the last answer of each check.",
                    {CHECK: of("entrypoint_check_duration_seconds")}, unit="s"),
                graph("Failed answers", "Share of wrong answers, before the threshold of the check.",
                    {CHECK: "sum by (namespace, pod, check) ("
                        + rate("entrypoint_check_runs_total", 'result="failed"')
                        + ") / sum by (namespace, pod, check) ("
                        + rate("entrypoint_check_runs_total") + ")"},
                    unit="percentunit", maximum=1),
                graph("Changes", "Times that a check went from ok to failed or back.",
                    {CHECK: f"increase({of('entrypoint_check_changes_total')}[$__rate_interval])"}),
                graph("Gates asked", "Times that each gate was asked.",
                    {GATE: of("entrypoint_gate_attempts_total")}),
                timeline("Java", "Whether java is alive.", {POD: of("entrypoint_child_up")},
                    NO_YES),
            ),
            "Stop": (
                graph("Stop", "Time the stop has taken, beside the time that Kubernetes gives.", {
                    "{{pod}} taken": of("entrypoint_stop_duration_seconds"),
                    "{{pod}} given": of("entrypoint_stop_grace_period_seconds"),
                }, unit="s"),
                graph("Signals", "Sent to java since the start.",
                    {"{{pod}} {{signal}}": of("entrypoint_signals_total")}),
                graph("Out-of-memory kills", "Processes that the kernel killed in the container.",
                    {POD: of("entrypoint_oom_kills_total")}, steps=((1, "red"),)),
            ),
            "PID 1's own cost": (
                graph("CPU", "CPUs that entrypoint itself uses.",
                    {POD: rate("entrypoint_process_cpu_seconds_total")}),
                graph("Memory", "Resident memory of entrypoint itself.",
                    {POD: of("entrypoint_process_resident_memory_bytes")}, unit="bytes"),
                graph("Threads and files", "Of entrypoint itself.", {
                    "{{pod}} threads": of("entrypoint_process_threads"),
                    "{{pod}} open files": of("entrypoint_process_open_fds"),
                }),
                graph("Orphans", "Processes without a parent whose exit status was collected.",
                    {POD: of("entrypoint_orphans_reaped_total")}),
                graph("Log lines dropped", "Because nobody read standard error.",
                    {POD: of("entrypoint_log_lines_dropped_total")}, steps=((1, "red"),)),
                timeline("Ways into the JVM", "Its counters, and the attach protocol.", {
                    "{{pod}} counters": of("entrypoint_jvm_metrics_up"),
                    "{{pod}} attach": of("entrypoint_jvm_attach_up"),
                }, NO_YES),
            ),
        },
    )  # fmt: skip
