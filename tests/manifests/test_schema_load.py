"""`entrypoint database load` and the schema of components/schema, against a real MariaDB."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rendering import MANIFESTS

from entrypoint.database import MARK
from lab.mariadb import MariaDB
from lab.net import free_port

SCHEMA = MANIFESTS / "components" / "schema" / "schema.sql"
DATABASE = "schema_load"
TABLES = (
    "ALARM_RULE", "AUTOKEEPER_CLUSTER", "CANAL", "CHANNEL", "COLUMN_PAIR", "COLUMN_PAIR_GROUP", "DATA_MATRIX",
    "DATA_MEDIA", "DATA_MEDIA_PAIR", "DATA_MEDIA_SOURCE", "DELAY_STAT", "LOG_RECORD", "NODE", "PIPELINE",
    "PIPELINE_NODE_RELATION", "SYSTEM_PARAMETER", "TABLE_HISTORY_STAT", "TABLE_STAT", "THROUGHPUT_STAT",
    "USER", "meta_history", "meta_snapshot",
)  # fmt: skip
"""Of otter 4.2.18's own otter-manager-schema.sql."""


class Loader:
    """The verb, and the database that it loads into."""

    def __init__(self, server: MariaDB, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "ENTRYPOINT_PROFILE": "otter-manager",
            "ENTRYPOINT_RUN_DIR": str(folder / "run"),
            "ENTRYPOINT_GATE_TIMEOUT": "2s",
            "OTTER_DATABASE_URL": server.url(DATABASE),
            "OTTER_DATABASE_USERNAME": server.user,
            "OTTER_DATABASE_PASSWORD": server.password,
            "OTTER_ZOOKEEPER_SERVERS": "zookeeper:2181",
        }

    def start(self, path: Path, *words: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "entrypoint", "database", "load", str(path), *words],
            cwd=MANIFESTS.parent,
            env=self.environment | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def load(self, path: Path, *words: str, **more: str) -> tuple[int, str]:
        """Return the exit code and what was said in one line: where it wraps depends on the path."""
        process = self.start(path, *words, **more)
        out, err = process.communicate(timeout=120)
        return process.returncode, " ".join((out + err).split())

    def script(self, text: str) -> Path:
        path = self.folder / "script.sql"
        path.write_text(text)
        return path

    def tables(self) -> set[str]:
        return {name for (name,) in self.server.execute("SHOW TABLES", DATABASE)}


@pytest.fixture
def loader(mariadb: MariaDB, tmp_path: Path) -> Iterator[Loader]:
    mariadb.execute(f"CREATE DATABASE {DATABASE}")
    yield Loader(mariadb, tmp_path)
    mariadb.execute(f"DROP DATABASE {DATABASE}")


def scrambled(password: str) -> str:
    digest = hashlib.md5(password.encode()).hexdigest()
    return digest[26:32] + digest[10:17] + digest[15:22]


def test_an_empty_database_gets_all_of_otters_tables_and_the_next_time_nothing(
    loader: Loader,
) -> None:
    code, said = loader.load(SCHEMA)
    assert (code, loader.tables()) == (0, set(TABLES))
    assert "22 tables made" in said
    loader.server.execute("INSERT INTO CHANNEL (NAME) VALUES ('mine')", DATABASE)
    code, said = loader.load(SCHEMA)
    assert code == 0
    assert "there already, nothing was changed" in said
    assert loader.server.execute("SELECT NAME FROM CHANNEL", DATABASE) == [("mine",)]
    assert loader.server.execute("SELECT COUNT(*) FROM USER", DATABASE) == [("1",)]


def test_the_admin_is_known_by_the_password_of_the_secret(loader: Loader) -> None:
    password = "s3cret'; DROP TABLE NODE; --"
    word = "admin_password=OTTER_ADMIN_PASSWORD"
    code, said = loader.load(SCHEMA, "--variable", word, OTTER_ADMIN_PASSWORD=password)
    assert code == 0
    assert password not in said
    rows = loader.server.execute("SELECT USERNAME, PASSWORD, AUTHORIZETYPE FROM USER", DATABASE)
    assert rows == [("admin", scrambled(password), "ADMIN")]


def test_the_password_may_be_in_a_file(loader: Loader) -> None:
    (loader.folder / "password").write_text("from-file\n")
    path = str(loader.folder / "password")
    assert loader.load(SCHEMA, "--variable", "admin_password=PW", PW_FILE=path)[0] == 0
    assert loader.server.execute("SELECT PASSWORD FROM USER", DATABASE) == [
        (scrambled("from-file"),)
    ]


def test_without_one_the_admin_is_otters_own(loader: Loader) -> None:
    assert loader.load(SCHEMA)[0] == 0
    # Of otter's own schema file: what the real manager compares "admin" with.
    known = "801fc357a5a74743894a"
    assert loader.server.execute("SELECT PASSWORD FROM USER", DATABASE) == [(known,)]


