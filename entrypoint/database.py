"""The verb `database load`: a file of SQL into an empty database, once.

Here: which database (the one that the profile's `mysql` gate asks), what is found there, and what is said.
MySQL commits each CREATE TABLE by itself, so a load cannot be undone. Instead a table of ours stands there
from its first moment to its last: who finds it knows that a load did not come to its end.
"""

from __future__ import annotations

import os
import time

from entrypoint import prepare, sources, sql_script
from entrypoint.errors import EXIT_DEPENDENCY, Problem, ProblemsError
from entrypoint.plan import questions
from entrypoint.plan.scope import Scope
from entrypoint.records import record
from entrypoint.settings.jdbc_url import parse_jdbc_url
from entrypoint.system.checks.mysql import talk_mysql
from entrypoint.system.checks.result import CheckFailed, Deadline
from entrypoint.system.inputs import read_file
from entrypoint.values import Secret, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    import pymysql

    from entrypoint.arguments import Request
    from entrypoint.plan.model import CheckPlan
    from entrypoint.sql_script import Statement

MARK: Final = "entrypoint_load_unfinished"
LOAD_SECONDS: Final = 120.0
"""For the whole load, the wait for another one included."""
_AGAIN_SECONDS: Final = 1.0


@record
class _Script:
    """What is to be loaded: `variables` are session variables, such as a password for an INSERT."""

    path: str
    statements: tuple[Statement, ...]
    variables: tuple[tuple[str, Secret], ...]

    @property
    def tables(self) -> dict[str, str]:
        """The tables that it makes, by their folded names: some servers make small letters of all."""
        return {one.table.casefold(): one.table for one in self.statements if one.table}


def load(request: Request) -> str:
    """Load a file into the profile's database and return what to say; raises ProblemsError.

    Waits for the database as long as its gate would. A database that has the file's tables already is fine.
    """
    script = _read(request.target, request.variables)
    gate = _gate(request)
    url, user = _word(gate, "url"), _word(gate, "user")
    database = parse_jdbc_url(url).database
    statements = _for_database(script, database)
    outcome: list[str | Problem] = []

    def talk(connection: pymysql.Connection[Any]) -> None:
        if not outcome:  # a second time would be after a connection that broke at its very end
            outcome.append(_talk(connection, script, statements, database))

    deadline = Deadline(gate.at_most)
    while not outcome:
        try:
            talk_mysql(url, user, gate.argument("password") or "", talk, Deadline(LOAD_SECONDS))
        except (CheckFailed, TimeoutError) as failure:
            if outcome:
                break
            detail = failure.detail if isinstance(failure, CheckFailed) else "no answer in time"
            if deadline.elapsed() + _AGAIN_SECONDS > gate.at_most:
                raise ProblemsError(_unreachable(gate, detail)) from None
            time.sleep(_AGAIN_SECONDS)
    if isinstance(outcome[0], Problem):
        raise ProblemsError(outcome[0])
    return f"{gate.target}: {outcome[0]}"


def _talk(
    connection: pymysql.Connection[Any],
    script: _Script,
    statements: Sequence[Statement],
    database: str,
) -> str | Problem:
    """Look, and load where the database is empty; returns what is wrong, since it must not be tried again."""
    import pymysql  # noqa: PLC0415 - only with a connection

    try:
        with connection.cursor() as cursor:
            cursor.execute("SET NAMES utf8mb4")
            # Held by the session: gone with it, whatever happens to us.
            cursor.execute(
                "SELECT GET_LOCK(%s, %s)", (f"load {database}"[:64], int(LOAD_SECONDS / 2))
            )
            if cursor.fetchone() != (1,):
                return _busy(database)
            cursor.execute(
                "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
            )
            there = sorted(str(row[0]) for row in cursor.fetchall())
            if there:
                return _found(there, script, database)
            return _run(cursor, script, statements)
    except pymysql.MySQLError as error:
        return _refused(script, None, error)


def _found(there: Sequence[str], script: _Script, database: str) -> str | Problem:
    """Return what the tables of a database that is not empty mean."""
    folded = {name.casefold() for name in there}
    if MARK in folded:
        return _unfinished(database)
    missing = [name for key, name in script.tables.items() if key not in folded]
    if missing:
        return _not_empty(there, missing, script, database)
    return f"all {len(script.tables)} tables are there already, nothing was changed"


def _run(
    cursor: pymysql.cursors.Cursor, script: _Script, statements: Sequence[Statement]
) -> str | Problem:
    import pymysql  # noqa: PLC0415 - only with a connection

    cursor.execute(f"CREATE TABLE {MARK} (began TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)")
    for name, value in script.variables:
        cursor.execute(f"SET @{name} = %s", (value.reveal(),))
    for statement in statements:
        try:
            cursor.execute(statement.text)
        except pymysql.MySQLError as error:
            return _refused(script, statement, error)
    cursor.execute("COMMIT")
    cursor.execute(f"DROP TABLE {MARK}")
    return f"{len(script.tables)} tables made by {len(statements)} statements of {script.path}"


