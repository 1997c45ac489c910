"""A real Kubernetes of one node on this machine, with nothing left of it afterwards.

`build` makes the programs, `cluster` starts and ends a cluster, `inside` is what runs in its
namespaces, `kubectl` asks any cluster. tests/cluster/README.md tells how it is made and why.
Standard library only: it is installed before the virtual environment exists.
"""
