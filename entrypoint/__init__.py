"""entrypoint: a PID 1 for JVM applications in containers."""

__version__ = "0.1.0"
