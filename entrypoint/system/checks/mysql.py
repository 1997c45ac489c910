"""The `mysql` check: can this user log in to this database, and is the schema there?

PyMySQL speaks the protocol. Its own time-outs are for each read, so a server that drips bytes would
hold it for ever; here its socket is one that keeps to the check's deadline and to a budget of bytes.
"""

from __future__ import annotations

import socket

from entrypoint.settings.jdbc_url import parse_jdbc_url
from entrypoint.system.checks.result import CheckFailed
from entrypoint.system.checks.sockets import ANSWER_LIMIT, ask_in_turn, connect
from entrypoint.values import one_line, reveal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    import pymysql
    from _typeshed import ReadableBuffer, WriteableBuffer

    from entrypoint.system.checks.result import Deadline
    from entrypoint.values import Secret

_WORDS: Final = {
    1040: "not up yet: too many connections",
    1053: "not up yet: the server is shutting down",
    1129: "this host is blocked after too many errors",
    1130: "this host may not connect",
    2006: "not up yet: closed the connection",
    2013: "not up yet: closed the connection",
}
_REFUSED_PLUGINS: Final = ("mysql_clear_password", "dialog")
"""Ways to log in that hand the password itself to whoever answers on the port."""


def ask_mysql(url: str, user: str, password: Secret | str, table: str, deadline: Deadline) -> None:
    """Return when a host of the JDBC `url` lets `user` in and has `table`; raises CheckFailed.

    Hosts are tried in the order of the URL, each with its share of the time. `table` may be empty.
    TLS is used when the server offers it, with no look at its certificate, as JDBC drivers do.
    """

    def look(connection: pymysql.Connection[Any]) -> None:
        if table:
            name = table.replace("`", "``")
            with connection.cursor() as cursor:
                # The table itself, as the application will ask; LIMIT 0 reads no row.
                cursor.execute(f"SELECT 1 FROM `{name}` LIMIT 0")  # noqa: S608

    talk_mysql(url, user, password, look, deadline, table)


def talk_mysql(
    url: str,
    user: str,
    password: Secret | str,
    talk: Callable[[pymysql.Connection[Any]], None],
    deadline: Deadline,
    table: str = "",
) -> None:
    """Log in as `ask_mysql` does, talk, and return; raises CheckFailed.

    Whatever `talk` raises becomes a CheckFailed, and the next host is tried: one that has effects raises
    nothing. `table` is for the words of a refusal.
    """
    target = parse_jdbc_url(url)
    login = _Login(user, reveal(password).encode(), target.database, table, talk)
    ask_in_turn(target.hosts, deadline, login.ask)


