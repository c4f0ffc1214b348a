r"""%sql on a real database: in a shell of its own, and in the kernels that papermill and nbval start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config

from cruddur_ops import database
from cruddur_ops.database.connection import connect
from cruddur_ops.database.errors import DatabaseMissing, LoginRefused, StatementFailed
from cruddur_ops.database.location import database_name
from cruddur_ops.errors import WrongInput
from cruddur_ops.state import PROJECT
from cruddur_ops.target import Target
from rds_sandbox.postgres import Server
from tests.database.conftest import PASSWORD
from tests.unit.headless import until

Run = Callable[[str], Any]  # IPython's ExecutionResult
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = %s"
KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cruddur-ops'"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InteractiveShell]:
    """An IPython shell with the extension loaded."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.cache_size = 0  # else it collects garbage whenever it is reset, and once more as the process ends
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        patch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # IPython puts its own there, for good
        shell = InteractiveShell.instance(config=config)
        shell.run_line_magic("load_ext", "cruddur_ops")
        yield shell
    magic: Any = shell.magics_manager.registry["SqlMagic"]
    if magic.connection:
        magic.connection.end()
    InteractiveShell.clear_instance()


@pytest.fixture
def run(shell: InteractiveShell) -> Run:
    """Runs a cell in the shell, which has no variables yet, and the magic's own settings."""
    shell.reset(new_session=False)
    shell.magics_manager.registry["SqlMagic"].autopandas = False
    return partial(shell.run_cell, store_history=False)


@pytest.fixture
def cell(run: Run, unchanged: Target) -> Run:
    """Runs a cell whose `target` is the name of a seeded database's target, and which changes nothing there."""
    run('target = "local"')
    return run


@pytest.fixture
def changing(run: Run, seeded: Target) -> Run:
    """Runs a cell that may change its database."""
    run('target = "local"')
    return run


def test_statement_returns_its_rows(cell: Run) -> None:
    """A line and a cell give ipython-sql's result set: rows, and a table in HTML."""
    line, whole = cell("%sql SELECT count(*) FROM users").result, cell("%%sql\nSELECT handle\nFROM users\nORDER BY 1").result

    assert [(5,)] == line
    assert ["andrew", "andrewbrown", "bayko", "delenn", "londo"] == [row.handle for row in whole]
    assert "<td>andrew</td>" in whole._repr_html_()
    assert whole._repr_html_().startswith('<div class="mathjax_ignore"')  # $body$ is no formula


def test_result_can_be_kept(cell: Run) -> None:
    """`name << SELECT` assigns, as in ipython-sql."""
    cell("%sql found << SELECT 1 AS one")

    assert [(1,)] == cell("found").result


def test_notebook_variables_are_bound(cell: Run) -> None:
    """`:name` is a bind parameter, so that no value is taken for SQL."""
    cell("""handle = "andrew' OR true --" """)

    assert [] == cell("%sql SELECT handle FROM users WHERE handle = :handle").result


def test_target_may_be_a_value(run: Run, seeded: Target) -> None:
    """`target` is a name or a Target; another value means another connection."""
    run("from cruddur_ops import targets")
    run('target = targets.load("local", db_name="ignored")')

    assert [(12,)] == run("%sql SELECT count(*) FROM activities").result


@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [
        ("%sql SELEC 1", "42601"),
        ("%sql SELECT * FROM nowhere", "42P01"),
        ("%sql SELECT 1/0", "22012"),
        ("%%sql\nSELECT 1;\nSELECT 1/0;\nSELECT 2", "22012"),
        ("%sql INSERT INTO users (handle, display_name, email) VALUES ('andrew', 'x', 'y')", "23505"),
        ("%sql CREATE EXTENSION nothing_like_it", "0A000"),
        (r"%sql \sf nothing_like_it", "42883"),
    ],
)
def test_failing_statement_fails_the_cell(cell: Run, capsys: pytest.CaptureFixture[str], statement: str, sqlstate: str) -> None:
    """The cell fails with PostgreSQL's message and SQLSTATE alone: no traceback, no URL."""
    result = cell(statement)

    assert isinstance(result.error_in_exec, StatementFailed)
    assert f"(SQLSTATE {sqlstate})" in str(result.error_in_exec)
    printed = capsys.readouterr().out
    assert printed.startswith("StatementFailed: ")
    assert "Traceback" not in printed
    assert "postgresql" not in printed


def test_next_statement_works_after_a_failure(cell: Run) -> None:
    """A failure leaves no transaction behind that has to be rolled back."""
    cell("%sql SELECT 1/0")

    assert [(1,)] == cell("%sql SELECT 1").result


def test_each_statement_commits(changing: Run, seeded: Target) -> None:
    """What a cell wrote is there for others; a statement that takes no transaction works."""
    changing("%sql UPDATE users SET display_name = 'Somebody' WHERE handle = 'londo'")
    vacuumed = changing("%sql VACUUM users")

    with connect(seeded) as connection:
        found = connection.execute("SELECT display_name FROM users WHERE handle = 'londo'").fetchall()
    assert [("Somebody",)] == found
    assert vacuumed.success