# ---- what is to be loaded, and where ----


def _read(path: str, variables: Sequence[tuple[str, str]]) -> _Script:
    text = sources.read_text(path, "script")
    try:
        statements = sql_script.split(text)
    except ValueError as error:
        raise ProblemsError(_unfit(path, str(error), "plain SQL, as a server takes it")) from None
    if not any(one.table for one in statements):
        raise ProblemsError(_unfit(path, "no CREATE TABLE in it", "a file that makes tables"))
    return _Script(path, statements, tuple(_variable(*pair) for pair in variables))


def _variable(name: str, env: str) -> tuple[str, Secret]:
    """Return a session variable with the value of an environment variable, or of the file of ENV_FILE."""
    value = os.environ.get(env)
    path = os.environ.get(f"{env}_FILE")
    if value is None and path:
        found = read_file(path)
        if found is not None and not found.problem:
            value = found.content.decode("utf-8", "replace").rstrip("\r\n")
    if not value or not name.isidentifier():
        details = (
            ("looked at", f"${env}, ${env}_FILE"),
            ("expected", "a name of letters, digits and _, and a value that is not empty"),
            ("fix", f"set {env}, or take --variable {name} away"),
        )
        raise ProblemsError(Problem("variable-missing", f"no value for @{name[:80]}", details))
    return name, Secret(value)


def _for_database(script: _Script, database: str) -> tuple[Statement, ...]:
    """Return the statements without those that make or choose this database; raises for another one."""
    if not database:
        raise ProblemsError(
            _unfit(script.path, "the URL names no database", "jdbc:mysql://host/database")
        )
    for one in script.statements:
        if one.database not in {"", database}:
            says = f"line {one.line}: {one.database}"
            raise ProblemsError(
                _unfit(script.path, says, f"the database of the profile, {database}")
            )
    return tuple(one for one in script.statements if not one.database)


def _gate(request: Request) -> CheckPlan:
    found = prepare.gather(request)
    gates = tuple(gate for gate in found.profile.gates if gate.kind == "mysql")
    asked = questions.ask(gates, (), Scope(found.fixed, found.settings)).gates
    if not asked:
        details = (
            ("where", f"gates of profile {found.profile.name}"),
            ("expected", "a gate that asks mysql: it says which database, and who may enter"),
            ("fix", "--profile otter-manager, or a profile of yours with such a gate"),
        )
        raise ProblemsError(Problem("database-unknown", "no database to load into", details))
    return asked[0]


def _word(gate: CheckPlan, name: str) -> str:
    value = gate.argument(name)
    return value if isinstance(value, str) else ""


# ---- what is wrong ----


def _unfit(path: str, says: str, expected: str) -> Problem:
    details = (("where", path), ("says", says), ("expected", expected))
    return Problem("script-unfit", f"cannot load {path}", details)


def _unreachable(gate: CheckPlan, detail: str) -> Problem:
    details = (
        ("where", f"gate {gate.name}"),
        ("says", detail),
        (
            "fix",
            "start the database, and make it and its user; ENTRYPOINT_GATE_TIMEOUT waits longer",
        ),
    )
    return Problem("database-unreachable", f"cannot enter {gate.target}", details, EXIT_DEPENDENCY)


def _busy(database: str) -> Problem:
    details = (("fix", "wait for the other load to end"),)
    what = f"another load into {database} is under way"
    return Problem("database-busy", what, details, EXIT_DEPENDENCY)


def _unfinished(database: str) -> Problem:
    details = (
        ("says", f"the table {MARK} is there"),
        ("fix", "it holds nothing but that load: drop its tables, or the database, and load again"),
    )
    return Problem(
        "load-unfinished", f"an earlier load into {database} did not come to its end", details
    )


def _not_empty(
    there: Sequence[str], missing: Sequence[str], script: _Script, database: str
) -> Problem:
    details = (
        ("says", f"{len(there)} tables are there: {_some(there)}"),
        ("expected", f"no table, or all of {script.path}: {_some(missing)} missing"),
        ("fix", "name an empty database; this one was not touched"),
    )
    return Problem("database-not-empty", f"the database {database} is not empty", details)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _refused(script: _Script, statement: Statement | None, error: Exception) -> Problem:
    code, *words = [*error.args, ""]
    where = f"{script.path}:{statement.line}" if statement else script.path
    # A server quotes what it did not understand: of a password it might.
    said = one_line(" ".join(str(word) for word in words), 300)
    for _, value in script.variables:
        said = said.replace(value.reveal(), str(value))
    details = (("where", where), ("says", f"{code}: {said}".strip(": ")))
    return Problem("load-refused", "the database refuses a statement", details)
