"""What people make on the manager's pages, as SQL: pairs of tables for the pretend replication."""

from __future__ import annotations

import json
from collections.abc import Mapping


def pair(channel: int, source: Mapping[str, str], target: Mapping[str, str]) -> str:
    """Return statements that give a channel's pipeline a pair of tables.

    Each of the two says `url`, `username`, `password`, `schema` and `table`, as otter's pages ask for them.
    """
    sides = "".join(
        _media(f"{channel}-{side}", media)
        for side, media in (("source", source), ("target", target))
    )
    return (
        f"{sides} INSERT INTO DATA_MEDIA_PAIR (SOURCE_DATA_MEDIA_ID, TARGET_DATA_MEDIA_ID, PIPELINE_ID)"
        f" SELECT S.ID, T.ID, P.ID FROM DATA_MEDIA S, DATA_MEDIA T, PIPELINE P"
        f" WHERE P.CHANNEL_ID = {channel} AND {_is('S', source, f'{channel}-source')}"
        f" AND {_is('T', target, f'{channel}-target')};"
    )


def without_channel(channel: int) -> str:
    """Return statements that take a channel out of the manager's tables, with its pipelines and pairs."""
    of_it = f"(SELECT ID FROM PIPELINE WHERE CHANNEL_ID = {channel})"
    return (
        f"DELETE FROM DATA_MEDIA_PAIR WHERE PIPELINE_ID IN {of_it};"
        f" DELETE FROM PIPELINE_NODE_RELATION WHERE PIPELINE_ID IN {of_it};"
        f" DELETE FROM PIPELINE WHERE CHANNEL_ID = {channel};"
        f" DELETE FROM CHANNEL WHERE ID = {channel};"
    )


def _media(name: str, media: Mapping[str, str]) -> str:
    properties = {
        "type": "MYSQL",
        "driver": "com.mysql.jdbc.Driver",
        "encode": "UTF8",
        **{key: media[key] for key in ("url", "username", "password")},
    }
    return (
        f"INSERT INTO DATA_MEDIA_SOURCE (NAME, TYPE, PROPERTIES)"
        f" VALUES ('{name}', 'MYSQL', '{json.dumps(properties)}');"
        f" INSERT INTO DATA_MEDIA (NAME, NAMESPACE, PROPERTIES, DATA_MEDIA_SOURCE_ID)"
        f" VALUES ('{media['table']}', '{media['schema']}', '{{}}', LAST_INSERT_ID());"
    )


def _is(alias: str, media: Mapping[str, str], source: str) -> str:
    return (
        f"{alias}.NAME = '{media['table']}' AND {alias}.DATA_MEDIA_SOURCE_ID ="
        f" (SELECT ID FROM DATA_MEDIA_SOURCE WHERE NAME = '{source}')"
    )
