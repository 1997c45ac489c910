"""Who listens in the JVM's place gets no question, and what it says is not believed."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from entrypoint.system.attach import AttachError, attach


def test_another_process_of_the_same_user_cannot_answer_for_the_jvm() -> None:
    jvm = subprocess.Popen(["sleep", "300"])
    path = Path(f"/tmp/.java_pid{jvm.pid}")
    with socket.socket(socket.AF_UNIX) as impostor:
        try:
            impostor.bind(str(path))
            impostor.listen()
            found = attach(jvm.pid, may_signal=False)
            with pytest.raises(AttachError, match=f"belongs to pid {os.getpid()} of user"):
                found.jcmd("VM.version")
            connection, _ = impostor.accept()
            with connection:
                assert connection.recv(100) == b""
        finally:
            path.unlink(missing_ok=True)
            jvm.kill()
            jvm.wait()


def test_what_is_no_socket_of_its_user_is_not_asked() -> None:
    jvm = subprocess.Popen(["sleep", "300"])
    path = Path(f"/tmp/.java_pid{jvm.pid}")
    try:
        path.write_text("")
        with pytest.raises(AttachError, match="did not open its socket"):
            attach(jvm.pid, may_signal=False)
        path.unlink()
        path.symlink_to("/dev/log")
        with pytest.raises(AttachError, match="did not open its socket"):
            attach(jvm.pid, may_signal=False)
    finally:
        path.unlink(missing_ok=True)
        jvm.kill()
        jvm.wait()
