"""What a person sees: one line a component, redrawn on a terminal, written once per change elsewhere."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass

SIGNS = {"planned": "·", "working": "…", "good": "✓", "bad": "✗", "over": "-"}
PLAIN_SIGNS = {"planned": ".", "working": "~", "good": "+", "bad": "!", "over": "-"}
COLOURS = {"good": "32", "bad": "31", "working": "33", "planned": "2", "over": "2"}
WIDTH = 100


@dataclass
class Line:
    """What is shown of one component."""

    name: str
    address: str
    state: str = "planned"
    text: str = ""
    since: float = 0.0
    timed: bool = False


class Board:
    """Shows the state of everything; lines never scroll away from each other on a terminal."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._colour = self._terminal and not os.environ.get("NO_COLOR")
        wide = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        self._signs = SIGNS if wide else PLAIN_SIGNS
        self._lines: list[Line] = []
        self._drawn = 0
        self._began = time.monotonic()

    def say(self, text: str = "") -> None:
        """Write lines that stay, above the board."""
        self._erase()
        print(text, flush=True)
        self._draw()

    def add(self, name: str, address: str, text: str) -> None:
        """Add a component that is not started yet."""
        self._lines.append(Line(name, address, text=text))
        self._draw()

    def set(self, name: str, state: str, text: str, *, timed: bool = False) -> None:
        """Change what is shown of a component; `timed` shows for how long it has been so."""
        line = next(line for line in self._lines if line.name == name)
        if (line.state, line.text) == (state, text):
            return
        if line.state != state:
            line.since = time.monotonic()
        line.state, line.text, line.timed = state, text, timed
        if self._terminal:
            self._draw()
        else:
            print(f"{time.monotonic() - self._began:6.1f} s  {self._format(line)}", flush=True)

    def move(self, name: str, address: str) -> None:
        """Tell the address of a component that had none."""
        next(line for line in self._lines if line.name == name).address = address

    def tick(self) -> None:
        """Draw again, for the times."""
        self._draw()

    def close(self) -> None:
        """Leave what is drawn where it is; lines that follow are below it."""
        self._lines, self._drawn = [], 0

    def paint(self, text: str, colour: str) -> str:
        """Return the text in a colour, where colours are shown."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour else text

    def _draw(self) -> None:
        if not self._terminal:
            return
        try:
            width = min(WIDTH, os.get_terminal_size().columns)
        except OSError:
            width = WIDTH
        self._erase()
        for line in self._lines:
            text = self._format(line)
            if len(text) >= width:
                text = text[: width - 2] + "…"
            sign = text[2]
            painted = text[:2] + self.paint(sign, COLOURS[line.state]) + text[3:]
            sys.stdout.write(painted + "\n")
        self._drawn = len(self._lines)
        sys.stdout.flush()

    def _erase(self) -> None:
        if self._terminal and self._drawn:
            sys.stdout.write(f"\x1b[{self._drawn}F\x1b[J")
            self._drawn = 0

    def _format(self, line: Line) -> str:
        took = ""
        if self._terminal and line.timed and time.monotonic() - line.since >= 1:
            took = f"  {time.monotonic() - line.since:.0f} s"
        return f"  {self._signs[line.state]} {line.name:<10} {line.address:<16} {line.text}{took}"
