"""What analysts' SQL must not be able to do: each attempt is refused or bounded, and the next query answers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from captrid_core.errors import CaptridError
from captrid_core.lists.model import Field
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace

REFUSED = {"not_read_only", "sql_wrong"}
BOUNDED = {"sql_too_slow", "sql_too_large"}

ATTEMPTS = {
    # more than reading
    "insert": "INSERT INTO lists (list) VALUES ('x')",
    "update": "UPDATE lists SET list = 'x'",
    "delete": "DELETE FROM lists",
    "truncate": "TRUNCATE lists",
    "merge": "MERGE INTO lists USING lists AS l ON false WHEN MATCHED THEN DELETE",
    "drop a table": "DROP TABLE lists",
    "drop a view": "DROP VIEW people",
    "alter": "ALTER TABLE lists ADD COLUMN x INTEGER",
    "comment": "COMMENT ON TABLE lists IS 'x'",
    "create a table": "CREATE TABLE x AS SELECT 1",
    "create a temporary table": "CREATE TEMP TABLE x AS SELECT 1",
    "create a view": "CREATE VIEW x AS SELECT 1",
    "create a macro": "CREATE TEMP MACRO x() AS 1",
    "create a secret": "CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "create a sequence": "CREATE SEQUENCE s",
    "create a type": "CREATE TYPE t AS ENUM ('x')",
    "create a schema": "CREATE SCHEMA s",
    "select into": "SELECT * INTO x FROM lists",
    "a CTE that deletes": "WITH x AS (DELETE FROM lists RETURNING *) SELECT * FROM x",
    "a CTE that inserts": "WITH x AS (INSERT INTO lists (list) VALUES ('x') RETURNING *) FROM x",
    "explain analyze of a delete": "EXPLAIN ANALYZE DELETE FROM lists",
    "two statements": "SELECT 1; SELECT 2",
    "a statement after a comment": "SELECT 1 /* ; */; DROP TABLE lists -- ",
    "a statement after a line comment": "SELECT 1 -- harmless\n; DELETE FROM lists",
    "nothing": "",
    "only a comment": "-- nothing",
    "begin": "BEGIN TRANSACTION",
    "commit": "COMMIT",
    "rollback": "ROLLBACK",
    "checkpoint": "CHECKPOINT",
    "force checkpoint": "FORCE CHECKPOINT",
    "vacuum": "VACUUM",
    "prepare": "PREPARE x AS DELETE FROM lists",
    "execute": "EXECUTE x",
    "deallocate": "DEALLOCATE x",
    "call": "CALL enable_logging('QueryLog', storage = 'file', storage_path = '/tmp/x')",
    "call logging in memory": "CALL enable_logging('QueryLog')",
    "call pragma": "CALL pragma_version()",
    "use": "USE memory",
    "detach": "DETACH captrid",
    # settings
    "set": "SET memory_limit = '100GB'",
    "set global": "SET GLOBAL threads = 64",
    "set a variable": "SET VARIABLE x = 1",
    "reset": "RESET memory_limit",
    "switch files on": "SET enable_external_access = true",
    "unlock": "SET lock_configuration = false",
    "pragma": "PRAGMA enable_profiling",
    "pragma that sets": "PRAGMA memory_limit = '100GB'",
    "pragma of threads": "PRAGMA threads = 8",
    # files and networks
    "copy to": "COPY lists TO '/tmp/captrid-escaped.csv'",
    "copy a query to": "COPY (SELECT 1) TO '/tmp/captrid-escaped.parquet' (FORMAT parquet)",
    "copy from": "COPY lists FROM '/etc/passwd'",
    "copy a database": "COPY FROM DATABASE captrid TO memory",
    "export": "EXPORT DATABASE '/tmp/captrid-escaped'",
    "import": "IMPORT DATABASE '/tmp/captrid-escaped'",
    "attach": "ATTACH '/tmp/captrid-escaped.duckdb' AS x",
    "attach the home": "ATTACH '../masterlists.duckdb' AS x (READ_ONLY)",
    "install": "INSTALL httpfs",
    "load": "LOAD httpfs",
    "load a file": "LOAD '/tmp/x.duckdb_extension'",
    "update extensions": "UPDATE EXTENSIONS",
    "read_csv": "SELECT * FROM read_csv('/etc/passwd')",
    "read_text": "SELECT * FROM read_text('/etc/passwd')",
    "read_blob": "SELECT * FROM read_blob('/etc/passwd')",
    "read_json": "SELECT * FROM read_json('/etc/passwd')",
    "read_parquet": "SELECT * FROM read_parquet('/etc/passwd')",
    "read_text of the secrets": "SELECT * FROM read_text('../secrets.json')",
    "sniff_csv": "SELECT * FROM sniff_csv('/etc/passwd')",
    "glob": "SELECT * FROM glob('/etc/*')",
    "a file as a table": "SELECT * FROM '/etc/passwd'",
    "a CSV file as a table": "SELECT * FROM '/etc/x.csv'",
    "a file as a quoted table": 'SELECT * FROM "/etc/passwd.csv"',
    "a process as a table": "SELECT * FROM '/proc/self/environ'",
    "http": "SELECT * FROM 'http://127.0.0.1:1/x.csv'",
    "https": "SELECT * FROM read_csv('https://127.0.0.1:1/x.csv')",
    "s3": "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "a nested file": "SELECT (SELECT content FROM read_text('/etc/passwd'))",
    "a file in a CTE": "WITH x AS (FROM read_text('/etc/passwd')) FROM x",
    "a file by query()": "FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
    "a write by query()": "FROM query('DELETE FROM lists')",
    "a table by query_table()": "FROM query_table('/etc/passwd')",
    "the environment": "SELECT getenv('PATH')",
    "a variable of Python": "SELECT * FROM question",
    "a variable of Python's module": "SELECT * FROM statements",
    "sqlite": "SELECT * FROM sqlite_scan('/tmp/x.db', 't')",
    "postgres": "SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 't')",
    # letters that look like others
    "full-width": "ＤＥＬＥＴＥ FROM lists",
    "a zero-width space": "DEL\u200bETE FROM lists",
    "a no-break space": "DELETE\u00a0FROM lists",
    "a NUL": "SELECT 1\0; DELETE FROM lists",
    "a Greek question mark": "SELECT 1\u037e DELETE FROM lists",
    "a byte order mark": "\ufeffDELETE FROM lists",
}

BOMBS = {
    "a huge text": "SELECT length(repeat('x', 2000000000))",
    "a huge text that is shown": "SELECT repeat('x', 400000000)",
    "a huge list": "SELECT list_sum(range(100000000))",
    "a product": "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range, b.range) = 1",
    "endless recursion": "WITH RECURSIVE x AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM x) SELECT max(i) FROM x",
    "endless rows kept": "SELECT list(range) FROM range(1000000000)",
    "a sort of everything": "SELECT * FROM range(500000000) ORDER BY hash(range)",
    "groups without end": "SELECT hash(range), count(*) FROM range(500000000) GROUP BY ALL ORDER BY 2 DESC",
    "a row that is too large": "SELECT repeat('x', 40000000)",
    "many large columns": "SELECT " + ", ".join(["repeat('x', 1000000)"] * 60),
    "deep brackets": "SELECT " + "(" * 20_000 + "1" + ")" * 20_000,
    "a long statement": "SELECT '" + "x" * 200_000 + "'",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace(Settings(home=tmp_path_factory.mktemp("home")), linger=60) as opened:
        made = opened.lists.create("Staff", uid_field="code", fields=[Field("code")], actor="tester")
        opened.people.add(made, {"code": "1001"}, actor="tester")
        opened.published.publish(actor="tester")
        yield opened


def digest(home: Workspace) -> str:
    return hashlib.sha256(home.published.path.read_bytes()).hexdigest()


def attempt(home: Workspace, query: str, *, seconds: float = 10) -> str:
    """Ask, and return how it was refused."""
    with pytest.raises(CaptridError) as refused:
        home.sql.run(query, actor="mallory", seconds=seconds, memory=256 << 20)
    assert refused.value.message
    assert refused.value.hint
    assert "Traceback" not in refused.value.message
    return refused.value.code


@pytest.mark.parametrize("query", ATTEMPTS.values(), ids=ATTEMPTS)
def test_whatever_does_more_than_read_is_refused(home: Workspace, query: str):
    before = digest(home)

    assert attempt(home, query) in REFUSED

    assert digest(home) == before
    assert not list(Path("/tmp").glob("captrid-escaped*"))


@pytest.mark.parametrize("query", BOMBS.values(), ids=BOMBS)
def test_whatever_takes_too_much_is_ended_in_time(home: Workspace, query: str):
    before, begun = digest(home), time.monotonic()

    assert attempt(home, query, seconds=1) in REFUSED | BOUNDED

    assert time.monotonic() - begun < 10
    assert digest(home) == before
    assert home.sql.run("SELECT uid FROM people", actor="tester").rows == [("1001",)]


def test_endless_results_are_cut_off(home: Workspace):
    found = home.sql.run("SELECT * FROM range(1000000000000)", actor="tester", limit=7)

    assert [row[0] for row in found.rows] == list(range(7))
    assert found.truncated


def test_nothing_of_the_system_is_told_but_where_the_snapshot_lies(home: Workspace, monkeypatch):
    monkeypatch.setenv("CAPTRID_KEY", "c2VjcmV0LWtleS1vZi10aGlzLXRlc3Q=")
    told = ""
    for query in (
        "FROM duckdb_settings()",
        "FROM duckdb_secrets()",
        "FROM duckdb_databases()",
        "FROM duckdb_variables()",
        "FROM duckdb_functions()",
        "FROM duckdb_temporary_files()",
        "FROM duckdb_logs",
        "FROM pragma_database_list",
    ):
        told += str(home.sql.run(query, actor="mallory").rows)

    assert "c2VjcmV0" not in told
    assert "masterlists" not in told
    assert "secrets.json" not in told


def test_what_was_tried_is_in_the_audit_log(home: Workspace):
    attempt(home, "DROP TABLE lists")

    entry = home.audit.find()[0]
    assert (entry.action, entry.actor) == ("sql.run", "mallory")
    assert "DROP TABLE lists" in (entry.details or "")
    assert "not_read_only" in (entry.details or "")
