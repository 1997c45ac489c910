"""Reading the JDBC URLs of MySQL and MariaDB, as their drivers do. Pure: no lookups, no sockets."""

from __future__ import annotations

from entrypoint.records import record
from entrypoint.values import parse_address, parse_port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

DEFAULT_PORT: Final = 3306
_SCHEMES: Final = ("mysql", "mariadb")
HOST_LIMIT: Final = 32
EXPECTED: Final = "a JDBC URL such as jdbc:mysql://mysql:3306/otter"


@record
class JdbcUrl:
    """Where a JDBC URL leads: `hosts` in the order in which the driver tries them."""

    scheme: str
    hosts: tuple[tuple[str, int], ...]
    database: str = ""
    properties: tuple[tuple[str, str], ...] = ()

    @property
    def target(self) -> str:
        """What a person reads: `db:3306/otter`. User, password and properties are left out."""
        hosts = ",".join(f"[{h}]:{p}" if ":" in h else f"{h}:{p}" for h, p in self.hosts)
        return f"{hosts}/{self.database}" if self.database else hosts


def parse_jdbc_url(text: str) -> JdbcUrl:
    """Return the parts of a `jdbc:mysql:` or `jdbc:mariadb:` URL; raises ValueError.

    Understands several hosts, `mysql:loadbalance:` and its kin, IPv6 in brackets,
    `address=(host=h)(port=p)`, `(host=h,port=p)`, and the drivers' defaults: localhost, 3306. A user
    and password in front of a host are skipped. `mysql+srv` (hosts from DNS) is refused.
    """
    head, mark, rest = text.strip().partition("://")
    words = head.lower().split(":")
    if not mark or words[0] != "jdbc" or not 2 <= len(words) <= 3 or words[1] not in _SCHEMES:
        raise ValueError(EXPECTED)
    rest, _, query = rest.partition("?")
    hosts, _, database = rest.partition("/")
    entries = _split(hosts)
    if len(entries) > HOST_LIMIT or any(c.isspace() for c in database):
        raise ValueError(EXPECTED)
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return JdbcUrl(
        words[1],
        tuple(_host(entry) for entry in entries),
        database,
        tuple((name, value) for name, _, value in pairs),
    )


def _split(hosts: str) -> list[str]:
    """Split at the commas that are not inside parentheses."""
    entries, depth, start = [], 0, 0
    for at, character in enumerate(hosts):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "," and depth == 0:
            entries.append(hosts[start:at])
            start = at + 1
    return [*entries, hosts[start:]]


def _host(entry: str) -> tuple[str, int]:
    entry = entry.strip().rpartition("@")[2]
    if "(" in entry:
        return _host_in_parentheses(entry)
    if not entry:
        return "localhost", DEFAULT_PORT
    try:
        return parse_address(entry, DEFAULT_PORT)
    except ValueError:
        pass
    # `[::1]` and `:3307`: the drivers fill in what is missing.
    if entry.startswith("[") and entry.endswith("]"):
        return parse_address(f"{entry}:{DEFAULT_PORT}")
    if entry.startswith(":"):
        return "localhost", _port(entry[1:])
    raise ValueError(EXPECTED)


def _host_in_parentheses(entry: str) -> tuple[str, int]:
    """Read `address=(host=h)(port=p)` and `(host=h,port=p)`."""
    body = entry.removeprefix("address=").replace(")(", ",").strip("()")
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (field.partition("=") for field in body.split(","))
    }
    host = fields.get("host", "").strip("[]") or "localhost"
    if any(c.isspace() or c in "/@,;()" for c in host):
        raise ValueError(EXPECTED)
    return host, _port(fields.get("port", "") or str(DEFAULT_PORT))


def _port(text: str) -> int:
    try:
        return parse_port(text)
    except ValueError:
        raise ValueError(EXPECTED) from None
