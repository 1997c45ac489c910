"""The dashboard of the JVM: memory, garbage collection, threads, classes, CPU, and the container around it.

The names are those of client_java 1.x, which `metrics.names` has by default.
"""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from source.panels import NO_YES, POD, graph, number, of, page, rate, timeline

HEAP = 'area="heap"'
OUTSIDE = 'pool=~"Metaspace|Compressed Class Space|Code.*"'
INSIDE = OUTSIDE.replace("=~", "!~")
HEAP_USED = of("jvm_memory_used_bytes", HEAP)
HEAP_MAX = of("jvm_memory_max_bytes", HEAP)
FLOOR = f"min_over_time({HEAP_USED}[15m])"
GC_SHARE = f"sum by (namespace, pod) ({rate('jvm_gc_collection_seconds_sum')})"
WORKING_SET = of("entrypoint_container_memory_working_set_bytes")
LIMIT = of("entrypoint_container_memory_limit_bytes")
WELL = {0: ("no", "green"), 1: ("yes", "red")}
FULL = ((0.8, "orange"), (0.95, "red"))


def dashboard() -> Dashboard:
    """Return the dashboard."""
    return page(
        "entrypoint-jvm",
        "entrypoint / JVM",
        "Java as its own counters, the kernel and the container's control group show it.",
        {
            "Now": (
                number("Heap used", "Heap in use, of the most that it may become.",
                    f"{HEAP_USED} / {HEAP_MAX}", unit="percentunit", steps=FULL),
                number("Heap after GC",
                    "The least heap that was in use in the last 15 minutes: what a collection leaves.",
                    f"{FLOOR} / {HEAP_MAX}", unit="percentunit", steps=FULL),
                number("Time in GC", "Share of time that collections take.", GC_SHARE,
                    unit="percentunit", steps=((0.1, "orange"), (0.5, "red"))),
                number("Container memory", "Working set, of the limit. At 100% the kernel kills.",
                    f"{WORKING_SET} / {LIMIT}", unit="percentunit",
                    steps=((0.9, "orange"), (0.97, "red"))),
                number("Up for", "Time since the JVM began to start.", of("jvm_uptime_seconds"),
                    unit="s"),
                number("Counters readable", "Whether the JVM's counters (hsperfdata) can be read.",
                    of("entrypoint_jvm_metrics_up"), words=NO_YES),
            ),
            "Memory": (
                graph("Heap", "Used, committed and the most it may become.", {
                    "{{pod}} used": HEAP_USED,
                    "{{pod}} committed": of("jvm_memory_committed_bytes", HEAP),
                    "{{pod}} max": HEAP_MAX,
                }, unit="bytes"),
                graph("Heap by pool", "Used, by memory pool.",
                    {"{{pod}} {{pool}}": of("jvm_memory_pool_used_bytes", INSIDE)},
                    unit="bytes", stacked=True),
                graph("Outside the heap by pool",
                    "Metaspace holds the class space too; code heaps need the attach protocol.",
                    {"{{pod}} {{pool}}": of("jvm_memory_pool_used_bytes", OUTSIDE)}, unit="bytes"),
                graph("Resident memory and the limit",
                    "What the kernel counts. The limit is the container's, where it has one.", {
                        "{{pod}} java resident": of("process_resident_memory_bytes"),
                        "{{pod}} working set": WORKING_SET,
                        "{{pod}} usage with page cache":
                            of("entrypoint_container_memory_usage_bytes"),
                        "{{pod}} limit": LIMIT,
                    }, unit="bytes", width=16),
                graph("Heap after GC", "The least in use in 15 minutes. Rising without end: a leak.",
                    {POD: f"{FLOOR} / {HEAP_MAX}"}, unit="percentunit", maximum=1,
                    steps=((0.9, "red"),)),
            ),
            "Garbage collection": (
                graph("Share of time", "Time in collections, by collector.",
                    {"{{pod}} {{gc}}": rate("jvm_gc_collection_seconds_sum")}, unit="percentunit",
                    steps=((0.1, "orange"), (0.5, "red"))),
                graph("Collections per second", "By collector.",
                    {"{{pod}} {{gc}}": rate("jvm_gc_collection_seconds_count")}, unit="ops"),
                graph("Mean length of a collection", "By collector; nothing where there was none.",
                    {"{{pod}} {{gc}}": f"{rate('jvm_gc_collection_seconds_sum')}"
                        f" / {rate('jvm_gc_collection_seconds_count')}"}, unit="s"),
            ),
            "Threads, classes, compiler": (
                graph("Threads", "Alive now, daemons among them, and the most at once.", {
                    "{{pod}} live": of("jvm_threads_current"),
                    "{{pod}} daemon": of("jvm_threads_daemon"),
                    "{{pod}} peak": of("jvm_threads_peak"),
                }),
                graph("Classes", "Loaded now. Rising without end: a class loader leak.",
                    {POD: of("jvm_classes_currently_loaded")}),
                graph("Classes loaded and unloaded", "Per second.", {
                    "{{pod}} loaded": rate("jvm_classes_loaded_total"),
                    "{{pod}} unloaded": rate("jvm_classes_unloaded_total"),
                }, unit="ops"),
                graph("Threads started", "Per second. Many: a pool is missing.",
                    {POD: rate("jvm_threads_started_total")}, unit="ops"),
                graph("Time at safepoints", "Share of time for which all Java threads stand still.", {
                    "{{pod}} stopped": rate("jvm_safepoint_seconds_total"),
                    "{{pod}} getting there": rate("jvm_safepoint_sync_seconds_total"),
                }, unit="percentunit"),
                graph("Compiling", "CPU that the JIT compilers use.",
                    {POD: rate("jvm_compilation_time_seconds_total")}, unit="percentunit"),
            ),
            "Trouble": (
                timeline("Thrashing", "Time goes into full collections that free nothing.",
                    {POD: of("entrypoint_java_thrashing")}, WELL, width=12),
                timeline("Hung", "Java is stopped, or does not answer and uses no CPU.",
                    {POD: of("entrypoint_java_hung")}, WELL, width=12),
            ),
            "CPU, throttling, files": (
                graph("CPU", "CPUs in use, and the quota where there is one.", {
                    "{{pod}} java": rate("process_cpu_seconds_total"),
                    "{{pod}} container": rate("entrypoint_container_cpu_seconds_total"),
                    "{{pod}} limit": of("entrypoint_container_cpu_limit"),
                }),
                graph("Throttled", "Share of the quota's periods in which the container was held up.",
                    {POD: f"{rate('entrypoint_container_cpu_throttled_periods_total')}"
                        f" / {rate('entrypoint_container_cpu_periods_total')}"},
                    unit="percentunit", maximum=1, steps=((0.25, "orange"),)),
                graph("Open files", "Open file descriptors, of those allowed.",
                    {POD: f"{of('process_open_fds')} / {of('process_max_fds')}"},
                    unit="percentunit", steps=((0.8, "red"),)),
            ),
        },
    )  # fmt: skip
