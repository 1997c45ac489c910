"""What entrypoint runs in these tests: a program of a few lines that plays the part it is told.

report [NUMBER…]   prints "ready", then "got N" for each signal; TERM ends it, unless NUMBER… names
                   the signals that end it (0: none does)
stubborn           ignores TERM and prints "ready"
catch-quit         ignores TERM; prints "thread dump" on QUIT, as a JVM does
orphans N          leaves N orphans that end at once, prints "orphans done", then waits for TERM
straggler WHAT     leaves a process behind and exits 5 when it runs; WHAT: plain, session, stubborn
daemon WHAT        what a straggler leaves behind
status             prints its own /proc/self/status and exits
hog                takes memory until it is killed
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import NoReturn


def say(text: str) -> None:
    os.write(1, text.encode() + b"\n")


def report(*enders: str) -> NoReturn:
    ends = {int(number) for number in enders} or {int(signal.SIGTERM)}
    everything = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_SETMASK, everything)
    say("ready")
    while True:
        number = signal.sigwaitinfo(everything).si_signo
        say(f"got {int(number)}")
        if number in ends:
            signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            os.kill(os.getpid(), number)


def stubborn() -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("ready")
    while True:
        time.sleep(60)


def catch_quit() -> NoReturn:
    signal.signal(signal.SIGQUIT, lambda *_: say("thread dump"))
    stubborn()


def orphans(count: str) -> None:
    """Fork a child for each orphan, which forks it and ends at once."""
    for _ in range(int(count)):
        child = os.fork()
        if child == 0:
            os.fork()
            os._exit(0)
        os.waitpid(child, 0)
    say("orphans done")
    signal.pause()


def straggler(what: str) -> NoReturn:
    read, write = os.pipe()
    os.set_inheritable(write, True)
    if os.fork() == 0:
        if what == "session":
            os.setsid()
        os.execv(sys.executable, [sys.executable, "-I", "-S", __file__, "daemon", what, str(write)])
    os.close(write)
    os.read(read, 1)
    os._exit(5)


def obey(*_: object) -> NoReturn:
    say("straggler got TERM")
    os._exit(0)


def daemon(what: str, write: str) -> NoReturn:
    if what == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, obey)
    os.write(int(write), b"!")
    os.close(int(write))
    while True:
        time.sleep(60)


def status() -> None:
    with open("/proc/self/status") as file:
        os.write(1, file.read().encode())


def hog() -> None:
    """Take memory; nothing of it can be shared or swapped."""
    taken = []
    say("ready")
    while True:
        taken.append(os.urandom(1 << 20))


if __name__ == "__main__":
    globals()[sys.argv[1].replace("-", "_")](*sys.argv[2:])
