"""ANSWER: probes for the kubelet and metrics for Prometheus. Nothing here decides anything."""
