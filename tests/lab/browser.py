"""A real browser without a window: the DOM that it makes of a page, and pictures of it."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--enable-logging=stderr",
)  # fmt: skip
DARK, LIGHT = 0, 1
SECONDS = 120


@dataclass(frozen=True)
class Look:
    """What came of a visit: the DOM as text, and what the page's console said."""

    dom: str
    console: tuple[str, ...]


def visit(chromium: Path, url: str, *, width: int = 1200, height: int = 1000) -> Look:
    """Load a page and return its DOM after everything has run."""
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [*_command(chromium, profile, width, height, dark=False), "--dump-dom", url],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    errors = done.stderr.decode("utf-8", "replace").splitlines()
    return Look(done.stdout.decode(), tuple(line for line in errors if "CONSOLE" in line))


def photograph(
    chromium: Path, url: str, picture: Path, *, width: int, height: int, dark: bool = False
) -> tuple[int, int]:
    """Take a picture of a page as PNG; return width and height as the file tells them."""
    with tempfile.TemporaryDirectory() as profile:
        command = _command(chromium, profile, width, height, dark)
        subprocess.run(
            [*command, f"--screenshot={picture}", url],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    head = picture.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n")
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _command(chromium: Path, profile: str, width: int, height: int, dark: bool) -> list[str]:
    scheme = DARK if dark else LIGHT
    return [
        str(chromium),
        *FLAGS,
        f"--user-data-dir={profile}",
        f"--window-size={width},{height}",
        f"--blink-settings=preferredColorScheme={scheme}",
    ]
