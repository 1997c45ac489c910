"""entrypoint: a PID 1 for JVM applications in containers."""

__version__ = "0.1.0"

VERBS = (
    "plan",
    "explain",
    "render",
    "check",
    "probe",
    "profiles",
    "schema",
    "status",
    "diagnose",
    "database",
    "manifests",
    "version",
    "help",
)
"""The verbs beside `run`: here, since PID 1 asks for them before it imports anything."""