@pytest.mark.parametrize("ending", [KILL, "SELECT pg_terminate_backend(pg_backend_pid())"])
def test_dead_connection_is_replaced(cell: Run, server: Server, ending: str) -> None:
    """After the server dropped the connection, from outside or within a statement, the next statement works."""
    cell("%sql SELECT 1")
    if ending is KILL:
        with server.administrator() as administrator:
            administrator.execute(KILL)
    else:
        assert isinstance(cell(f"%sql {ending}").error_in_exec, StatementFailed)

    assert [(2,)] == cell("%sql SELECT 2").result


def test_failing_connection_fails_the_cell(run: Run, at: Callable[..., Target], capsys: pytest.CaptureFixture[str]) -> None:
    """A refused login and a missing database are told in a sentence, without the password."""
    run('target = "local"')
    at("postgres", password="secret-word")
    refused = run("%sql SELECT 1").error_in_exec
    at("not there")
    missing = run("%sql SELECT 1").error_in_exec

    assert [LoginRefused, DatabaseMissing] == [type(refused), type(missing)]
    printed = capsys.readouterr().out
    assert printed.startswith("LoginRefused: ")
    assert "secret-word" not in printed
    assert PASSWORD not in printed


@pytest.mark.parametrize(
    ("cells", "error", "message"),
    [
        (["del target"], WrongInput, "set it first"),
        (['target = "nowhere"'], WrongInput, 'no target "nowhere"'),
        (["target = 3"], WrongInput, "set it first"),
    ],
)
def test_target_must_be_known(cell: Run, cells: list[str], error: type[WrongInput], message: str) -> None:
    """Without a usable `target` the cell fails and says what to set."""
    for text in cells:
        cell(text)

    with pytest.raises(error, match=message):
        cell("%sql SELECT 1").raise_error()


@pytest.mark.parametrize(
    "statement",
    [
        "%sql postgresql://u:secret-word@h/d SELECT 1",
        "%%sql postgresql://u:secret-word@h/d\nSELECT 1",
        "%sql user@database SELECT 1",
        "%sql --section production SELECT 1",
        "%sql --connection_arguments '{}' SELECT 1",
        "%sql --close local",
    ],
)
def test_no_other_connection(cell: Run, capsys: pytest.CaptureFixture[str], statement: str) -> None:
    """What would name another connection is refused, and not repeated."""
    with pytest.raises(WrongInput, match="bound to the variable `target`"):
        cell(statement).raise_error()
    assert "secret-word" not in capsys.readouterr().out


def test_unbound_variable(cell: Run) -> None:
    """A bind parameter without a variable fails the cell and names the variable."""
    with pytest.raises(WrongInput, match="'nothing_like_it': set a variable"):
        cell("%sql SELECT :nothing_like_it").raise_error()


AS_IN_PSQL = {
    "braces": ("SELECT count(*) FROM users WHERE handle ~ '^[a-z]{5}$'", 2),
    "an array": ("SELECT '{1,2}'::int[]", [1, 2]),
    "a JSON object": ("""SELECT '{"a":1}'::jsonb""", {"a": 1}),
    "a dash before an interval": ("SELECT (date '2026-01-02' -interval '1 day')::date::text", "2026-01-01"),
    "a line that begins with a dash": ("SELECT 3\n-1", 2),
    "a comment in the line": ("SELECT 4 -- of :todo; and it's all", 4),
    "a comment first": ("-- :todo\nSELECT 5", 5),
    "a comment last": ("SELECT 6;\n-- that is all;\n", 6),
    "percent": ("SELECT count(*) FROM activities WHERE message LIKE 'Cloud%'", 1),
    "modulo": ("SELECT 17 % 10", 7),
    "percent beside a bind": ("SELECT :p::text || '%' || (5 % 3)", "x%2"),
    "a bind and a cast": ("SELECT :p::text", "x"),
    "a bind at a quote": ("SELECT ':p' || :p", ":px"),
    "keys of JSON": ("""SELECT '{"a":1}'::jsonb ? 'a' AND '{"a":1}'::jsonb ?| array['a']""", True),
    "containment": ("""SELECT '{"a":1}'::jsonb @> '{}'""", True),
    "a slice": ("SELECT (array[1,2,3])[n:m] FROM (VALUES (2, 3)) AS of (n, m)", [2, 3]),
    "a dollar quote": ("SELECT $$:p {p} $p; 'it''s$$", ":p {p} $p; 'it''s"),
    "a block": ("DO $$BEGIN PERFORM 1; END$$; SELECT 8", 8),
    "a shift": ("SELECT 1 << 3", 8),
    "comments within comments": ("SELECT /* a /* ; :todo */ ; */ 9", 9),
}


@pytest.mark.parametrize("name", AS_IN_PSQL)
@pytest.mark.parametrize("magic", ["%sql ", "%%sql\n"])
def test_sql_means_what_it_means_in_psql(cell: Run, name: str, magic: str) -> None:
    """Braces, dollars, dashes, percent signs, colons and comments are PostgreSQL's."""
    text, expected = AS_IN_PSQL[name]
    cell("p = m = 'x'")
    done = cell(("%%sql " if "\n" in text else "%sql ") + text if magic == "%sql " else magic + text)

    assert [(expected,)] == [tuple(row) for row in done.result]


