"""The command line: its verbs and options, declared once.

Here: the argparse parser and what its help says. PID 1 never imports it (1.6 MB, 8 ms): `run` is parsed in
the helper. docs/reference/cli.md is made of it.
"""

from __future__ import annotations

import argparse

from entrypoint import __version__, plain, verb_arguments
from entrypoint.errors import EXIT_CODES, EXIT_USAGE, Problem, ProblemsError
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

SUMMARY = "A PID 1 for JVM applications in containers."

EPILOG = """\
examples:
  entrypoint                                  run the profile that ENTRYPOINT_PROFILE names
  entrypoint run otter-manager                run a built-in profile
  entrypoint run ./my-app.yaml -- --verbose   run a profile of your own, with application arguments
  entrypoint run --exec -- nginx -g 'daemon off;'
                                              a correct init for any program, without a profile
  entrypoint plan otter-manager               show what would happen, and start nothing
  entrypoint explain database.url             show where a value comes from, and what it won against
"""


@record
class Request:
    """What the command line asks for."""

    verb: str
    profile: str = ""
    overlays: tuple[str, ...] = ()
    assignments: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    output: str = "text"
    setting: str = ""
    out: str = ""
    action: str = ""
    target: str = ""
    record: str = ""
    replay: str = ""
    debug: bool = False
    pid: int | None = None
    variables: tuple[tuple[str, str], ...] = ()
    nodes: int = 0
    base: int = 0
    name: str = ""


class _Raw(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32, width=100)
        # Room for the longest verb: argparse forgets that the verbs are indented.
        self._action_max_length = 13


class _Parser(argparse.ArgumentParser):
    """An argparse parser whose errors look like all our errors, and exit with 64."""

    def __init__(self, prog: str, **settings: Any) -> None:
        super().__init__(prog=prog, formatter_class=_Raw, **settings)

    def error(self, message: str) -> NoReturn:
        details = (
            ("expected", self.format_usage().removeprefix("usage: ").strip()),
            ("fix", f"see {self.prog} --help"),
        )
        raise ProblemsError(Problem("usage", message, details, EXIT_USAGE))


def parse(argv: Sequence[str]) -> Request:
    """Return what `argv` asks for; ProblemsError (exit 64) when it is wrong, SystemExit 0 after help."""
    words = list(argv)
    arguments: tuple[str, ...] = ()
    if "--" in words:
        split = words.index("--")
        words, arguments = words[:split], tuple(words[split + 1 :])
    read, unknown = build_parser(words[0] if words else "").parse_known_args(words)
    found = vars(read)
    if unknown:
        raise ProblemsError(_unknown(found["verb"], unknown))
    return Request(
        verb=found["verb"],
        profile=found.get("profile") or "",
        overlays=tuple(found.get("overlay") or ()),
        assignments=tuple(_assignment(text) for text in found.get("set") or ()),
        arguments=arguments,
        output=found.get("output") or "text",
        setting=found.get("setting") or "",
        out=found.get("out") or "",
        action=found.get("action") or "",
        target=found.get("target") or "",
        record=found.get("record") or "",
        replay=found.get("replay") or "",
        debug=bool(found.get("debug")),
        pid=found.get("pid"),
        variables=tuple(_assignment(text, "--variable") for text in found.get("variable") or ()),
        nodes=found.get("nodes") or 0,
        base=found.get("base") or 0,
        name=found.get("name") or "",
    )


def _unknown(verb: str, words: Sequence[str]) -> Problem:
    """Return what is wrong: argparse would name the usage of the program, and not the verb's."""
    fix = f"see entrypoint {verb} --help"
    if verb == "run":
        fix = "put arguments of the application behind --; see entrypoint run --help"
    what = f"{verb} does not take {' '.join(words)}"
    return Problem("usage", what, (("fix", fix),), EXIT_USAGE)


def _assignment(text: str, switch: str = "--set") -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        details = (("expected", _ASSIGNED[switch]),)
        raise ProblemsError(
            Problem("usage", f"wrong {switch}: {name or text!r}", details, EXIT_USAGE)
        )
    return name, value


_ASSIGNED = {
    "--set": "--set NAME=VALUE, for example --set http.port=8081",
    "--variable": "--variable NAME=ENV, for example --variable admin_password=OTTER_ADMIN_PASSWORD",
}