def test_a_variable_without_a_value_is_refused_before_anything_is_done(loader: Loader) -> None:
    code, said = loader.load(SCHEMA, "--variable", "admin_password=NOT_SET")
    assert (code, loader.tables()) == (78, set())
    assert "$NOT_SET" in said
    assert "[variable-missing]" in said


@pytest.mark.parametrize("word", ["admin_password", "=PW"])
def test_a_variable_that_is_none_is_wrong_usage(loader: Loader, word: str) -> None:
    code, said = loader.load(SCHEMA, "--variable", word)
    assert (code, loader.tables()) == (64, set())
    assert "--variable NAME=ENV" in said


@pytest.mark.parametrize("name", ["a b", "a;b", "1a", "a@b"])
def test_the_name_of_a_variable_cannot_be_sql(loader: Loader, name: str) -> None:
    code, said = loader.load(SCHEMA, "--variable", f"{name}=PW", PW="x")
    assert (code, loader.tables()) == (78, set())
    assert "variable-missing" in said


def test_a_database_with_another_table_is_not_touched(loader: Loader) -> None:
    loader.server.execute("CREATE TABLE theirs (x INT)", DATABASE)
    code, said = loader.load(SCHEMA)
    assert (code, loader.tables()) == (78, {"theirs"})
    assert "[database-not-empty]" in said
    assert "theirs" in said


def test_some_of_the_tables_are_not_all(loader: Loader) -> None:
    assert loader.load(SCHEMA)[0] == 0
    loader.server.execute("DROP TABLE NODE", DATABASE)
    code, said = loader.load(SCHEMA)
    assert code == 78
    assert "NODE missing" in said
    assert "NODE" not in loader.tables()


def test_more_tables_than_the_files_are_fine(loader: Loader) -> None:
    assert loader.load(SCHEMA)[0] == 0
    loader.server.execute("CREATE TABLE later (x INT)", DATABASE)
    assert loader.load(SCHEMA)[0] == 0


def test_a_refused_statement_is_told_with_its_line_and_the_half_is_known_as_half(
    loader: Loader,
) -> None:
    half = loader.script("CREATE TABLE a (x INT);\n\nCREATE TABLE b (x NONSENSE);\n")
    code, said = loader.load(half)
    assert code == 78
    assert "script.sql:3" in said
    assert loader.tables() == {"a", MARK}
    code, said = loader.load(half)
    assert code == 78
    assert "[load-unfinished]" in said
    whole = loader.script("CREATE TABLE a (x INT);")
    assert loader.load(whole)[0] == 78, "the table is there, and yet nobody knows what is in it"


def test_a_secret_is_not_quoted_back_by_the_server(loader: Loader) -> None:
    script = loader.script(
        "CREATE TABLE a (x INT); SELECT 1 FROM a WHERE x = (SELECT 'hush-hush' 5 nonsense);"
    )
    code, said = loader.load(script, "--variable", "p=PW", PW="hush-hush")
    assert code == 78
    assert "[load-refused]" in said
    assert "hush-hush" not in said


def test_two_at_once_are_one_load(loader: Loader) -> None:
    first, second = loader.start(SCHEMA), loader.start(SCHEMA)
    said = [first.communicate(timeout=120)[0], second.communicate(timeout=120)[0]]
    assert (first.returncode, second.returncode) == (0, 0)
    assert sum("tables made" in one for one in said) == 1
    assert sum("there already" in one for one in said) == 1


def test_otters_own_file_may_choose_the_same_database_and_no_other(loader: Loader) -> None:
    chosen = f"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `{DATABASE}`;\nUSE `{DATABASE}`;\n"
    assert loader.load(loader.script(chosen + "CREATE TABLE a (x INT);"))[0] == 0
    assert loader.tables() == {"a"}
    code, said = loader.load(loader.script("USE mysql; CREATE TABLE a (x INT);"))
    assert code == 78
    assert "line 1: mysql" in said


@pytest.mark.parametrize("text", ["SELECT 1;", "", "DELIMITER //\nCREATE TABLE a (x INT)//"])
def test_a_file_that_cannot_be_loaded_is_refused(loader: Loader, text: str) -> None:
    code, said = loader.load(loader.script(text))
    assert (code, loader.tables()) == (78, set())
    assert "script-unfit" in said


def test_a_database_that_does_not_come_is_waited_for_and_told(loader: Loader) -> None:
    url = f"jdbc:mysql://127.0.0.1:{free_port()}/{DATABASE}"
    code, said = loader.load(SCHEMA, OTTER_DATABASE_URL=url)
    assert code == 69
    assert "refused" in said
    code, said = loader.load(SCHEMA, OTTER_DATABASE_PASSWORD="wrong")
    assert code == 69
    assert "access denied" in said


def test_a_profile_without_a_database_is_told_so(loader: Loader) -> None:
    code, said = loader.load(SCHEMA, "--profile", "zookeeper")
    assert code == 78
    assert "[database-unknown]" in said