class _Login:
    """Who logs in where, to be tried on one host after the other."""

    __slots__ = ("_database", "_password", "_table", "_talk", "_user")

    def __init__(
        self,
        user: str,
        password: bytes,
        database: str,
        table: str,
        talk: Callable[[pymysql.Connection[Any]], None],
    ) -> None:
        self._user = user
        self._password = password
        self._database = database
        self._table = table
        self._talk = talk

    def ask(self, host: str, port: int, deadline: Deadline) -> None:
        """Return when this host lets the user in, and all was said; raises CheckFailed."""
        # Only here: with ssl below it, PyMySQL costs megabytes.
        import pymysql  # noqa: PLC0415

        for secure in (True, False):
            try:
                return self._converse(host, port, deadline, secure)
            except pymysql.MySQLError as error:
                if secure and _is_tls_failure(error):
                    # A server of the age of MySQL 5.6 offers a TLS that OpenSSL 3 will not speak.
                    continue
                raise CheckFailed(self._describe(error, deadline)) from None
            except (CheckFailed, TimeoutError):
                raise
            except RuntimeError as error:
                # PyMySQL needs optional packages for some ways to log in without TLS.
                raise CheckFailed(f"cannot log in: {error}") from None
            except Exception:  # noqa: BLE001 - PyMySQL trips over a broken answer in any way
                raise CheckFailed("not a MySQL answer") from None
        return None

    def _converse(self, host: str, port: int, deadline: Deadline, secure: bool) -> None:
        """Log in, talk, say goodbye."""
        import pymysql  # noqa: PLC0415

        connection = pymysql.Connection(
            host=host,
            port=port,
            user=self._user,
            password=self._password,
            database=self._database or None,
            defer_connect=True,
            autocommit=None,
            ssl_disabled=True,
            auth_plugin_map=dict.fromkeys(_REFUSED_PLUGINS, _RefusedPlugin),
            program_name="entrypoint",
        )
        meter = _Meter(deadline)
        sock = _MeteredSocket(connect(host, port, deadline), meter)
        if secure:
            _prefer_tls(connection, meter)
        try:
            connection.connect(sock)
            self._talk(connection)
            connection.close()
        finally:
            sock.close()

    def _describe(self, error: pymysql.MySQLError, deadline: Deadline) -> str:
        """Return the short words for what the server, or PyMySQL, said."""
        cause = getattr(error, "original_exception", None) or error.__context__
        if isinstance(cause, TimeoutError):
            return f"no answer in {deadline}"
        code = error.args[0] if error.args else 0
        text = one_line(str(error.args[-1]) if error.args else "", 100)
        match code:
            case 1045 | 1698:
                return f"access denied for {self._user}"
            case 1044:
                return f"access denied for {self._user} to database {self._database}"
            case 1049:
                return f"unknown database {self._database}"
            case 1142:
                return f"access denied for {self._user} to table {self._table}"
            case 1146:
                return f"no table {self._table} in {self._database}"
            case int() if code:
                return _WORDS.get(code, f"error {code}: {text}")
            case _:
                return f"not a MySQL answer: {text}"


class _Meter:
    """What is left for one conversation: time and bytes."""

    __slots__ = ("budget", "deadline")

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.budget = ANSWER_LIMIT

    def count(self, received: int) -> int:
        """Take received bytes off the budget."""
        self.budget -= received
        if self.budget < 0:
            raise CheckFailed("the answer is too long")
        return received


class _MeteredSocket(socket.socket):
    """A socket whose every read and write keeps to its meter, whatever time-out is set on it."""

    __slots__ = ("_meter",)

    def __init__(self, sock: socket.socket, meter: _Meter) -> None:
        super().__init__(sock.family, sock.type, sock.proto, sock.detach())
        self._meter = meter

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(self._meter.deadline.remaining())
        return self._meter.count(super().recv_into(buffer, nbytes, flags))

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        self.settimeout(self._meter.deadline.remaining())
        super().sendall(data, flags)


def _prefer_tls(connection: pymysql.Connection[Any], meter: _Meter) -> None:
    """Make PyMySQL use TLS when the server offers it, on a socket that keeps to the meter."""
    import ssl  # noqa: PLC0415

    class MeteredTlsSocket(ssl.SSLSocket):
        def recv_into(
            self, buffer: WriteableBuffer, nbytes: int | None = None, flags: int = 0
        ) -> int:
            self.settimeout(meter.deadline.remaining())
            return meter.count(super().recv_into(buffer, nbytes, flags))

        def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
            self.settimeout(meter.deadline.remaining())
            super().sendall(data, flags)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.sslsocket_class = MeteredTlsSocket
    # Not as the argument `ssl`: that means "required", and MariaDB before 11.4 has no TLS by default.
    connection.ssl = True
    vars(connection)["ctx"] = context


class _RefusedPlugin:
    """Stands in for a way to log in that would give the password away."""

    def __init__(self, connection: Any) -> None:
        pass

    def authenticate(self, _packet: object) -> None:
        """Refuse."""
        raise CheckFailed("the server asks for the password in clear text: refused")


def _is_tls_failure(error: pymysql.MySQLError) -> bool:
    import ssl  # noqa: PLC0415

    return isinstance(getattr(error, "original_exception", None), ssl.SSLError)
