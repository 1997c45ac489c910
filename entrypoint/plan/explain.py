"""Printing a plan for people: what will happen, and where each value comes from.

Here: text only, from values only. Widths: 100 columns, unless a value is longer. Colour marks what the text
already says, and only when the caller asks for it.
"""

from __future__ import annotations

import textwrap

from entrypoint.errors import printable
from entrypoint.records import record
from entrypoint.settings.masking import mask_url, mask_words
from entrypoint.values import format_duration, format_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from entrypoint.plan.model import CheckPlan, Launch, Plan, Registration

WIDTH = 100
_LABEL = 15
_ORIGIN = 52


@record
class Style:
    """How to mark text: with terminal colours, or not at all."""

    colour: bool = False

    def heading(self, text: str) -> str:
        """Mark a heading."""
        return f"\033[1m{text}\033[0m" if self.colour and text.strip() else text

    def faint(self, text: str) -> str:
        """Mark what is said aside."""
        return f"\033[2m{text}\033[0m" if self.colour and text else text

    def warn(self, text: str) -> str:
        """Mark what the reader should look at."""
        return f"\033[33m{text}\033[0m" if self.colour else text


def explain_plan(plan: Plan, style: Style | None = None) -> str:
    """Return the plan as text, one paragraph a subject."""
    style = style or Style()
    paragraphs = (
        _head(plan, style),
        _memory(plan, style),
        _command(plan, style),
        _files(plan, style),
        _questions(plan, style),
        _remarks(plan, style),
    )
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines) + "\n"


def _head(plan: Plan, style: Style) -> list[str]:
    launch, facts = plan.launch, plan.facts
    name = f"{launch.name} {plan.profile_version}".strip()
    # A built-in profile has a bare name; what it extends is of no interest to whoever runs it.
    own = [source for source in plan.profile_sources if "/" in source]
    built_in = ["built-in"] if f"{launch.name}.yaml" in plan.profile_sources else []
    sources = " + ".join([*built_in, *own])
    lines = [f"{style.heading(name)}   profile {sources}   plan {launch.digest}"]
    if plan.jdk is not None:
        supported = f"   supported {plan.supported}" if plan.supported else ""
        jdk = printable(f"{plan.jdk.version} {plan.jdk.vendor} at {plan.jdk.home}")
        lines.append(_row("JDK", f"{jdk}{supported}", style))
    limit = (
        "no memory limit"
        if facts.memory_limit is None
        else f"memory {format_size(facts.memory_limit)}"
    )
    group = f" (cgroup {facts.cgroup})" if facts.cgroup else ""
    cpus = f"   cpu {facts.cpus:g}" if facts.cpus else ""
    root = "   root filesystem read-only" if facts.read_only_root else ""
    lines.append(_row("container", f"{limit}{group}{cpus}   uid {facts.uid}{root}", style))
    return lines


def _memory(plan: Plan, style: Style) -> list[str]:
    if not plan.memory:
        return []
    lines = [style.heading("Memory") + "          MiB   from"]
    for row in plan.memory:
        size = "-" if row.size is None else str(row.size >> 20)
        lines.append(f"  {row.region:<11} {size:>5}   {row.origin}".rstrip())
    return lines


def _command(plan: Plan, style: Style) -> list[str]:
    lines = [f"{style.heading('Command')} (in {printable(plan.launch.cwd)})"]
    first, *rest = plan.command
    indent = "  " + " " * 5
    lines.append(f"  {printable(first.words[0])}")
    for part in rest:
        origin = part.origin
        for line in _fold(map(printable, mask_words(part.words)), _ORIGIN - len(indent)):
            lines.append(f"{indent}{line:<{_ORIGIN - len(indent)}}  {style.faint(origin)}".rstrip())
            origin = ""
    for note in plan.notes:
        text = f"{note.text} ({note.origin})" if note.origin else note.text
        lines.extend(style.warn(line) for line in wrapped("note", mask_url(text), "  ", 5))
    return lines


def _fold(words: Iterable[str], width: int) -> Iterator[str]:
    """Yield the words in lines of that width; an option and the word that it takes stay together."""
    line = ""
    for word in words:
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    if line:
        yield line


def _files(plan: Plan, style: Style) -> list[str]:
    if not plan.files and not plan.folders and not plan.launch.diagnosis.folder:
        return []
    lines = [style.heading("Files")]
    shown = [(printable(file.target), file.mode, printable(file.summary)) for file in plan.files]
    width = max((len(target) for target, _, _ in shown), default=0)
    for target, mode, summary in shown:
        line = f"  {target:<{width}}   {mode:04o}   {summary}"
        if len(line) > WIDTH:
            line = f"  {target:<{width}}   {mode:04o}\n{'':<{_LABEL}}{summary}"
        lines.append(line)
    lines.extend(f"  {printable(folder)}/   created when absent" for folder in plan.folders)
    kept = plan.launch.diagnosis
    if kept.folder:
        what = "crash logs, heap dumps, GC logs" if kept.heap_dumps else "crash logs, GC logs"
        lines.append(
            f"  {printable(kept.folder)}/   {what}: the oldest go first beyond {format_size(kept.budget)}"
        )
    return lines


