"""USR1 is taken and not passed on."""

from entrypoint.system import process

_send = process.send
process.send = lambda pid, number, group: number == 10 or _send(pid, number, group)
