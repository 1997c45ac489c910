"""A whole otter on loopback, for `./run`: MariaDB, ZooKeeper, the manager and its nodes under entrypoint.

Here: where the distribution comes from, which ports are used, the order of start and stop, what is shown.
Not here: anything that the product needs. The servers come from the test lab (`tests/lab`).
"""