def _port(launch: Launch) -> str:
    """Return where we answer, and what all but the probes ask for."""
    if not launch.listen:
        return "off"
    asked = (("token", launch.protection.token), ("TLS", launch.protection.certificate))
    names = " and ".join(name for name, value in asked if value)
    text = f"{printable(launch.listen)}   /startupz /readyz /livez /metrics"
    return f"{text}   all but probes: {names}" if names else text


def _questions(plan: Plan, style: Style) -> list[str]:
    launch = plan.launch
    lines: list[str] = _registration(launch.registration, style)
    for label, gate in zip(_labels("Before start"), launch.gates, strict=False):
        often = f"at most {format_duration(gate.at_most)}"
        lines.extend(_question(label, gate, often, style))
    lines.append(_row("Probes", _port(launch), style))
    for label, check in zip(_labels("Checks"), launch.checks, strict=False):
        roles = ", ".join(check.roles)
        lost = f", lost after {format_duration(check.lost_after)}" if check.lost_after else ""
        often = f"every {format_duration(check.interval)}, fails after {check.failures}{lost}"
        lines.extend(_question(label, check, f"{often}: {roles}", style))
    for label, note in zip(_labels("Left out"), plan.left_out, strict=False):
        lines.extend(_rows(label, f"{note.text}: {note.origin}", style))
    lines.append(_row("Stop", _ladder(plan), style))
    return lines


def _registration(asked: Registration | None, style: Style) -> list[str]:
    if asked is None:
        return []
    aside = style.faint(f"at most {format_duration(asked.at_most)}")
    assigns = (
        f"assigns {', '.join(asked.pending)}" if asked.pending else "keeps its entry up to date"
    )
    target = printable(asked.target)
    lines = [_row("Registers", f"{asked.integration} at {target}   {aside}", style)]
    lines += _rows("", assigns, style)
    if asked.resumes:
        lines.append(_row("", "what ran at the stop is resumed when ready", style))
    return lines


def _question(label: str, check: CheckPlan, often: str, style: Style) -> list[str]:
    """Return a question on one line, or on two where one would be too long."""
    asked = _row(label, f"{check.name:<14} {printable(_asked(check))}", style)
    aside = style.faint(often)
    if len(asked) + 3 + len(often) <= WIDTH:
        return [f"{asked}   {aside}"]
    return [asked, f"{'':<{_LABEL + 15}}{aside}"]


def _labels(first: str) -> Iterator[str]:
    yield first
    while True:
        yield ""


def _asked(check: CheckPlan) -> str:
    within = f"in {format_duration(check.timeout)}"
    match check.kind:
        case "http":
            return f"GET {check.target} {check.argument('status') or 200} {within}, no redirect"
        case "mysql":
            table = f", table {check.argument('table')} is there" if check.argument("table") else ""
            return f"{check.target} login {within}{table}"
        case "zookeeper" if check.argument("path"):
            return f"{check.target} {check.argument('expect') or 'present'} {within}"
        case "zookeeper":
            return f"{check.target} answers srvr {within}"
        case "file":
            wanted = check.argument("contains")
            return f"{check.target} " + (f'contains "{wanted}"' if wanted else "exists")
        case _:
            return f"{check.target} accepts {within}"


def _ladder(plan: Plan) -> str:
    steps = [step for step in plan.launch.stop if step.action != "drain" or step.wait > 0]
    text = " → ".join(
        f"{step.action.replace('-', ' ')}"
        + (f", {format_duration(step.wait)}" if step.action != "KILL" else "")
        for step in steps
    )
    total = format_duration(sum(step.wait for step in steps))
    return f"{text}   {total} of {format_duration(plan.launch.grace_period)} grace"


def _remarks(plan: Plan, style: Style) -> list[str]:
    lines: list[str] = []
    for label, note in zip(_labels("Ignored"), plan.ignored, strict=False):
        lines.extend(_rows(label, f"{note.text}   {note.origin}", style))
    for wrong, meant in plan.suggestions:
        label, text = (
            ("Did you mean", f"{wrong} → {meant}")
            if meant
            else ("Unknown", f"{wrong}: no setting has this variable")
        )
        lines.append(_row(label, printable(text), style))
    return lines


def _row(label: str, text: str, style: Style) -> str:
    return f"{style.heading(label)}{' ' * max(1, _LABEL - len(label))}{text}"


def _rows(label: str, text: str, style: Style) -> list[str]:
    """Return a row, folded under itself where it is too long."""
    first, *rest = textwrap.wrap(printable(text), WIDTH - _LABEL, break_on_hyphens=False) or [""]
    return [_row(label, first, style), *(" " * _LABEL + line for line in rest)]


def wrapped(label: str, text: str, indent: str, width: int) -> Iterable[str]:
    """Return text folded to 100 columns under a label; nothing for no text."""
    if not text:
        return []
    first = f"{indent}{label:<{width}}"
    return textwrap.wrap(
        printable(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
    )