def test_a_transaction_is_refused(cell: Run) -> None:
    """It would end with its first statement."""
    with pytest.raises(WrongInput, match="commits by itself: use `cruddur-ops db connect`"):
        cell("%%sql\nBEGIN;\nSELECT 1").raise_error()


def test_data_frames(changing: Run) -> None:
    """ipython-sql's options and settings work as ever: --persist, autopandas."""
    changing("import pandas")
    changing("planets = pandas.DataFrame({'size': [3]})")
    changing("%sql --persist planets")
    assert [(3,)] == [tuple(row) for row in changing("%sql SELECT size FROM planets").result]
    changing("%config SqlMagic.autopandas = True")
    assert [3] == list(changing("%sql SELECT size FROM planets").result["size"])


def test_no_session_is_left_behind(changing: Run, server: Server, seeded: Target, at: Callable[..., Target]) -> None:
    """Where the target was: neither the magic's own nor the one of --persist."""
    changing("import pandas; planets = pandas.DataFrame({'size': [3]})")
    changing("%sql --persist planets")
    at("postgres")
    assert [("postgres",)] == changing("%sql SELECT current_database()").result
    with server.administrator() as administrator:
        until(lambda: not administrator.execute(SESSIONS, [database_name(seeded)]).fetchall())


def test_psql_lists_tables(cell: Run) -> None:
    r"""\dt gives the tables with their owner."""
    result = cell(r"%sql \dt").result

    assert ["activities", "schema_history", "schema_migrations", "users"] == [row[1] for row in result]
    assert "<th>Owner</th>" in result._repr_html_()


def test_psql_describes_a_table(cell: Run, capsys: pytest.CaptureFixture[str]) -> None:
    r"""\d gives the columns, and prints what psql has below them."""
    result = cell(r"%sql \d users").result

    assert ("uuid", "uuid") == tuple(result[0][:2])
    printed = capsys.readouterr().out
    assert '"users_lower_handle" UNIQUE, btree (lower(handle))' in printed
    assert 'TABLE "activities"' in printed


@pytest.mark.parametrize(
    "command", [r"\l", r"\du", r"\dn", r"\di", r"\df", r"\dv", r"\dx", r"\sf set_updated_at", r"\?", r"\dt;"]
)
def test_other_psql_commands(cell: Run, command: str) -> None:
    """The commands that notebooks use give a table."""
    result = cell(f"%sql {command}")

    assert result.success
    assert "<table>" in result.result._repr_html_()


@pytest.mark.parametrize(("command", "error"), [(r"\d nowhere", StatementFailed), (r"\nothing", WrongInput)])
def test_failing_psql_command_fails_the_cell(cell: Run, command: str, error: type[Exception]) -> None:
    """A relation that is not there, a command that is not known."""
    with pytest.raises(error):
        cell(f"%sql {command}").raise_error()


@pytest.fixture
def notebook(tmp_path: Path) -> Callable[..., Path]:
    """Writes a notebook with these cells after the two that bind %sql."""

    def write(*cells: str) -> Path:
        path = tmp_path / "notebook.ipynb"
        document = new_notebook(cells=[new_code_cell(text) for text in ("%load_ext cruddur_ops", 'target = "local"', *cells)])
        nbformat.write(document, path)
        return path

    return write


def execute(path: Path) -> None:
    """Run the notebook in place, as `papermill` does."""
    papermill.execute_notebook(path, path, kernel_name="python3", cwd=PROJECT, progress_bar=False)


@pytest.mark.parametrize(
    ("failing", "error"),
    [("%sql SELECT 1/0", "StatementFailed"), ('target = "nowhere"\n%sql SELECT 1', "WrongInput")],
)
@pytest.mark.thorough  # what fails a cell fails papermill, as runs of small notebooks show
def test_papermill_fails(seeded: Target, notebook: Callable[..., Path], failing: str, error: str) -> None:
    """Papermill stops at the failing cell, whose output is the sentence; no password is in the file."""
    path = notebook("%sql SELECT count(*) FROM users", failing, "after = 1")

    with pytest.raises(papermill.PapermillExecutionError, match=error):
        execute(path)
    assert PASSWORD not in path.read_text()
    assert "127.0.0.1" not in path.read_text()


@pytest.mark.thorough  # strict nbval of the project's notebooks has more cells of %sql
def test_results_are_stable_for_nbval(seeded: Target, notebook: Callable[..., Path]) -> None:
    """What papermill wrote is what strict nbval finds when it runs the notebook again."""
    path = notebook(
        "%sql SELECT handle FROM users ORDER BY 1", r"%sql \dt", r"%sql \d users", "%sql UPDATE users SET email = email"
    )
    execute(path)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(path.parent), "-c", "/dev/null"]

    done = subprocess.run(
        [*command, "--nbval", "--nbval-cell-timeout=60", str(path)], cwd=PROJECT, capture_output=True, text=True
    )

    assert "6 passed" in done.stdout, done.stdout
    assert {"activities": 12, "users": 5} == database.counts(seeded)
