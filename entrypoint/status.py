"""The verb `entrypoint status`: what the running entrypoint says of itself, once or again and again.

Here: one GET a look, and the terminal. What it says, in which words and how wide, is decided by the server:
so this is small, and says what the status page says.
"""

from __future__ import annotations

import os
import sys
import time

from entrypoint.asking import Asker, is_local
from entrypoint.errors import EXIT_OK, EXIT_USAGE
from entrypoint.probe import Question, find_server, reason
from entrypoint.records import record
from entrypoint.values import parse_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

EXIT_NO_ANSWER: Final = 1

USAGE: Final = """\
usage: entrypoint status [--watch] [--interval 2s] [--output text|json] [--timeout 2s]
                         [--address HOST:PORT] [--token-file PATH]

Shows what the entrypoint that runs in this container says of itself: phase, checks, gates, and
the JVM of the last hour. For people in a shell: kubectl exec POD -- entrypoint status
  -w, --watch    show it again and again, in place on a terminal; Ctrl-C ends
  --interval     time between two looks with --watch (2s)
  -o, --output   text, or json for programs, which has every number (text)
  --timeout      for one whole answer (2s)
  --address      where it listens (ENTRYPOINT_LISTEN, else 127.0.0.1:9404)
  --token-file   where the bearer token is (as the settings have it: ENTRYPOINT_TOKEN,
                 ENTRYPOINT_TOKEN_FILE, /run/secrets/entrypoint.token)
exit codes: 0 answered, 1 no answer, 64 wrong usage
"""

_OPTIONS: Final = ("--interval", "--output", "--timeout", "--address", "--token-file")
_MAX_ANSWER: Final = 1 << 20
_HOME: Final = "\033[H"
_REST_OF_LINE: Final = "\033[K"
_REST_OF_SCREEN: Final = "\033[J"


@record
class Look:
    """What to show: `json` or text, once or every `interval` seconds."""

    question: Question
    json: bool
    watch: bool
    interval: float
    token_file: str = ""
    knows_it: bool = True
    """Whether it is the entrypoint of this container, which may have the token."""


def main(argv: Sequence[str]) -> int:
    """Show the status and return the exit code: 0 answered, 1 no answer, 64 wrong usage."""
    if "--help" in argv or "-h" in argv:
        sys.stdout.write(USAGE)
        sys.stdout.flush()
        return EXIT_OK
    try:
        look = parse_look(argv, os.environ, _colour())
    except ValueError as error:
        sys.stderr.write(f"entrypoint: status: {error}\n{USAGE}")
        return EXIT_USAGE
    try:
        asker = Asker(os.environ, look.token_file, look.knows_it)
        return _watch(look, asker) if look.watch else _once(look, asker)
    except KeyboardInterrupt:
        return EXIT_OK
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_OK


def parse_look(argv: Sequence[str], environment: Mapping[str, str], colour: bool) -> Look:
    """Return what is asked for; raise `ValueError` with what is wrong about the arguments."""
    found: dict[str, str] = {}
    watch = False
    words = list(argv)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        name = "--output" if name == "-o" else name
        if name in _OPTIONS:
            if not equals and not words:
                raise ValueError(f"{name} needs a value")
            found[name] = value if equals else words.pop(0)
        elif word in {"--watch", "-w"}:
            watch = True
        else:
            raise ValueError(f"unknown argument {word!r}")
    output = found.get("--output", "text")
    if output not in {"text", "json"}:
        raise ValueError(f"--output is {output!r}, expected text or json")
    host, port = find_server(found.get("--address"), environment)
    path = "/status"
    if output == "text":
        path += f"?output=text&width={_width()}{'&colour=1' if colour else ''}"
    timeout = _seconds("--timeout", found.get("--timeout", "2s"))
    question = Question(path, host, port, timeout, verbose=True)
    interval = _seconds("--interval", found.get("--interval", "2s"))
    token_file = found.get("--token-file", "")
    knows_it = "--address" not in found or is_local(host)
    return Look(question, output == "json", watch, interval, token_file, knows_it)


def _once(look: Look, asker: Asker) -> int:
    text, answered = _answer(look, asker)
    (sys.stdout if answered else sys.stderr).write(text)
    sys.stdout.flush()
    return EXIT_OK if answered else EXIT_NO_ANSWER


def _watch(look: Look, asker: Asker) -> int:
    """Show it until Ctrl-C; a server that is away for a time is waited for."""
    terminal = sys.stdout.isatty() and not look.json
    first = True
    while True:
        text, _ = _answer(look, asker)
        if terminal:
            _redraw(text, clear=first)
        else:
            sys.stdout.write(text if first or look.json else f"\n{text}")
        sys.stdout.flush()
        first = False
        time.sleep(look.interval)


def _redraw(text: str, clear: bool) -> None:
    """Write over what was there: a terminal that is cleared every time flickers."""
    _, rows = _size()
    lines = text.splitlines()[: max(rows - 1, 1)]
    start = f"\033[2J{_HOME}" if clear else _HOME
    sys.stdout.write(
        start + "".join(f"{line}{_REST_OF_LINE}\n" for line in lines) + _REST_OF_SCREEN
    )


def _answer(look: Look, asker: Asker) -> tuple[str, bool]:
    """Return what to show, and whether it is an answer."""
    question = look.question
    try:
        status, body = asker.ask(question, _MAX_ANSWER)
    except (OSError, ValueError) as error:
        return _nobody(question, reason(error)), False
    if status == 401:
        return _no_token(question, look.token_file), False
    if status == 503:
        return f"entrypoint: no status yet: {body}", False
    if status != 200:
        return _nobody(question, f"it answers {status}: another program, or an older one"), False
    encoding = sys.stdout.encoding or "utf-8"
    return body.encode(encoding, "replace").decode(encoding), True


def _no_token(question: Question, token_file: str) -> str:
    return (
        f"entrypoint: no status from {question.host}:{question.port}: it asks for a bearer token\n"
        f"  looked at  {token_file or '$ENTRYPOINT_TOKEN, $ENTRYPOINT_TOKEN_FILE, /run/secrets'}\n"
        "  fix        name the file that holds the token with --token-file\n"
    )


def _nobody(question: Question, why: str) -> str:
    host = f"[{question.host}]" if ":" in question.host else question.host
    return (
        f"entrypoint: no status from {host}:{question.port}: {why}\n"
        "  looked at  --address, $ENTRYPOINT_LISTEN, then 127.0.0.1:9404\n"
        "  expected   a running entrypoint with a profile: plain mode (--exec) has no status\n"
        "  fix        run it in the container: kubectl exec POD -- entrypoint status; or name\n"
        "             the address with --address\n"
    )


def _seconds(name: str, text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise ValueError(f"{name} is {text!r}, expected {error}") from None
    if seconds <= 0:
        raise ValueError(f"{name} has to be more than 0")
    return seconds


def _colour() -> bool:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def _width() -> int:
    return _size()[0] if sys.stdout.isatty() else 100


def _size() -> tuple[int, int]:
    try:
        columns, rows = os.get_terminal_size(1)
    except OSError:
        return 100, 40
    # A terminal that does not tell its size says 0.
    return columns or 100, rows or 40
