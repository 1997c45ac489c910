"""Tests on a real Kubernetes; README.md tells how it is made."""
