"""Checks: questions that we ask of dependencies and of java itself, and what they answered.

Here: one module for each kind of check, `run` that asks one of them once, `gates` that waits before
java starts, `periodic` that asks again and again while it runs. Not here: what an answer means for
readiness or for the exit code (lifecycle/), and what may be asked (profile/).
"""
