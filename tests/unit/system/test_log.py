from __future__ import annotations

import json
import os

from entrypoint.errors import Problem
from entrypoint.system.log import QUEUE_LINES, Log, format_line


def read_all(descriptor: int) -> str:
    os.set_blocking(descriptor, False)
    data = b""
    while True:
        try:
            part = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return data.decode()
        if not part:
            return data.decode()
        data += part


def test_a_text_line_quotes_what_needs_it() -> None:
    fields = {"from_": "a", "says": 'two "words"\n', "since_start": "1s", "empty": ""}
    line = format_line(0.5, "text", "info", "Phase changed", fields)
    assert line == (
        "1970-01-01T00:00:00.500Z [entrypoint] info Phase changed"
        ' from=a says="two \\"words\\"\\n" since-start=1s empty=""\n'
    )


def test_a_json_line_is_json_whatever_the_values() -> None:
    fields: dict[str, object] = {"says": 'ü"\n\x00', "code": 70, "ok": True, "none": None, "s": 1.5}
    found = json.loads(format_line(0, "json", "error", "Exited", fields))
    assert found["says"] == 'ü"\n\x00'
    assert (found["code"], found["ok"], found["none"], found["s"]) == (70, True, None, 1.5)
    assert found["level"] == "error"


def test_levels_below_the_chosen_one_are_left_out() -> None:
    reader, writer = os.pipe()
    log = Log(writer, level="warning")
    log.debug("no")
    log.info("no")
    log.warning("yes")
    log.error("yes")
    log.flush(5)
    assert read_all(reader).count("yes") == 2


def test_problems_are_told_in_full_in_both_forms() -> None:
    problem = Problem("x-y", "it is wrong", (("where", "a:1"), ("fix", "mend it")))
    reader, writer = os.pipe()
    log = Log(writer)
    log.problems((problem,))
    log.configure("json", "info")
    log.problems((problem,))
    log.flush(5)
    text = read_all(reader)
    assert "entrypoint: it is wrong" in text
    assert "  fix       mend it\n" in text
    assert json.loads(text.splitlines()[-1])["problem"] == "x-y"


def test_a_full_pipe_holds_nobody_up_and_what_is_lost_is_counted_and_told() -> None:
    reader, writer = os.pipe()
    log = Log(writer)
    big = "x" * 1000
    for _ in range(QUEUE_LINES + 200):
        log.info(big)
    assert log.dropped > 0
    dropped = log.dropped
    text = ""
    while "Dropped log lines" not in text:
        text += read_all(reader)
        log.info("after")
        log.flush(0.05)
    assert f"lines={dropped}" in text or "Dropped log lines lines=" in text


def test_a_closed_descriptor_is_no_reason_to_fail() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    log = Log(writer)
    log.info("lost")
    log.flush(5)
    assert log.dropped == 1
