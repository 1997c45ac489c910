"""Gates, checks and registration with every reference filled: what will be asked, of whom, how often.

Here: from `CheckSpec` to `CheckPlan`, and the note for one that is left out.
"""

from __future__ import annotations

from entrypoint.errors import Problem, ProblemsError
from entrypoint.plan.model import CheckPlan, Note, Registration
from entrypoint.records import record
from entrypoint.settings.masking import mask_url
from entrypoint.values import Secret, parse_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.plan.scope import Scope
    from entrypoint.profile.schema import CheckSpec, RegistrationSpec


@record
class Questions:
    """What will be asked, and what will not be, with the reason."""

    gates: tuple[CheckPlan, ...]
    checks: tuple[CheckPlan, ...]
    left_out: tuple[Note, ...]


def ask(gates: tuple[CheckSpec, ...], checks: tuple[CheckSpec, ...], scope: Scope) -> Questions:
    """Return the questions of a profile; raises ProblemsError with all problems.

    One whose `when` has no value is left out, and so is one whose arguments still hold a Java
    placeholder that only the application can resolve.
    """
    left_out: list[Note] = []
    problems: list[Problem] = []
    found: dict[bool, list[CheckPlan]] = {True: [], False: []}
    for is_gate, spec in [*((True, gate) for gate in gates), *((False, check) for check in checks)]:
        kind = "gate" if is_gate else "check"
        if spec.when is not None and not scope.has(spec.when):
            left_out.append(Note(f"{kind} {spec.name}", f"{spec.when} has no value"))
            continue
        try:
            plan = _plan(spec, scope, is_gate)
        except ValueError as error:
            details = (("where", str(spec.place)), ("expected", str(error)))
            problems.append(
                Problem("check-invalid", f"{kind} {spec.name} cannot be asked", details)
            )
            continue
        if spec.roles and not plan.roles:
            left_out.append(Note(f"{kind} {spec.name}", "its lost-after is 0s"))
            continue
        open_ended = next((name for name, value in plan.arguments if "${" in str(value)), None)
        if open_ended is not None:
            reason = (
                f"its {open_ended} holds a ${{placeholder}} that only the application can resolve"
            )
            left_out.append(Note(f"{kind} {spec.name}", reason))
            continue
        found[is_gate].append(plan)
    if problems:
        raise ProblemsError(*problems)
    return Questions(tuple(found[True]), tuple(found[False]), tuple(left_out))


def registration(spec: RegistrationSpec | None, scope: Scope) -> Registration | None:
    """Return where to register, or None where the profile or its `when` says that there is no need."""
    if spec is None or (spec.when is not None and not scope.has(spec.when)):
        return None
    return Registration(
        spec.integration,
        mask_url(scope.text(spec.target)),
        tuple(
            (name, "" if scope.pending(text) else scope.value(text))
            for name, text in spec.arguments
        ),
        spec.assigns,
        tuple(name for name in spec.assigns if scope.pending(f"{{{name}}}")),
        parse_duration(scope.text(spec.at_most)),
        scope.text(spec.resume) == "true",
    )


def _plan(spec: CheckSpec, scope: Scope, is_gate: bool) -> CheckPlan:
    arguments = tuple((name, scope.value(text)) for name, text in spec.arguments)
    lost_after = None if spec.lost_after is None else parse_duration(scope.text(spec.lost_after))
    roles = spec.roles
    if lost_after == 0:
        roles = tuple(role for role in roles if role != "liveness")
    return CheckPlan(
        spec.name,
        spec.kind,
        _target(spec.kind, dict(arguments)),
        arguments,
        ("gate",) if is_gate else roles,
        parse_duration(scope.text(spec.timeout)),
        parse_duration(scope.text(spec.interval)),
        spec.failures,
        lost_after or None,
        parse_duration(scope.text(spec.at_most)),
        any(scope.pending(text) for _, text in spec.arguments),
    )


def _database(url: str) -> str:
    """Return what a JDBC URL leads to, as the gate asks it; of one that it cannot ask, what is written."""
    from entrypoint.settings.jdbc_url import parse_jdbc_url  # noqa: PLC0415 - only with a database

    try:
        return parse_jdbc_url(url).target
    except ValueError:
        return url.partition("://")[2].partition("?")[0].rpartition("@")[2]


def _target(kind: str, arguments: dict[str, str | Secret]) -> str:
    """Return what a person reads: without the JDBC prefix and parameters, and without secrets."""
    shown = {name: str(value) for name, value in arguments.items()}
    match kind:
        case "tcp":
            return shown["address"]
        case "http":
            return shown["url"]
        case "mysql":
            return _database(shown["url"])
        case "zookeeper":
            return shown["servers"] + shown.get("path", "")
        case _:
            return shown["path"]
