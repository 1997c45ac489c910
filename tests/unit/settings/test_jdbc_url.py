from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.settings.jdbc_url import parse_jdbc_url


@pytest.mark.parametrize(
    ("url", "hosts", "database"),
    [
        ("jdbc:mysql://db:3306/otter", (("db", 3306),), "otter"),
        ("jdbc:mysql://db/otter", (("db", 3306),), "otter"),
        ("jdbc:mariadb://db:3307/", (("db", 3307),), ""),
        ("jdbc:mysql://db", (("db", 3306),), ""),
        ("jdbc:mysql:///otter", (("localhost", 3306),), "otter"),
        ("jdbc:mysql://:3307/otter", (("localhost", 3307),), "otter"),
        (" JDBC:MySQL://db/otter ", (("db", 3306),), "otter"),
        ("jdbc:mysql://h1:3306,h2:3307/db?x=y", (("h1", 3306), ("h2", 3307)), "db"),
        ("jdbc:mysql://h1,h2/db", (("h1", 3306), ("h2", 3306)), "db"),
        ("jdbc:mysql:loadbalance://h1,h2/db", (("h1", 3306), ("h2", 3306)), "db"),
        ("jdbc:mariadb:sequential://h1,h2/db", (("h1", 3306), ("h2", 3306)), "db"),
        ("jdbc:mysql://[::1]:3307/db", (("::1", 3307),), "db"),
        ("jdbc:mysql://[fe80::1]/db", (("fe80::1", 3306),), "db"),
        ("jdbc:mysql://address=(host=h)(port=3308)/db", (("h", 3308),), "db"),
        ("jdbc:mysql://(host=h,port=3308),g/db", (("h", 3308), ("g", 3306)), "db"),
        ("jdbc:mysql://address=(host=h)(type=master),i:1/db", (("h", 3306), ("i", 1)), "db"),
        ("jdbc:mysql://otter:geheim@db:3306/otter", (("db", 3306),), "otter"),
    ],
)
def test_reads_what_the_drivers_read(
    url: str, hosts: tuple[tuple[str, int], ...], database: str
) -> None:
    parsed = parse_jdbc_url(url)
    assert (parsed.hosts, parsed.database) == (hosts, database)


def test_properties_are_kept_in_order() -> None:
    parsed = parse_jdbc_url("jdbc:mysql://db/otter?useUnicode=true&characterEncoding=UTF-8&flag")
    assert parsed.properties == (
        ("useUnicode", "true"),
        ("characterEncoding", "UTF-8"),
        ("flag", ""),
    )


def test_target_shows_neither_user_nor_password_nor_properties() -> None:
    parsed = parse_jdbc_url("jdbc:mysql://otter:geheim@db,[::1]:1/otter?password=geheim")
    assert parsed.target == "db:3306,[::1]:1/otter"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "jdbc:",
        "db:3306/otter",
        "mysql://db/otter",
        "jdbc:postgresql://db/otter",
        "jdbc:mysql+srv://db/otter",
        "jdbc:mysql:a:b://db/otter",
        "jdbc:mysql://db:0/otter",
        "jdbc:mysql://db:66000/otter",
        "jdbc:mysql://db:port/otter",
        "jdbc:mysql://a b/otter",
        "jdbc:mysql://(host=a b)/otter",
        "jdbc:mysql://(host=h,port=x)/otter",
        "jdbc:mysql://db/ot ter",
        "jdbc:mysql://" + ",".join("h" * 40) + "/otter",
    ],
)
def test_refuses_with_an_example(url: str) -> None:
    with pytest.raises(ValueError, match=r"jdbc:mysql://mysql:3306/otter|an address such as"):
        parse_jdbc_url(url)


@given(st.text(alphabet="ah1:3,[]()=@/?& .\x00é", max_size=60))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    try:
        parsed = parse_jdbc_url("jdbc:mysql://" + text)
    except ValueError:
        return
    assert parsed.hosts
    assert all(host and 1 <= port <= 65535 for host, port in parsed.hosts)