def build_parser(verb: str = "") -> argparse.ArgumentParser:
    """Return the parser of all verbs; for `run`, where java waits for it, of that alone."""
    parser = _Parser("entrypoint", description=SUMMARY, epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"entrypoint {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    _add_run(verbs)
    if verb == "run":
        return parser
    plan = _add(
        verbs, "plan", "show what would happen, with the reasons, and start nothing", outputs=True
    )
    plan.add_argument(
        "--record", metavar="FILE", help="write what the plan is made of, secrets masked, to a file"
    )
    plan.add_argument(
        "--replay", metavar="FILE", help="make the plan of a recording instead of this container"
    )
    explain = _add(
        verbs,
        "explain",
        "show where a setting's value comes from",
        outputs=True,
        profile="--profile",
    )
    explain.add_argument(
        "setting",
        nargs="?",
        metavar="SETTING",
        help="name, variable or property key of a setting; default: all",
    )
    render = _add(verbs, "render", "write the application's files to a folder, and start nothing")
    render.add_argument("--out", required=True, metavar="DIR", help="folder to write to")
    _add(verbs, "check", "ask every gate once, and say what it answers", outputs=True)
    verb_arguments.add_probe(verbs)
    verb_arguments.add_status(verbs)
    verb_arguments.add_diagnose(verbs)
    verb_arguments.add_manifests(verbs)
    summary = "load a file of SQL into the application's database, once"
    verb_arguments.fill_database(_add(verbs, "database", summary, profile="--profile"))
    profiles = verbs.add_parser(
        "profiles",
        help="list, show or validate profiles",
        description="List, show or validate profiles.",
    )
    profiles.add_argument(
        "action",
        choices=["list", "show", "validate"],
        nargs="?",
        default="list",
        help="default: list",
    )
    profiles.add_argument("target", nargs="?", metavar="PROFILE", help="name or path of a profile")
    profiles.add_argument("--debug", action="store_true", help="show tracebacks of our own bugs")
    verbs.add_parser(
        "schema",
        help="print the JSON Schema of a profile, for editors",
        description="Print the JSON Schema of a profile, for editors.",
    )
    verbs.add_parser("version", help="print the version", description="Print the version.")
    return parser


def _add(
    verbs: argparse._SubParsersAction[_Parser],
    name: str,
    summary: str,
    *,
    outputs: bool = False,
    profile: str = "profile",
) -> argparse.ArgumentParser:
    description = summary[0].upper() + summary[1:] + "."
    parser = verbs.add_parser(name, help=summary, description=description)
    text = "name of a built-in profile, or path of a YAML file; default: $ENTRYPOINT_PROFILE"
    if profile == "profile":
        parser.add_argument("profile", nargs="?", metavar="PROFILE", help=text)
    else:
        parser.add_argument(profile, metavar="PROFILE", help=text)
    parser.add_argument(
        "--overlay",
        action="append",
        metavar="FILE",
        help="YAML merged over the profile (repeatable); default: /etc/entrypoint/profile.yaml, if it exists",
    )
    parser.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="give a setting this value; wins over everything (repeatable)",
    )
    if outputs:
        parser.add_argument(
            "-o",
            "--output",
            choices=["text", "json", "yaml"],
            default="text",
            help="form of the output; default: text",
        )
    parser.add_argument("--debug", action="store_true", help="show tracebacks of our own bugs")
    return parser


def _add_run(verbs: argparse._SubParsersAction[_Parser]) -> None:
    run = _add(verbs, "run", "run an application as PID 1 (the default verb)")
    run.usage = (
        "entrypoint run [PROFILE] [--overlay FILE] [--set NAME=VALUE] [-- application arguments]\n"
        "       entrypoint run --exec [switches] -- command [arguments]"
    )
    codes = "\n".join(f"  {code:<7} {meaning}" for code, _, meaning in EXIT_CODES)
    run.epilog = f"exit codes:\n{codes}"
    mode = run.add_argument_group(
        "plain mode", "a correct init for any program; no profile, no HTTP"
    )
    mode.add_argument("--exec", action="store_true", help="run a command instead of a profile")
    for short, long, value, text in plain.SWITCHES:
        if value:
            mode.add_argument(short, long, metavar=value, help=text)
        else:
            mode.add_argument(short, long, action="store_true", help=text)
