"""Where statements of SQL end, and what they make."""

from __future__ import annotations

import pytest

from entrypoint.sql_script import Statement, split


def texts(script: str) -> list[str]:
    return [one.text for one in split(script)]


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ("", []),
        (" \n; ;;\n", []),
        ("-- only a comment", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;\nSELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';';SELECT \";\";SELECT `;`", ["SELECT ';'", 'SELECT ";"', "SELECT `;`"]),
        ("SELECT 'it''s;';SELECT 2", ["SELECT 'it''s;'", "SELECT 2"]),
        (r"SELECT 'a\';b';SELECT '\\';SELECT 3", [r"SELECT 'a\';b'", r"SELECT '\\'", "SELECT 3"]),
        ("SELECT `a\\`;SELECT 2", ["SELECT `a\\`", "SELECT 2"]),
        ("SELECT 1 -- a; b\n+ 2;SELECT 3", ["SELECT 1 -- a; b\n+ 2", "SELECT 3"]),
        ("SELECT 1 # a; 'b\n+ 2;", ["SELECT 1 # a; 'b\n+ 2"]),
        ("SELECT 5--3;SELECT 2", ["SELECT 5--3", "SELECT 2"]),
        ("--\nSELECT 1", ["SELECT 1"]),
        ("/* a; b */ SELECT /* ; ' */ 1;", ["SELECT /* ; ' */ 1"]),
        ("/*!40101 SET x = 1 */;SELECT 1", ["/*!40101 SET x = 1 */", "SELECT 1"]),
        ("/*M!100100 SET x = 1 */;", ["/*M!100100 SET x = 1 */"]),
        ("SELECT '-- no comment';", ["SELECT '-- no comment'"]),
        ("SELECT 1;\n# the end\n/* of it */", ["SELECT 1"]),
        ("delimiters;", ["delimiters"]),
    ],
)
def test_statements_end_where_the_server_would_end_them(script: str, wanted: list[str]) -> None:
    assert texts(script) == wanted


def test_a_statement_knows_its_line() -> None:
    script = "-- one\n\nSELECT\n 1;\n/* five\n*/ SELECT 2; SELECT 3"
    assert [one.line for one in split(script)] == [3, 6, 6]


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("SELECT 1;\nSELECT 'a", "line 2: a ' without its other"),
        ('SELECT "a\\"', 'line 1: a " without its other'),
        ("\n\nSELECT `a", "line 3: a ` without its other"),
        ("SELECT 1; /* a", "line 1: a comment without an end"),
        ("SELECT 1;\nDELIMITER //\n", "line 2: DELIMITER is a command of the mysql client"),
        ("delimiter ;;", "line 1: DELIMITER"),
    ],
)
def test_what_no_server_can_read_is_told_with_its_line(script: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("(", r"\(")):
        split(script)


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("CREATE TABLE a (x INT)", "a"),
        ("create  table\n if not exists `A``b` (x INT)", "A`b"),
        ("CREATE TABLE `other`.`a` (x INT)", "a"),
        ("CREATE TABLE/*!32312 IF NOT EXISTS*/ `a` (x INT)", "a"),
        ("INSERT INTO a VALUES ('CREATE TABLE b')", ""),
        ("CREATE INDEX a ON b (c)", ""),
    ],
)
def test_which_table_a_statement_makes(text: str, table: str) -> None:
    assert Statement(text, 1).table == table


@pytest.mark.parametrize(
    ("text", "database"),
    [
        ("USE otter", "otter"),
        ("use `otter`", "otter"),
        (
            "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `otter` /*!40100 DEFAULT CHARSET utf8 */",
            "otter",
        ),
        ("CREATE SCHEMA IF NOT EXISTS otter", "otter"),
        ("CREATE TABLE otter (x INT)", ""),
        ("USER", ""),
    ],
)
def test_which_database_a_statement_is_about(text: str, database: str) -> None:
    assert Statement(text, 1).database == database
