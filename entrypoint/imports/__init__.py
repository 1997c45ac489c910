"""LIGHTER imports of libraries: what java or PID 1 would otherwise pay for, in time or memory.

Here: the only places that touch the import system. Each falls back to the plain import.
"""
